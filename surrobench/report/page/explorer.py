"""All measures of a prediction study in one chart, of which a reader picks one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from surrobench.report.escaping import one_line
from surrobench.report.intervals import METHOD
from surrobench.report.measures import MEASURES, Measure
from surrobench.report.page.charts import ChartStyles, described, embedded, is_tall, numbers
from surrobench.report.page.document import Item
from surrobench.report.results import Results

_FEW_DIGITS = 3


def explorer(results: Results, palette: ChartStyles) -> Item:
    """The chart; means over seeds with half of the 95 % interval."""
    recorded = [measure for name, measure in MEASURES.items() if results.has(name)]
    summaries = {m.column: results.summary(m).reset_index() for m in recorded}
    places = {name: place for place, name in enumerate(palette.chosen)}
    methods = sorted(results.methods, key=lambda name: places.get(name, len(places)))
    content = {
        "x": {"label": "training examples", "log": min(results.sizes) > 0},
        "y": {"label": recorded[0].label, "log": False},
        "step": False,
        "measures": [_described(m, summaries[m.column]) for m in recorded],
        "methods": [described(name, palette) for name in methods],
        "panels": [_panel(task, recorded, summaries, methods) for task in results.tasks],
    }
    text = (
        "Choose a measure: means over seeds, with 95 % intervals for other seeds on the task where "
        f"these hold ({METHOD[False]}; for regrets, log-likelihoods and seconds {METHOD[True]})."
    )
    return Item("explorer", "Measures against the number of training examples", text,
                "explorer", embedded(content))  # fmt: skip


def _described(measure: Measure, summary: pd.DataFrame) -> dict[str, Any]:
    better = "larger is better" if measure.larger_is_better else "smaller is better"
    if measure.column.startswith("coverage_"):
        better = f"honest: {int(measure.column[-2:]) / 100:g}"
    return {"label": f"{measure.label} ({better})", "log": is_tall(summary["mean"])}


def _panel(
    task: str, recorded: list[Measure], summaries: dict[str, pd.DataFrame], methods: list[str]
) -> dict[str, Any]:
    lines: list[dict[str, Any]] = []
    tables = {
        measure.column: dict(list(rows[rows["task"] == task].groupby("method")))
        for measure in recorded
        for rows in (summaries[measure.column],)
    }
    for place, method in enumerate(methods):
        own = {name: parts[method] for name, parts in tables.items() if method in parts}
        if not own:
            continue
        rows = {name: table.sort_values("train_size") for name, table in own.items()}
        first = next(iter(rows.values()))
        lines.append(
            {
                "m": place,
                "x": numbers(first["train_size"], 9),
                "all": [_values(rows[measure.column]) for measure in recorded],
            }
        )
    return {"title": one_line(task), "x": [], "lines": lines}


def _values(rows: pd.DataFrame) -> list[list[float | None]]:
    """Means and half-widths; the second list is empty where there is no interval."""
    half = (rows["high"] - rows["low"]) / 2
    known = bool(np.isfinite(half).any())
    return [numbers(rows["mean"]), numbers(half, _FEW_DIGITS) if known else []]
