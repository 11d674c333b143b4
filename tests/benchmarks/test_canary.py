"""The canary of shuffled labels covers what there is."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from surrobench.predictors import PREDICTORS

FILE = Path(__file__).parents[2] / "results" / "shuffled-labels" / "shuffled-labels.csv"


def test_every_registered_predictor_was_run_or_says_why_not() -> None:
    rows = pd.read_csv(FILE)
    assert set(rows["predictor"]) == set(PREDICTORS.names())
    run = rows[rows["seeds"] > 0]
    assert len(run) > 45
    assert rows[rows["seeds"] == 0]["not_run"].str.len().gt(10).all()
    off = run["mean_tau"].abs() > 3.0 * run["standard_error"]
    assert not off.any(), run[off].to_string()
