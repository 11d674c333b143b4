"""How far apart the candidates of a pool are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from surrobench.arrays import BoolArray, FloatArray, IntArray
from surrobench.encodings.ordinal import levels
from surrobench.spaces.architecture import SearchSpace

MOST_CHOICES = 12
"""A numeric decision of more choices is a number; up to so many, its choices merely differ."""


def has_numbers(space: SearchSpace) -> bool:
    """Whether some decision of a space counts as a number."""
    return any(one.ordinal and len(one.choices) > MOST_CHOICES for one in space.variables)


class PoolDistances:
    """Distances from any choices to the ``n`` candidates of a pool, in the manner of Gower (1971).

    The sum over decisions of: for a number, the difference on its scale (logarithmic where it
    says so) as a share of its range; for anything else, whether the choices differ. A number that
    is there is at distance 1 from one that is absent.

    Without numbers this is the Hamming distance. In a pool of random configurations no two share a
    learning rate, so that by Hamming distance all would be equally far apart.

    Args:
        archs: the pool, ``n x variables``.
        space: the space of its members.
    """

    def __init__(self, archs: IntArray, space: SearchSpace) -> None:
        self._archs = archs
        self._scales: dict[int, FloatArray] = {
            place: levels(one, one.optional)
            for place, one in enumerate(space.variables)
            if one.ordinal and len(one.choices) > MOST_CHOICES
        }
        self._optional = [one.optional for one in space.variables]
        self._words = [place for place in range(archs.shape[1]) if place not in self._scales]

    def to(self, choices: Sequence[int]) -> FloatArray:
        """From ``choices`` to each candidate, ``n``."""
        wanted = np.asarray(choices)
        total = (self._archs[:, self._words] != wanted[self._words]).sum(axis=1).astype(np.float64)
        for place, scale in self._scales.items():
            chosen = self._archs[:, place]
            gap = np.abs(scale[chosen] - scale[wanted[place]])
            if self._optional[place]:
                absent: BoolArray = chosen == 0
                gap = np.where(absent == (wanted[place] == 0), np.where(absent, 0.0, gap), 1.0)
            total += gap
        return total
