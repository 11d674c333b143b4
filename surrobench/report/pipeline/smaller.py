"""Do picks include networks far smaller than the largest that are no worse than these?

Like is compared with like: the best small pick with the best of the largest candidates, and the
median small pick with their median. The best of some against the median of others would favour
whoever has the best, whatever was picked.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from surrobench.base.wording import counted
from surrobench.report.common import escaping
from surrobench.report.common.cells import HTML, LATEX, MARKDOWN, MARKUPS, Markup, number
from surrobench.report.common.exhibit import Exhibit
from surrobench.report.pipeline.results import PipelineResults
from surrobench.report.tables import html_blocks, long_tex, markdown_blocks

LARGEST = "largest"
SMALL = 0.5
"""Share of the largest candidate's parameters below which a network is a small one."""
_COLUMNS = (
    "task", "method", "seed", "small_picks", "large_picks", "arch", "params", "share", "best",
    "best_large", "best_no_worse", "median", "median_large", "median_no_worse",
)  # fmt: skip


def smaller_networks(results: PipelineResults) -> pd.DataFrame:
    """The small picks of every method and seed beside as many as there are of the largest.

    A pick is small if it has fewer than half the parameters of the largest candidate. The best of
    several is the one with the highest mean of its full trainings, on both sides.

    Returns:
        A row for each task, method and seed that the baseline ``largest`` belongs to: numbers of
        ``small_picks`` and ``large_picks``; ``arch`` of the best small pick, its ``params`` and
        their ``share`` in those of the largest candidate; its value ``best``, as judged, beside
        that of the best of the largest, ``best_large``, and whether it is ``best_no_worse``; and
        the same of the ``median`` over the picks. Without a small pick nothing is "no worse".
    """
    picks = results.rows[(results.rows["pick"] > 0) & results.rows["value"].notna()]
    lines = []
    for (task, seed), rows in picks.groupby(["task", "seed"], sort=False):
        giants = rows[rows["method"] == LARGEST]
        most = giants["params"].max()
        if not np.isfinite(most):
            continue
        shared = {
            "task": task,
            "seed": seed,
            "large_picks": len(giants),
            "best_large": _best(giants)["judged"],
            "median_large": giants["judged"].median(),
        }
        for method, own in rows.groupby("method", sort=False):
            if method != LARGEST:
                small = own[own["params"] < SMALL * most]
                lines.append({**shared, "method": method, **_beside(small, shared, most)})
    return pd.DataFrame(lines, columns=list(_COLUMNS))


def _best(rows: pd.DataFrame) -> pd.Series:
    return rows.iloc[int(rows["value"].argmax())]


def _beside(small: pd.DataFrame, large: dict[str, Any], most: float) -> dict[str, object]:
    """The small picks of one method and seed beside the largest candidates."""
    if small.empty:
        return {"small_picks": 0, "best_no_worse": False, "median_no_worse": False}
    best, median = _best(small), small["judged"].median()
    return {
        "small_picks": len(small),
        "arch": best["arch"],
        "params": best["params"],
        "share": best["params"] / most,
        "best": best["judged"],
        "best_no_worse": bool(best["judged"] >= large["best_large"]),
        "median": median,
        "median_no_worse": bool(median >= large["median_large"]),
    }


def smaller_text(results: PipelineResults, task: str) -> str:
    """Of one task in one line, for the terminal: every method's best and median; "" if none."""
    data = smaller_networks(results)
    own = data[data["task"] == task]
    if not own["small_picks"].sum():
        return ""
    told = [
        f"{method} {rows['best_no_worse'].sum()} and {rows['median_no_worse'].sum()}"
        for method, rows in own.groupby("method", sort=False)
    ]
    return (
        f"Small picks (under {SMALL:.0%} of the largest candidate's parameters) no worse than the "
        f"largest candidates, best against best and median against median, in so many of "
        f"{counted(own['seed'].nunique(), 'seed')}: {'; '.join(told)}."
    )


def smaller_table(results: PipelineResults) -> Exhibit | None:
    """How often small picks are no worse than the largest candidates; None if nobody asked."""
    data = smaller_networks(results)
    if data.empty:
        return None
    caption = (
        "Small networks among the picks: those with fewer than half the parameters of the largest "
        "candidate. In how many seeds the best of them is no worse than the best of the largest "
        "candidates, and the median of them no worse than the median of the largest."
    )
    notes = (
        "Means over the seeds with a small pick; the largest candidates are as many as the "
        "baseline picks. Values as in the first table. The best of either side is chosen by its "
        "full trainings, so with few of them both are judged a little too well; who has fewer "
        "small picks has the lesser best."
    )
    blocks = {
        markup: {str(task): _block(rows, markup) for task, rows in data.groupby("task", sort=False)}
        for markup in MARKUPS
    }
    full = f"{caption} {notes}"
    return Exhibit(
        "pipeline-smaller",
        caption,
        data,
        tex=long_tex(blocks[LATEX], escaping.latex(full), "predictor", "pipeline-smaller"),
        markdown=markdown_blocks(blocks[MARKDOWN], escaping.markdown(full)),
        html=html_blocks(blocks[HTML]),
        notes=notes,
    )


def _block(rows: pd.DataFrame, markup: Markup) -> pd.DataFrame:
    """Methods of one task, those that succeed most often first."""
    groups = rows.groupby("method", sort=False)
    told = groups[["small_picks", "share", "best", "best_large", "median", "median_large"]].mean()
    told["seeds"] = groups.size()
    for name in ("best_no_worse", "median_no_worse"):
        told[name] = groups[name].sum()
    wanted = ["best_no_worse", "median_no_worse", "best"]
    told = told.sort_values(wanted, ascending=False, kind="stable")
    columns: dict[str, list[str]] = {}
    for kind in ("best", "median"):
        counts = zip(told[f"{kind}_no_worse"], told["seeds"], strict=True)
        columns[f"{kind} no worse"] = [markup.text(f"{n} of {seeds}") for n, seeds in counts]
        columns[f"{kind} small pick"] = [markup.text(number(v, 3)) for v in told[kind]]
        columns[f"{kind} of the largest"] = [
            markup.text(number(v, 3)) for v in told[f"{kind}_large"]
        ]
    columns["small picks"] = [markup.text(number(value, 1)) for value in told["small_picks"]]
    columns["parameters of the best (%)"] = [
        markup.text(number(100 * value, 0)) for value in told["share"]
    ]
    return pd.DataFrame(
        columns, index=pd.Index([markup.text(str(m)) for m in told.index], name="predictor")
    )
