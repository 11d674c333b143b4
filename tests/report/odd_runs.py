"""Runs that lack something, made from whole ones."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from search_frames import broken

Case = Callable[[pd.DataFrame], pd.DataFrame]
PREDICTIONS: dict[str, Case] = {
    "all": lambda f: f,
    "one seed": lambda f: f[f["seed"] == 5],
    "one method": lambda f: f[f["predictor"] == "svr"],
    "no process": lambda f: f[~f["predictor"].str.startswith("gp")],
    "one task": lambda f: f[f["task"] == f["task"].iloc[0]],
    "failed cells": lambda f: f.assign(
        status=np.where(f["predictor"] == "svr", "failed", f["status"])
    ),
    "all failed": lambda f: f.assign(status="failed"),
    "two runs": lambda f: pd.concat(
        [f, f[(f["seed"] < 3) & (f["task"] == f["task"].iloc[0])].assign(task="other")]
    ),
}
SEARCHES: dict[str, Case] = {
    "all": lambda f: f,
    "one seed": lambda f: f[f["seed"] == 5],
    "one method": lambda f: f[f["strategy"] == "genetic"],
    "no process": lambda f: f[~f["strategy"].str.startswith("gp")],
    "one task": lambda f: f[f["task"] == "t1"],
    "failed runs": lambda f: pd.concat([f, broken("new", task="t1")]),
    "all failed": lambda f: broken("a"),
    "two runs": lambda f: pd.concat(
        [f, f[(f["seed"] < 3) & (f["task"] == "t1")].assign(task="t9")]
    ),
}
