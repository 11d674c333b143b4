"""Tables for papers and for reading: CSV, LaTeX (booktabs) and Markdown from one set of cells."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from surrobench.base.wording import counted
from surrobench.report.common import escaping
from surrobench.report.common.cells import (
    HTML,
    LATEX,
    LATEX_COMMANDS,
    MARKDOWN,
    MARKUPS,
    Markup,
    cell,
    legend,
)
from surrobench.report.common.exhibit import Exhibit
from surrobench.report.common.measures import MEASURES, Measure
from surrobench.report.results import Results

MOST_ROWS = 48
"""A LaTeX table of more rows goes on on the next page."""
_SMALL = r"\scriptsize\setlength{\tabcolsep}{2.5pt}\setlength{\LTcapwidth}{\linewidth}"
_FITTED = r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%" + "\n"
MOST_COLUMNS = 5
"""Tasks side by side in one LaTeX table; more are put into further tables."""


def summary_frame(results: Results) -> pd.DataFrame:
    """Every measure of every cell: mean, standard error and half of the 95 % interval over seeds.

    Intervals: :func:`~surrobench.report.statistics.intervals.mean_intervals`, NaN where none holds.
    One row per (task, train size, method) with the counts ``seeds`` (with numbers), ``planned``,
    ``failed`` and ``constant`` (seeds whose predictions were all equal). Where a measure is
    missing for some of the seeds, ``<measure>_seeds`` says how many it has.
    """
    recorded = [measure for name, measure in MEASURES.items() if results.has(name)]
    first = results.summary(recorded[0] if recorded else MEASURES["kendall_tau"])
    columns: dict[str, pd.Series] = {
        "seeds": first["planned"] - first["failed"],
        "planned": first["planned"],
        "failed": first["failed"],
        "constant": _constant(results).reindex(first.index, fill_value=0),
    }
    for measure in recorded:
        summary = results.summary(measure)
        columns[measure.column] = summary["mean"]
        columns[f"{measure.column}_se"] = summary["se"]
        columns[f"{measure.column}_ci95"] = (summary["high"] - summary["low"]) / 2
        if (summary["seeds"] != columns["seeds"]).any():
            columns[f"{measure.column}_seeds"] = summary["seeds"]
    return identified(results, pd.DataFrame(columns).reset_index())


def _constant(results: Results) -> pd.Series:
    """Number of seeds of each cell whose predictions were constant."""
    flagged = results.records.get("constant", pd.Series(False, index=results.records.index))
    records = results.records.assign(flag=flagged.eq(True).astype(int))
    return records.groupby(["task", "train_size", "method"])["flag"].sum()


def identified(results: Results, frame: pd.DataFrame) -> pd.DataFrame:
    """Put task, predictor, transform, encoding and train size before the other columns."""
    joined = frame.join(results.identities, on="method")
    known = ["task", "method", "predictor", "transform", "encoding", "train_size"]
    first = [column for column in known if column in joined]
    return joined[first + [column for column in joined if column not in first]]


def summary_table(results: Results, measure: Measure) -> Exhibit:
    """One measure at all train sizes, a block for each task; the CSV holds all measures."""
    compared = {size: results.comparison(measure, size) for size in results.sizes}
    order = _overall_order(results, measure)
    rows = pd.concat(compared, names=["train_size"])
    caption, notes = (
        f"{measure.label} by number of training examples.",
        legend(rows, skewed=measure.skewed),
    )
    blocks = {
        markup: {task: _block(compared, task, order, markup) for task in results.tasks}
        for markup in MARKUPS
    }
    return Exhibit(
        "summary",
        caption,
        summary_frame(results),
        tex=long_tex(blocks[LATEX], escaping.latex(f"{caption} {notes}")),
        markdown=markdown_blocks(blocks[MARKDOWN], f"{caption} {notes}"),
        html=html_blocks(blocks[HTML]),
        notes=notes,
    )


def _overall_order(results: Results, measure: Measure) -> list[str]:
    """Methods best first at the size that most of them have, then those without numbers."""
    sizes = results.focus_sizes(measure)
    order = results.order(measure, sizes[0]) if sizes else []
    return order + [method for method in results.methods if method not in order]


def _block(
    compared: dict[int, pd.DataFrame], task: str, order: Sequence[str], markup: Markup
) -> pd.DataFrame:
    """Cells of one task: methods × train sizes, only methods that were tried on it."""
    columns = {}
    for size, table in compared.items():
        if task in table.index.get_level_values("task"):
            columns[f"{size:,}"] = table.loc[task].apply(cell, axis=1, markup=markup)
    block = pd.DataFrame(columns)
    block = block.reindex([method for method in order if method in block.index])
    block.index = pd.Index([markup.text(method) for method in block.index], name="predictor")
    return block.fillna("")


def comparison_table(results: Results, measure: Measure, size: int) -> Exhibit:
    """All methods (rows) on all tasks (columns) at one train size, with their mean rank."""
    rows = results.comparison(measure, size)
    order = results.order(measure, size)
    ranks = results.mean_ranks(measure, size)
    caption, notes = (
        f"{measure.label} with {counted(size, 'training example')}.",
        legend(rows, skewed=measure.skewed),
    )
    if len(results.tasks) > 1:
        notes += " Mean rank over the tasks; – where a method lacks one."
    full = f"{caption} {notes}"
    data = rows.reset_index().assign(train_size=size)
    data["mean_rank"] = data["method"].map(ranks)
    wide = {markup: wide_cells(rows, ranks, results.tasks, order, markup) for markup in MARKUPS}
    return Exhibit(
        f"{measure.column}-n{size}",
        caption,
        identified(results, data),
        tex=wide_tex(wide[LATEX], escaping.latex(full), f"{measure.column}-n{size}"),
        markdown=full + "\n\n" + markdown_table(wide[MARKDOWN]),
        html=html_table(wide[HTML]),
        notes=notes,
    )


def wide_cells(
    rows: pd.DataFrame,
    ranks: pd.Series,
    tasks: Sequence[str],
    order: Sequence[str],
    markup: Markup,
    what: str = "predictor",
) -> pd.DataFrame:
    """Cells of a comparison, methods × tasks, with mean ranks where there are several tasks."""
    cells = rows.apply(cell, axis=1, markup=markup).unstack("task")
    dash = "--" if markup is LATEX else "–"
    cells = cells.reindex(index=list(order), columns=list(tasks)).fillna("")
    cells.columns = pd.Index([markup.text(task) for task in tasks])
    if len(tasks) > 1:
        cells["mean rank"] = [dash if pd.isna(ranks[m]) else f"{ranks[m]:.1f}" for m in order]
    cells.index = pd.Index([markup.text(method) for method in order], name=what)
    return cells


def wide_tex(cells: pd.DataFrame, caption: str, label: str) -> str:
    """LaTeX tables of at most :data:`MOST_COLUMNS` tasks each."""
    ranked = "mean rank" in cells.columns
    tasks = list(range(cells.shape[1] - int(ranked)))
    parts = [tasks[i : i + MOST_COLUMNS] for i in range(0, len(tasks), MOST_COLUMNS)]
    tables = []
    for place, part in enumerate(parts, start=1):
        chosen = cells.iloc[:, part + ([cells.shape[1] - 1] if ranked else [])]
        suffix = f" (Part {place} of {len(parts)}.)" if len(parts) > 1 else ""
        number = f"-{place}" if len(parts) > 1 else ""
        tables.append(float_tex(chosen.reset_index(), 1, caption + suffix, label + number))
    return LATEX_COMMANDS + "\n".join(tables)


def float_tex(cells: pd.DataFrame, names: int, caption: str, label: str) -> str:
    """A table that floats and is made smaller where it would be wider than the text.

    The first ``names`` columns are aligned to the left.
    """
    tex: str = cells.style.hide(axis="index").to_latex(
        hrules=True,
        column_format="l" * names + "r" * (cells.shape[1] - names),
        position="t",
        position_float="centering",
        caption=caption,
        label=f"tab:{label}",
    )
    tex = tex.replace(r"\begin{tabular}", _FITTED + r"\begin{tabular}", 1)
    return tex.replace(r"\end{tabular}", r"\end{tabular}}", 1)


def long_tex(
    blocks: dict[str, pd.DataFrame],
    caption: str,
    what: str = "predictor",
    label: str = "summary",
) -> str:
    """One LaTeX table with a block of rows for each task; over several pages if it is long."""
    cells = pd.concat({escaping.latex(task): block for task, block in blocks.items()})
    cells = cells.fillna("").reset_index(names=["task", what])
    cells["task"] = cells["task"].where(~cells["task"].duplicated(), "")
    if len(cells) <= MOST_ROWS:
        return LATEX_COMMANDS + float_tex(cells, 2, caption, label)
    tex: str = cells.style.hide(axis="index").to_latex(
        environment="longtable",
        hrules=True,
        column_format="ll" + "r" * (cells.shape[1] - 2),
        caption=caption,
        label=f"tab:{label}",
    )
    needs = LATEX_COMMANDS.replace("{booktabs, graphicx}", "{booktabs, longtable}")
    return f"{needs}\\begingroup{_SMALL}\n{tex}\\endgroup\n"


def markdown_table(cells: pd.DataFrame, align: str = "--:") -> str:
    """A pipe table of ready-made cells with the index as the first column."""
    header = [str(cells.index.name or ""), *map(str, cells.columns)]
    lines = [header, [":--"] + [align] * cells.shape[1]]
    lines += [[str(name), *map(str, row)] for name, *row in cells.itertuples()]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def markdown_blocks(blocks: dict[str, pd.DataFrame], caption: str) -> str:
    """A caption and one pipe table for each task."""
    parts = [caption + "\n"]
    for task, block in blocks.items():
        parts.append(f"## {escaping.markdown(task)}\n\n{markdown_table(block)}")
    return "\n".join(parts)


def html_table(cells: pd.DataFrame) -> str:
    """A bare HTML table of ready-made cells; what the index holds comes first."""
    with pd.option_context("display.max_colwidth", None):
        table: str = cells.reset_index().to_html(index=False, escape=False, border=0)
    return table


def html_blocks(blocks: dict[str, pd.DataFrame]) -> str:
    """One HTML table with the task in its first column."""
    named = {HTML.text(task): block for task, block in blocks.items()}
    return html_table(pd.concat(named, names=["task"]).fillna(""))
