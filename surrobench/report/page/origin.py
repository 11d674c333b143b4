"""Where the numbers come from, as the last parts of a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from surrobench.report.common.escaping import one_line
from surrobench.report.common.provenance import Provenance, RunFacts
from surrobench.report.page.document import Item, Listing, Section
from surrobench.report.page.grid import Cell, Grid, Head, from_frame

MOST_REASONS = 200
MOST_WORDS = 400
"""Characters of a sentence that says what is not shown."""


def failures_section(failures: pd.DataFrame, unit: str) -> Section | None:
    """What has no result and why, grouped; None where everything has one.

    Args:
        failures: ``method, task, status, reason, seed`` and perhaps ``train_size``.
        unit: what is counted.
    """
    if failures.empty:
        return None
    keys = ["method", "task", "status", "reason"]
    groups = failures.groupby(keys, sort=False, observed=True)
    table = groups.agg(count=("seed", "size"), seeds=("seed", _listed))
    if "train_size" in failures:
        table["train sizes"] = groups["train_size"].agg(_listed)
    table = table.sort_values("count", ascending=False, kind="stable").reset_index()
    text = f"{len(failures):,} {unit} have no result. They are left out of all means."
    if len(table) > MOST_REASONS:
        text += f" The {MOST_REASONS} most frequent reasons of {len(table):,} are listed."
    columns = ["method", "task", "count", "status", *table.columns[5:], "reason"]
    grid = from_frame(
        table.head(MOST_REASONS)[columns],
        "Failures by method, task and reason",
        words=("task", "seeds", "train sizes", "reason"),
        names={"count": unit},
    )
    item = Item("failures-table", "Failures by method, task and reason", "", "failures", grid=grid)
    return Section("failures", "What failed, and why", (text,), items=(item,))


def omitted_section(omitted: Sequence[str]) -> Section | None:
    """What is not shown and why; None where nothing is left out."""
    texts = tuple(one_line(sentence, MOST_WORDS) for sentence in omitted)
    return Section("omitted", "Not shown", texts) if texts else None


def _listed(values: pd.Series) -> str:
    numbers = sorted({int(value) for value in values})
    shown = ", ".join(f"{number:,}" for number in numbers[:12])
    return shown + (" …" if len(numbers) > 12 else "")


def origin_sections(
    origin: Provenance, seeds: str, facts: Sequence[tuple[str, str]] = ()
) -> Iterator[Section]:
    """How to make the numbers again, what the tasks are and whom to cite.

    Args:
        origin: what is known of the runs.
        seeds: a sentence about them.
        facts: what the results themselves say, such as their cost.
    """
    yield _again(origin, seeds, facts)
    if origin.tasks:
        yield _tasks(origin)
    if origin.citations:
        listings = tuple(
            Listing("for " + one_line(", ".join(entry.cited_for)), entry.bibtex.strip())
            for entry in origin.citations
        )
        text = "Tables, predictors and strategies that these numbers rest on."
        yield Section("citations", "What to cite", (text,), listings=listings)


def _again(origin: Provenance, seeds: str, facts: Sequence[tuple[str, str]]) -> Section:
    commands = [run.command for run in origin.runs if run.command] + [origin.command]
    listed = [command for command in commands if command]
    listings = [
        Listing("These commands compute the numbers and write this page:", "\n".join(listed))
    ]
    for run in origin.runs:
        if run.study:
            listings.append(Listing(f"Study file of {one_line(run.name)}", run.study.strip(), True))
    return Section(
        "reproduction",
        "How to make it again",
        (seeds,),
        tuple((one_line(label), one_line(text)) for label, text in facts),
        listings=tuple(listings if listed else listings[1:]),
        items=tuple(_environments(origin.runs)),
    )


def _environments(runs: tuple[RunFacts, ...]) -> Iterator[Item]:
    """One table: what was installed and what it ran on, a column for each environment."""
    columns = {
        f"{one_line(run.name)}" + (f" ({i})" if len(run.environments) > 1 else ""): _flat(item)
        for run in runs
        for i, item in enumerate(run.environments, start=1)
    }
    if not columns:
        return
    names = list(dict.fromkeys(name for column in columns.values() for name in column))
    rows = [
        [Cell(name), *[Cell(column.get(name, "–"), css="words") for column in columns.values()]]
        for name in names
    ]
    heads = [Head("what"), *[Head(name, True) for name in columns]]
    title = "Versions, threads and machine"
    yield Item("environment", title, "", "environment", grid=Grid(title, heads, rows))


def _flat(content: Mapping[str, Any]) -> dict[str, str]:
    flat: dict[str, str] = {}
    for name, value in content.items():
        if name == "kernels" and isinstance(value, Mapping):
            flat |= {f"kernels of {one_line(k)}": one_line(v) for k, v in value.items()}
        elif isinstance(value, Mapping):
            flat |= _flat(value)
        else:
            flat[one_line(name)] = one_line(value)
    return flat


def _tasks(origin: Provenance) -> Section:
    names = ("measures", "protocol", "unit", "space", "pool", "licence", "citation", "url")
    used = [name for name in names if any(getattr(task, name) for task in origin.tasks)]
    rows = [
        [Cell(one_line(task.name)), *[Cell(one_line(getattr(task, n)), css="words") for n in used]]
        for task in origin.tasks
    ]
    heads = [Head("task"), *[Head(name, True) for name in used]]
    title = "Tasks and their data"
    item = Item("tasks-table", title, "", "tasks", grid=Grid(title, heads, rows))
    return Section("tasks", title, items=(item,))
