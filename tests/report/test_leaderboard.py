"""The leaderboard: ranks and tests that can be worked out by hand, over runs that differ."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from search_frames import fronts_study, study

from surrobench.errors import UserError
from surrobench.report.leaderboard.standings import (
    COLUMNS,
    compared,
    prediction_standings,
    search_standings,
)
from surrobench.report.leaderboard.writer import Source, write_leaderboard
from surrobench.report.results import Results
from surrobench.report.search.results import SearchResults

TAU = {"a": 0.9, "b": 0.8, "c": 0.3}


def records(tasks: int, sizes: tuple[int, ...] = (50,), **tau: float) -> pd.DataFrame:
    """Two seeds of every method on every task; τ falls a little from task to task."""
    rows = [
        {
            "task": f"t{task}",
            "predictor": name,
            "train_size": size,
            "seed": seed,
            "status": "ok",
            "kendall_tau": value - 0.01 * task + 0.001 * seed,
            "calibration_error": value / 10,
            "fit_seconds": 1 - value,
        }
        for task in range(tasks)
        for size in sizes
        for name, value in (tau or TAU).items()
        for seed in (0, 1)
    ]
    return pd.DataFrame(rows)


def ranks(table: pd.DataFrame, axis: str) -> dict[str, float]:
    rows = table[table["axis"] == axis]
    return dict(zip(rows["method"], rows["mean_rank"], strict=True))


def test_ranks_follow_which_way_is_better() -> None:
    table = prediction_standings(Results.of(records(6)))
    assert list(table.columns) == list(COLUMNS)
    assert ranks(table, "ranking") == {"a": 1, "b": 2, "c": 3}
    assert ranks(table, "calibration") == {"c": 1, "b": 2, "a": 3}
    assert ranks(table, "fit cost") == {"a": 1, "b": 2, "c": 3}
    assert set(table["axis"]) == {"ranking", "calibration", "fit cost"}


def test_significance_is_that_of_nemenyi() -> None:
    table = prediction_standings(Results.of(records(6)))
    first = table[table["axis"] == "ranking"].set_index("method")
    q = stats.studentized_range.ppf(0.95, 3, np.inf) / np.sqrt(2)
    difference = q * np.sqrt(3 * 4 / (6 * 6))
    assert first["critical_difference"].to_list() == pytest.approx([difference] * 3, rel=1e-6)
    assert first["friedman_p"].iloc[0] == pytest.approx(stats.chi2.sf(12, 2))
    assert 1 < difference < 2
    assert first["best"].to_dict() == {"a": True, "b": False, "c": False}
    assert first["not_worse"].to_dict() == {"a": False, "b": True, "c": False}


def test_pairs_with_the_best_are_tested_by_wilcoxon_and_holm() -> None:
    frame = records(8)
    task = frame["task"].str[1:].astype(int)
    frame["kendall_tau"] -= frame["predictor"].map({"a": 0.0, "b": 0.001, "c": 0.002}) * task**2
    frame.loc[(task < 3) & (frame["predictor"] == "b"), "kendall_tau"] += 0.25
    first = prediction_standings(Results.of(frame)).query("axis == 'ranking'").set_index("method")
    means = frame.groupby(["task", "predictor"])["kendall_tau"].mean().unstack()
    p = [stats.wilcoxon(means["a"] - means[other]).pvalue for other in "bc"]
    assert first.loc["c", "p_wilcoxon"] == pytest.approx(2 * p[1])
    assert first.loc["b", "p_wilcoxon"] == pytest.approx(max(p[0], 2 * p[1]))
    assert np.isnan(first.loc["a", "p_wilcoxon"])
    assert first["pairwise_not_worse"].to_dict() == {"a": False, "b": True, "c": False}


def test_too_few_tasks_are_no_draw() -> None:
    table = prediction_standings(Results.of(records(4)))
    assert not table["pairwise_not_worse"].any()


def test_one_task_is_no_test() -> None:
    table = prediction_standings(Results.of(records(1)))
    assert table["friedman_p"].isna().all()
    assert not table["not_worse"].any()
    assert ranks(table, "ranking")["a"] == 1


def test_a_method_on_few_tasks_costs_the_others_nothing() -> None:
    few = records(2, **TAU, rare=0.99).query("predictor == 'rare'")
    table = prediction_standings(Results.of(pd.concat([records(6), few])))
    first = table[table["axis"] == "ranking"].set_index("method")
    assert np.isnan(first.loc["rare", "mean_rank"])
    assert first.loc["rare", "own_tasks"] == 2
    assert first.loc["a", ["mean_rank", "tasks", "methods"]].to_list() == [1, 6, 3]


def test_the_largest_complete_part_is_compared() -> None:
    scores = pd.DataFrame(np.ones((6, 4)), columns=list("abcd"))
    scores.loc[:2, "d"] = np.nan
    assert compared(scores).shape == (6, 3)
    scores.loc[1:5, "c"] = np.nan
    assert compared(scores).shape == (6, 2)
    assert compared(scores[["c"]]).shape == (1, 1)


def test_searches_are_ranked_at_every_budget() -> None:
    results = SearchResults.of(study(tasks=("t1", "t2", "t3"), seeds=4))
    table = search_standings(results)
    regret = table[table["axis"] == "search: simple regret"]
    assert sorted(regret["at"].unique()) == results.budgets
    last = regret[regret["at"] == results.budgets[-1]].set_index("method")["mean_rank"]
    expected = results.mean_ranks(results.budgets[-1])
    assert last.to_dict() == pytest.approx(expected.to_dict())
    assert "search: own time" in set(table["axis"])


def test_everything_is_written(tmp_path: Path) -> None:
    hostile = {"a": 0.9, "<script>alert(1)</script>": 0.8, "c|d": 0.3}
    paths = write_leaderboard(
        Results.of(records(6, (50, 100), **hostile)),
        SearchResults.of(study(seeds=3)),
        tmp_path / "board",
        [Source("<img src=x>", "prediction", 6, 72)],
    )
    assert [path.name for path in paths] == [
        "leaderboard.html",
        "leaderboard.csv",
        "leaderboard.md",
    ]
    page, _, text = (path.read_text(encoding="utf-8") for path in paths)
    assert "<script>alert" not in page + text
    assert "<img src=x>" not in page + text
    assert "Search strategies at a glance" in page
    assert "| n = 50 \\(6 tasks\\) | n = 100 \\(6 tasks\\) |" in text
    assert "c\\|d" in text
    table = pd.read_csv(paths[1])
    assert set(table["kind"]) == {"prediction", "search"}
    assert list(table.columns) == list(COLUMNS)


def test_one_and_several_objectives_are_ranked_apart(tmp_path: Path) -> None:
    several, fronts = fronts_study()
    results = SearchResults.of(pd.concat([study(), several], ignore_index=True), fronts)
    table = search_standings(results)
    assert not table.duplicated(["axis", "at", "method"]).any()
    measures = {part.measure.label for part in results.by_measure()}
    assert len(measures) == 2
    assert {axis.removeprefix("search: ") for axis in table["axis"]} >= measures
    assert {f"search: own time ({label})" for label in measures} <= set(table["axis"])
    write_leaderboard(None, results, tmp_path)
    assert (tmp_path / "leaderboard.md").read_text().count("Own time") >= 2


def test_nothing_to_rank(tmp_path: Path) -> None:
    failed = records(2).assign(status="failed", kendall_tau=np.nan)
    with pytest.raises(UserError, match="nothing to rank"):
        write_leaderboard(Results.of(failed), None, tmp_path)
