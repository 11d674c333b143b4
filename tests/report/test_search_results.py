from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from search_frames import broken, fronts_study, run, study

from surrobench.errors import UserError
from surrobench.report.common.exhibit import to_csv
from surrobench.report.facts import search_facts
from surrobench.report.search.curves import against_expense
from surrobench.report.search.fronts import attained, non_dominated
from surrobench.report.search.index import index_page
from surrobench.report.search.judging import lengths_sentence
from surrobench.report.search.profiles import profile
from surrobench.report.search.records import HYPERVOLUME
from surrobench.report.search.results import SearchResults
from surrobench.report.search.tables import notes_of_fronts, ranks_table, summary_table
from surrobench.report.search.writer import all_exhibits
from surrobench.report.statistics.intervals import mean_interval


def of(*runs: pd.DataFrame) -> SearchResults:
    return SearchResults.of(pd.concat(runs, ignore_index=True))


def at_end(results: SearchResults, task: str = "t") -> pd.DataFrame:
    return results.comparison_at_end(task)


def test_curves_by_hand() -> None:
    results = of(
        run([4, 2, 2], seed=0),
        run([3, 3, 1], seed=1),
        run([9, 9, 9], seed=2),
        run([1, 0, 0], seed=3),
    )
    table = results.curves("t").set_index("spent")
    assert table["mean"].to_list() == [17 / 4, 14 / 4, 3]
    assert table["iqm"].to_list() == [3.5, 2.5, 1.5]  # the middle two of four
    assert table["median"].to_list() == [3.5, 2.5, 1.5]
    assert table["found_optimum"].to_list() == [0, 0.25, 0.25]
    assert table[["mean_low", "iqm_high"]].isna().all(axis=None)  # too few runs for a band
    assert set(table["runs"]) == {4}


def test_values_at_budgets_equal_the_library() -> None:
    frame = study()
    results = SearchResults.of(frame)
    assert results.budgets == [10, 20, 30]
    last = frame[(frame["task"] == "t1") & (frame["evaluation"] == 20)]
    values = last[last["strategy"] == "gp ei"].set_index("seed")["simple_regret"]
    row = results.comparison(20).loc[("t1", "gp ei")]
    expected = mean_interval(values, skewed=True)
    assert row[["mean", "low", "high"]].to_list() == pytest.approx(
        [expected.mean, expected.low, expected.high], abs=1e-12, nan_ok=True
    )
    assert row["iqm"] == pytest.approx(stats.trim_mean(values, 0.25), abs=1e-12)
    assert row["median"] == np.median(values)
    low, high = stats.binomtest(int((values == 0).sum()), 12).proportion_ci(method="wilson")
    assert (row["found_optimum_low"], row["found_optimum_high"]) == (low, high)
    assert row["overhead_seconds"] == pytest.approx(2.0)
    assert row["test_value"] == pytest.approx((9 - values).mean())


def test_runs_that_never_found_the_optimum_are_censored_not_dropped() -> None:
    found = [run([1, 0, 0, 0, 0, 0], seed=0), run([1, 1, 1, 0, 0, 0], seed=1)]
    never = [run([1, 1, 1, 1, 1, 1], seed=2)]
    row = at_end(of(*found, *never)).loc["a"]
    assert row["to_optimum"] == 4  # of 2, 4 and never
    assert row["found_optimum"] == pytest.approx(2 / 3)
    row = at_end(of(*found, *never, run([2] * 6, seed=3))).loc["a"]
    assert row["to_optimum"] == np.inf
    early = of(*found).comparison(2).loc[("t", "a")]
    assert early["found_optimum"] == 0.5  # what is found later does not count yet


def test_noise_may_take_the_optimum_away_again() -> None:
    """The incumbent is what looked best; its regret is the true one and may rise."""
    row = at_end(of(run([3, 0, 2], seed=0), run([3, 3, 1], seed=1))).loc["a"]
    assert row["mean"] == 1.5
    assert (row["found_optimum"], row["to_optimum"]) == (0.5, np.inf)


