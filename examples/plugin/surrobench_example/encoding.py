"""An encoding: a function of architectures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from surrobench.arrays import FloatArray, IntArray
from surrobench.spaces.architecture import Arch, SearchSpace


@dataclass(frozen=True)
class ChoiceCounts:
    """How often each choice occurs, over all decisions that have it."""

    isomorphism_invariant: ClassVar[bool] = False

    def columns(self, space: SearchSpace, measured: Mapping[str, FloatArray]) -> list[str]:
        """Names of the columns."""
        return [f"count of {label}" for label in _labels(space)]

    def __call__(
        self,
        archs: Sequence[Arch] | IntArray,
        space: SearchSpace,
        measured: Mapping[str, FloatArray],
    ) -> FloatArray:
        """Encode as ``n x d``."""
        labels = _labels(space)
        chosen = [
            [
                variable.choices[choice]
                for variable, choice in zip(space.variables, arch, strict=True)
            ]
            for arch in archs
        ]
        return np.array([[row.count(label) for label in labels] for row in chosen], dtype=float)


def _labels(space: SearchSpace) -> list[str]:
    return sorted({choice for variable in space.variables for choice in variable.choices})
