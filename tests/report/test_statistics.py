from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from surrobench.report.common.measures import find_measure
from surrobench.report.comparing.comparisons import comparisons
from surrobench.report.comparing.scores import Scores
from surrobench.report.statistics.statistics import mean_ranks, versus_best


def scores(shifts: dict[str, float], seeds: int = 20) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    common = rng.normal(size=seeds)
    return pd.DataFrame(
        {name: shift + common + 0.1 * rng.normal(size=seeds) for name, shift in shifts.items()}
    )


def test_best_and_not_worse() -> None:
    table = versus_best(scores({"a": 1.0, "b": 0.95, "c": 0.0}))
    assert table["best"].to_dict() == {"a": True, "b": False, "c": False}
    assert table["not_worse"].to_dict() == {"a": False, "b": True, "c": False}
    assert np.isnan(table.loc["a", "p"])
    assert table.loc["c", "p"] < 1e-3
    smaller = versus_best(scores({"a": 1.0, "b": 0.0}), larger_is_better=False)
    assert smaller["best"].to_dict() == {"a": False, "b": True}


def test_pairs_are_common_seeds_only() -> None:
    frame = scores({"a": 1.0, "b": 0.99}, seeds=12)
    frame.loc[:3, "b"] = np.nan
    table = versus_best(frame)
    assert table.loc["b", "pairs"] == 8
    paired = frame.dropna()
    expected = stats.permutation_test(
        (paired["a"] - paired["b"],), np.mean, permutation_type="samples", n_resamples=np.inf
    )
    assert 0.05 < table.loc["b", "p"] <= 2 * min(expected.pvalue, 1)


def test_seconds_have_a_best_and_no_marks() -> None:
    times = np.exp(scores({"a": 3.0, "b": 2.9, "c": 0.0}))
    measure = find_measure("fit_seconds")
    table = versus_best(times, measure.larger_is_better, marked=measure.marked)
    assert table["best"].to_dict() == {"a": False, "b": False, "c": True}
    assert table["p"].isna().all()
    assert not table["not_worse"].any()
    all_scores = Scores({"task": times}, measure, ["c", "b", "a"], {}, "fit", "", "here")
    assert (all_scores.pairs["outcome"] == "").all()
    assert all_scores.pairs["p_adjusted"].isna().all()
    assert (all_scores.pairs["advantage"] != 0).all()
    (text,) = [e.markdown for e in comparisons(all_scores) if e.name.endswith("against-best")]
    assert "\u2248" not in text
    assert "nan" not in text


def test_the_numbers_behind_the_table_against_the_best_hold_the_p_that_it_shows() -> None:
    table = scores({"a": 1.0, "b": 0.9, "c": 0.3})
    measure = find_measure("kendall_tau")
    all_scores = Scores({"task": table}, measure, ["a", "b", "c"], {}, "tau", "", "here")
    (data,) = [e.data for e in comparisons(all_scores) if e.name.endswith("against-best")]
    expected = versus_best(table)["p"].drop("a")
    beside = data[data["method"] == "a"].set_index("other")["p_against_best"]
    assert beside.to_dict() == expected.to_dict()
    assert data.loc[data["method"] != "a", "p_against_best"].isna().all()


def test_too_few_seeds_never_look_like_a_draw() -> None:
    for seeds in (2, 3, 5):
        table = versus_best(scores({"a": 1.0, "b": 0.99, "c": 0.3}, seeds=seeds))
        assert table["best"].sum() == 1
        assert not table["not_worse"].any()
        assert not (table["p"] < 0.05).any()


def test_equal_scores_are_not_worse_and_rounding_is_no_difference() -> None:
    table = scores({"a": 1.0, "b": 0.0})
    table["same"], table["rounded"] = table["a"], table["a"] * (1 + 1e-15)
    found = versus_best(table)
    assert found["best"].sum() == 1
    alike = found.loc[["a", "same", "rounded"]]
    assert alike["not_worse"].sum() == 2
    assert alike["p"].max() == 1


@pytest.mark.parametrize("frame", [pd.DataFrame(), pd.DataFrame({"a": [np.nan]})])
def test_nothing_to_compare(frame: pd.DataFrame) -> None:
    table = versus_best(frame)
    assert list(table.columns) == ["best", "second", "p", "pairs", "not_worse"]
    assert not table["best"].any()


def test_mean_ranks_share_ties_and_skip_incomplete_methods() -> None:
    means = pd.DataFrame(
        {"t1": [0.9, 0.9, 0.1, 0.99], "t2": [0.5, 0.7, 0.1, np.nan]}, index=list("abcd")
    )
    ranks = mean_ranks(means)
    assert ranks[["a", "b", "c"]].to_list() == [1.75, 1.25, 3.0]
    assert np.isnan(ranks["d"])
    assert mean_ranks(means, larger_is_better=False)["c"] == 1.0


@pytest.mark.parametrize("value", [0.0, 1.0, -3.5])
def test_nothing_is_the_best_where_all_are_equal(value: float) -> None:
    scores = pd.DataFrame({name: [value] * 8 for name in "abc"})
    compared = versus_best(scores)
    assert not compared[["best", "second", "not_worse"]].to_numpy().any()
    assert versus_best(scores[["a"]])["best"].all(), "one method is not compared"
