from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from surrobench.errors import UserError
from surrobench.report.common.measures import MEASURES, find_measure
from surrobench.report.comparing.scores import Scores
from surrobench.report.results import Results
from surrobench.report.statistics.intervals import mean_interval

TAU = MEASURES["kendall_tau"]


def tiny(**columns: object) -> pd.DataFrame:
    base = {
        "task": "t",
        "predictor": ["a", "a", "b", "b"],
        "train_size": 10,
        "seed": [0, 1, 0, 1],
        "status": "ok",
        "kendall_tau": [0.1, 0.3, 0.5, 0.7],
    }
    return pd.DataFrame({**base, **columns})


def test_summary_equals_the_interval_of_the_seeds(frame: pd.DataFrame) -> None:
    results = Results.of(frame)
    row = results.summary(TAU).loc[("nb201/in16-test", 100, "svr")]
    chosen = (frame["task"] == "nb201/in16-test") & (frame["predictor"] == "svr")
    values = frame.loc[chosen & (frame["train_size"] == 100), "kendall_tau"]
    expected = mean_interval(values)
    assert row["mean"] == pytest.approx(expected.mean, abs=1e-12)
    assert (row["low"], row["high"]) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert row["seeds"] == row["planned"] == 10
    assert not row["incomplete"]


def test_failures_are_counted_and_mark_the_mean_incomplete(frame: pd.DataFrame) -> None:
    results = Results.of(frame)
    row = results.summary(TAU).loc[("nb201/cifar10-val", 800, "mlp-ensemble")]
    assert (row["seeds"], row["planned"], row["failed"]) == (8, 10, 2)
    assert row["incomplete"]
    assert len(results.failures) == 9


def test_a_method_with_fewer_seeds_than_the_others_is_incomplete() -> None:
    row = Results.of(tiny().iloc[:3]).summary(TAU).loc[("t", 10, "b")]
    assert row["incomplete"]
    assert np.isnan(row["low"])


def test_methods_are_named_as_shortly_as_tells_them_apart() -> None:
    frame = pd.concat(
        [
            tiny(transform="standardise", encoding="one-hot"),
            tiny(transform="quantile-normal", encoding="one-hot"),
            tiny(predictor="c+none", encoding=["one-hot", "one-hot", "path", "path"]),
        ]
    )
    names = ["a", "b", "a+quantile-normal", "b+quantile-normal", "c+none · one-hot"]
    results = Results.of(frame)
    assert results.methods == [*names, "c+none · path"]
    assert results.identities.loc["c+none · path"].to_list() == ["c", "none", "path"]


def test_a_method_on_the_usual_encoding_keeps_its_name_beside_studies_of_encodings() -> None:
    frame = pd.concat(
        [
            tiny(predictor=["a", "a", "b", "b"], encoding="one-hot"),
            tiny(predictor=["a", "a", "c", "c"], encoding="path", kendall_tau=0.2),
            tiny(task="u", encoding="ordinal"),
            tiny(task="level", predictor="a", encoding=["one-hot", "one-hot", "path", "path"]),
            tiny(predictor="d", encoding="one-hot", seed=[0, 1, 2, 3]),
        ]
    )
    records = Results.of(frame, usual_encodings=True).records
    names = records.groupby("task")["method"].unique().map(sorted).to_dict()
    assert names["t"] == ["a", "a · path", "b", "c", "d"]
    assert names["u"] == ["a", "b"]
    assert names["level"] == ["a · one-hot", "a · path"]
    assert "a · ordinal" in Results.of(frame).methods


def test_protocols_are_never_averaged() -> None:
    frame = pd.concat([tiny(protocol="rest"), tiny(protocol="graf", kendall_tau=0.0)])
    assert Results.of(frame).tasks == ["t [rest]", "t [graf]"]


def test_equal_repetitions_count_once_and_a_rerun_replaces_a_failure() -> None:
    failed = tiny(status="failed", kendall_tau=np.nan).iloc[:1]
    results = Results.of(pd.concat([failed, tiny(), tiny()]))
    assert len(results.records) == 4
    assert results.failures.empty


def test_contradicting_repetitions_are_refused() -> None:
    with pytest.raises(UserError, match=r"4 cells .*first: task 't', method 'a', train size 10"):
        Results.of(pd.concat([tiny(), tiny(kendall_tau=0.9)]))


def test_repetitions_that_differ_by_rounding_count_once() -> None:
    again = tiny(kendall_tau=np.array([0.1, 0.3, 0.5, 0.7]) + 1e-14)
    assert len(Results.of(pd.concat([tiny(), again])).records) == 4
    lacking = tiny(nll=[1.0, 1.0, 1.0, 1.0])
    with pytest.raises(UserError, match="4 cells"):
        Results.of(pd.concat([lacking, tiny(nll=[1.0, 1.0, 1.0, 1.0 + 1e-6], kendall_tau=0.9)]))
    with pytest.raises(UserError, match="1 cell occurs"):
        Results.of(pd.concat([lacking, tiny(nll=[1.0, 1.0, 1.0, 1.0 + 1e-6])]))


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (tiny().drop(columns=["seed", "status"]), r"lack the column\(s\) seed, status"),
        (tiny().iloc[:0], "run the study first"),
        (tiny(train_size="many"), "train_size of the results holds values that are no integers"),
    ],
)
def test_unusable_records_are_refused(frame: pd.DataFrame, message: str) -> None:
    with pytest.raises(UserError, match=message):
        Results.of(frame)


def test_focus_includes_the_size_that_most_methods_have(frame: pd.DataFrame) -> None:
    assert Results.of(frame).focus_sizes(TAU) == [200, 800]
    assert Results.of(tiny()).focus_sizes(TAU) == [10]


def test_order_follows_the_measure() -> None:
    frame = tiny(nll=[0.0, 0.0, 1.0, 1.0])
    results = Results.of(frame)
    assert results.order(TAU, 10) == ["b", "a"]
    assert results.order(MEASURES["nll"], 10) == ["a", "b"]


def test_measures_are_found_or_refused() -> None:
    assert find_measure("crps").larger_is_better is False
    with pytest.raises(UserError, match="Did you mean 'kendall_tau'"):
        find_measure("kendal_tau")
    with pytest.raises(UserError, match="no numbers for 'nll', only for kendall_tau"):
        Results.of(tiny()).primary("nll")


def test_the_input_is_left_alone(frame: pd.DataFrame) -> None:
    before = frame.copy()
    Results.of(frame).summary(TAU)
    pd.testing.assert_frame_equal(frame, before)


def test_tasks_that_rank_alike_count_once_over_tasks(frame: pd.DataFrame) -> None:
    first, second, third = frame["task"].unique()
    known = frame.assign(ranking=frame["task"].map({first: "a", second: "a", third: "b"}))
    results = Results.of(known)
    assert results.alike == {first: [second]}
    assert results.repeated == [second]
    scores = Scores.of(results, MEASURES["kendall_tau"], 100)
    assert set(scores.tables) == {first, second, third}
    assert set(scores._distinct.index) == {first, third}
    assert Results.of(frame).alike == {}
