"""Features whose inner products are given similarities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from surrobench.arrays import FloatArray, IntArray
from surrobench.encodings.protocol import choice_matrix
from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch, SearchSpace
from surrobench.spaces.similarity import SimilarityPool


@dataclass(frozen=True)
class Similarity:
    """Rows of ``F``, where ``F F'`` is the similarity matrix of the pool.

    See :class:`~surrobench.spaces.similarity.SimilarityPool`.
    """

    isomorphism_invariant: ClassVar[bool] = True

    def columns(self, space: SearchSpace, measured: Mapping[str, FloatArray]) -> list[str]:
        """Names such as ``"similarity 1"``, from the largest eigenvalue on."""
        return [f"similarity {i + 1}" for i in range(_pool(space).features.shape[1])]

    def __call__(
        self,
        archs: Sequence[Arch] | IntArray,
        space: SearchSpace,
        measured: Mapping[str, FloatArray],
    ) -> FloatArray:
        """Encode as ``n x r`` numbers of any size."""
        rows = choice_matrix(archs, space)[:, 0]
        return np.array(_pool(space).features[rows])


def _pool(space: SearchSpace) -> SimilarityPool:
    if not isinstance(space, SimilarityPool):
        raise UserError(
            f"the encoding 'similarity' needs a pool with given similarities "
            f"(Candidates.from_similarity), which the space {space.name!r} is not; 'one-hot' and "
            "'ordinal' work for every space."
        )
    return space
