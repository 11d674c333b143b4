"""Several encodings side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from surrobench.arrays import FloatArray, IntArray
from surrobench.encodings.protocol import Encoding
from surrobench.spaces.architecture import Arch, SearchSpace


@dataclass(frozen=True)
class Combined:
    """The columns of each part in turn, as in ``"one-hot+measured"``."""

    parts: tuple[Encoding, ...]

    @property
    def isomorphism_invariant(self) -> bool:
        """Whether every part is."""
        return all(part.isomorphism_invariant for part in self.parts)

    def columns(self, space: SearchSpace, measured: Mapping[str, FloatArray]) -> list[str]:
        """The names of the parts' columns."""
        return [name for part in self.parts for name in part.columns(space, measured)]

    def __call__(
        self,
        archs: Sequence[Arch] | IntArray,
        space: SearchSpace,
        measured: Mapping[str, FloatArray],
    ) -> FloatArray:
        """Encode as ``n x d``, ``d`` being the sum of the parts' widths."""
        return np.hstack([part(archs, space, measured) for part in self.parts])
