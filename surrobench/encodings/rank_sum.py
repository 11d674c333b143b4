"""Several measured columns as one: how high an architecture ranks in all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from surrobench.arrays import FloatArray, IntArray
from surrobench.encodings.measured import Measured, pool_ranks
from surrobench.spaces.architecture import Arch, SearchSpace


@dataclass(frozen=True)
class RankSum(Measured):
    r"""Pool rank of :math:`\sum_k \log (r_k / n)`, scaled to [0, 1].

    :math:`r_k` is the rank of an architecture in column :math:`k` among the :math:`n` of the pool,
    1 for the smallest value; the logarithm lets a high rank in one column make up little for a low
    one in another. No labels are used, so every column must be one of which more is better. Ties
    share their average rank, infinities are the extremes, a missing value has the middle rank.

    Lee & Ham (AZ-NAS: Assembling Zero-Cost Proxies for Network Architecture Search, CVPR 2024) sum
    expressivity, progressivity, trainability and FLOPs so (``az-nas``); Týbl & Neumann (CVPR 2025)
    ``vkdnw_single``, jacov, expressivity, trainability and FLOPs (``vkdnw-agg``).

    Args:
        names: the columns to sum, all of the pool's if empty.
    """

    name: ClassVar[str] = "rank-sum"

    def columns(self, space: SearchSpace, measured: Mapping[str, FloatArray]) -> list[str]:
        """The one name, ``"rank sum of …"``."""
        return [f"rank sum of {', '.join(self._chosen(space, measured))}"]

    def __call__(
        self,
        archs: Sequence[Arch] | IntArray,
        space: SearchSpace,
        measured: Mapping[str, FloatArray],
    ) -> FloatArray:
        """Encode as ``n x 1`` numbers between 0 and 1."""
        n = len(archs)
        total = np.zeros(n)
        for values in self._values(archs, space, measured):
            total += np.log((1 + pool_ranks(values) * (n - 1)) / n)
        return pool_ranks(total.round(12))[:, None]
