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
from surrobench.report.statistics.sign_flips import compare_with_best

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


def test_mean_ranks_differ_by_permutations_within_tables() -> None:
    table = prediction_standings(Results.of(records(6)))
    first = table[table["axis"] == "ranking"].set_index("method")
    limit = first["critical_difference"].iloc[0]
    assert first["critical_difference"].nunique() == 1
    assert 1 < limit < 2
    assert first["friedman_p"].iloc[0] < 0.01
    assert first["best"].to_dict() == {"a": True, "b": False, "c": False}
    assert first["not_worse"].to_dict() == {"a": False, "b": True, "c": False}


def test_methods_are_held_against_the_best_by_flipping_tables() -> None:
    frame = records(8)
    task = frame["task"].str[1:].astype(int)
    frame["kendall_tau"] -= frame["predictor"].map({"a": 0.0, "b": 0.001, "c": 0.002}) * task**2
    frame.loc[(task < 3) & (frame["predictor"] == "b"), "kendall_tau"] += 0.15
    first = prediction_standings(Results.of(frame)).query("axis == 'ranking'").set_index("method")
    means = frame.groupby(["task", "predictor"])["kendall_tau"].mean().unstack()
    expected = compare_with_best(means.to_numpy(), 0).adjusted
    assert first.loc[list("bc"), "p_against_best"].to_list() == pytest.approx(list(expected[1:]))
    assert np.isnan(first.loc["a", "p_against_best"])
    assert first["pairwise_not_worse"].to_dict() == {"a": False, "b": True, "c": False}


def test_tasks_of_one_table_count_once() -> None:
    frame = records(6)
    more = [frame.assign(task="one/" + frame["task"] + str(copy)) for copy in range(4)]
    alone = prediction_standings(Results.of(pd.concat(more)))
    assert set(alone["tasks"]) == {24}
    assert set(alone["tables"]) == {1}
    assert alone[["friedman_p", "critical_difference", "mean_rank_low"]].isna().all(axis=None)
    assert not alone[["not_worse", "pairwise_not_worse"]].any(axis=None)
    turned = [
        part.assign(kendall_tau=1 - part["kendall_tau"]) for part in more
    ]  # the other order on 24 tasks of one table against one order on six tables
    table = prediction_standings(Results.of(pd.concat([frame, *turned])))
    first = table[table["axis"] == "ranking"].set_index("method")
    assert first.loc["a", "mean_rank"] == pytest.approx((6 * 1 + 3) / 7)
    low, mean, high = first.loc["a", ["mean_rank_low", "mean_rank", "mean_rank_high"]]
    assert np.isnan([low, high]).all()  # six of seven ranks are equal
    assert mean < first.loc["b", "mean_rank"]


def test_mean_ranks_have_student_limits_over_tables() -> None:
    frame = records(6)
    turn = frame["task"].isin(["t0", "t1"]) & (frame["predictor"] == "a")
    frame.loc[turn, "kendall_tau"] = 0.1
    frame.loc[frame["task"].eq("t2") & frame["predictor"].eq("a"), "kendall_tau"] = 0.5
    first = prediction_standings(Results.of(frame)).query("axis == 'ranking'").set_index("method")
    ranks = np.array([3.0, 3, 2, 1, 1, 1])
    expected = stats.t.interval(0.95, 5, loc=ranks.mean(), scale=stats.sem(ranks))
    limits = first.loc["a", ["mean_rank_low", "mean_rank_high"]].to_list()
    assert limits == pytest.approx(list(expected))


def test_too_few_tables_are_no_draw() -> None:
    table = prediction_standings(Results.of(records(4)))
    assert not table[["not_worse", "pairwise_not_worse"]].any(axis=None)


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


def test_methods_without_a_rank_are_counted_and_not_listed_at_a_glance(tmp_path: Path) -> None:
    few = records(1, d=0.5, e=0.4)
    paths = write_leaderboard(Results.of(pd.concat([records(6), few])), None, tmp_path, [])
    text = next(path for path in paths if path.suffix == ".md").read_text(encoding="utf-8")
    glance, rest = text.split("### Predictors at a glance")[1].split("###", 1)
    assert "2 other methods have too few of these tasks for a rank" in glance
    assert "| a |" in glance
    assert "| d |" not in glance
    assert "| d |" in rest


def test_the_largest_complete_part_is_compared() -> None:
    scores = pd.DataFrame(np.ones((6, 4)), columns=list("abcd"))
    scores.loc[:2, "d"] = np.nan
    assert compared(scores).shape == (6, 3)
    scores.loc[1:5, "c"] = np.nan
    assert compared(scores).shape == (6, 2)
    assert compared(scores[["c"]]).shape == (1, 1)


def test_methods_without_a_common_task_have_no_board(tmp_path: Path) -> None:
    one = records(1, a=0.9)
    other = records(1, b=0.8).assign(task="elsewhere")
    paths = write_leaderboard(Results.of(pd.concat([one, other])), None, tmp_path)
    text = paths[2].read_text(encoding="utf-8")
    assert "Board:" not in text
    assert "Predictors at a glance" in text


def test_searches_are_ranked_at_every_budget() -> None:
    results = SearchResults.of(study(tasks=("t1", "t2", "t3"), seeds=4))
    table = search_standings(results)
    regret = table[table["axis"] == "search: simple regret"]
    assert sorted(regret["at"].unique()) == results.budgets
    last = regret[regret["at"] == results.budgets[-1]].set_index("method")["mean_rank"]
    expected = results.mean_ranks(results.budgets[-1])
    assert last.to_dict() == pytest.approx(expected.to_dict())
    assert "search: own time" in set(table["axis"])


@pytest.mark.slow
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


def test_a_leaderboard_says_who_judged_searches(tmp_path: Path) -> None:
    frame = study(tasks=("t1", "t2", "t3"), seeds=2)
    judges = {"t1": "held-out runs", "t2": "searched run", "t3": "searched run"}
    facts = {"judge_runs": 1.0, "pool": 100.0, "without_judge": 0.0}
    frame = frame.assign(judge=frame["task"].map(judges), **facts)
    paths = write_leaderboard(None, SearchResults.of(frame), tmp_path)
    for path in (paths[0], paths[2]):
        text = path.read_text(encoding="utf-8").replace("\\", "")
        assert text.count("What is found is judged by training runs that the search was not") == 1
        assert "not shown on t1; by the very run that was searched on t2, t3." in text


@pytest.mark.slow
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
