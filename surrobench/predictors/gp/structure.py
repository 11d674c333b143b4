"""Categorical structure of 0/1 columns: which variables there are and how two rows differ."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from surrobench.arrays import FloatArray, IntArray
from surrobench.predictors.gp.correlations import is_binary

Labels = npt.NDArray[Any]
"""Choices of ``v`` variables in each of ``m`` rows, ``v x m``."""


def one_hot_partition(values: FloatArray) -> IntArray | None:
    """A grouping of columns in which every row has one 1 in each group, or None.

    Groups are runs of columns. If there is such a grouping, twice the number of groups in which
    two rows differ is their squared distance, whatever the variables really are.

    Args:
        values: ``m x d``.
    """
    if not is_binary(values):
        return None
    groups = np.empty(values.shape[1], dtype=np.int64)
    group, filled = 0, np.zeros(len(values))
    for column in range(values.shape[1]):
        if filled.min() == 1.0 and values[:, column].any():
            group, filled = group + 1, np.zeros(len(values))
        groups[column] = group
        filled = filled + values[:, column]
        if filled.max() > 1.0:
            return None
    return groups if filled.min() == 1.0 else None


def is_one_hot(values: FloatArray, groups: IntArray) -> bool:
    """Whether every row of ``values`` (``m x d``) has exactly one 1 in each group of columns."""
    if not is_binary(values):
        return False
    member = groups[:, None] == np.arange(int(groups.max()) + 1)
    return bool((values @ member.astype(np.float64) == 1.0).all())


def labels_of(values: FloatArray, groups: IntArray) -> Labels:
    """Numbers of the different patterns of 0/1 columns within each group, ``v x m``."""
    labels = []
    for group in range(int(groups.max()) + 1):
        patterns = np.zeros(len(values), dtype=np.int64)
        for column in np.flatnonzero(groups == group):
            # Numbered anew after each column, so that they stay small.
            patterns = 2 * patterns + values[:, column].astype(np.int64)
            seen = np.bincount(patterns) > 0
            patterns = (np.cumsum(seen) - 1)[patterns]
        labels.append(patterns)
    most = max(int(label.max()) for label in labels)
    return np.ascontiguousarray(np.stack(labels), dtype=np.min_scalar_type(most))


def indicators(labels: Labels) -> tuple[FloatArray, IntArray]:
    """Labels as one-hot columns (``m x d``), and the variable of each column."""
    columns = [(label[:, None] == np.arange(int(label.max()) + 1)) for label in labels]
    groups = np.repeat(np.arange(len(labels)), [column.shape[1] for column in columns])
    return np.hstack(columns).astype(np.float64), groups


class MismatchCodes:
    """Codes of how two rows differ: the set of variables, or only their number.

    Attributes:
        labels: ``v x m``.
        dtype: of the codes.
        steps: ``codes x lengthscales``: squared distances behind each code, in units of squared
            lengthscales (2 for each variable that differs).
    """

    def __init__(self, labels: Labels, *, sets: bool) -> None:
        """Take labels (``v x m``); ``sets`` asks for sets of at most 16 variables."""
        self.labels = labels
        v = len(labels)
        if sets:
            self.dtype: npt.DTypeLike = np.uint8 if v <= 8 else np.uint16
            self._powers = 1 << np.arange(v)
            bits = (np.arange(2**v)[:, None] >> np.arange(v)) & 1
            self.steps = 2.0 * bits.astype(np.float64)
        else:
            self.dtype = np.uint8 if v < 256 else np.uint16
            self._powers = np.ones(v, dtype=np.int64)
            self.steps = 2.0 * np.arange(v + 1.0)[:, None]

    def row(self, row: int) -> Labels:
        """Codes between one row and all rows, ``m``."""
        return self._codes(self.labels[:, row, None], self.labels)

    def between(self, a: IntArray, b: IntArray) -> Labels:
        """Codes between rows ``a`` (``... x k``) and ``b`` (``... x l``), ``... x k x l``."""
        left, right = self.labels[:, a], self.labels[:, b]
        return self._codes(left[..., :, None], right[..., None, :])

    def _codes(self, left: Labels, right: Labels) -> Labels:
        codes: Labels | None = None
        for one, other, power in zip(left, right, self._powers, strict=True):
            part = (one != other).view(np.uint8).astype(self.dtype, copy=False)
            part *= np.asarray(power, dtype=self.dtype)
            codes = part if codes is None else np.add(codes, part, out=codes)
        assert codes is not None
        return codes
