"""One 0/1 column per choice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from surrobench.arrays import FloatArray, IntArray
from surrobench.base.wording import counted
from surrobench.encodings.protocol import choice_matrix
from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch, SearchSpace
from surrobench.spaces.blocks import HasBlocks


@dataclass(frozen=True)
class OneHot:
    """One-hot: a column for each choice of each variable, in the order of the variables.

    A space with blocks (:class:`~surrobench.spaces.blocks.HasBlocks`) spends one column on the
    presence of a block, always 1 where the block is not optional, and none on the "absent" choices
    of its variables. NAS-Bench-201 has 6 x 5 = 30 columns, the chain space
    4 x (1 + 2 + 3 + 2) + 2 x (1 + 3) = 40.

    Args:
        only_words: leave out variables that are numbers (the encoding ``"categorical"``).
    """

    isomorphism_invariant: ClassVar[bool] = False

    only_words: bool = False

    def columns(self, space: SearchSpace, measured: Mapping[str, FloatArray]) -> list[str]:
        """Names such as ``"0>1=none"`` and ``"conv2 present"``."""
        return [name for name, _, _ in self.indicators(space)]

    def __call__(
        self,
        archs: Sequence[Arch] | IntArray,
        space: SearchSpace,
        measured: Mapping[str, FloatArray],
    ) -> FloatArray:
        """Encode as ``n x d`` zeros and ones.

        Raises:
            MemoryError: naming the columns, if there are too many.
        """
        choices = choice_matrix(archs, space)
        indicators = self.indicators(space)
        variables = np.array([variable for _, variable, _ in indicators])
        wanted = np.array([choice for _, _, choice in indicators])
        try:
            chosen = choices[:, variables]
            return np.where(wanted < 0, chosen >= -1 - wanted, chosen == wanted).astype(np.float64)
        except MemoryError as error:
            raise MemoryError(
                f"one-hot has a column for every choice, {len(wanted):,} for "
                f"{counted(len(choices), 'architecture')} of the space {space.name!r}; 'numeric' "
                f"or 'ordinal' has one for a decision. {error}"
            ) from error

    def variables_of_columns(self, space: SearchSpace) -> tuple[int, ...]:
        """The variable of each column, numbered from 0 among those that have any.

        The presence of a block belongs to the block's first.
        """
        number = {position: i for i, position in enumerate(self.positions(space))}
        return tuple(number[variable] for _, variable, _ in self.indicators(space))

    def positions(self, space: SearchSpace) -> list[int]:
        """The variables that have columns, by their place in the space, ascending."""
        return sorted({variable for _, variable, _ in self.indicators(space)})

    def indicators(self, space: SearchSpace) -> list[tuple[str, int, int]]:
        """(column, variable, choice); a negative ``-1 - c`` asks for a choice of at least c."""
        if not self.only_words:
            return _indicators(space)
        words = [(i, v) for i, v in enumerate(space.variables) if not v.ordinal]
        if not words:
            raise UserError(
                f"the encoding 'categorical' needs decisions that are words, which the space "
                f"{space.name!r} does not have; use 'numeric' or 'one-hot'."
            )
        return [
            (f"{variable.name}={label}", position, choice)
            for position, variable in words
            for choice, label in enumerate(variable.choices)
        ]


def _indicators(space: SearchSpace) -> list[tuple[str, int, int]]:
    """(column, variable, choice); a negative choice ``-1 - c`` asks for a choice of at least c."""
    if not isinstance(space, HasBlocks):
        return [
            (f"{variable.name}={label}", position, choice)
            for position, variable in enumerate(space.variables)
            for choice, label in enumerate(variable.choices)
        ]
    indicators = []
    for block in space.blocks:
        first = int(block.optional)
        indicators.append((f"{block.name} present", block.variables[0], -1 - first))
        indicators += [
            (f"{space.variables[position].name}={label}", position, choice)
            for position in block.variables
            for choice, label in enumerate(space.variables[position].choices)
            if choice >= first
        ]
    return indicators
