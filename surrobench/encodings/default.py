"""The encoding that follows from the kinds of the decisions."""

from __future__ import annotations

from surrobench.spaces.architecture import SearchSpace
from surrobench.spaces.blocks import HasBlocks
from surrobench.spaces.similarity import SimilarityPool

MIXED = "categorical+numeric"
"""Of a space with words and numbers: each in a block of columns of its own."""


GIVEN = "similarity"
"""Of a pool of which nothing else is known."""


def default_encoding(space: SearchSpace) -> str:
    """Words one-hot, numbers as numbers, and a space of both has both.

    Numbers are variables with ``values``. A space of numbers in blocks of layers has
    ``"ordinal"``, which spends one column on the presence of a block. A pool with given
    similarities has these.
    """
    if isinstance(space, SimilarityPool):
        return GIVEN
    kinds = {variable.ordinal for variable in space.variables}
    if kinds == {False}:
        return "one-hot"
    if kinds == {True}:
        return "ordinal" if isinstance(space, HasBlocks) else "numeric"
    return MIXED
