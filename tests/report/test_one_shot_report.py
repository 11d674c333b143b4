"""Tables and figure of a comparison of one-shot methods."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from surrobench.report.one_shot import one_shot_exhibits, save_exhibits

HOSTILE = "a|b<script>_$x$"


@pytest.fixture(scope="module")
def frames() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    methods = [("params", (0,)), ("spos", (0, 1)), (HOSTILE, (0, 1))]
    runs = [(method, seed) for method, seeds in methods for seed in seeds]
    scores = pd.DataFrame(
        {"method": method, "seed": seed, "arch": f"c{i}", "score": 10.0 * i, "accuracy": 50.0 + i}
        for method, seed in runs
        for i in range(6)
    )
    ranking = pd.DataFrame(
        {"method": method, "seed": seed, "tau": 0.5 - seed, "tau_top_half": 0.25}
        for method, seed in runs
    )
    choices = pd.DataFrame(
        {
            "method": method,
            "seed": seed,
            "arch": "c",
            "accuracy": 60.0 + 2 * seed,
            "test_accuracy": 59.0,
            "params": 1234.0,
            "seconds": 0.5,
        }
        for method, seed in runs
    )
    return scores, ranking, choices


@pytest.mark.slow
def test_a_cell_is_the_mean_and_the_range_over_seeds(
    frames: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame], tmp_path: Path
) -> None:
    paths = save_exhibits(one_shot_exhibits(*frames), tmp_path)
    assert {path.name for path in paths} >= {
        "ranking.md", "ranking.csv", "choices.md", "choices.csv", "scores.csv", "scores.png",
    }  # fmt: skip
    ranking = (tmp_path / "ranking.md").read_text()
    assert "| spos | 0.00 (−0.50 to 0.50) | 0.25 (0.25 to 0.25) |" in ranking
    assert "| params | 0.50 | 0.25 |" in ranking
    choices = (tmp_path / "choices.md").read_text()
    assert "| spos | 61.0 (60.0 to 62.0) | 59.0 (59.0 to 59.0) | 1,234 (1234 to 1234) |" in choices
    assert "<script>" not in choices
    back = pd.read_csv(tmp_path / "ranking.csv")
    assert back["tau"].tolist() == frames[1]["tau"].tolist()


@pytest.mark.slow
def test_equal_frames_give_equal_files(
    frames: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame], tmp_path: Path
) -> None:
    for folder in ("a", "b"):
        save_exhibits(one_shot_exhibits(*frames), tmp_path / folder)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()