def test_a_run_that_ends_early_keeps_its_last_value() -> None:
    results = of(run([5, 4], seed=0), run([5, 5, 5, 2, 2, 2], seed=1))
    table = results.curves("t").set_index("spent")
    assert table.loc[6, "mean"] == 3
    assert results.traces["t"].early.tolist() == [True, False]
    assert at_end(results).loc["a", "early"] == 1
    notes = str(summary_table(results).markdown)
    assert r"Runs that ended before keep their last value \(a\)." in notes


def test_shorter_trainings_are_read_at_what_they_spent() -> None:
    plain = run([8, 7, 6, 5], "plain")
    steps = run(
        [np.nan, np.nan, 4, 4, 1, 1],
        "halving",
        spent=[0.25, 0.5, 1.5, 1.75, 2.75, 3.9],
    )
    results = of(plain, steps)
    traces = results.traces["t"]
    assert traces.budget == 4
    assert traces.before([0.2, 0.25, 1.49, 1.5, 2.75, 99])[0].tolist() == [-1, 0, 1, 2, 4, 5]
    assert not traces.early.any()
    own = at_end(results)
    assert own["mean"].to_dict() == {"halving": 1, "plain": 5}
    table = results.curves("t").query("method == 'halving'").set_index("spent")["mean"]
    assert table.loc[2] == 4
    assert table.loc[3] == 1
    assert table.index.min() > 1.4  # no line before there is an incumbent


def test_spent_that_adds_up_to_a_whole_number_but_for_rounding_counts() -> None:
    ninths = np.cumsum(np.full(27, 1 / 9))  # a little more than 1, 2 and 3 at every ninth
    assert ninths[8] > 1
    results = of(run([9, 8, 7], "plain"), run(range(27, 0, -1), "ninths", spent=ninths))
    means = [results.comparison(n).loc[("t", "ninths"), "mean"] for n in (1, 2, 3)]
    assert means == [19, 10, 1]


def test_a_run_without_an_incumbent_counts_as_the_worst() -> None:
    results = of(run([np.nan, np.nan], seed=0), run([6, 1], seed=1), run([2, 2], "b"))
    row = at_end(results).loc["a"]
    assert row["mean"] == (6 + 1) / 2
    assert row["without_incumbent"] == 1
    assert "counts as the worst" in str(summary_table(results).markdown)


def test_numbers_of_seeds_may_differ_and_tests_use_common_ones() -> None:
    rng = np.random.default_rng(1)
    a = [run([rng.random() + 1], "a", seed) for seed in range(12)]
    b = [run([rng.random() + 0.2], "b", seed) for seed in range(5, 30)]
    results = of(*a, *b)
    rows = at_end(results)
    assert rows["seeds"].to_dict() == {"a": 12, "b": 25}
    assert not rows["incomplete"].any()
    assert rows.loc["a", "pairs"] == 7
    value = {
        (r.strategy, r.seed): r.simple_regret for r in pd.concat([*a, *b]).itertuples(index=False)
    }
    paired = [value["a", s] - value["b", s] for s in range(5, 12)]
    assert rows.loc["a", "p"] == pytest.approx(2 / 2**7)  # all seven agree
    pair = results.pairs("t").set_index(["method", "other"])
    assert pair.loc[("b", "a"), "advantage"] == pytest.approx(np.mean(paired))
    assert pair.loc[("a", "b"), "advantage"] == pytest.approx(-np.mean(paired))
    assert pair.loc[("b", "a"), "outcome"] == "win"
    assert pair.loc[("a", "b"), "outcome"] == "loss"


def test_too_few_seeds_are_neither_a_tie_nor_a_win() -> None:
    runs = [run([value], name, seed) for seed in range(4) for name, value in (("a", 1), ("b", 2))]
    results = of(*runs)
    assert set(results.pairs("t")["outcome"]) == {""}
    row = ranks_table(results).data.set_index("method").loc["a"]
    assert (row["wins"], row["ties"], row["losses"]) == (0, 0, 0)


def test_all_methods_with_the_best_mean_are_best() -> None:
    runs = [run([v], name, s) for s in range(8) for name, v in (("a", 0), ("b", 0), ("c", 1))]
    rows = at_end(of(*runs))
    assert rows["best"].to_dict() == {"a": True, "b": True, "c": False}
    assert not rows.loc["b", "not_worse"]


