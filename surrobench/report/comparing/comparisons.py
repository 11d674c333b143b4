"""Exhibits that compare methods over common seeds, the same for every kind of study."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from surrobench.base.wording import counted, one_or_many
from surrobench.report.common import escaping
from surrobench.report.common.cells import HTML, LATEX, MARKDOWN, MARKUPS, Markup, number
from surrobench.report.common.exhibit import Exhibit
from surrobench.report.common.style import ONE_COLUMN
from surrobench.report.comparing.boards import boards
from surrobench.report.comparing.equivalence import equivalence
from surrobench.report.comparing.scores import Scores
from surrobench.report.figures.critical_difference import critical_difference
from surrobench.report.figures.distributions import aggregates, performance_profile, profiles
from surrobench.report.figures.outcomes import outcome_matrix
from surrobench.report.statistics.intervals import COVERAGE
from surrobench.report.statistics.sign_flips import WHY_OPEN
from surrobench.report.statistics.statistics import versus_best
from surrobench.report.tables import html_blocks, long_tex, markdown_blocks

MOST_DRAWN = 8
"""Lines in a performance profile."""
_TEST = (
    "paired test by sign flips over common seeds, adjusted for all pairs of a task (the greatest "
    "statistic of every flip, step-down), 5 %"
)


def comparisons(scores: Scores, pairs: pd.DataFrame | None = None) -> Iterator[Exhibit]:
    """Every comparison that the scores support; nothing for a single method.

    Args:
        scores: at one train size or budget.
        pairs: ``scores.pairs``, if they are known already.
    """
    scores = scores.known
    if len(scores.order) < 2 or not scores.tables:
        return
    pairs = scores.pairs if pairs is None else pairs
    yield from boards(scores)
    yield against_best(scores, pairs)
    if (pairs["outcome"] != "").any():
        yield _outcomes(scores, pairs)
    if np.isfinite(scores.ranks.critical_difference):
        yield _ranks(scores)
    yield from equivalence(scores)
    if scores.measure.unitless and any(len(table) > 1 for table in scores.tables.values()):
        yield from _together(scores)


def _outcomes(scores: Scores, pairs: pd.DataFrame) -> Exhibit:
    caption = (
        f"Significant wins, ties and significant losses of the row against the column over "
        f"{_count(scores)}, by {scores.measure.label} {scores.where}: {_TEST}; grey where no "
        f"test can tell: {WHY_OPEN}."
    )
    data = pairs[["task", "method", "other", "pairs", "advantage", "p_adjusted", "outcome"]]
    figure = outcome_matrix(pairs, scores.order)
    return Exhibit(f"{scores.stem}-outcomes{scores.suffix}", caption, data, figure)


def _count(scores: Scores) -> str:
    return f"{len(scores.tables)} tasks" if len(scores.tables) > 1 else "one task"


def _ranks(scores: Scores) -> Exhibit:
    test, (_, what) = scores.ranks, scores.blocks
    caption = (
        f"Critical-difference diagram of {scores.measure.label} {scores.where}: mean ranks over "
        f"{counted(test.blocks, 'block')} ({what}), Friedman's test {_p_text(test.p)}; bars "
        "join methods whose mean ranks do not differ at 5 %, as Nemenyi's test does, with "
        "permutations within blocks instead of its limit for many blocks."
    )
    caption += (
        " A table counts once, with the mean ranks over its tasks: they share its architectures."
        if scores.over_tables
        else " The blocks are seeds: the ranks speak of other seeds on this task, not of others."
    )
    caption += _left_out(scores, list(map(str, test.ranks.index)))
    data = test.ranks.rename("mean_rank").rename_axis("method").reset_index()
    data = data.assign(
        blocks=test.blocks, friedman_p=test.p, critical_difference=test.critical_difference
    )
    data = data.join(test.pairs.add_prefix("p_against "), on="method")
    figure = critical_difference(test, styles=scores.styles, blocks=what)
    return Exhibit(f"{scores.stem}-ranks{scores.suffix}-diagram", caption, data, figure)


def _p_text(p: float) -> str:
    """A p-value from permutations; the smallest of 10,000 says no more than that it is small."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


def _left_out(scores: Scores, ranked: list[str]) -> str:
    """Which methods a rank diagram lacks, and why."""
    told = ""
    if scores.constant:
        answers = one_or_many(len(scores.constant), "it answers", "they answer")
        told += f" Left out: {', '.join(scores.constant)} ({answers} one value for everything)."
    lacking = [method for method in scores.order if method not in ranked]
    if lacking:
        told += f" Left out for want of a score on some task or seed: {', '.join(lacking)}."
    return told


