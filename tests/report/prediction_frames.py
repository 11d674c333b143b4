"""Results of a synthetic prediction study: 3 tasks × 17 predictors × 6 sizes × 10 seeds."""

from __future__ import annotations

import numpy as np
import pandas as pd

TASKS = {"nb201/cifar10-val": 0.0, "nb201/in16-test": -0.06, "tnb101-micro/class_scene": -0.12}
SIZES = (25, 50, 100, 200, 400, 800)
# predictor: τ at 25 examples, τ at 800 examples, calibration (1 is honest, below overconfident)
PREDICTORS = {
    "gp-rbf": (0.35, 0.60, 0.9),
    "gp-matern12": (0.38, 0.64, 1.1),
    "gp-matern32": (0.37, 0.63, 1.0),
    "gp-matern52": (0.36, 0.62, 1.0),
    "gp-rbf-ard": (0.26, 0.66, 0.7),
    "gp-matern12-ard": (0.28, 0.70, 0.8),
    "gp-matern32-ard": (0.28, 0.69, 0.8),
    "gp-matern52-ard": (0.27, 0.68, 0.8),
    "random-forest": (0.29, 0.69, 1.2),
    "xgboost": (0.26, 0.70, 0.6),
    "mlp-ensemble": (0.31, 0.72, 0.5),
    "svr": (0.37, 0.70, 0.9),
    "knn": (0.27, 0.54, 1.3),
    "bayesian-ridge": (0.34, 0.61, 1.0),
    "constant": (0.0, 0.0, 1.0),
    "params": (0.30, 0.31, 1.0),
    "flops": (0.32, 0.33, 1.0),
}


def _record(
    task: str, predictor: str, size: int, seed: int, rng: np.random.Generator
) -> dict[str, object]:
    low, high, honesty = PREDICTORS[predictor]
    share = np.log(size / 25) / np.log(32)
    level = low + (high - low) * share**0.9
    spread = 0.0 if predictor == "constant" else 0.05 * (25 / size) ** 0.35
    tau = level + (TASKS[task] if level else 0.0) + spread * rng.normal()
    width = (3.0 - 2.0 * max(level, 0)) * honesty
    observed = {lv: np.clip(lv / 100 * honesty**0.5, 0, 0.995) for lv in (50, 90, 95)}
    return {
        "task": task,
        "predictor": predictor,
        "transform": "standardise",
        "encoding": f"measured:{predictor}" if predictor in ("params", "flops") else "one-hot",
        "train_size": size,
        "seed": seed,
        "status": "ok",
        "reason": "",
        "kendall_tau": tau,
        "spearman": np.clip(tau * 1.3, -1, 1),
        "mae": 4 - 3 * tau,
        "regret_at_10": abs(rng.normal(1 - tau, 0.1)),
        "nll": 2.5 - tau + 0.05 * rng.normal(),
        "crps": 2 - 1.5 * tau + 0.03 * rng.normal(),
        **{f"coverage_{lv}": v + 0.01 * rng.normal() for lv, v in observed.items()},
        "calibration_error": abs(1 - honesty) / 2 + 0.02 + 0.005 * rng.random(),
        "sharpness": width,
        "constant": predictor == "constant",
        "fit_seconds": 0.01 * size**0.8 * (1 + rng.random()),
        "query_seconds_per_arch": 1e-5 * (1 + rng.random()),
        "protocol": "rest",
        "n_test": 15_000,
    }


def make_frame(
    tasks: tuple[str, ...] = tuple(TASKS),
    predictors: tuple[str, ...] = tuple(PREDICTORS),
    sizes: tuple[int, ...] = SIZES,
    seeds: int = 10,
) -> pd.DataFrame:
    """Records of a study without failures."""
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        _record(task, predictor, size, seed, rng)
        for task in tasks
        for predictor in predictors
        for size in sizes
        for seed in range(seeds)
    )


def fail(frame: pd.DataFrame, rows: pd.Series, status: str, reason: str) -> None:
    """Turn rows into failures in place."""
    numbers = [
        c for c in frame.select_dtypes("number") if c not in ("train_size", "seed", "n_test")
    ]
    frame.loc[rows, numbers] = np.nan
    frame.loc[rows, "status"] = status
    frame.loc[rows, "reason"] = reason