def test_broken_runs_are_listed_and_left_out() -> None:
    results = of(run([1, 0.5]), run([3, 3], seed=1), broken(seed=1), broken("b", 0))
    assert len(results.failures) == 2
    assert results.failures["status"].eq("timeout").all()
    row = at_end(results).loc["a"]
    assert row["mean"] == 0.5
    assert (row["seeds"], row["failed"], row["planned"], row["incomplete"]) == (1, 1, 2, True)
    assert results.methods == ["a", "b"]
    assert results.order == ["a"]


def test_a_run_whose_last_row_is_no_evaluation_broke() -> None:
    """``failed`` can be said of an architecture and of a run; the number 0 tells them apart."""
    results = of(run([1, 0.5]), broken(status="failed"), run([3, 3], seed=1))
    assert results.failures["seed"].to_list() == [0]
    assert at_end(results).loc["a", "mean"] == 3


def test_ranks_by_hand() -> None:
    values = {"t": {"a": 1, "b": 2, "c": 3}, "u": {"a": 1, "b": 4, "c": 3}, "v": {"a": 0, "b": 0}}
    runs = [run([v], m, task=t) for t, row in values.items() for m, v in row.items()]
    results = of(*runs)
    ranks = results.mean_ranks(1)
    assert ranks[["a", "b"]].to_list() == pytest.approx([3.5 / 3, 5.5 / 3])
    assert np.isnan(ranks["c"])  # it lacks a task
    assert results.order[-1] == "c"
    frame, fronts = fronts_study()
    volumes = SearchResults.of(frame, fronts)
    assert volumes.mean_ranks(9).to_dict() == {"nsga2": 1, "random": 2}


def test_failed_evaluations_do_not_end_a_run() -> None:
    frame = run([4, 4, 1], status=["ok", "diverged", "failed"])
    results = SearchResults.of(frame)
    assert results.failures.empty
    assert results.failed_evaluations == 2
    assert at_end(results).loc["a", "mean"] == 1


def test_the_order_of_rows_does_not_matter() -> None:
    frame = study(seeds=6)
    shuffled = frame.sample(frac=1, random_state=3)
    one, two = (SearchResults.of(f) for f in (frame, shuffled))
    assert one.order == two.order
    for first, second in (
        (summary_table(one), summary_table(two)),
        (ranks_table(one), ranks_table(two)),
    ):
        assert to_csv(first.data) == to_csv(second.data)
        assert first.tex == second.tex
    assert to_csv(one.curves("t1")) == to_csv(two.curves("t1"))


@pytest.mark.slow
def test_categories_and_small_types_read_the_same() -> None:
    frame = study(seeds=4)
    small = frame.astype(
        {"task": "category", "strategy": "category", "status": "category", "seed": "int32"}
    )
    a, b = (summary_table(SearchResults.of(f)) for f in (frame, small))
    assert to_csv(a.data) == to_csv(b.data)


def test_labels_that_stand_for_several_methods_are_told_apart() -> None:
    results = of(
        run([1], "bo", predictor="gp", acquisition="ei"),
        run([2], "bo", predictor="gp", acquisition="ucb"),
        run([3], "evolution", encoding="one-hot"),
        run([3], "evolution", encoding="path", task="u"),
    )
    assert results.methods == ["bo · ei", "bo · ucb", "evolution"]
    assert results.identities.loc["evolution", "encoding"] == ""
    assert results.identities.loc["bo · ucb"].to_list() == ["bo", "gp", "", "ucb"]


def test_protocols_are_never_compared() -> None:
    results = of(run([1], protocol=""), run([2], protocol="batch 4"))
    assert results.tasks == ["t", "t [batch 4]"]


def test_without_a_known_optimum_regret_counts_from_the_best_found() -> None:
    frame = pd.concat([run([5, 4], "a"), run([3, 2], "b")]).drop(columns="simple_regret")
    results = SearchResults.of(frame)
    assert results.references["t"] == "best found"
    assert at_end(results)["mean"].to_dict() == {"a": 2, "b": 0}
    assert "the optimum is unknown" in str(summary_table(results).markdown)


