"""All measures of a prediction study in one chart, of which a reader picks one."""

from __future__ import annotations

from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from surrobench.report.common.escaping import one_line
from surrobench.report.common.measures import MEASURES, Measure
from surrobench.report.page.charts import ChartStyles, described, embedded, is_tall, numbers, packed
from surrobench.report.page.document import Item
from surrobench.report.results import Results
from surrobench.report.statistics.intervals import METHOD

MOST_LINES = 20_000
"""With more lines than this, over all measures, the chart is compressed."""
_FEW_DIGITS = 3


class _Line(NamedTuple):
    """Training sizes, means over seeds, and halves of intervals (empty where there are none)."""

    sizes: list[float | None]
    means: list[float | None]
    halves: list[float | None]


def explorer(results: Results, palette: ChartStyles) -> Item:
    """The chart; means over seeds with half of the 95 % interval."""
    recorded = [measure for name, measure in MEASURES.items() if results.has(name)]
    summaries = {m.column: results.summary(m).reset_index() for m in recorded}
    lines = [_lines(summaries[m.column]) for m in recorded]
    places = {name: place for place, name in enumerate(palette.chosen)}
    methods = sorted(results.methods, key=lambda name: places.get(name, len(places)))
    content = {
        "x": {"label": "training examples", "log": min(results.sizes) > 0},
        "y": {"label": recorded[0].label, "log": False},
        "step": False,
        "measures": [_described(m, summaries[m.column]) for m in recorded],
        "methods": [described(name, palette) for name in methods],
        "panels": [_panel(task, lines, methods) for task in results.tasks],
    }
    text = (
        "Choose a measure: means over seeds, with 95 % intervals for other seeds on the task where "
        f"these hold ({METHOD[False]}; for regrets, log-likelihoods and seconds {METHOD[True]})."
    )
    many = len(results.tasks) * len(methods) * len(recorded) > MOST_LINES
    if many:
        text += " The numbers are those of summary.csv."
    return Item(
        "explorer", "Measures against the number of training examples", text, "explorer",
        chart=None if many else embedded(content), packed=packed(content) if many else None,
    )  # fmt: skip


def _described(measure: Measure, summary: pd.DataFrame) -> dict[str, Any]:
    better = "larger is better" if measure.larger_is_better else "smaller is better"
    if measure.column.startswith("coverage_"):
        better = f"honest: {int(measure.column[-2:]) / 100:g}"
    return {"label": f"{measure.label} ({better})", "log": is_tall(summary["mean"])}


def _lines(summary: pd.DataFrame) -> dict[tuple[str, str], _Line]:
    """What a measure says of each task and method, written once for the whole table."""
    rows = summary.sort_values(["task", "method", "train_size"], kind="stable")
    half = (rows["high"] - rows["low"]) / 2
    known, halves = np.isfinite(half.to_numpy(float)), numbers(half, _FEW_DIGITS)
    sizes, means = numbers(rows["train_size"], 9), numbers(rows["mean"])
    pairs = list(zip(rows["task"], rows["method"], strict=True))
    lines, start = {}, 0
    for pair, run in groupby(pairs):
        part = slice(start, start := start + sum(1 for _ in run))
        lines[pair] = _Line(sizes[part], means[part], halves[part] if known[part].any() else [])
    return lines


def _panel(
    task: str, recorded: list[dict[tuple[str, str], _Line]], methods: list[str]
) -> dict[str, Any]:
    lines: list[dict[str, Any]] = []
    for place, method in enumerate(methods):
        own = [known[task, method] for known in recorded if (task, method) in known]
        if own:
            values = [[line.means, line.halves] for line in own]
            lines.append({"m": place, "x": own[0].sizes, "all": values})
    return {"title": one_line(task), "x": [], "lines": lines}
