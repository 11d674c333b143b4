"""One number per variable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from surrobench.arrays import FloatArray, IntArray
from surrobench.encodings.protocol import choice_matrix
from surrobench.spaces.architecture import Arch, SearchSpace, Variable
from surrobench.spaces.blocks import HasBlocks


@dataclass(frozen=True)
class Ordinal:
    """One column per variable, scaled to [0, 1] over the choices of the variable.

    An ordinal variable gives its value (its logarithm on a log scale), any other the index of its
    choice (an arbitrary order: meant for trees). In a space with blocks each block adds a column
    for its presence, and an absent block is 0 in all of its columns: the chain space has
    14 + 6 = 20.
    """

    isomorphism_invariant: ClassVar[bool] = False

    def columns(self, space: SearchSpace, measured: Mapping[str, FloatArray]) -> list[str]:
        """The names of the variables, with ``"conv2 present"`` after those of a block."""
        if not isinstance(space, HasBlocks):
            return [variable.name for variable in space.variables]
        names = []
        for block in space.blocks:
            names += [space.variables[position].name for position in block.variables]
            names.append(f"{block.name} present")
        return names

    def __call__(
        self,
        archs: Sequence[Arch] | IntArray,
        space: SearchSpace,
        measured: Mapping[str, FloatArray],
    ) -> FloatArray:
        """Encode as ``n x d`` numbers between 0 and 1."""
        choices = choice_matrix(archs, space)
        optional = set()
        if isinstance(space, HasBlocks):
            optional = {v for block in space.blocks if block.optional for v in block.variables}
        scaled = [
            levels(variable, position in optional)[choices[:, position]]
            for position, variable in enumerate(space.variables)
        ]
        if not isinstance(space, HasBlocks):
            return np.stack(scaled, axis=1)
        columns = []
        for block in space.blocks:
            columns += [scaled[position] for position in block.variables]
            present = choices[:, block.variables[0]] >= int(block.optional)
            columns.append(present.astype(np.float64))
        return np.stack(columns, axis=1)


def levels(variable: Variable, optional: bool) -> FloatArray:
    """The number of each choice, scaled over the choices other than "absent", which is 0."""
    numbers = variable.values or tuple(map(float, range(len(variable.choices))))
    scaled = np.array(numbers, dtype=np.float64)
    real = scaled[1:] if optional else scaled
    if variable.scale == "log":
        # A first choice "absent" of a table's variable is worth no number.
        real = np.log(np.maximum(real, real[real > 0].min()))
    low, width = real.min(), np.ptp(real)
    real = (real - low) / width if width > 0 else np.zeros_like(real)
    return np.concatenate([[0.0], real]) if optional else real
