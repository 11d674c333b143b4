"""Tables of a pipeline: how good the picks are, which they are, and what everything took."""

from __future__ import annotations

import numpy as np
import pandas as pd

from surrobench.base.wording import counted
from surrobench.report.common import escaping
from surrobench.report.common.cells import (
    HTML,
    LATEX,
    MARKDOWN,
    MARKUPS,
    Markup,
    mean_and_half,
    number,
)
from surrobench.report.common.exhibit import Exhibit
from surrobench.report.common.units import of_differences
from surrobench.report.pipeline.judging import values_sentence
from surrobench.report.pipeline.results import MEASURES, VALUES, PipelineResults
from surrobench.report.statistics.intervals import METHOD
from surrobench.report.tables import html_blocks, long_tex, markdown_blocks

SHOWN = 15
"""Fully trained architectures that a table for reading lists; the CSV has all."""
_LONGEST_ARCH = 100
_HEADS = {
    "regret": "regret",
    "best": "best pick",
    "picked": "mean of picks",
    "kendall_tau": "τ",
    "kendall_tau_top_half": "τ top half",
    "seconds": "choosing (s)",
    "full_seconds": "full training (s)",
}


def summary_table(results: PipelineResults) -> Exhibit:
    """Every method on every task by what its picks turned out to be."""
    several = bool((results.summary["seeds"] > 1).any())
    caption = (
        "What each predictor picked: regret of the best pick, its value, the mean of all picks, "
        "rank correlation of predictions with full trainings, and seconds."
    )
    notes = " ".join(
        [
            judge_text(results),
            "The best pick is the one with the highest mean over its full trainings. τ is that of "
            "architectures that were never trained briefly and that nobody chose for their value; "
            "for best-trained, that of the short trainings with these values. Choosing takes the "
            "short trainings, the fit and the scoring.",
            _intervals() if several else "One seed;",
            "bold: best of its column.",
            *(noise_text(results, task) for task in results.tasks),
        ]
    )
    blocks = {
        markup: {
            task: _block(results, task, markup) for task in results.tasks if _has(results, task)
        }
        for markup in MARKUPS
    }
    wide = {
        kind: results.summary.pivot(index=["task", "method"], columns="measure", values=kind)
        for kind in ("mean", "low", "high", "seeds")
    }
    named = [wide["mean"], *(wide[kind].add_suffix(f"_{kind}") for kind in list(wide)[1:])]
    data = pd.concat(named, axis=1)
    order = [
        (task, m) for task in results.tasks if _has(results, task) for m in results.order(task)
    ]
    data = data.reindex(pd.MultiIndex.from_tuples(order, names=["task", "method"])).reset_index()
    return _exhibit("pipeline-summary", caption, notes, data, blocks, "predictor")


def _intervals() -> str:
    return (
        "Mean ± half of the 95 % interval for other seeds on the task (for correlations "
        f"{METHOD[False]}; else {METHOD[True]});"
    )


def _has(results: PipelineResults, task: str) -> bool:
    return bool((results.rows["task"] == task).any())


def judge_text(results: PipelineResults) -> str:
    """What the values and the regret refer to, task by task where that differs."""
    groups: dict[tuple[str, bool, float], list[str]] = {}
    for task in (task for task in results.tasks if _has(results, task)):
        kind = (results.judge(task), results.complete(task), results.without_judge(task))
        groups.setdefault(kind, []).append(task)
    return " ".join(
        values_sentence(judge, complete, tasks, without)
        for (judge, complete, without), tasks in groups.items()
    )


def noise_text(results: PipelineResults, task: str) -> str:
    """How far full trainings of one architecture differ, and how far architectures do."""
    noise, unit = results.noise(task), of_differences(results.unit(task))
    suffix, decimals = f" {unit}" if unit else "", results.decimals(task)
    parts = []
    if np.isfinite(noise["seed_std"]):
        parts.append(
            "standard deviation between seeds of one architecture "
            f"{noise['seed_std']:.{decimals}f}{suffix} "
            f"(pooled over {counted(noise['architectures'], 'architecture')} with up to "
            f"{counted(noise['runs'], 'full training each', 'full trainings each')})"
        )
    if np.isfinite(noise["arch_std"]):
        parts.append(
            f"between {counted(noise['reference'], 'architecture')} drawn at random "
            f"{noise['arch_std']:.{decimals}f}{suffix}"
        )
    told = "; ".join(parts)
    return f"{task} ({results.data(task)}): {told}." if told else ""


def _block(results: PipelineResults, task: str, markup: Markup) -> pd.DataFrame:
    """Cells of one task, methods × measures."""
    own = results.summary[results.summary["task"] == task].set_index(["method", "measure"])
    order = results.order(task)
    columns = {}
    for measure, larger in MEASURES.items():
        part = own.xs(measure, level="measure").reindex(order)
        if part["mean"].isna().all():
            continue
        ranked = part["mean"].drop(ranked_otherwise(measure), errors="ignore")
        best = ranked.max() if larger else ranked.min()
        marked = measure not in ("seconds", "full_seconds") and len(part) > 1
        columns[markup.text(_HEADS[measure])] = [
            _cell(
                row,
                markup,
                results.decimals(task) if measure in VALUES else 2,
                marked and method in ranked.index and bool(row["mean"] == best),
            )
            for method, row in part.iterrows()
        ]
    index = pd.Index([markup.text(method) for method in order], name="predictor")
    return pd.DataFrame(columns, index=index)


