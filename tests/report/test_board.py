"""Elo by known values, win rates, improvability, the front, and the exhibits made of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from prediction_frames import make_frame
from search_frames import study

from surrobench.errors import UserError
from surrobench.report.common.measures import MEASURES
from surrobench.report.comparing.board import LEAST_BLOCKS, board_of, improvability, on_front
from surrobench.report.comparing.boards import boards
from surrobench.report.comparing.scores import Scores
from surrobench.report.plot_kinds import plot_kinds
from surrobench.report.plots import PlotOptions, draw
from surrobench.report.results import Results
from surrobench.report.search.final import final_scores
from surrobench.report.search.results import SearchResults
from surrobench.report.statistics.bradley_terry import MEAN, SCALE, elo, pairwise_wins

TAU = MEASURES["kendall_tau"]


def drawn(blocks: int, methods: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(blocks, methods)) + np.linspace(0, 1, methods)


@pytest.mark.parametrize("share", [0.5, 0.6, 0.75, 0.99])
def test_two_methods_differ_by_the_odds_of_their_wins(share: float) -> None:
    wins = np.array([[0.0, share], [1 - share, 0.0]])
    first, second = elo(wins, prior=0.0)
    assert first - second == pytest.approx(400 * np.log10(share / (1 - share)))
    assert (first + second) / 2 == pytest.approx(MEAN)


def test_the_prior_adds_half_a_win_to_either_of_two() -> None:
    first, second = elo(np.array([[0.0, 7.0], [3.0, 0.0]]))
    assert first - second == pytest.approx(400 * np.log10(7.5 / 3.5))


def test_who_always_wins_stays_finite_and_more_wins_count_more() -> None:
    few, many = (elo(np.array([[0.0, n], [0.0, 0.0]])) for n in (5, 50))
    assert few[0] - few[1] == pytest.approx(400 * np.log10(5.5 / 0.5))
    assert many[0] - many[1] == pytest.approx(400 * np.log10(50.5 / 0.5))
    with pytest.raises(UserError, match="no Elo of greatest likelihood"):
        elo(np.array([[0.0, 5.0], [0.0, 0.0]]), prior=0.0)


def test_a_tie_is_half_a_win_for_each() -> None:
    wins = pairwise_wins(np.array([[1.0, 1.0 + 1e-15, 2.0], [3.0, 1.0, np.nan]]))
    assert wins[0].tolist() == [[0, 0.5, 0], [0.5, 0, 0], [1, 1, 0]]
    assert wins[1].tolist() == [[0, 1, 0], [0, 0, 0], [0, 0, 0]]
    assert pairwise_wins(np.array([[1.0, 2.0]]), larger_is_better=False)[0, 0, 1] == 1


def test_ratings_are_those_of_a_logistic_regression() -> None:
    from sklearn.linear_model import LogisticRegression

    scores = drawn(30, 5)
    wins = pairwise_wins(scores).sum(axis=0)
    rows, labels, weights = [], [], []
    for first in range(5):
        for second in range(5):
            if first != second and wins[first, second]:
                row = np.zeros(5)
                row[first], row[second] = 1, -1
                rows += [row, -row]
                labels += [1, 0]
                weights += [wins[first, second]] * 2
    model = LogisticRegression(C=np.inf, fit_intercept=False, tol=1e-10, max_iter=1000)
    model.fit(np.array(rows), labels, sample_weight=weights)
    strengths = model.coef_[0] - model.coef_[0].mean()
    np.testing.assert_allclose(elo(wins, prior=0.0), MEAN + SCALE * strengths, atol=0.01)


def test_many_tables_at_once_are_those_one_by_one() -> None:
    wins = pairwise_wins(drawn(12, 6))
    np.testing.assert_allclose(elo(wins), [elo(table) for table in wins], atol=1e-6)


def test_the_order_of_methods_and_of_tasks_does_not_matter() -> None:
    means = pd.DataFrame(drawn(14, 6), columns=list("abcdef"))
    means.index = pd.Index([f"t{i}/x" for i in range(14)])
    rng = np.random.default_rng(3)
    one = board_of(means, TAU, by_table=True).table
    shuffled = means.iloc[rng.permutation(14), rng.permutation(6)]
    other = board_of(shuffled, TAU, by_table=True).table
    assert one["method"].tolist() == other["method"].tolist()
    pd.testing.assert_frame_equal(one, other, rtol=1e-9)
    assert (one["elo_low"] < one["elo"]).all()
    assert (one["elo"] < one["elo_high"]).all()


def test_a_table_counts_once_and_few_tables_have_no_interval() -> None:
    means = pd.DataFrame({"a": [1.0, 0, 0, 0], "b": [0.0, 1, 1, 1]})
    means.index = pd.Index(["t/x", "u/x", "u/y", "u/z"])
    tables, tasks = (board_of(means, TAU, by_table=by).table for by in (True, False))
    assert tables["elo"].tolist() == pytest.approx([MEAN, MEAN])
    assert tables["blocks"].tolist() == [2, 2]
    assert tasks.set_index("method").loc["b", "win_rate"] == 0.75
    assert tables["elo_low"].isna().all()
    long = means.iloc[[0] * (LEAST_BLOCKS + 1)]  # tasks of few tables are no independent draws
    assert board_of(long, TAU).table["elo_low"].isna().all()


def test_improvability_is_the_share_of_the_error_that_the_best_has_not() -> None:
    means = pd.DataFrame({"a": [0.8, 0.5], "b": [0.6, 0.75], "c": [0.0, 0.5]}, index=["t", "u"])
    found = improvability(means, TAU)
    np.testing.assert_allclose(found["a"], [0, 0.5])
    np.testing.assert_allclose(found["b"], [0.5, 0])
    np.testing.assert_allclose(found["c"], [0.8, 0.5])
    regret = pd.DataFrame({"a": [0.0], "b": [2.0], "c": [0.0]})
    assert improvability(regret, MEASURES["regret_at_10"]).loc[0].tolist() == [0, 1, 0]
    assert improvability(means, MEASURES["nll"]).isna().all(axis=None)


def test_the_front_holds_what_nothing_beats_in_both() -> None:
    seconds = pd.Series([1.0, 2.0, 3.0, 2.0, np.nan, 1.0])
    quality = pd.Series([1.0, 3.0, 2.0, 3.0, 9.0, 0.5])
    assert on_front(seconds, quality).tolist() == [True, True, False, True, False, False]


def test_methods_that_lack_a_task_are_named_and_left_out() -> None:
    means = pd.DataFrame({"a": [1.0, 0], "b": [0.0, np.nan], "c": [0.5, 1]}, index=["t", "u"])
    board = board_of(means, TAU)
    assert (set(board.table["method"]), board.left_out) == ({"a", "c"}, ("b",))


def test_without_a_finite_score_the_board_is_empty() -> None:
    means = pd.DataFrame({"a": [np.inf, np.nan], "b": [np.inf, np.inf]}, index=["t", "u"])
    for by_table in (True, False):
        assert board_of(means, TAU, by_table=by_table).table.empty


def test_a_single_task_is_compared_over_its_seeds() -> None:
    frame = make_frame(("nb201/cifar10-val",), ("svr", "knn", "gp-rbf"), (100,), seeds=12)
    board = Scores.of(Results.of(frame), TAU, 100).board
    assert board.what == "seeds on nb201/cifar10-val alone"
    assert board.table["blocks"].tolist() == [12, 12, 12]
    assert board.has_intervals
    assert board.table["method"].iloc[0] == "svr"
    assert board.table["seconds"].gt(0).all()


def test_reports_have_a_board_with_its_figures() -> None:
    frame = make_frame(
        ("nb201/cifar10-val", "nb201/in16-test"), ("svr", "knn", "gp-rbf"), (100,), 3
    )
    results = Results.of(frame.replace({"predictor": {"knn": "<b>knn</b>_$x$"}}))
    made = {e.name: e for e in boards(Scores.of(results, TAU, 100))}
    assert list(made) == [
        f"kendall_tau-{n}" for n in ("board-n100", "board-n100-figure", "pareto-n100")
    ]
    table = made["kendall_tau-board-n100"]
    assert "<b>" not in str(table.html) + str(table.markdown)
    assert "&lt;b&gt;knn" in str(table.html)
    assert "no interval" in table.notes
    assert {"board", "pareto"} <= set(plot_kinds(results))


def test_searches_have_a_board() -> None:
    results = SearchResults.of(study(("random", "gp ei", "hyperband"), evaluations=8))
    board = final_scores(results)[0].board
    assert board.table["method"].tolist()[-1] == "random"
    assert board.table["improvability"].between(0, 1).all()
    for kind in ("board", "pareto"):
        assert kind in plot_kinds(results)
        draw(kind, results, PlotOptions()).draw_without_rendering()
