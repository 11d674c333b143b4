"""``leaderboard.html``, ``.csv`` and ``.md`` across all runs of a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pandas as pd

from surrobench.base.wording import counted
from surrobench.errors import UserError
from surrobench.report.common import escaping
from surrobench.report.common.exhibit import to_csv
from surrobench.report.figures.panels import styles
from surrobench.report.leaderboard.boards import prediction_boards, search_boards
from surrobench.report.leaderboard.standings import (
    ALPHA,
    AXES,
    prediction_standings,
    search_standings,
)
from surrobench.report.leaderboard.tables import axis_table, focus, markdown, scorecard, unranked
from surrobench.report.page.charts import Axes, ChartStyles, chart
from surrobench.report.page.document import Item, Page, Section, render
from surrobench.report.page.grid import Cell, Grid, Head
from surrobench.report.results import Results
from surrobench.report.search.judging import judged_by
from surrobench.report.search.method_styles import SearchStyles
from surrobench.report.search.results import SearchResults
from surrobench.report.statistics.clusters import LEAST_TABLES

COLOURED = 8
_TITLES = {axis.name: axis.title for axis in AXES}
_RULES = (
    "Methods are ranked on every task by their mean over seeds; the ranks are averaged over the "
    "tasks of each table and then over tables (1 is best), so that a table counts once however "
    "many tasks it has. Not every method has a number on every task: compared is the largest "
    "complete part of the results, methods that have enough tasks over the tasks that all of these "
    "have; – marks the others. Ranks among other methods or over other tasks do not compare.",
    f"In bold the best mean rank; ≈ marks what is behind by less than the critical difference at "
    f"{ALPHA:.0%} (Nemenyi's test with permutations of the methods within tables instead of its "
    "limit for many blocks; Demšar, JMLR 2006); ° marks what is not significantly worse than the "
    "best by score (differences of mean scores, their signs flipped table by table; adjusted for "
    f"all methods and for the choice of the best, {ALPHA:.0%}; scores with a unit in standard "
    "deviations over the methods of their task). There are no marks where so few tables could not "
    f"have told any difference, and fewer than {LEAST_TABLES} tables have no test and no interval. "
    "Tests take tables, not tasks, for independent draws.",
)


@dataclass(frozen=True)
class Source:
    """A run that the leaderboard is made of: where it lies, its kind and how large it is."""

    name: str
    kind: str
    tasks: int
    rows: int


def write_leaderboard(
    predictions: Results | None,
    searches: SearchResults | None,
    folder: Path,
    sources: Sequence[Source] = (),
) -> list[Path]:
    """Write ``leaderboard.html``, ``leaderboard.csv`` and ``leaderboard.md``.

    Args:
        predictions: all records of prediction studies, if there are any.
        searches: all evaluations of search studies, if there are any.
        folder: made if it does not exist; files of the same names are replaced.
        sources: runs to be named.

    Returns:
        The files written.

    Raises:
        UserError: if there is nothing to rank, or the folder cannot be written to.
    """
    parts: list[tuple[pd.DataFrame, ChartStyles, Callable[[float], Iterable[Item]]]] = []
    if predictions is not None:
        look = ChartStyles(styles(predictions))
        parts.append(
            (prediction_standings(predictions), look, partial(prediction_boards, predictions))
        )
    if searches is not None:
        all_styles = [SearchStyles.of(part) for part in searches.by_measure() if part.traces]
        known = {method: item for paged in all_styles for method, item in paged.styles.items()}
        look = ChartStyles(known)
        parts.append((search_standings(searches), look, partial(search_boards, searches)))
    parts = [part for part in parts if len(part[0])]
    if not parts:
        raise UserError("there is nothing to rank: no run below this folder has a result.")
    judged = judged_by(searches.judges) if searches is not None else ""
    sections = [
        section
        for table, palette, boards in parts
        for section in _sections(table, palette, boards, judged)
    ]
    contents = {
        "leaderboard.html": render(_page(sections, sources)),
        "leaderboard.csv": to_csv(pd.concat([part[0] for part in parts], ignore_index=True)),
        "leaderboard.md": _text(sections),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in contents.items():
            (folder / name).write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise UserError(f"cannot write the leaderboard to {folder}: {error}.") from error
    return [folder / name for name in contents]


def _sections(
    standings: pd.DataFrame,
    palette: ChartStyles,
    boards: Callable[[float], Iterable[Item]],
    judged: str = "",
) -> Iterator[Section]:
    """The score card of one kind of study, its boards, then every respect.

    Searches say who ``judged``.
    """
    kind = str(standings["kind"].iloc[0])
    what, named = ("n", "training examples") if kind == "prediction" else ("budget", "trainings")
    at = focus(standings)[kind]
    title = "Predictors" if kind == "prediction" else "Search strategies"
    text = f"Mean ranks with {at:,.6g} {named}; the smaller, the better."
    if left := unranked(standings, at):
        others = counted(len(left), "other method has", "other methods have")
        text += f" {others} too few of these tasks for a rank: the tables below tell of them."
    card = Item(f"{kind}-card", f"{title} at a glance", text, f"{kind}-scorecard",
                grid=scorecard(standings, at))  # fmt: skip
    items = [card, *boards(at)]
    for axis, rows in standings.groupby("axis", sort=False):
        item = _axis_item(str(axis), rows, kind, what, palette)
        if kind == "search" and "own time" not in str(axis):
            item = replace(item, text=f"{item.text} {judged}".strip())
        items.append(item)
    yield Section(kind, title, items=tuple(items))


def _axis_item(axis: str, rows: pd.DataFrame, kind: str, what: str, palette: ChartStyles) -> Item:
    text = _tests(rows, what)
    first = rows[rows["at"] == focus(rows)[kind]].sort_values("mean_rank")
    chosen = [str(name) for name in first["method"].head(COLOURED)]
    x = "train_size" if kind == "prediction" else "budget"
    drawn = None
    if rows["at"].nunique() > 1 and len(rows[["tasks", "methods"]].drop_duplicates()) == 1:
        data = rows.rename(columns={"at": x}).dropna(subset=["mean_rank"])
        drawn = chart(
            data,
            Axes(x, "mean_rank", None),
            "mean rank",
            ChartStyles(palette.styles, chosen),
        )
    anchor = f"{kind}-" + "".join(c if c.isalnum() else "-" for c in axis)
    title = _TITLES.get(axis, axis.removeprefix("search: ").capitalize())
    grid = axis_table(rows, what)
    return Item(anchor, title, text, anchor, chart=drawn, grid=grid)


def _tests(rows: pd.DataFrame, what: str) -> str:
    """What the tests say at every size or budget; nothing where there are none."""
    tests = rows.drop_duplicates("at").dropna(subset=["friedman_p"])
    if tests.empty:
        return "Too few tables for a test."
    largest = float(tests["friedman_p"].max())
    p = "p < 0.001" if largest < 0.001 else f"p ≤ {largest:.3f}"
    limits = [
        f"{row['critical_difference']:.1f} at {what} = {row['at']:,.6g} "
        f"({counted(row['methods'], 'method')})"
        for _, row in tests.iterrows()
    ]
    return f"Friedman's test: {p}. Critical difference of mean ranks: {', '.join(limits)}."


def _page(sections: Sequence[Section], sources: Sequence[Source]) -> Page:
    rows = [
        [Cell(escaping.one_line(s.name)), Cell(s.kind, css="words"),
         Cell(f"{s.tasks:,}", s.tasks), Cell(f"{s.rows:,}", s.rows)]
        for s in sources
    ]  # fmt: skip
    heads = [Head("run"), Head("kind", True), Head("tasks"), Head("rows")]
    extra = [Section("rules", "How this is ranked", _RULES)]
    if rows:
        item = Item("runs-table", "Runs", "", "runs", grid=Grid("Runs", heads, rows))
        extra.append(Section("runs", "What it is made of", items=(item,)))
    facts = [("runs", f"{len(sources):,}")] if sources else []
    for section in sections:
        card = section.items[0].grid
        facts.append((section.title.lower(), f"{len(card.rows) if card else 0:,}"))
    lead = "Performance predictors and search strategies over everything that was run."
    return Page("Leaderboard", "surrobench", lead, facts, [*sections, *extra])


def _text(sections: Sequence[Section]) -> str:
    parts = ["# Leaderboard", *_RULES]
    for section in sections:
        parts.append(f"## {escaping.markdown(section.title)}")
        for item in section.items:
            parts.append(f"### {escaping.markdown(item.title)}")
            if item.text:
                parts.append(escaping.markdown(item.text))
            if item.grid is not None:
                parts.append(markdown(item.grid).rstrip())
    return "\n\n".join(parts) + "\n"
