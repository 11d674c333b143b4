"""What a report shows of the tasks themselves, where their data are at hand."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from surrobench.base.wording import counted
from surrobench.errors import UserError
from surrobench.report.common.exhibit import Exhibit
from surrobench.report.common.style import ONE_COLUMN, TWO_COLUMNS
from surrobench.reporting.task_figures import (
    PREDICTION_RECOMPUTED,
    SEARCH_RECOMPUTED,
    Asked,
    Recomputed,
)
from surrobench.studies.prediction import typical_cell

MOST_TASKS = 6
"""The first so many tasks of a report are looked at."""
_WIDTHS = {"proxies": ONE_COLUMN, "learning-curves": TWO_COLUMNS, "architectures": TWO_COLUMNS}


@dataclass(frozen=True)
class Extras:
    """Exhibits of the tasks, and sentences that say what is not shown and why."""

    exhibits: tuple[Exhibit, ...]
    omitted: tuple[str, ...]


def task_extras(frame: pd.DataFrame, runs: Sequence[Path], kind: str) -> Extras:
    """Proxies, best architectures, learning curves and the predictions of a typical cell.

    Nothing of it stops a report: what cannot be shown is said.

    Args:
        frame: results of one kind of study.
        runs: folders, or their ``results.parquet``.
        kind: of the study; a pipeline has no such extras.
    """
    if kind == "pipeline":  # its candidates are no table
        return Extras((), ())
    makers = dict(SEARCH_RECOMPUTED if kind == "search" else PREDICTION_RECOMPUTED)
    if kind != "search":  # the best architectures of the table are no finding of the study
        del makers["architectures"]
    tasks = [str(task) for task in frame["task"].dropna().unique()]
    exhibits: list[Exhibit] = []
    omitted: list[str] = []
    for name, make in makers.items():
        most = typical_cell.MOST_TASKS if name == "predictions" else MOST_TASKS
        made, reasons = _made(name, make, frame, runs, tasks[:most])
        exhibits += made
        if reasons:
            omitted.append(_sentence(name, reasons))
        if len(tasks) > most:
            omitted.append(
                f"{_title(name)}: only the first {most} of {len(tasks)} tasks are looked at; "
                f"surrobench plot RUN --kind {name} --task TASK draws any other."
            )
    return Extras(tuple(exhibits), tuple(omitted))


def _made(
    name: str, make: Recomputed, frame: pd.DataFrame, runs: Sequence[Path], tasks: Sequence[str]
) -> tuple[list[Exhibit], list[str]]:
    made: list[Exhibit] = []
    reasons = []
    for task, file in _names(name, tasks).items():
        asked = Asked(
            task,
            list(runs),
            frame[frame["task"] == task],
            width=_WIDTHS.get(name, ONE_COLUMN),
            seconds=typical_cell.MOST_SECONDS,
        )
        try:
            exhibit = make(asked)
        except UserError as error:
            reasons.append(f"{task}: {error}")
        except Exception as error:  # whatever a predictor or a table does, the report goes on
            reasons.append(f"{task}: {type(error).__name__}: {error}")
        else:
            made.append(replace(exhibit, name=file))
    return made, reasons


def _names(kind: str, tasks: Sequence[str]) -> dict[str, str]:
    """Of each task a file name that no other has."""
    if len(tasks) == 1:
        return {tasks[0]: kind}
    words = [re.sub(r"[^A-Za-z0-9]+", "-", task).strip("-")[:40] or "task" for task in tasks]
    ends = [f"-{i}" if words.count(word) > 1 else "" for i, word in enumerate(words, start=1)]
    return {t: f"{kind}-{word}{end}" for t, word, end in zip(tasks, words, ends, strict=True)}


def _title(name: str) -> str:
    return name.replace("-", " ").capitalize()


def _sentence(name: str, reasons: Sequence[str]) -> str:
    others = f" (and {counted(len(reasons) - 1, 'more task')})" if len(reasons) > 1 else ""
    return f"{_title(name)}: {reasons[0].rstrip('.')}{others}."
