"""Whatever a run lacks, a figure is drawn or a sentence says why not; nothing is made up."""

from __future__ import annotations

import pandas as pd
import pytest
from matplotlib.figure import Figure
from odd_runs import PREDICTIONS, SEARCHES
from search_frames import study

from surrobench.errors import UserError
from surrobench.report.common.measures import MEASURES
from surrobench.report.comparing.scores import Scores
from surrobench.report.plots import PREDICTION_PLOTS, SEARCH_PLOTS, PlotOptions, draw
from surrobench.report.results import Results
from surrobench.report.search.final import final_scores
from surrobench.report.search.results import SearchResults


def drawn_or_refused(kind: str, results: Results | SearchResults) -> bool:
    try:
        figure = draw(kind, results, PlotOptions(width=3.3))
    except UserError:
        return False
    assert isinstance(figure, Figure)
    figure.draw_without_rendering()
    return True


@pytest.fixture(scope="module")
def searches() -> pd.DataFrame:
    return study(("random", "gp ei", "genetic"), seeds=8, evaluations=12)


@pytest.mark.slow
@pytest.mark.parametrize("case", PREDICTIONS)
def test_predictions(frame: pd.DataFrame, case: str) -> None:
    few = frame["predictor"].isin(["svr", "gp-rbf", "knn", "constant"])
    small = frame[few & frame["train_size"].isin([25, 800])]
    results = Results.of(PREDICTIONS[case](small))
    drawn = {kind for kind in PREDICTION_PLOTS if drawn_or_refused(kind, results)}
    if case == "all failed":
        assert not drawn
    else:
        assert {"curves", "ranking", "heat-map"} <= drawn
    if case == "all":
        # Three tasks of two tables are no blocks for a test of ranks.
        assert drawn == set(PREDICTION_PLOTS) - {"critical-difference"}
    if case in ("one method", "one seed"):
        assert "outcomes" not in drawn


@pytest.mark.slow
@pytest.mark.parametrize("case", SEARCHES)
def test_searches(searches: pd.DataFrame, case: str) -> None:
    results = SearchResults.of(SEARCHES[case](searches))
    drawn = {kind for kind in SEARCH_PLOTS if drawn_or_refused(kind, results)}
    if case == "all failed":
        assert not drawn
    else:
        assert {"curves", "iqm-curves", "quantiles", "success", "by-time"} <= drawn
    assert "fronts" not in drawn
    if case == "all":
        assert drawn == set(SEARCH_PLOTS) - {"fronts", "critical-difference"}


def test_one_seed_has_no_interval_anywhere(frame: pd.DataFrame, searches: pd.DataFrame) -> None:
    one = Scores.of(Results.of(frame[frame["seed"] == 5]), MEASURES["kendall_tau"], 800)
    found = final_scores(SearchResults.of(searches[searches["seed"] == 5]))[1]
    for pairs in (one.pairs, found):
        columns = ["low", "high", "effect", "seeds_needed"]
        assert pairs[columns].isna().all(axis=None)
        assert (pairs["outcome"] == "").all()
    limits = one.aggregates()[["iqm_low", "iqm_high", "mean_low", "mean_high"]]
    assert limits.isna().all(axis=None)


def test_few_tables_give_no_blocks_and_many_are_blocks_themselves(frame: pd.DataFrame) -> None:
    few = Scores.of(Results.of(frame), MEASURES["kendall_tau"], 800)
    assert few.blocks[1] == ""
    assert few.blocks[0].empty
    copies = [frame.assign(task=str(i) + frame["task"]) for i in range(3)]
    many = Scores.of(Results.of(pd.concat(copies)), MEASURES["kendall_tau"], 800)
    assert many.blocks[1] == "tables"
    assert many.ranks.blocks == 6


def test_an_unknown_kind_or_size_is_said(frame: pd.DataFrame) -> None:
    results = Results.of(frame)
    with pytest.raises(UserError, match="outcomes"):
        draw("outcome", results, PlotOptions())
    with pytest.raises(UserError, match="no cell has 3 training examples; there are: 25"):
        draw("ranking", results, PlotOptions(size=3))
    with pytest.raises(UserError, match="units of each task"):
        draw("aggregates", results, PlotOptions(measure="mae"))
