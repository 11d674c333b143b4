"""Types of arrays, as annotations all over the package name them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
"""Real numbers in double precision."""
IntArray = npt.NDArray[np.integer[Any]]
"""Whole numbers: positions, counts, codes."""
BoolArray = npt.NDArray[np.bool_]
"""Which of something are meant."""
