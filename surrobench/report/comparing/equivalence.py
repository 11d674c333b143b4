"""How probable it is that the best method is better in practice: the Bayesian signed-rank test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
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
    number,
)
from surrobench.report.common.exhibit import Exhibit
from surrobench.report.comparing.scores import Scores
from surrobench.report.statistics.bayesian import Verdict, bayesian_signed_rank
from surrobench.report.tables import float_tex, html_table, markdown_table

MOST_COMPARED = 8
"""Methods beside the best, by their mean rank."""
ROPE = 0.01
"""Differences up to this are equivalent, for scores without a unit (Benavoli et al., 2017)."""
STANDARD_ROPE = 0.1
"""The same in standard deviations between seeds, for scores with a unit (Kruschke, 2018)."""
SAMPLES = 10_000
"""Draws from the posterior: a probability has a standard error of at most 0.005."""
LIBRARY = "baycomp"


def missing_library() -> tuple[str, ...]:
    """What a report says where the test cannot be made."""
    if find_spec(LIBRARY) is not None:
        return ()
    return ("Bayesian signed-rank test: it needs baycomp, pip install 'surrobench[bayes]'.",)


def equivalence(scores: Scores) -> Iterator[Exhibit]:
    """The best-ranked method against the next best ones; nothing where there is too little.

    The blocks are those of the critical-difference diagram. Scores with a unit are divided by the
    pooled standard deviation between seeds on their task, so that tasks can be put together. There
    are no blocks of task and seed: with few tasks nothing is said.
    """
    if missing_library():
        return
    rope = ROPE if scores.measure.unitless else STANDARD_ROPE
    used = scores if scores.measure.unitless else _standardised(scores)
    blocks, what = used.blocks
    order = [str(name) for name in scores.ranks.ranks.index if name in blocks]
    if len(order) < 2 or len(blocks) < 2 or not np.isfinite(blocks[order]).all(axis=None):
        return
    table = _verdicts(blocks[order[: MOST_COMPARED + 1]], scores.measure.larger_is_better, rope)
    ranks = [float(scores.ranks.ranks[name]) for name in table["method"]]
    table = table.assign(mean_rank=ranks, blocks=len(blocks), rope=rope)
    unit = "" if scores.measure.unitless else " standard deviations between seeds of the task"
    yield _exhibit(scores, table, f"{rope:g}{unit}", f"{counted(len(blocks), 'block')} ({what})")


def _standardised(scores: Scores) -> Scores:
    deviations = {t: float(np.sqrt(table.var().mean())) for t, table in scores.tables.items()}
    tables = {t: table / deviations[t] for t, table in scores.tables.items() if deviations[t] > 0}
    return replace(scores, tables=tables)


def _verdicts(blocks: pd.DataFrame, larger_is_better: bool, rope: float) -> pd.DataFrame:
    """Every other method beside the first: probabilities, NaN for the first itself."""
    signed = blocks if larger_is_better else -blocks
    best = str(blocks.columns[0])
    rows: list[dict[str, object]] = [{"method": best, "best": best}]
    for name in map(str, blocks.columns[1:]):
        found = bayesian_signed_rank(signed[best], signed[name], rope, samples=SAMPLES)
        rows.append({"method": name, "best": best, **_columns(found)})
    return pd.DataFrame(rows)


def _columns(found: Verdict) -> dict[str, float]:
    return {
        "p_best_better": found.better,
        "p_equivalent": found.equivalent,
        "p_best_worse": found.worse,
    }


def _exhibit(scores: Scores, table: pd.DataFrame, rope: str, blocks: str) -> Exhibit:
    compared = f"the next {len(table) - 1}" if len(table) > 2 else "the other"
    caption = (
        f"The best-ranked method against {compared} in practice by {scores.measure.label} "
        f"{scores.where}."
    )
    notes = (
        f"Bayesian signed-rank test (Benavoli et al., JMLR 2017) over {blocks}: probability that "
        "the best is better in practice, that both are equivalent, and that the best is worse; "
        f"differences up to {rope} are equivalent (the region of practical equivalence)."
    )
    cells = {markup: _cells(table, markup) for markup in MARKUPS}
    name = f"{scores.stem}-in-practice{scores.suffix}"
    full = f"{caption} {notes}"
    return Exhibit(
        name,
        caption,
        table,
        tex=LATEX_COMMANDS + float_tex(cells[LATEX].reset_index(), 1, escaping.latex(full), name),
        markdown=f"{escaping.markdown(full)}\n\n{markdown_table(cells[MARKDOWN])}",
        html=html_table(cells[HTML]),
        notes=notes,
    )


def _cells(table: pd.DataFrame, markup: Markup) -> pd.DataFrame:
    heads = {
        "p_best_better": "best is better",
        "p_equivalent": "equivalent",
        "p_best_worse": "best is worse",
    }
    cells = pd.DataFrame({"mean rank": table["mean_rank"].map(lambda rank: f"{rank:.1f}")})
    for column, head in heads.items():
        values = [number(value, 2) for value in table[column]]
        cells[head] = ["" if value == "–" else value for value in values]
    names = [markup.text(name) for name in table["method"]]
    names[0] = markup.bold.format(names[0])
    return cells.set_index(pd.Index(names, name="method"))
