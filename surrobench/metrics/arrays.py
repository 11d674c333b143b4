"""The arrays that every score takes, and the one check that they all pass."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from surrobench.arrays import FloatArray
from surrobench.base.wording import counted


def aligned(**arrays: npt.ArrayLike) -> tuple[FloatArray, ...]:
    """Return the arrays as float64 vectors of one common length ``n >= 1``.

    Raises:
        ValueError: if an array is not one-dimensional, is empty, has another length than the first
            or holds a value that is not finite; the message names the array.
    """
    checked: list[FloatArray] = []
    for name, values in arrays.items():
        vector = np.asarray(values, dtype=np.float64)
        if vector.ndim != 1 or vector.size == 0:
            raise ValueError(f"{name} must be a non-empty vector, not of shape {vector.shape}")
        if checked and vector.size != checked[0].size:
            raise ValueError(
                f"{name} has {counted(vector.size, 'value')} where {checked[0].size} are needed"
            )
        if not np.isfinite(vector).all():
            raise ValueError(
                f"{name} has {counted(int((~np.isfinite(vector)).sum()), 'value')} not finite"
            )
        checked.append(vector)
    return tuple(checked)


def is_constant(values: FloatArray) -> bool:
    """Whether all values are the same but for rounding (8 units in the last place)."""
    tolerance = 8 * np.finfo(np.float64).eps * float(np.max(np.abs(values)))
    return bool(np.ptp(values) <= tolerance)