def _together(scores: Scores) -> Iterator[Exhibit]:
    table = scores.aggregates()
    if table.empty:
        return
    over = f"over {_count(scores)} and all seeds {scores.where}"
    label = scores.measure.label
    intervals = (
        "95 % intervals for tasks of other tables (Student and its form for trimmed means; a table "
        "counts once, with the mean over its tasks and seeds)"
        if scores.over_tables
        else "95 % intervals for other seeds on these tasks (Welch; for the interquartile mean a "
        "stratified bootstrap, from ten seeds on), which say nothing of other tasks"
    )
    caption = f"Interquartile mean and mean of {label} {over}: {intervals}; {COVERAGE}."
    caption += " The line marks the best."
    figure = aggregates(table, label, styles=scores.styles)
    yield Exhibit(f"{scores.stem}-aggregates{scores.suffix}", caption, table, figure)
    if scores.measure.larger_is_better:
        chosen = list(table["method"].head(MOST_DRAWN))
        caption = (
            f"Performance profile by {label} {scores.where}: share of runs over {_count(scores)} "
            "and all seeds that reach a threshold; the higher the better. Without bands: none was "
            "found that keeps its level."
        )
        data = profiles(scores.tables, chosen)
        figure = performance_profile(
            scores.tables, label, chosen, styles=scores.styles, width=ONE_COLUMN
        )
        yield Exhibit(f"{scores.stem}-profile{scores.suffix}", caption, data, figure)


def against_best(scores: Scores, pairs: pd.DataFrame) -> Exhibit:
    """Every method beside the best of its task: difference, tests, effect, seeds needed."""
    label = scores.measure.label
    caption = f"Every method against the best of its task by {label} {scores.where}."
    notes = (
        "Shortfall: mean by which the best is ahead (without an interval: the best was chosen by "
        "these scores); p: sign flips over common seeds, adjusted for all methods and for the "
        "choice of the best; "
        "P: probability that a run of the best is ahead; g: standardised paired difference "
        "(Hedges); seeds: common seeds that would tell the two apart with a power of 80 % at 5 % "
        "if that difference is right, without a correction for several comparisons."
    )
    blocks = {
        markup: {
            task: _block(scores, pairs, task, table, markup)
            for task, table in scores.tables.items()
        }
        for markup in MARKUPS
    }
    name = f"{scores.stem}-against-best{scores.suffix}"
    full = f"{caption} {notes}"
    return Exhibit(
        name,
        caption,
        _with_p_against_best(scores, pairs),
        tex=long_tex(blocks[LATEX], escaping.latex(full), "method", name),
        markdown=markdown_blocks(blocks[MARKDOWN], escaping.markdown(full)),
        html=html_blocks(blocks[HTML]),
        notes=notes,
    )


def _with_p_against_best(scores: Scores, pairs: pd.DataFrame) -> pd.DataFrame:
    """The pairs, and at those of the best the p that the table shows.

    ``p_adjusted`` is for all pairs of the task, a larger family than all methods against one.
    """
    larger = scores.measure.larger_is_better
    shown = pd.Series(np.nan, index=pairs.index)
    for task, table in scores.tables.items():
        found = versus_best(table, larger, marked=scores.measure.marked)
        best = found.index[found["best"]]
        rows = (pairs["task"] == task) & pairs["method"].isin(best)
        shown[rows] = pairs.loc[rows, "other"].map(found["p"])
    return pairs.assign(p_against_best=shown)


def _block(
    scores: Scores, pairs: pd.DataFrame, task: str, table: pd.DataFrame, markup: Markup
) -> pd.DataFrame:
    means = table.mean().reindex(list(scores.order)).dropna()
    means = means.sort_values(ascending=not scores.measure.larger_is_better, kind="stable")
    best = str(means.index[0])
    mine = pairs[(pairs["task"] == task) & (pairs["method"] == best)].set_index("other")
    p = versus_best(table, scores.measure.larger_is_better, marked=scores.measure.marked)["p"]
    rows = {markup.text(best): {"mean": markup.bold.format(number(means[best]))}}
    for method in means.index[1:]:
        row = mine.loc[method]
        rows[markup.text(method)] = {
            "mean": number(means[method]),
            "shortfall": number(row["advantage"]),
            "p": _p_value(p[method], markup),
            "P": number(row["probability_of_improvement"], 2),
            "g": markup.text(number(row["effect"], 1)),
            "seeds": markup.text(number(row["seeds_needed"], 0)),
        }
    block = pd.DataFrame.from_dict(rows, orient="index").fillna("")
    block.index.name = "method"
    return block.replace("–", "--") if markup is LATEX else block


def _p_value(value: float, markup: Markup) -> str:
    return markup.text("< 0.001") if value < 0.001 else number(value)
