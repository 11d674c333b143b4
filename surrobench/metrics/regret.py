"""Would the chosen architecture be good? The outcome of training the best predicted ones.

Ties in the prediction are broken at random and the expectation is returned, so that a constant
prediction scores exactly as a random choice of ``k`` architectures.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from surrobench.arrays import FloatArray
from surrobench.metrics.arrays import aligned


def _expected_best(values: FloatArray, draws: int, floor: float) -> float:
    """Expected maximum of ``floor`` and of ``draws`` values drawn without replacement."""
    descending = np.maximum(np.sort(values)[::-1], floor)
    left = values.size - np.arange(values.size)
    # none_of[j]: no draw is among the j + 1 largest values
    none_of = np.cumprod(np.maximum(left - draws, 0) / left)
    chance = -np.diff(none_of, prepend=1.0)
    return float(chance @ descending)


def best_of_top_k(truth: npt.ArrayLike, prediction: npt.ArrayLike, k: int) -> float:
    """True value of the best of the ``k`` best predicted (all of them if fewer than ``k``).

    Raises:
        ValueError: if ``k`` is below 1.
    """
    t, p = aligned(truth=truth, prediction=prediction)
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    k = min(k, t.size)
    threshold = np.partition(p, t.size - k)[t.size - k]
    above, level = t[p > threshold], t[p == threshold]
    floor = float(above.max()) if above.size else -np.inf
    return _expected_best(level, k - above.size, floor)


def best_rank_at_k(truth: npt.ArrayLike, prediction: npt.ArrayLike, k: int) -> float:
    """True rank of the best of the ``k`` best predicted: 1 if it is the best of all.

    N@K of Ning et al., "A generic graph-based neural architecture encoding scheme for
    predictor-based NAS", ECCV 2020. Equally good architectures share the smallest of their ranks.

    Raises:
        ValueError: if ``k`` is below 1.
    """
    (t,) = aligned(truth=truth)
    ranks = rankdata(-t, method="min").astype(np.float64)
    return -best_of_top_k(-ranks, prediction, k)


def regret_at_k(truth: npt.ArrayLike, prediction: npt.ArrayLike, k: int) -> float:
    """Best true value of all minus :func:`best_of_top_k`; at least 0."""
    (t,) = aligned(truth=truth)
    return max(0.0, float(t.max()) - best_of_top_k(t, prediction, k))