def test_smaller_budgets_of_a_task_leave_it_out_of_the_larger_table() -> None:
    results = of(run([1] * 30, task="long"), run([1] * 9, task="short"))
    assert results.budgets == [3, 6, 9, 30]
    assert list(results.comparison(30).index.get_level_values("task")) == ["long"]


def test_repeated_rows_count_once_and_contradictions_are_refused() -> None:
    again = run([1, 1], overhead_seconds=7.0)
    assert len(of(run([1, 1]), again).rows) == 2
    with pytest.raises(UserError, match=r"2 evaluations .*task 't', method 'a', seed 0"):
        of(run([1, 1]), run([2, 2]))


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (run([1]).drop(columns=["seed", "best_value"]), r"lack the column\(s\) seed, best_value"),
        (run([1]).iloc[:0], "run the study first"),
        (run([1], seed="x"), "seed of the results holds values that are no integers"),
        (run([2, 1], spent=[2.0, 1.0]), "never fall.*evaluation 2 .spent = 1.0"),
        (run([2, 1], spent=[1.0, np.inf]), "must be finite"),
    ],
)
def test_unusable_frames_are_refused(frame: pd.DataFrame, message: str) -> None:
    with pytest.raises(UserError, match=message):
        SearchResults.of(frame)


def test_targets_by_hand() -> None:
    """The typical first regret is 100, the smallest left 1: half of the targets lie above 10."""
    results = of(run([100, 10, 0], "a"), run([100, 100, 1], "b"))
    table = profile(results)
    assert table.loc[1].to_list() == pytest.approx([1 / 51] * 2)
    assert table.loc[2, "a"] == pytest.approx(26 / 51, abs=1 / 51)
    assert table.loc[3].to_dict() == pytest.approx({"a": 1, "b": 50 / 51})
    assert list(table) == ["a", "b"]


def test_fronts_hold_what_nothing_exceeds() -> None:
    points = [[1, 5], [2, 5], [3, 1], [2, 2], [np.nan, 9], [3, 1]]
    assert non_dominated(points).tolist() == [[2, 5], [3, 1]]
    assert non_dominated(np.empty((0, 2))).shape == (0, 2)
    assert non_dominated([[np.nan, 1]]).shape == (0, 2)


def test_several_objectives_are_judged_by_hypervolume() -> None:
    frame, fronts = fronts_study()
    results = SearchResults.of(frame, fronts)
    assert results.measure == HYPERVOLUME
    assert results.order == ["nsga2", "random"]
    assert at_end(results).loc["nsga2", "mean"] == pytest.approx(0.92)
    pair = results.fronts.pair(results.rows)
    assert pair == ("objective:accuracy", "objective:speed")
    assert len(results.fronts.points("t", pair)) == 9
    median = attained(results.traces["t"], pair)
    assert set(median["seed"]) == {2}
    halved = fronts.assign(hypervolume=2.0)
    assert at_end(SearchResults.of(frame, halved)).loc["nsga2", "mean"] == pytest.approx(0.46)