def ranked_otherwise(measure: str) -> list[str]:
    """Methods whose value is measured on other architectures than that of the others."""
    return ["best-trained"] if measure.startswith("kendall_tau") else []


def _cell(row: pd.Series, markup: Markup, digits: int, best: bool) -> str:
    if not row["seeds"] > 0:
        return "--" if markup is LATEX else "–"
    mean, half = mean_and_half(row, digits)
    text = markup.number.format(mean)
    text = markup.bold.format(text) if best else text
    return text + (markup.half.format(half) if half else "")


def picks_table(results: PipelineResults) -> Exhibit:
    """Everything that was trained fully, best first, and who picked it."""
    data = pd.concat([trained(results, task) for task in results.tasks], ignore_index=True)
    caption = (
        f"The {SHOWN} best of all fully trained architectures of each task: mean over full "
        "trainings, their standard deviation and number, and who picked them in how many of "
        f"{counted(len(results.seeds), 'seed')}."
    )
    blocks = {
        markup: {
            str(task): _picks_block(rows.head(SHOWN), markup, results.decimals(str(task)))
            for task, rows in data.groupby("task", sort=False)
        }
        for markup in MARKUPS
    }
    return _exhibit("pipeline-picks", caption, "", data, blocks, "architecture")


def trained(results: PipelineResults, task: str) -> pd.DataFrame:
    """Fully trained architectures of a task, one row each, best first."""
    rows = results.rows[(results.rows["task"] == task) & results.rows["value"].notna()]
    picked = rows[rows["pick"] > 0]
    names = picked.groupby("arch")["method"].agg(_counted)
    first = rows.drop_duplicates("arch").set_index("arch")
    table = first[["task", "value", "value_std", "runs", "judged", "params", "flops"]].copy()
    table["picked_by"] = names.reindex(table.index).fillna("")
    table = table.sort_values(["value"], ascending=False, kind="stable").reset_index()
    return table[["task", "arch", *table.columns.drop(["task", "arch"])]]


def _counted(methods: pd.Series) -> str:
    counts = methods.value_counts(sort=False)
    return ", ".join(
        f"{name} ({count})" if count > 1 else str(name) for name, count in counts.items()
    )


def _picks_block(rows: pd.DataFrame, markup: Markup, decimals: int) -> pd.DataFrame:
    columns = {
        "mean": [markup.text(number(value, decimals)) for value in rows["value"]],
        "s.d.": [markup.text(number(value, decimals)) for value in rows["value_std"]],
        "runs": [markup.text(number(value, 0)) for value in rows["runs"]],
        "params": [f"{value:,.0f}" if np.isfinite(value) else "" for value in rows["params"]],
        "picked by": [
            markup.text(escaping.one_line(text or "nobody (reference)", 48))
            for text in rows["picked_by"]
        ],
    }
    names = [markup.text(escaping.one_line(arch, _LONGEST_ARCH)) for arch in rows["arch"]]
    return pd.DataFrame(columns, index=pd.Index(names, name="architecture"))


def costs_table(results: PipelineResults) -> Exhibit:
    """What every stage took, each training counted once."""
    tables = {task: results.costs(task) for task in results.tasks if _has(results, task)}
    data = pd.concat(tables, names=["task"]).reset_index("task").reset_index(drop=True)
    caption = (
        "Seconds of each stage over all predictors and seeds, every training counted once; "
        "trainings in seconds of the processor (of the wall on a GPU) or as the table states "
        "them, fits and scoring of the wall."
    )
    blocks = {
        markup: {task: _costs_block(table, markup) for task, table in tables.items()}
        for markup in MARKUPS
    }
    return _exhibit("pipeline-costs", caption, "", data, blocks, "stage")


def _costs_block(table: pd.DataFrame, markup: Markup) -> pd.DataFrame:
    columns = {
        "number": [f"{value:,.0f}" if np.isfinite(value) else "" for value in table["count"]],
        "seconds": [
            f"{value:,.1f}" if np.isfinite(value) else markup.text("–")
            for value in table["seconds"]
        ],
        "each (s)": [markup.text(number(value, 3)) for value in table["each"]],
    }
    index = pd.Index([markup.text(stage) for stage in table["stage"]], name="stage")
    return pd.DataFrame(columns, index=index)


def _exhibit(
    name: str,
    caption: str,
    notes: str,
    data: pd.DataFrame,
    blocks: dict[Markup, dict[str, pd.DataFrame]],
    what: str,
) -> Exhibit:
    full = f"{caption} {notes}".strip()
    return Exhibit(
        name,
        caption,
        data,
        tex=long_tex(blocks[LATEX], escaping.latex(full), what, name),
        markdown=markdown_blocks(blocks[MARKDOWN], escaping.markdown(full)),
        html=html_blocks(blocks[HTML]),
        notes=notes,
    )
