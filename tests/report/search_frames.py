"""Small frames of searches, one row per evaluation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd


def run(
    regrets: Sequence[float],
    strategy: str = "a",
    seed: int = 0,
    task: str = "t",
    optimum: float = 10.0,
    **columns: object,
) -> pd.DataFrame:
    """One run: its simple regret after every evaluation."""
    regret = np.asarray(regrets, dtype=float)
    n = len(regret)
    base = {
        "task": task,
        "strategy": strategy,
        "predictor": "",
        "encoding": "",
        "acquisition": "",
        "seed": seed,
        "evaluation": np.arange(1, n + 1),
        "epochs": None,
        "best_value": optimum - regret,
        "simple_regret": regret,
        "test_value": optimum - regret - 1,
        "spent": np.arange(1.0, n + 1),
        "simulated_seconds": 100.0 * np.arange(1, n + 1),
        "overhead_seconds": 0.1 * np.arange(1, n + 1),
        "status": "ok",
        "reason": "",
    }
    return pd.DataFrame({**base, **columns}, index=range(n))


def broken(strategy: str = "a", seed: int = 0, task: str = "t", **columns: object) -> pd.DataFrame:
    """The row of a run that broke off."""
    ended = {"evaluation": 0, "status": "timeout", "reason": "stopped after 60 s"}
    return run([np.nan], strategy, seed, task, **{**ended, **columns})  # type: ignore[arg-type]


def study(
    methods: Sequence[str] = ("random", "gp ei", "gp ucb", "genetic", "hyperband"),
    tasks: Sequence[str] = ("t1", "t2"),
    seeds: int = 12,
    evaluations: int = 30,
) -> pd.DataFrame:
    """Methods that find better architectures the later they are named, on a table of 2,000."""
    rng = np.random.default_rng(0)
    parts = []
    for task in tasks:
        table = np.sort(rng.gamma(1.0, 2.0, 2000)).round(2)
        table -= table[0]
        for skill, method in enumerate(methods, start=1):
            for seed in range(seeds if method != "genetic" else seeds // 2):
                drawn = rng.random(evaluations) ** (0.6 + 0.3 * skill)
                regret = table[(drawn * 2000).astype(int)]
                predictor = "gp-rbf" if method.startswith("gp") else ""
                best = np.minimum.accumulate(regret)
                parts.append(run(best, method, seed, task, predictor=predictor))
    frame = pd.concat(parts, ignore_index=True)
    short = frame["strategy"] == "hyperband"
    frame.loc[short, "spent"] = frame.loc[short, "evaluation"] * 0.75
    return frame


def fronts_study() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Searches with two objectives, and the true front: a quarter of a circle."""
    rng = np.random.default_rng(0)
    angle = np.linspace(0.0, np.pi / 2, 9)
    front = pd.DataFrame(
        {
            "task": "t",
            "objective:accuracy": np.cos(angle),
            "objective:speed": np.sin(angle),
            "hypervolume": 1.0,
        }
    )
    parts = []
    for method in ("random", "nsga2"):
        for seed in range(5):
            x, y = np.cos(rng.permutation(angle)), np.sin(rng.permutation(angle))
            size = 0.9 if method == "nsga2" else 0.6
            share = np.linspace(0.1, size + 0.01 * seed, 9)
            columns = {
                "objective:accuracy": size * x,
                "objective:speed": size * y,
                "hypervolume": share,
                "objectives": "speed",
            }
            parts.append(run(np.linspace(1, 0, 9), method, seed, **columns))  # type: ignore[arg-type]
    return pd.concat(parts, ignore_index=True), front