def test_useful_networks_count_where_results_have_them_and_old_results_say_so() -> None:
    frame, fronts = fronts_study()
    old = summary_table(SearchResults.of(frame, fronts))
    assert "counts from below the whole front" in str(old.markdown)
    assert "front found" not in str(old.markdown)
    useful = {
        "useful_hypervolume": frame["hypervolume"] / 2,
        "front_found": frame["hypervolume"] / 4,
        "front_points": 9.0,
        "useful": "t >= 80 %",
    }
    results = SearchResults.of(frame.assign(**useful), fronts)
    assert results.measure == HYPERVOLUME
    assert at_end(results).loc["nsga2", "mean"] == pytest.approx(0.46)
    assert at_end(results).loc["nsga2", "front_found"] == pytest.approx(0.23)
    table = summary_table(results)
    told = "On t networks count from t >= 80 % on. The front of t has 9 points"
    assert told in notes_of_fronts(results)
    assert "The front of t has 9 points" in str(table.markdown)
    assert "front found (%)" in str(table.markdown)
    assert table.data["front_found"].notna().all()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("judge", "label", "told"),
    [
        ("held-out runs", "simple regret on runs not shown", "judged by the mean of the other 2"),
        ("searched run", "simple regret against the run searched", "the very run that was"),
        (
            "published mean",
            "simple regret against the published mean",
            "published mean, of up to 2 runs",
        ),
    ],
)
def test_a_regret_is_named_by_its_judge(judge: str, label: str, told: str) -> None:
    facts = {"judge": judge, "judge_runs": 2.0, "pool": 1024.0, "without_judge": 5437.0}
    results = of(run([2, 1], "a", **facts), run([3, 2], "b", **facts))  # type: ignore[arg-type]
    assert results.label("t") == results.common_label == label
    table = summary_table(results)
    assert table.caption.lower().startswith(label)
    assert told in str(table.markdown)
    assert ("5,437 others" in str(table.markdown)) == (judge == "held-out runs")
    axis = against_expense(results).axes[0].get_ylabel()
    assert axis.replace("\n", " ") == f"mean {label}"
    mixed = of(run([2, 1], "a", **facts), run([2, 1], "a", task="u"))  # type: ignore[arg-type]
    assert mixed.common_label == "simple regret, each task by its own judge"
    labels = [axes.get_ylabel().replace("\n", " ") for axes in against_expense(mixed).axes]
    assert labels == [f"mean {label}", "mean simple regret"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("judge", "told"),
    [
        (
            "held-out runs",
            "On t a search is shown one training run of an architecture, and its front and "
            "hypervolume are judged by the mean of the other 2; the true front that is drawn is "
            "that of the means over all runs",
        ),
        ("searched run", "those of the very runs that were searched, luck included."),
        ("published mean", "those of the published means of 2 runs, which are also what was"),
    ],
)
def test_fronts_are_told_with_their_judge(judge: str, told: str) -> None:
    frame, fronts = fronts_study()
    facts = {"judge": judge, "judge_runs": 2.0, "pool": 1024.0, "without_judge": 0.0}
    results = SearchResults.of(frame.assign(**facts), fronts)
    captions = [exhibit.caption for exhibit in all_exhibits(results, True)]
    assert any(caption.startswith("Fronts attained") and told in caption for caption in captions)
    assert told in str(summary_table(results).markdown)
    assert told in index_page(results, [], [])
    assert told not in notes_of_fronts(SearchResults.of(frame, fronts))


def test_reports_say_which_lengths_of_training_a_strategy_could_use() -> None:
    plain = of(run([2, 1], "random", lengths="200"), run([2, 1], "genetic", lengths="200"))
    assert lengths_sentence(plain.rows) == ""
    short = run([2, 1], "hyperband", lengths="12, 200")
    several = of(short, run([2, 1], "bohb", lengths="12, 200"), run([2, 1], lengths="200"))
    told = "bohb, hyperband could train for 12 or 200 epochs; the others for 200 alone."
    assert lengths_sentence(several.rows) == told
    assert told in str(summary_table(several).markdown)
    assert ("Lengths of training", told) in search_facts(several)
    assert lengths_sentence(of(run([2, 1])).rows) == ""


def test_hypervolumes_beyond_one_without_fronts_count_from_the_best_found() -> None:
    frame, _ = fronts_study()
    results = SearchResults.of(frame.assign(hypervolume=frame["hypervolume"] * 47))
    assert results.references["t"] == "best found"
    assert results.rows["score"].max() == 1


def test_hostile_names_are_text() -> None:
    name, task = r"=a_b$x^2$ & \input{/etc/passwd} | <script>", "=cmd|'$"
    table = summary_table(of(run([1, 0], name, task=task), run([2, 1], "b", task=task)))
    assert r"\input" not in str(table.tex)
    assert r"\textbackslash{}input" in str(table.tex)
    assert "<script>" not in str(table.markdown)
    parsed = pd.read_csv(io.StringIO(to_csv(table.data)))
    assert set(parsed["method"]) == {"'" + name, "b"}
    assert set(parsed["task"]) == {"'" + task}
