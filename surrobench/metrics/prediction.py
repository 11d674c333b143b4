"""All scores of one predictive distribution at the test points."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from surrobench.metrics import calibration, error, ranking, regret
from surrobench.metrics.arrays import aligned, is_constant


def prediction_scores(
    truth: npt.ArrayLike,
    median: npt.ArrayLike,
    mean: npt.ArrayLike,
    std: npt.ArrayLike,
    pit: npt.ArrayLike,
    log_density: npt.ArrayLike,
    crps: npt.ArrayLike,
) -> dict[str, float]:
    """Score a marginal predictive distribution at ``n`` test points.

    Args:
        truth: ``n`` observed values, larger is better.
        median: ``n`` predictive medians: the point prediction of every score but the RMSE.
        mean: ``n`` predictive means: the point prediction of the RMSE.
        std: ``n`` predictive standard deviations.
        pit: ``n`` values of the predictive distribution function at the truth.
        log_density: ``n`` log predictive densities at the truth.
        crps: ``n`` continuous ranked probability scores.

    Returns:
        The scores by name, and ``constant``: True if all medians are equal, in which case the
        correlations are 0. ``precision_at_k`` and ``ndcg_at_k`` are NaN where there are fewer than
        ``k`` test points; correlations and ``ndcg_at_k`` are NaN where the truth is constant.

    Raises:
        ValueError: if the arrays differ in length or hold a value that is not finite.
    """
    t, point, centre, *_ = aligned(
        truth=truth,
        median=median,
        mean=mean,
        std=std,
        pit=pit,
        log_density=log_density,
        crps=crps,
    )
    return {
        "kendall_tau": ranking.kendall_tau(t, point),
        "spearman": ranking.spearman(t, point),
        "pearson": ranking.pearson(t, point),
        "mae": error.mae(t, point),
        "rmse": error.rmse(t, centre),
        "precision_at_10": ranking.precision_at_k(t, point, 10),
        "precision_at_50": ranking.precision_at_k(t, point, 50),
        "ndcg_at_50": ranking.ndcg_at_k(t, point, 50),
        "best_of_top_1": regret.best_of_top_k(t, point, 1),
        "best_of_top_10": regret.best_of_top_k(t, point, 10),
        "regret_at_1": regret.regret_at_k(t, point, 1),
        "regret_at_10": regret.regret_at_k(t, point, 10),
        "best_rank_at_10": regret.best_rank_at_k(t, point, 10),
        "kendall_tau_top_half": ranking.kendall_tau_top_half(t, point),
        "nll": calibration.nll(log_density),
        "crps": float(np.mean(np.asarray(crps, dtype=np.float64))),
        "coverage_50": calibration.coverage(pit, 0.50),
        "coverage_90": calibration.coverage(pit, 0.90),
        "coverage_95": calibration.coverage(pit, 0.95),
        "calibration_error": calibration.calibration_error(pit),
        "sharpness": calibration.sharpness(std),
        "constant": is_constant(point),
    }
