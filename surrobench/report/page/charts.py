"""Charts of a page: the numbers of an exhibit that a reader can zoom into and toggle by method.

An exhibit becomes a chart if its data hold a score of every method along an axis. Otherwise its
figure is shown as it is.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from surrobench.report.common.escaping import one_line
from surrobench.report.common.exhibit import Exhibit
from surrobench.report.common.style import (
    DASH_DOT,
    DASHED,
    DOTTED,
    MethodStyle,
    method_style,
    on_dark,
)

_AXES = {
    "train_size": ("training examples", True),
    "spent": ("full trainings", False),
    "simulated_seconds": ("seconds of training", False),
    "budget": ("full trainings", False),
}
_SCORES: dict[str, tuple[str, tuple[str, str] | None]] = {
    "mean": ("mean", ("mean_low", "mean_high")),
    "iqm": ("interquartile mean", ("iqm_low", "iqm_high")),
    "median": ("median", ("q25", "q75")),
    "found_optimum": ("share of runs", None),
    "mean_rank": ("mean rank", None),
}
_DASHES = {DASHED: "7 3", DOTTED: "2 2.5", DASH_DOT: "7 2.5 2 2.5"}
_TALL = 20.0
"""Positive scores that span more than this factor are drawn on a logarithmic axis."""


@dataclass(frozen=True)
class ChartStyles:
    """How methods look, and which of them are coloured at first (all, if none is named)."""

    styles: Mapping[str, MethodStyle]
    chosen: Sequence[str] = ()

    def of(self, method: str) -> MethodStyle:
        """The look of a method, also of one that nobody has dressed."""
        return self.styles.get(method) or method_style(method)


@dataclass(frozen=True)
class Axes:
    """Which columns of the data make a chart."""

    x: str
    y: str
    bounds: tuple[str, str] | None


def axes_of(data: pd.DataFrame) -> Axes | None:
    """The columns to draw, if the data are scores of methods along an axis."""
    if "method" not in data:
        return None
    for x in _AXES:
        if x in data and (data.groupby("method")[x].nunique() > 1).any():
            for y, (_, own) in _SCORES.items():
                if y in data and data[y].notna().any():
                    pairs = [pair for pair in (own, ("low", "high")) if pair]
                    bounds = next((pair for pair in pairs if set(pair) <= set(data)), None)
                    return Axes(x, y, bounds if y != "found_optimum" else None)
    return None


def chart(data: pd.DataFrame, axes: Axes, label: str, palette: ChartStyles) -> Markup:
    """The chart as JSON that is safe inside a ``<script>`` element.

    Args:
        data: ``method``, perhaps ``task``, and the columns that ``axes`` name.
        axes: from :func:`axes_of`.
        label: of the score.
        palette: of the methods.
    """
    methods = _ordered(data, axes, palette)
    name, logarithmic = _AXES[axes.x]
    content = {
        "x": {"label": name, "log": logarithmic and bool((data[axes.x] > 0).all())},
        "y": {"label": label, "log": is_tall(data[axes.y])},
        "step": axes.x in ("spent", "simulated_seconds"),
        "methods": [described(name, palette) for name in methods],
        "panels": [_panel(str(task), rows, axes, methods) for task, rows in _by_task(data)],
    }
    return embedded(content)


def packed(content: Any) -> Markup:
    """Large JSON, compressed (zlib) and in base64, which the page's script unpacks."""
    return Markup(base64.b64encode(zlib.compress(_json(content).encode(), 9)).decode("ascii"))


def embedded(content: Any) -> Markup:
    """JSON that no HTML parser takes for the end of its element."""
    text = _json(content)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def _json(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _by_task(data: pd.DataFrame) -> list[tuple[object, pd.DataFrame]]:
    if "task" not in data:
        return [("", data)]
    return list(data.groupby("task", sort=False, observed=True))


def _ordered(data: pd.DataFrame, axes: Axes, palette: ChartStyles) -> list[str]:
    """Methods, those coloured at first in front, in the order in which they were chosen."""
    names = [str(name) for name in data["method"].unique()]
    places = {name: place for place, name in reversed(list(enumerate(palette.chosen)))}
    return sorted(names, key=lambda name: (places.get(name, len(places)), names.index(name)))


def described(name: str, palette: ChartStyles) -> dict[str, Any]:
    """A method as a chart knows it."""
    shown = palette.of(name)
    return {
        "name": one_line(name),
        "colour": shown.colour,
        "dark": on_dark(shown.colour),
        "marker": shown.marker,
        "dash": _DASHES.get(shown.dash, ""),
        "hollow": shown.hollow,
        "on": not palette.chosen or name in palette.chosen,
    }


def _panel(task: str, rows: pd.DataFrame, axes: Axes, methods: Sequence[str]) -> dict[str, Any]:
    """One task; positions that all its lines share are written once."""
    lines = []
    for place, method in enumerate(methods):
        own = rows[(rows["method"] == method) & rows[axes.y].notna()].sort_values(axes.x)
        if own.empty:
            continue
        line = {"m": place, "x": numbers(own[axes.x], 9), "y": numbers(own[axes.y])}
        if axes.bounds and own[axes.bounds[0]].notna().any():
            line |= {"lo": numbers(own[axes.bounds[0]]), "hi": numbers(own[axes.bounds[1]])}
        lines.append(line)
    common = lines[0]["x"] if lines else []
    for line in lines:
        if line["x"] == common:
            del line["x"]
    return {"title": one_line(task), "x": common, "lines": lines}


def numbers(values: pd.Series, digits: int = 4) -> list[float | None]:
    """So many significant digits; None where there is no finite number."""
    return [
        float(f"{value:.{digits}g}") if np.isfinite(value) else None
        for value in values.astype(float)
    ]


def is_tall(values: pd.Series) -> bool:
    """Whether a logarithmic axis shows these scores better."""
    finite = values[np.isfinite(values.astype(float))]
    positive = finite[finite > 0]
    if positive.empty or (finite < 0).any():
        return False
    return bool(positive.max() / positive.quantile(0.05) > _TALL)


def score_label(exhibit: Exhibit, axes: Axes) -> str:
    """What the score of an exhibit is called: its caption up to where the axis is named."""
    head = exhibit.caption.partition(" against ")[0]
    return head if len(head) < 40 else _SCORES[axes.y][0]
