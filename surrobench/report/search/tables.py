"""Tables of a search: values at budgets, everything of every method, ranks, and all pairs."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import pandas as pd

from surrobench.base.wording import counted, one_or_many
from surrobench.report.common import escaping
from surrobench.report.common.cells import (
    HTML,
    LATEX,
    MARKDOWN,
    MARKUPS,
    Markup,
    cell,
    legend,
    number,
)
from surrobench.report.common.exhibit import Exhibit
from surrobench.report.search.judging import front_sentences, judge_sentences, lengths_sentence
from surrobench.report.search.profiles import profile
from surrobench.report.search.records import REGRET
from surrobench.report.search.results import SearchResults
from surrobench.report.tables import (
    html_blocks,
    html_table,
    long_tex,
    markdown_blocks,
    markdown_table,
    wide_cells,
    wide_tex,
)

WHAT = "method"
_FOUND = (
    ", the share of runs that found the optimum, the median of the full trainings that it took to "
    "find it (> where half of the runs never did)"
)


def prefix(results: SearchResults) -> str:
    """What the names of files begin with."""
    return "regret" if results.measure == REGRET else "hypervolume"


def identified(results: SearchResults, frame: pd.DataFrame) -> pd.DataFrame:
    """Put task, method and what it consists of before the other columns."""
    joined = frame.join(results.identities, on="method")
    known = ["task", "method", *results.identities.columns]
    first = [column for column in known if column in joined]
    return joined[first + [column for column in joined if column not in first]]


def notes(results: SearchResults, rows: pd.DataFrame) -> str:
    """What a reader must know besides the marks.

    Judges, lengths of training, references, early ends and missing incumbents.
    """
    parts = (
        judge_sentences(results.judges) if results.measure == REGRET else [notes_of_fronts(results)]
    )
    parts += filter(None, [lengths_sentence(results.rows)])
    tasks = [task for task in results.tasks if results.references[task] == "best found"]
    if tasks:
        best = "regret counts from" if results.measure == REGRET else "the whole is"
        parts.append(
            f"On {', '.join(tasks)} the optimum is unknown: {best} the best that any run found."
        )
    early = rows.loc[rows["early"] > 0].index.get_level_values("method").unique()
    if len(early):
        parts.append(f"Runs that ended before keep their last value ({', '.join(early)}).")
    if (rows["without_incumbent"] > 0).any():
        parts.append("A run without an incumbent counts as the worst that any run had.")
    return " ".join(filter(None, parts))


def notes_of_fronts(results: SearchResults) -> str:
    """From where on a network counts, how many points the fronts have, and who judges."""
    parts = []
    for task, rows in results.rows.groupby("task"):
        floors = sorted(set(rows["useful"]) - {""})
        points = rows["front_points"].max()
        if floors:
            parts.append(f"On {task} networks count from {' or '.join(floors)} on.")
        elif "useful_hypervolume" not in rows or rows["useful_hypervolume"].isna().all():
            parts.append(
                f"On {task} the hypervolume counts from below the whole front, with networks that "
                "are of no use."
            )
        if np.isfinite(points):
            parts.append(f"The front of {task} has {points:.0f} points that its sources resolve.")
    return " ".join([*parts, *front_sentences(results.judges)])


def comparison_table(results: SearchResults, budget: int) -> Exhibit:
    """All methods (rows) on all tasks (columns) at one budget, with their mean rank."""
    rows = results.comparison(budget)
    present = set(rows.index.get_level_values("method"))
    tasks = [task for task in results.tasks if task in rows.index.get_level_values("task")]
    ranks = results.mean_ranks(budget)
    order = [method for method in results.order if method in present]
    order.sort(key=lambda method: (np.isnan(ranks[method]), ranks[method]))
    caption = f"{_title(results)} after {counted(budget, 'full training')}."
    marks = legend(rows, skewed=results.measure.skewed)
    if len(tasks) > 1:
        marks += " Mean rank over the tasks; – where a method lacks one."
    full = " ".join(part for part in (caption, marks, notes(results, rows)) if part)
    data = rows.reset_index().assign(budget=budget)
    data["mean_rank"] = data["method"].map(ranks)
    wide = {markup: wide_cells(rows, ranks, tasks, order, markup, WHAT) for markup in MARKUPS}
    name = f"{prefix(results)}-at-{budget}"
    return Exhibit(
        name,
        caption,
        identified(results, data),
        tex=wide_tex(wide[LATEX], escaping.latex(full), name),
        markdown=f"{escaping.markdown(full)}\n\n{markdown_table(wide[MARKDOWN])}",
        html=html_table(wide[HTML]),
        notes=marks,
    )


def _title(results: SearchResults) -> str:
    label = results.common_label
    return label[0].upper() + label[1:]


def summary_table(results: SearchResults) -> Exhibit:
    """Everything of every method, a block for each task; the CSV holds all budgets."""
    compared = {budget: results.comparison(budget) for budget in results.budgets}
    rows = pd.concat(compared, names=["budget"])
    caption = (
        f"{_title(results)} after {_list(results.budgets)} "
        f"{one_or_many(results.budgets[-1], 'full training', 'full trainings')}; then, at the last "
        "of "
        f"them, its median over runs{_FOUND if results.ever_found else ''}, and where known the "
        "share of the points of the true front that were trained, the mean test value of the "
        "incumbents and the mean seconds that the method itself took in a "
        "run."
    )
    full = " ".join(
        part
        for part in (caption, legend(rows, skewed=results.measure.skewed), notes(results, rows))
        if part
    )
    blocks = {
        markup: {task: _block(results, compared, task, markup) for task in results.traces}
        for markup in MARKUPS
    }
    data = identified(results, rows.reset_index()).sort_values(
        ["task", "budget", "method"], kind="stable"
    )
    name = f"{prefix(results)}-summary"
    return Exhibit(
        name,
        caption,
        data,
        tex=long_tex(blocks[LATEX], escaping.latex(full), WHAT, name),
        markdown=markdown_blocks(blocks[MARKDOWN], escaping.markdown(full)),
        html=html_blocks(blocks[HTML]),
        notes=legend(rows, skewed=results.measure.skewed),
    )


def _list(budgets: list[int]) -> str:
    texts = [f"{budget:,}" for budget in budgets]
    return " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)


def _block(
    results: SearchResults, compared: dict[int, pd.DataFrame], task: str, markup: Markup
) -> pd.DataFrame:
    """Cells of one task: methods × budgets and what else is said of the last."""
    columns: dict[str, pd.Series] = {}
    budgets = results.budgets_of(task)
    for budget in budgets:
        columns[f"{budget:,}"] = compared[budget].loc[task].apply(cell, axis=1, markup=markup)
    last = compared[budgets[-1]].loc[task]
    percent = markup.text("%")
    columns["median"] = last["median"].map(lambda value: markup.text(number(value, 3)))
    if results.ever_found:
        columns[f"found optimum ({percent})"] = last["found_optimum"].map(
            lambda x: f"{100 * x:.0f}"
        )
        columns["trainings to it"] = last["to_optimum"].map(_reached(budgets[-1], markup))
    if last["front_found"].notna().any():
        columns[f"front found ({percent})"] = last["front_found"].map(
            lambda share: markup.text(number(100 * share, 0))
        )
    for column, name, decimals in (
        ("test_value", "test value", 2),
        ("overhead_seconds", "overhead (s)", 1),
    ):
        if last[column].notna().any():
            columns[name] = last[column].map(
                lambda value, d=decimals: markup.text(number(value, d))
            )
    block = pd.DataFrame(columns)
    block = block.reindex([method for method in results.order if method in block.index])
    block.index = pd.Index([markup.text(method) for method in block.index], name=WHAT)
    return block.fillna("")


def _reached(budget: int, markup: Markup) -> Callable[[float], str]:
    never = markup.text(f"> {budget:,}")
    return lambda value: f"{value:.0f}" if np.isfinite(value) else never


def ranks_table(results: SearchResults) -> Exhibit:
    """Mean ranks at all budgets, the share of targets reached, and wins, ties and losses."""
    columns: dict[str, pd.Series] = {
        f"rank_at_{budget}": results.mean_ranks(budget) for budget in results.budgets
    }
    columns["targets_reached"] = profile(results).mean()
    pairs = pd.concat([results.pairs(task) for task in results.traces])
    counts = pd.crosstab(pairs["method"], pairs["outcome"])
    for outcome in ("win", "tie", "loss"):
        columns[f"{outcome}s" if outcome != "loss" else "losses"] = counts.get(
            outcome, pd.Series(dtype=int)
        )
    table = pd.DataFrame(columns).reindex(results.order)
    table[["wins", "ties", "losses"]] = table[["wins", "ties", "losses"]].fillna(0).astype(int)
    last = f"rank_at_{results.budgets[-1]}"
    table = table.sort_values([last, "targets_reached"], ascending=[True, False], kind="stable")
    several = len(results.traces) > 1
    caption = (
        f"Mean rank over {len(results.traces)} tasks by mean {results.common_label} (1 is best; – "
        "where a method lacks a task), mean share"
        if several
        else f"Rank by mean {results.common_label} (1 is best), share"
    )
    caption += (
        " of targets reached over the whole search, and significant wins, ties and significant "
        f"losses against the other methods{' on the tasks' * several} at the end (sign flips over "
        "common seeds, adjusted for all pairs of a task, 5 %; pairs of which no test can "
        "tell count as none)."
    )
    cells = {markup: _rank_cells(table, results.budgets, markup) for markup in MARKUPS}
    name = f"{prefix(results)}-ranks"
    return Exhibit(
        name,
        caption,
        identified(results, table.rename_axis("method").reset_index()),
        tex=wide_tex(cells[LATEX], escaping.latex(caption), name),
        markdown=f"{escaping.markdown(caption)}\n\n{markdown_table(cells[MARKDOWN])}",
        html=html_table(cells[HTML]),
    )


def _rank_cells(table: pd.DataFrame, budgets: list[int], markup: Markup) -> pd.DataFrame:
    cells = pd.DataFrame(
        {f"rank at {b:,}": table[f"rank_at_{b}"].map(lambda v: number(v, 1)) for b in budgets}
    )
    cells[f"targets ({markup.text('%')})"] = table["targets_reached"].map(
        lambda value: number(100 * value, 1)
    )
    outcomes = table[["wins", "ties", "losses"]].astype(str)
    cells["w/t/l"] = outcomes.agg("/".join, axis=1)
    cells.index = pd.Index([markup.text(method) for method in table.index], name=WHAT)
    return cells.replace("–", "--") if markup is LATEX else cells


def pairs_tables(results: SearchResults) -> list[Exhibit]:
    """All pairs of methods: one row each, and the matrix of adjusted p-values."""
    pairs = pd.concat({task: results.pairs(task) for task in results.traces}, names=["task"])
    pairs = pairs.reset_index("task").reset_index(drop=True)
    test = "two-sided test by sign flips over common seeds at the end"
    order = results.order
    matrix = pairs.pivot(index=["task", "method"], columns="other", values="p_adjusted")
    matrix = matrix.reindex(columns=order)
    matrix = matrix.reindex([key for key in product(results.traces, order) if key in matrix.index])
    stem = prefix(results)
    return [
        Exhibit(f"{stem}-pairs", f"Every method against every other: {test}.", pairs),
        Exhibit(
            f"{stem}-p-values",
            f"P-values, adjusted for all pairs of a task: {test}.",
            matrix.reset_index(),
        ),
    ]
