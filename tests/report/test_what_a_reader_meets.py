"""Figures and headings that a reader could misread: labels, colours, hatching and words."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from search_frames import fronts_study, study
from test_figures import overlaps

from surrobench.report import figures
from surrobench.report.common.exhibit import Exhibit
from surrobench.report.common.measures import MEASURES
from surrobench.report.common.style import (
    PALETTE,
    apart,
    contrast,
    distinct_colours,
    on_dark,
    paper_style,
    shade,
)
from surrobench.report.comparing.comparisons import comparisons
from surrobench.report.comparing.scores import Scores
from surrobench.report.figures.log_axis import log_axis, round_ticks
from surrobench.report.figures.panels import legend_columns, two_lines
from surrobench.report.page.contents import _plain, _semantic, said
from surrobench.report.page.vectors import _cleaned, inline_svg
from surrobench.report.prediction.writer import _rankings
from surrobench.report.results import Results
from surrobench.report.search.curves import against_expense
from surrobench.report.search.judging import HELD_OUT, Judgement
from surrobench.report.search.results import SearchResults
from surrobench.report.search.tables import ranks_table
from surrobench.report.statistics.sign_flips import compare_with_best, least_blocks
from surrobench.report.tables import html_blocks
from surrobench.report.understanding import figures as explained
from surrobench.spaces.architecture import ArchGraph

SPANS = [
    (3e-4, 4e-4),
    (0.013, 0.019),
    (0.2, 0.9),
    (0.9, 9.0),
    (3.0, 70.0),
    (1e-5, 1e3),
    (30, 31),
    (5.6e4, 2.6e5),
]


@pytest.mark.parametrize("span", SPANS)
def test_ticks_of_a_logarithmic_axis_are_few_and_apart(span: tuple[float, float]) -> None:
    ticks = round_ticks(*span)
    assert 2 <= len(ticks) <= 6
    assert all(span[0] * 0.999 <= tick <= span[1] * 1.001 for tick in ticks)
    with paper_style():
        figure = Figure(figsize=(1.9, 1.9), layout="constrained")
        axes = figure.subplots()
        axes.set(xscale="log", yscale="log", xlim=span, ylim=span)
        log_axis(axes.xaxis)
        log_axis(axes.yaxis)
    assert overlaps(figure) == []


@pytest.mark.slow
@pytest.mark.parametrize("variables", [1, 2, 5])
def test_a_legend_lies_below_the_labels_of_the_axes(variables: int) -> None:
    rows = [
        {"variable": f"decision {v}", "choice": f"choice {c}", "true": c, "predicted": c, "shap": c}
        for v in range(variables)
        for c in range(3)
    ]
    table = pd.DataFrame(rows).assign(true_sd=0.1, predicted_sd=0.1, shap_sd=0.1)
    for width in (3.3, 6.9):
        figure = explained.effects(table, "points", width)
        assert overlaps(figure) == []
        assert sum("difference from the mean" in axes.get_xlabel() for axes in figure.axes) >= 1


def test_what_shares_a_picture_has_colours_of_its_own() -> None:
    assert distinct_colours(8) == list(PALETTE)
    assert len(set(distinct_colours(24))) == 24
    assert apart(["#0072b2", "#d55e00", "#0072b2"])[:2] == ["#0072b2", "#d55e00"]
    edges = tuple((0, 1, f"operation {number}") for number in range(10))
    drawn = figures.architectures([figures.Drawing(ArchGraph(("in", "out"), edges), "all")])
    lines = drawn.legends[0].get_lines()
    assert len({line.get_color() for line in lines}) == len(lines) == 10


def test_methods_of_a_rank_diagram_differ_in_colour() -> None:
    names = ["params", "constant", "gp-rbf", "gp-rbf+none", "gp-rbf+quantile-normal", "svr"]
    scores = np.arange(6) + np.random.default_rng(0).normal(scale=0.01, size=(12, 6))
    figure = figures.critical_difference(pd.DataFrame(scores, columns=names))
    colours = {
        text.get_text().split(" (")[0]: text.get_color()
        for text in figure.axes[0].texts
        if any(name in text.get_text() for name in names)
    }
    assert len(set(map(str, colours.values()))) == len(names)


def test_an_operation_has_one_colour_in_all_figures_of_a_space() -> None:
    def colours(*operations: str) -> dict[str, str]:
        edges = tuple((0, 1, name) for name in operations)
        drawn = figures.architectures(
            [figures.Drawing(ArchGraph(("in", "out"), edges), "one")],
            operations=["none", "conv", "pool", "skip"],
        )
        [legend] = drawn.legends
        names = [text.get_text() for text in legend.get_texts()]
        return dict(zip(names, (str(line.get_color()) for line in legend.get_lines()), strict=True))

    few = colours("skip", "none")
    assert list(few) == ["skip"]
    assert few["skip"] == colours("pool", "conv", "skip")["skip"]


@pytest.mark.parametrize("colour", [*PALETTE, "#000000", "#3d434a", "#8d949c"])
def test_colours_are_seen_on_their_background(colour: str) -> None:
    shades = [shade(colour, times) for times in range(5)]
    assert len(set(shades)) == 5
    least = min(2.2, contrast(colour, "#ffffff"))
    assert all(contrast(one, "#ffffff") >= least for one in shades)
    assert all(contrast(on_dark(one), "#1d2024") >= 4 for one in shades)


def test_what_differs_on_white_differs_on_a_dark_page() -> None:
    methods = [*PALETTE, "#000000", "#3d434a"]
    assert len({on_dark(colour) for colour in methods}) == len(methods)


@pytest.mark.parametrize(
    "labels",
    [
        ["gp-paths-sum", "bohb", "estimation-of-distribution", "ppo", "random"],
        ["successive-halving", "reinforce-transformer", "random"],
        ["x" * 34] * 9,
        ["one"],
    ],
)
@pytest.mark.parametrize("width", [3.3, 6.9])
def test_a_legend_fits_its_figure(labels: list[str], width: float) -> None:
    columns = legend_columns(labels, width)
    with paper_style():
        figure = Figure(figsize=(width, 2.5), layout="constrained")
        figure.subplots().plot([0, 1])
        lines = [Line2D([], [], marker="o") for _ in labels]
        figure.legend(lines, labels, loc="outside lower center", ncols=columns)
    assert overlaps(figure) == []


def test_one_long_name_leaves_room_for_a_second_column() -> None:
    labels = ["gp-paths-sum", "bohb", "progressive", "estimation-of-distribution", "ppo", "random"]
    assert legend_columns(labels, 3.3) == 2


@pytest.mark.slow
@pytest.mark.parametrize("statistic", ["mean", "iqm", "median", "found_optimum"])
def test_the_name_of_a_y_axis_fits_its_panel(statistic: str) -> None:
    results = [SearchResults.of(study(tasks=("t1",)))]
    if statistic != "found_optimum":
        results.append(SearchResults.of(*fronts_study()))
    for part in results:
        assert overlaps(against_expense(part, statistic, width=3.3)) == []
    assert two_lines("interquartile mean relative hypervolume", 1.5).count("\n") == 1
    assert two_lines("mean regret", 1.5) == "mean regret"


def test_wins_are_counted_in_whole_numbers() -> None:
    rows = [("a", "b", "win"), ("b", "a", "loss")]
    pairs = pd.DataFrame(rows, columns=["method", "other", "outcome"])
    figure = figures.outcome_matrix(pairs)
    figure.draw_without_rendering()
    ticks = figure.axes[1].get_yticks()
    assert len(ticks) >= 2
    assert all(float(tick).is_integer() for tick in ticks)


def test_a_constant_far_below_leaves_the_others_apart(frame: pd.DataFrame) -> None:
    results = Results.of(frame)
    assert results.constant_methods(always=True) == ["constant"]
    figure = figures.ranking(results, 200)
    axes = figure.axes[0]
    low, high = axes.get_xlim()
    means = results.means(MEASURES["kendall_tau"], 200)[results.tasks[0]].drop("constant").dropna()
    assert low > 0
    assert np.ptp(means) > 0.6 * (high - low)
    assert any(text.get_text() == "\u25c2 0" for text in axes.texts)
    colours = figures.heat_map(results, 200).axes[0].collections[0].norm
    least = results.means(MEASURES["kendall_tau"], 200).drop("constant").min(axis=None)
    assert colours.vmin == pytest.approx(least)


@pytest.mark.slow
def test_a_rank_diagram_says_which_methods_it_leaves_out(frame: pd.DataFrame) -> None:
    known = frame[frame["task"] == "nb201/cifar10-val"]
    known = known.assign(constant=known["predictor"] == "constant")
    scores = Scores.of(Results.of(known), MEASURES["kendall_tau"], 100)
    [diagram] = [e for e in comparisons(scores) if e.name.endswith("ranks-n100-diagram")]
    assert "Left out: constant (it answers one value for everything)." in diagram.caption
    assert "constant" not in set(diagram.data["method"])
    assert diagram.data["friedman_p"].iloc[0] == pytest.approx(1 / 10_001)  # as small as it can be
    assert "Friedman's test p < 0.001;" in diagram.caption


def test_a_task_without_results_gets_no_empty_panel(frame: pd.DataFrame) -> None:
    lost = (frame["task"] == "nb201/in16-test") & (frame["train_size"] >= 200)
    results = Results.of(frame[~lost])
    assert len(results.tasks) == 3
    for figure in (
        figures.ranking(results, 200),
        figures.reliability(results, 200),
        figures.coverage(results, 200),
    ):
        titles = [axes.get_title() or axes.get_title("left") for axes in figure.axes]
        assert [title for title in titles if title] == [
            task for task in results.tasks if task != "nb201/in16-test"
        ]
        assert all(axes.lines or axes.patches for axes in figure.axes)
    [exhibit] = _rankings(results, MEASURES["kendall_tau"], 200)
    assert exhibit.caption.endswith("Left out: 1 task without a result at this size.")


@pytest.mark.slow
@pytest.mark.parametrize("width", [3.3, 6.9])
def test_three_axes_fit_one_column_and_two(frame: pd.DataFrame, width: float) -> None:
    figure = figures.three_axes(Results.of(frame[frame["task"] == "nb201/in16-test"]), width=width)
    assert overlaps(figure) == []
    figure.draw_without_rendering()
    best = figure.axes[2]
    inside = best.get_window_extent()
    for text in best.texts:
        box = text.get_window_extent()
        assert inside.x0 - 2 <= box.x0
        assert box.x1 <= inside.x1 + 2


@pytest.mark.parametrize("width", [3.3, 6.9])
def test_the_title_of_a_rank_diagram_fits(width: float) -> None:
    scores = np.arange(4) + np.random.default_rng(0).normal(scale=0.01, size=(12, 4))
    table = pd.DataFrame(scores, columns=["gp-rbf", "svr", "knn", "xgboost"])
    blocks = "seeds on nb201/cifar10-val-run alone"
    assert overlaps(figures.critical_difference(table, blocks=blocks, width=width)) == []


@pytest.mark.slow
def test_long_names_of_tasks_leave_each_other_alone(frame: pd.DataFrame) -> None:
    long = {task: f"a-long-collection-of-tasks/{task}" for task in frame["task"].unique()}
    results = Results.of(frame.replace({"task": long}))
    assert overlaps(figures.ranking(results, 200)) == []
    assert overlaps(figures.coverage(results, 200)) == []


@pytest.mark.parametrize(("tasks", "words"), [(1, "Rank by mean"), (2, "Mean rank over 2 tasks")])
def test_one_task_is_not_called_tasks(tasks: int, words: str) -> None:
    results = SearchResults.of(study())
    part = results.select(list(results.traces)[:tasks])
    assert ranks_table(part).caption.startswith(words)


def test_rows_of_a_page_begin_with_their_method() -> None:
    data = pd.DataFrame({"task": ["t", "t"], "method": ["a", "b"], "mean": [1.0, 2.0]})
    blocks = {"t": pd.DataFrame({"mean": ["1", "2"]}, index=pd.Index(["<a>", "b"], name="method"))}
    shown = str(_semantic(html_blocks(blocks).replace("<a>", "&lt;a&gt;")))
    heads = re.findall(r'<th scope="col">(.*?)</th>', shown)
    assert heads == ["method", "task", "mean"]
    assert re.findall(r'<th scope="row">(.*?)</th>', shown) == ["&lt;a&gt;", "b"]
    assert re.findall(r"<td>(.*?)</td>", shown) == ["t", "1", "t", "2"]
    grid = _plain(data, "title")
    assert [head.text for head in grid.heads] == ["method", "task", "mean"]
    assert [row[0].text for row in grid.rows] == ["a", "b"]


@pytest.mark.parametrize("letters", [4.0, 6.0, 12.0])
def test_the_smallest_letters_of_a_drawing_can_be_read(letters: float) -> None:
    figure = Figure(figsize=(6.9, 2))
    figure.text(0.5, 0.5, "text", fontsize=letters)
    drawn = ElementTree.fromstring(str(inline_svg(figure, "p")))
    pixels = 16 * float(drawn.get("width", "").removesuffix("em"))
    scale = pixels / float(drawn.get("viewBox", "").split()[2])
    assert letters * scale >= 7.9
    assert scale >= 4 / 3


def test_hatched_regions_are_painted_on_the_page() -> None:
    figure = Figure()
    axes = figure.subplots()
    with mpl.rc_context({"hatch.linewidth": 0.6, "hatch.color": "white"}):
        axes.contourf([[0, 1], [1, 1]], levels=[0.5, 1.5], colors=["#0072b2"], hatches=["////"])
    text = str(inline_svg(figure, "here"))
    assert "<pattern" in text
    ids = set(re.findall(r'\bid="([^"]+)"', text))
    wanted = set(re.findall(r"url\(#([^)]+)\)", text))
    assert wanted
    assert wanted <= ids
    assert text.count("url(") == text.count("url(#here-")


@pytest.mark.parametrize(
    "attribute",
    [
        'style="fill: url(https://example.org/x.svg#a)"',
        'fill="url(https://example.org/x.svg#a)"',
        'stroke="URL( &quot;https://example.org&quot; )"',
        'style="fill: url(#a) url(https://example.org)"',
        'patternUnits="javascript:alert(1)"',
        'clip-path="url(https://example.org#a)"',
    ],
)
def test_nothing_in_a_drawing_refers_to_somewhere_else(attribute: str) -> None:
    source = f'<svg xmlns="http://www.w3.org/2000/svg"><rect width="1" {attribute}/></svg>'
    cleaned = ElementTree.tostring(
        _cleaned(ElementTree.fromstring(source), "p"), encoding="unicode"
    )
    assert "example.org" not in cleaned
    assert "javascript" not in cleaned


@pytest.mark.parametrize(
    ("caption", "title"),
    [
        ("Scores of all: more.", "Scores of all"),
        ("Means (a: b; c) of all. More.", "Means (a: b; c) of all"),
        ("Open (bracket: never closed.", "Open (bracket"),
        ("A smile :) of one. Two.", "A smile :) of one"),
    ],
)  # fmt: skip
def test_a_heading_ends_outside_of_brackets(caption: str, title: str) -> None:
    assert Exhibit("x", caption, pd.DataFrame()).title == title


def test_what_a_heading_has_in_brackets_stands_in_the_text_below() -> None:
    plain = Exhibit("x", "Scores of all: more.", pd.DataFrame())
    assert said(plain) == ("Scores of all", "More.")
    long = Exhibit(
        "x", "Coverage (each on its line; left: too sure) and width. More.", pd.DataFrame()
    )
    assert said(long) == ("Coverage and width", long.caption)


def trainings(epochs: int) -> pd.DataFrame:
    rows = [
        (name, split, epoch, seed, epoch + seed)
        for name in ("a", "b")
        for split in ("train", "validation")
        for epoch in range(1, epochs + 1)
        for seed in (0, 1)
    ]
    columns = ["name", "split", "epoch", "seed", "value"]
    return pd.DataFrame(rows, columns=columns).assign(metric="loss")


def test_two_epochs_are_points_and_three_a_curve() -> None:
    def lines(epochs: int) -> set[str]:
        axes = figures.learning_curves(trainings(epochs)).axes[0]
        return {str(line.get_linestyle()) for line in axes.get_lines() if len(line.get_xdata()) > 1}

    assert lines(2) == {"None"}
    assert "None" not in lines(3)


def test_a_regret_that_may_rise_says_why() -> None:
    told = Judgement(HELD_OUT, 2.0, 100.0).sentence(["t"])
    assert "may rise during a search" in told


def test_the_least_number_of_seeds_is_that_of_the_test() -> None:
    assert (least_blocks(0.05), least_blocks(0.01)) == (6, 8)
    scores = np.arange(3) + np.random.default_rng(0).normal(scale=0.01, size=(6, 3))
    assert (compare_with_best(scores, 2).adjusted[:2] < 0.05).all()
    assert not (compare_with_best(scores[:5], 2).adjusted[:2] < 0.05).any()


def test_a_legend_names_what_is_drawn_and_nothing_else() -> None:
    names = ["true", "predicted", "shap"]
    table = pd.DataFrame({"variable": ["op"] * 2, "choice": ["conv", "pool"]})
    table = table.assign(**dict.fromkeys(names, 1.0), **{f"{name}_sd": 0.1 for name in names})

    def legend(shown: pd.DataFrame) -> list[str]:
        (drawn,) = explained.effects(shown, "%").legends
        return [text.get_text() for text in drawn.get_texts()]

    assert legend(table) == ["in the table", "predicted", "SHAP value"]
    assert legend(table.assign(shap=np.nan)) == ["in the table", "predicted"]
