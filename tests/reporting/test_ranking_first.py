"""The ranking is shown before a report is drawn, for whoever waits for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

import surrobench

NAMES = ["task", "predictor", "transform", "encoding", "train_size", "seed", "status"]


def test_the_ranking_is_shown_before_any_file_is_made(tmp_path: Path) -> None:
    rows = [
        ["mine", predictor, "none", "one-hot", 25, seed, "ok", "", tau, f"{predictor}{seed}"]
        for seed in range(3)
        for predictor, tau in (("knn", 0.5), ("gp-rbf", 0.6 + seed / 100))
    ]
    frame = pd.DataFrame(rows, columns=[*NAMES, "reason", "kendall_tau", "key"])
    frame.to_parquet(tmp_path / "results.parquet")
    out, seen = tmp_path / "report", list[tuple[Any, list[Path]]]()
    made = surrobench.report(
        tmp_path,
        out,
        detail="short",
        show=lambda ranking: seen.append((ranking, list(out.glob("**/*.csv")))),
    )
    ((ranking, files),) = seen
    assert ranking is made.ranking
    assert not files
    assert list(out.glob("**/*.csv"))
