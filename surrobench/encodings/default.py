"""The encoding that follows from the kinds of the decisions."""

from __future__ import annotations

from surrobench.spaces.architecture import SearchSpace
from surrobench.spaces.blocks import HasBlocks

MIXED = "categorical+numeric"
"""Of a space with words and numbers: each in a block of columns of its own."""


def default_encoding(space: SearchSpace) -> str:
    """Words one-hot, numbers as numbers, and a space of both has both.

    Numbers are variables with ``values``. A space of numbers in blocks of layers has
    ``"ordinal"``, which spends one column on the presence of a block.
    """
    kinds = {variable.ordinal for variable in space.variables}
    if kinds == {False}:
        return "one-hot"
    if kinds == {True}:
        return "ordinal" if isinstance(space, HasBlocks) else "numeric"
    return MIXED
