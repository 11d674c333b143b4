from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from surrobench.report import figures
from surrobench.report.common.exhibit import save_figure
from surrobench.report.common.measures import MEASURES
from surrobench.report.common.style import method_style, paper_style
from surrobench.report.results import Results

MAKERS: dict[str, Callable[[Results], Figure]] = {
    "curves": lambda r: figures.against_train_size(r, width=_width(r)),
    "ranking": lambda r: figures.ranking(r, 200, width=_width(r)),
    "coverage": lambda r: figures.coverage(r, 200, width=_width(r)),
    "heat map": lambda r: figures.heat_map(r, 200, width=_width(r)),
}


def _width(results: Results) -> float:
    return figures.ONE_COLUMN if len(results.tasks) == 1 else figures.TWO_COLUMNS


def out_of_view(figure: Figure) -> Iterator[Text]:
    """Labels of ticks outside the limits of their axis, which matplotlib keeps and never draws."""
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in axis.get_major_ticks():
                if not low <= tick.get_loc() <= high:
                    yield from (tick.label1, tick.label2)


def overlaps(figure: Figure) -> list[tuple[str, str]]:
    """Pairs of visible texts whose boxes overlap, and texts that leave the page."""
    with paper_style():
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        hidden = set(out_of_view(figure))
        boxes = [
            (text.get_text(), text.get_window_extent(canvas.get_renderer()))
            for text in figure.findobj(Text)
            if text.get_visible() and text.get_text().strip() and text not in hidden
            if text.get_rotation() in (0, 90)
        ]
    boxes = [(text, box.padded(-0.5)) for text, box in boxes]
    page = figure.bbox
    outside = [
        (text, "page")
        for text, box in boxes
        if box.x0 < 0 or box.x1 > page.x1 or box.y0 < 0 or box.y1 > page.y1
    ]
    return outside + [
        (a, b) for (a, one), (b, two) in itertools.combinations(boxes, 2) if one.overlaps(two)
    ]


@pytest.mark.slow
@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("tasks", [1, 3])
def test_no_text_overlaps_or_leaves_the_page(frame: pd.DataFrame, kind: str, tasks: int) -> None:
    results = Results.of(frame)
    assert overlaps(MAKERS[kind](results.select(results.tasks[:tasks]))) == []


def test_curves_show_the_means_and_ticks_at_the_sizes(frame: pd.DataFrame) -> None:
    results = Results.of(frame)
    figure = figures.against_train_size(results)
    axes = figure.axes[0]
    assert list(axes.get_xticks()) == results.sizes
    line = next(line for line in axes.lines if line.get_color() == method_style("svr").colour)
    rows = results.summary(MEASURES["kendall_tau"]).loc["nb201/cifar10-val"]
    expected = [rows.loc[(size, "svr"), "mean"] for size in results.sizes]
    assert list(line.get_ydata()) == pytest.approx(expected)  # type: ignore[arg-type]
    assert len(figure.axes) == 3


def test_every_family_is_among_the_coloured(frame: pd.DataFrame) -> None:
    results = Results.of(frame)
    chosen = figures.highlights(results, MEASURES["kendall_tau"], 8)
    assert len(chosen) == 8
    families = {method_style(method).family for method in results.methods}
    assert {method_style(method).family for method in chosen} == families


def test_one_seed_draws_no_band(frame: pd.DataFrame) -> None:
    figure = figures.against_train_size(frame[frame["seed"] == 0])
    assert not any(band.get_paths() for band in figure.axes[0].collections)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["pdf", "png", "svg"])
def test_files_are_the_same_bytes_again(frame: pd.DataFrame, tmp_path: Path, suffix: str) -> None:
    small = frame[frame["train_size"].isin([25, 50]) & (frame["task"] == "nb201/in16-test")]
    contents = []
    for name in ("a", "b"):
        path = tmp_path / f"{name}.{suffix}"
        save_figure(figures.against_train_size(small, width=figures.ONE_COLUMN), path)
        contents.append(path.read_bytes())
    assert contents[0] == contents[1]
    if suffix == "pdf":
        assert b"/FontFile2" in contents[0]
        assert b"/Type3" not in contents[0]
        assert b"CreationDate" not in contents[0]


@pytest.mark.slow
@pytest.mark.parametrize("kind", MAKERS)
def test_hostile_and_foreign_names_are_drawn_as_text(
    frame: pd.DataFrame, tmp_path: Path, kind: str
) -> None:
    small = frame[frame["train_size"].isin([100, 200]) & (frame["task"] == "nb201/in16-test")]
    names = {"svr": r"$\frac{1}{$", "knn": "_hidden", "flops": "模型😀\n2", "xgboost": "x" * 300}
    small = small.replace({"predictor": names}).assign(task="$\\evil{_^$ task")
    save_figure(MAKERS[kind](Results.of(small)), tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 10_000
