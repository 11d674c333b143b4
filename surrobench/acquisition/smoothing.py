"""The smoothed improvement of Ament et al. (2023), in place over many numbers."""

from __future__ import annotations

import numpy as np

from surrobench.arrays import FloatArray

_SHARP = 40.0
"""Beyond so many temperatures, a softplus is its asymptote but for ``exp(-40)``."""
_FAT = 0.1
"""Share of the Cauchy density."""


def fat_softplus_parts(u: FloatArray, rest: FloatArray) -> None:
    """Split ``softplus(u) + 0.1 / (1 + u²)`` into ``max(u, 0)`` and what is left of it, in place.

    With the temperatures in use ``u`` is large for nearly every number, and there the logarithm
    and the exponential are rounded away.

    Args:
        u: improvements over their temperature; then ``max(u, 0)``.
        rest: of the same shape; then the rest.
    """
    with np.errstate(over="ignore"):
        np.multiply(u, u, out=rest)
    rest += 1.0
    np.divide(_FAT, rest, out=rest)
    near = np.nonzero(rest > _FAT / (1.0 + _SHARP**2))
    rest[near] += np.log1p(np.exp(-np.abs(u[near])))
    np.maximum(u, 0.0, out=u)
