"""Is the order right? Rank correlations and precision among the best.

A constant prediction orders nothing: its correlations are 0, not undefined. A constant truth has
no order to find: its correlations are NaN.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy import stats

from surrobench.arrays import FloatArray
from surrobench.metrics.arrays import aligned, is_constant


def _correlation(
    statistic: Callable[[FloatArray, FloatArray], float], truth: FloatArray, prediction: FloatArray
) -> float:
    """Apply ``statistic`` where it is defined, and the policy for constants where it is not."""
    if is_constant(truth):
        return float("nan")
    if is_constant(prediction):
        return 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", stats.NearConstantInputWarning)
        return float(statistic(truth, prediction))


def kendall_tau(truth: npt.ArrayLike, prediction: npt.ArrayLike) -> float:
    """Kendall's rank correlation τ-b, in [-1, 1].

    Kendall, "The treatment of ties in ranking problems", Biometrika 1945.
    """
    t, p = aligned(truth=truth, prediction=prediction)
    return _correlation(lambda a, b: float(stats.kendalltau(a, b).statistic), t, p)


def spearman(truth: npt.ArrayLike, prediction: npt.ArrayLike) -> float:
    """Spearman's rank correlation ρ (average ranks for ties), in [-1, 1]."""
    t, p = aligned(truth=truth, prediction=prediction)
    return _correlation(lambda a, b: float(stats.spearmanr(a, b).statistic), t, p)


def pearson(truth: npt.ArrayLike, prediction: npt.ArrayLike) -> float:
    """Pearson's linear correlation r, in [-1, 1]."""
    t, p = aligned(truth=truth, prediction=prediction)
    return _correlation(lambda a, b: float(stats.pearsonr(a, b).statistic), t, p)


def kendall_tau_top_half(truth: npt.ArrayLike, prediction: npt.ArrayLike) -> float:
    """τ-b among the architectures whose true value is at least the median.

    Most architectures of a good space are far from the best; a predictor may tell bad from good
    and still fail to order the good ones, which is what a search needs.
    """
    t, p = aligned(truth=truth, prediction=prediction)
    top = t >= np.median(t)
    return kendall_tau(t[top], p[top])


def chance_in_top(prediction: FloatArray, k: int) -> FloatArray:
    """Probability that each item is among the ``k`` best when ties are broken at random.

    1 above the k-th largest value, 0 below it, and equal shares of what is left for the items
    that tie at it. The sum is ``k``.
    """
    threshold = np.partition(prediction, prediction.size - k)[prediction.size - k]
    above, level = prediction > threshold, prediction == threshold
    share = (k - int(above.sum())) / int(level.sum())
    return np.where(above, 1.0, np.where(level, share, 0.0))


def ndcg_at_k(truth: npt.ArrayLike, prediction: npt.ArrayLike, k: int) -> float:
    """Normalised discounted cumulative gain of the ``k`` best predicted, in [0, 1].

    ``DCG@k = sum_i gain(i) / log2(i + 1)`` over the places i = 1 … k of the predicted order,
    divided by that of the true order; gains of architectures that tie in the prediction are
    averaged (Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques", ACM TOIS
    2002; McSherry and Najork, ECIR 2008). scikit-learn computes it.

    The gain is the true value, 0 for the worst of all and 1 for the best, so that it depends on no
    unit. Týbl and Neumann (CVPR 2025), who brought the score into architecture search, take
    accuracies in percent as they are with k = 5,000; where even bad networks have many per cent,
    every order then scores high.

    NaN if there are fewer than ``k`` items, and where the truth is constant.

    Raises:
        ValueError: if ``k`` is below 1.
    """
    from sklearn.metrics import ndcg_score

    t, p = aligned(truth=truth, prediction=prediction)
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    if k > t.size or is_constant(t):
        return float("nan")
    gain = (t - t.min()) / (t.max() - t.min())
    return float(ndcg_score(gain[None], p[None], k=k))


def precision_at_k(truth: npt.ArrayLike, prediction: npt.ArrayLike, k: int) -> float:
    """Share of the ``k`` best predicted that are as good as the truly ``k``-th best, in [0, 1].

    Ties in the truth at rank ``k`` all count as good. Ties in the prediction are broken at random
    and the expectation is returned, so that the score does not depend on the order of the data and
    a constant prediction scores as a random choice. NaN if there are fewer than ``k`` items.

    Raises:
        ValueError: if ``k`` is below 1.
    """
    t, p = aligned(truth=truth, prediction=prediction)
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    if k > t.size:
        return float("nan")
    good = t >= np.partition(t, t.size - k)[t.size - k]
    return float(chance_in_top(p, k)[good].sum() / k)
