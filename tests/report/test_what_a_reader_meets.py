"""Figures and headings that a reader could misread: labels, colours, hatching and words."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from test_figures import overlaps

from surrobench.report import figures
from surrobench.report.exhibit import Exhibit
from surrobench.report.figures.log_axis import log_axis, round_ticks
from surrobench.report.page.contents import said
from surrobench.report.page.vectors import _cleaned, inline_svg
from surrobench.report.search.judging import HELD_OUT, Judgement
from surrobench.report.sign_flips import compare_with_best, least_blocks
from surrobench.report.style import PALETTE, apart, distinct_colours, paper_style
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
