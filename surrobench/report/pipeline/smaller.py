"""Do picks include networks far smaller than the largest that are no worse than these?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from surrobench.report import escaping
from surrobench.report.cells import HTML, LATEX, MARKDOWN, MARKUPS, Markup, number
from surrobench.report.exhibit import Exhibit
from surrobench.report.pipeline.results import PipelineResults
from surrobench.report.tables import html_blocks, long_tex, markdown_blocks

LARGEST = "largest"
SMALL = 0.5
"""Share of the largest candidate's parameters below which a network is a small one."""
_COLUMNS = (
    "task", "method", "seed", "small_picks", "arch", "params", "share", "judged", "largest",
    "no_worse",
)  # fmt: skip


def smaller_networks(results: PipelineResults) -> pd.DataFrame:
    """The best small pick of every method and seed beside the largest candidates.

    A pick is small if it has fewer than half the parameters of the largest candidate; the best is
    the one with the highest mean of its full trainings.

    Returns:
        A row for each task, method and seed that the baseline ``largest`` belongs to: number of
        ``small_picks``, ``arch`` of the best of them, its ``params``, their ``share`` in those of
        the largest candidate, its value as ``judged``, the median value of the ``largest``
        candidates, and whether it is ``no_worse`` than that (not so without a small pick).
    """
    picks = results.rows[results.rows["pick"] > 0]
    lines = []
    for (task, seed), rows in picks.groupby(["task", "seed"], sort=False):
        giants = rows[rows["method"] == LARGEST]
        median, most = giants["judged"].median(), giants["params"].max()
        if not (np.isfinite(median) and np.isfinite(most)):
            continue
        for method, own in rows.groupby("method", sort=False):
            small = own[(own["params"] < SMALL * most) & own["value"].notna()]
            line = {"task": task, "method": method, "seed": seed, "largest": median}
            line |= {"small_picks": len(small), "no_worse": False}
            if len(small) and method != LARGEST:
                best = small.loc[small["value"].idxmax()]
                line |= {name: best[name] for name in ("arch", "params", "judged")}
                line |= {"share": best["params"] / most, "no_worse": best["judged"] >= median}
            if method != LARGEST:
                lines.append(line)
    return pd.DataFrame(lines, columns=list(_COLUMNS))


def smaller_table(results: PipelineResults) -> Exhibit | None:
    """How often each method finds a small network that is no worse; None if nobody asked."""
    data = smaller_networks(results)
    if data.empty:
        return None
    caption = (
        "Small networks among the picks: those with fewer than half the parameters of the largest "
        "candidate, and in how many seeds the best of them is no worse than the median of the "
        "largest candidates that were trained."
    )
    notes = (
        "Means over the seeds with a small pick. Values as in the first table; the best is chosen "
        "by its full trainings, so with few of them it is judged a little too well."
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
    told = groups[["share", "judged"]].mean()
    told["largest"] = groups["largest"].mean()
    told["successes"], told["seeds"] = groups["no_worse"].sum(), groups.size()
    told = told.sort_values(["successes", "judged"], ascending=False, kind="stable")
    columns = {
        "no worse": [
            markup.text(f"{successes} of {seeds}")
            for successes, seeds in zip(told["successes"], told["seeds"], strict=True)
        ],
        "best small pick": [markup.text(number(value, 3)) for value in told["judged"]],
        "median of the largest": [markup.text(number(value, 3)) for value in told["largest"]],
        "its parameters (%)": [markup.text(number(100 * value, 0)) for value in told["share"]],
    }
    return pd.DataFrame(
        columns, index=pd.Index([markup.text(str(m)) for m in told.index], name="predictor")
    )
