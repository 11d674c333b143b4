"""The numbers among the decisions, an absent one as absent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from surrobench.arrays import FloatArray, IntArray
from surrobench.encodings.ordinal import levels
from surrobench.encodings.protocol import choice_matrix
from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch, SearchSpace, Variable

_NOWHERE = 0.5


@dataclass(frozen=True)
class Numeric:
    """One column per numeric variable, scaled to [0, 1], by its logarithm on a log scale.

    A variable that may be absent has a second column, 1 where it is there. Where it is not, its
    value is the middle of the range, so that being absent is about as far from every value as the
    ends of the range are from each other, and two architectures that both lack it do not differ.
    Variables of words have no column.
    """

    isomorphism_invariant: ClassVar[bool] = False

    def columns(self, space: SearchSpace, measured: Mapping[str, FloatArray]) -> list[str]:
        """Names such as ``"momentum"`` and ``"momentum present"``."""
        return [
            name
            for _, variable in _numeric(space)
            for name in (variable.name, f"{variable.name} present")[: 1 + variable.optional]
        ]

    def __call__(
        self,
        archs: Sequence[Arch] | IntArray,
        space: SearchSpace,
        measured: Mapping[str, FloatArray],
    ) -> FloatArray:
        """Encode as ``n x d`` numbers between 0 and 1."""
        choices = choice_matrix(archs, space)
        columns = []
        for position, variable in _numeric(space):
            scaled, chosen = levels(variable, variable.optional), choices[:, position]
            if not variable.optional:
                columns.append(scaled[chosen])
                continue
            scaled[0] = _NOWHERE
            columns += [scaled[chosen], (chosen > 0).astype(np.float64)]
        return np.stack(columns, axis=1)


def _numeric(space: SearchSpace) -> list[tuple[int, Variable]]:
    found = [(i, variable) for i, variable in enumerate(space.variables) if variable.ordinal]
    if not found:
        raise UserError(
            f"the encoding 'numeric' needs decisions that are numbers, which the space "
            f"{space.name!r} does not have; use 'one-hot'."
        )
    return found
