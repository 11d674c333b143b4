"""Figures that take a plain frame, and the numbers that they show."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from surrobench.errors import UserError
from surrobench.report import figures
from surrobench.report.common.exhibit import Exhibit, render_figure
from surrobench.report.common.measures import MEASURES
from surrobench.report.common.style import WIDTHS, method_id
from surrobench.report.comparing.scores import Scores
from surrobench.report.costs import costs, winners
from surrobench.report.figures.distributions import profiles
from surrobench.report.figures.proxies import proxy_correlations
from surrobench.report.results import Results
from surrobench.report.statistics.pairs import compare_pairs
from surrobench.spaces.architecture import ArchGraph

TAU = MEASURES["kendall_tau"]


def predictions(n: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=n)
    return pd.DataFrame({"truth": truth, "prediction": truth + rng.normal(size=n), "std": 0.5})


def curves() -> pd.DataFrame:
    rows = [
        (name, metric, split, epoch, seed, epoch + seed)
        for name in ("a", "<b>")
        for metric in ("loss", "accuracy")
        for split in ("train", "validation")
        for epoch in (1, 2, 3)
        for seed in (0, 1)
    ]
    return pd.DataFrame(rows, columns=["name", "metric", "split", "epoch", "seed", "value"])


CELL = ArchGraph(("in", "1", "out"), ((0, 1, "conv"), (0, 2, "skip"), (1, 2, "none")))
FROM_FRAMES: dict[str, Callable[[], Figure]] = {
    "predicted": lambda: figures.predicted_against_true(predictions(), title="task\na $method_$"),
    "predicted wide": lambda: figures.predicted_against_true(predictions(), width=6.75),
    "architectures": lambda: figures.architectures([figures.Drawing(CELL, "no. 1", ("90 %",))] * 5),
    "proxies": lambda: figures.proxies_against_truth(predictions()),
    "learning": lambda: figures.learning_curves(curves()),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", FROM_FRAMES)
def test_figures_are_detached_and_their_bytes_repeat(kind: str) -> None:
    known = plt.get_fignums()  # such as a user's own, drawn with pyplot
    for form in ("pdf", "svg", "png"):
        first, second = (render_figure(FROM_FRAMES[kind](), form) for _ in range(2))
        assert first == second
        assert len(first) > 1000
    assert plt.get_fignums() == known


@pytest.fixture
def small(frame: pd.DataFrame) -> Results:
    chosen = frame["predictor"].isin(["svr", "gp-rbf", "mlp-ensemble", "constant"])
    return Results.of(frame[chosen & frame["train_size"].isin([25, 800])])


FROM_RESULTS: dict[str, Callable[[Results], Figure]] = {
    "three axes": figures.three_axes,
    "reliability": lambda r: figures.reliability(r, 800),
    "ranks": lambda r: figures.critical_difference(
        Scores.of(r.select(r.tasks[:1]), TAU, 800).ranks
    ),
    "outcomes": lambda r: figures.outcome_matrix(Scores.of(r, TAU, 800).pairs),
    "aggregates": lambda r: figures.aggregates(Scores.of(r, TAU, 800).aggregates(), "tau"),
    "profile": lambda r: figures.performance_profile(
        Scores.of(r, TAU, 800).tables, "tau", ["svr", "gp-rbf"]
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", FROM_RESULTS)
def test_figures_of_results_repeat(small: Results, kind: str) -> None:
    first, second = (render_figure(FROM_RESULTS[kind](small), "svg") for _ in range(2))
    assert first == second


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["three axes", "reliability", "aggregates", "profile"])
def test_a_method_can_be_found_in_the_svg(small: Results, kind: str) -> None:
    text = render_figure(FROM_RESULTS[kind](small), "svg").decode()
    assert f'id="{method_id("svr")}.' in text
    ids = [part.split('"')[0] for part in text.split('id="method-')[1:]]
    assert len(ids) == len(set(ids))


def test_constants_take_part_in_no_comparison(small: Results) -> None:
    scores = Scores.of(small, TAU, 800)
    assert "constant" not in scores.order
    assert "constant" not in set(scores.pairs["method"])
    assert "constant" not in set(costs(small, TAU)["method"])


def test_the_winner_is_the_best_that_keeps_both_limits() -> None:
    table = pd.DataFrame(
        {
            "method": ["cheap", "good", "slow"],
            "score": [0.2, 0.6, 0.9],
            "initialisation": [1.0, 10.0, 10.0],
            "query": [0.01, 0.01, 1.0],
        }
    )
    grid = winners(table)
    assert set(np.unique(grid)) == {"", "cheap", "good", "slow"}

    def best(seconds: float, query: float) -> str:
        row = grid.index.get_indexer([seconds], method="nearest")[0]
        column = grid.columns.get_indexer([query], method="nearest")[0]
        return str(grid.iloc[row, column])

    assert best(3, 0.1) == "cheap"
    assert best(11, 0.1) == "good"
    assert best(11, 1.2) == "slow"
    assert best(0.9, 1.2) == ""


def test_initialisation_is_training_and_fitting(small: Results) -> None:
    small = Results.of(small.records.assign(train_seconds=1000.0))
    table = costs(small, TAU)
    ok = small.ok[small.ok["method"] == "svr"]
    here = ok[(ok["task"] == small.tasks[0]) & (ok["train_size"] == 25)]
    row = table[(table["method"] == "svr") & (table["task"] == small.tasks[0])].iloc[0]
    assert row["initialisation"] == pytest.approx(
        (here["train_seconds"] + here["fit_seconds"]).mean()
    )


def test_profiles_start_at_one_and_count_runs() -> None:
    tables = {"a": pd.DataFrame({"x": [0.0, 1.0]}), "b": pd.DataFrame({"x": [1.0, 1.0]})}
    table = profiles(tables, ["x"])
    assert table["share"].iloc[0] == 1
    assert table["share"].iloc[-1] == 0.75
    assert list(table) == ["method", "threshold", "share"]  # no band keeps its level


def test_proxies_are_ranked_by_their_correlation() -> None:
    frame = pd.DataFrame({"truth": [1.0, 2, 3, 4], "up": [1.0, 2, 3, 4], "down": [4.0, 3, 1, 2]})
    table = proxy_correlations(frame.assign(same=1.0))
    assert list(table["proxy"]) == ["up", "down", "same"]
    assert table["kendall_tau"].iloc[0] == 1
    assert np.isnan(table["kendall_tau"].iloc[2])


def test_the_predicted_best_are_marked() -> None:
    frame = predictions()
    axes = figures.predicted_against_true(frame, top=5).axes[0]
    marked = next(line for line in axes.lines if "best predicted" in str(line.get_label()))
    expected = frame.nlargest(5, "prediction")["truth"]
    np.testing.assert_allclose(np.sort(marked.get_xdata()), np.sort(expected))


def test_fonts_are_embedded_as_truetype(small: Results) -> None:
    content = render_figure(figures.reliability(small, 800), "pdf")
    assert b"/FontFile2" in content
    assert b"/Type3" not in content
    assert b"CreationDate" not in content


@pytest.mark.slow
@pytest.mark.parametrize(("name", "widths"), WIDTHS.items())
def test_sizes_of_templates(small: Results, name: str, widths: tuple[float, float]) -> None:
    for width in widths:
        figure = figures.reliability(small, 800, width=width)
        assert figure.get_figwidth() == pytest.approx(width)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: figures.predicted_against_true(pd.DataFrame({"truth": [1.0]})), "prediction"),
        (lambda: figures.predicted_against_true(predictions(0)), "no architecture"),
        (lambda: figures.architectures([]), "no architecture"),
        (lambda: figures.learning_curves(pd.DataFrame({"value": [1]})), "name, metric, epoch"),
        (
            lambda: figures.learning_curves(pd.DataFrame({"epoch": [1]})),
            "a frame of trainings lacks",
        ),
        (lambda: figures.learning_curves(pd.DataFrame({"arch": ["a"], "epoch": [1]})), "measure"),
        (lambda: figures.proxies_against_truth(pd.DataFrame({"truth": [1.0]})), "no proxies"),
        (lambda: figures.critical_difference(pd.DataFrame({"a": [1.0], "b": [2.0]})), "three"),
        (lambda: figures.aggregates(pd.DataFrame(), "tau"), "nothing to aggregate"),
    ],
)
def test_what_cannot_be_drawn_is_said(call: Callable[[], Figure], words: str) -> None:
    with pytest.raises(UserError, match=words):
        call()


def test_untested_pairs_are_grey() -> None:
    pairs = compare_pairs(pd.DataFrame({"a": [1.0, 2.0], "b": [2.0, 3.0]}))
    image = figures.outcome_matrix(pairs).axes[0].images[0].get_array()
    assert np.ma.getmaskarray(np.ma.masked_invalid(image)).all()


def test_an_exhibit_says_what_it_is_and_renders(tmp_path: Path) -> None:
    table = Exhibit("t", "Scores of all: more. And more.", predictions(3), tex="x", markdown="y")
    assert (table.kind, table.title) == ("table", "Scores of all")
    assert table.formats == ("csv", "md", "tex")
    figure = Exhibit("f", "100 % of a_b.", predictions(3), FROM_FRAMES["proxies"]())
    assert figure.formats == ("csv", "tex", "pdf", "png", "svg")
    tex = figure.render("tex").decode()
    assert r"\includegraphics" in tex
    assert r"100 \% of a\_b." in tex
    assert Exhibit("d", "Numbers.", predictions(3)).kind == "data"
    with pytest.raises(ValueError, match="no 'png'"):
        table.render("png")
    paths = figure.save(tmp_path, ("pdf",))
    assert [path.name for path in paths] == ["f.csv", "f.pdf"]


def test_of_many_tasks_methods_are_named_above_and_below(frame: pd.DataFrame) -> None:
    few = frame[frame["predictor"].isin(["svr", "gp-rbf"]) & (frame["train_size"] == 800)]
    few = few[few["task"] == few["task"].iloc[0]]
    many = pd.concat([few.assign(task=f"task {i}") for i in range(41)], ignore_index=True)
    for shown, places in ((many[many["task"] != "task 0"], 1), (many, 2)):
        (axes,) = figures.heat_map(shown, 800).axes[:1]  # the other is the bar of colours
        named = [axes, *axes.child_axes]
        assert len(named) == places
        labels = [[text.get_text() for text in part.get_xticklabels()] for part in named]
        assert all(texts == labels[0] for texts in labels)
        assert any(text.startswith("svr (") for text in labels[0])
