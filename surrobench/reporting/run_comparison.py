"""Two runs compared: what changed, whether it is significant, and what cannot be compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from surrobench.base.page_facts import escaped, facts_html
from surrobench.base.wording import counted, one_or_many
from surrobench.errors import UserError
from surrobench.report.common.measures import Measure
from surrobench.report.comparing.changes import (
    BETTER,
    GROUP,
    SAME_BITS,
    UNKNOWN,
    WORSE,
    Changes,
    changes,
)
from surrobench.reporting.run_cells import Paired, pair
from surrobench.studies.run_folder.run_differences import RunDifferences, run_differences
from surrobench.studies.run_folder.view import kind_of_frame, load_methods

_SHOWN = 6


@dataclass(frozen=True)
class RunComparison:
    """What differs between two runs.

    Attributes:
        runs: the first (before) and the second (after).
        kind: of the studies.
        measure: that decides what is better.
        paired: the cells.
        changes: what changed, by task and method, with tests.
        around: what differs around the numbers.
        refused: tasks that are other data under the same name.
        damaged: files that were left out because they are not what was written.
    """

    runs: tuple[Path, Path]
    kind: str
    measure: Measure
    paired: Paired
    changes: Changes
    around: RunDifferences
    refused: tuple[str, ...] = ()
    damaged: tuple[Path, ...] = ()

    @property
    def same(self) -> bool:
        """Whether every common cell holds the same bits."""
        return bool(self.changes.cells["same_bits"].all())

    @cached_property
    def verdict(self) -> str:
        """What changed, in a sentence."""
        cells, groups = self.changes.cells, self.changes.groups
        if self.same:
            return f"Same bits: all numbers of {counted(len(cells), 'common cell')} are the same."
        changed = int((~cells["same_bits"]).sum())
        counts = groups["outcome"].value_counts()
        better, worse = int(counts.get(BETTER, 0)), int(counts.get(WORSE, 0))
        what = "methods on tasks" if self.kind == "search" else "methods on tasks and sizes"
        parts = [
            f"{changed} of {counted(len(cells), 'common cell')} changed",
            f"of {len(groups)} {what} {better} {one_or_many(better, 'is', 'are')} significantly "
            f"better and {worse} significantly worse in {self.runs[1]} by {self.measure.label}",
        ]
        if unknown := int(counts.get(UNKNOWN, 0)):
            parts.append(f"for {unknown} no test can tell")
        if same := int(counts.get(SAME_BITS, 0)):
            parts.append(f"{same} {one_or_many(same, 'has', 'have')} the same bits")
        return "; ".join(parts) + "."

    def not_compared(self) -> list[str]:
        """Sentences about what cannot be compared, and why."""
        found = [
            f"task {task!r}: it is other data in {self.runs[1]} than in {self.runs[0]} (another "
            "fingerprint under the same name)"
            for task in self.refused
        ]
        alone = self.paired.alone
        for side, run in enumerate(self.runs):
            here = alone[alone["run"] == side]
            other = {str(m) for m in self.changes.cells["method"]}
            lonely = [m for m in dict.fromkeys(here["method"]) if m not in other]
            if lonely:
                found.append(f"{_listed(lonely)}: in {run} alone")
            rest = here[~here["method"].isin(lonely)]
            if len(rest):
                cells = [" ".join(map(str, row)) for row in rest[GROUP].drop_duplicates().values]
                found.append(f"{counted(len(rest), 'cell')} in {run} alone: {_listed(cells)}")
        if len(failed := self.paired.failed):
            named = failed[["method", "reason"]].value_counts(sort=False).reset_index()
            texts = [
                f"{count} × {method} ({reason})"
                for method, reason, count in named.itertuples(index=False)
            ]
            found.append(f"cells without a number in one of the two: {_listed(texts)}")
        return found

    def to_dict(self) -> dict[str, Any]:
        """Everything, for programs; NaN is None."""
        return {
            "runs": [str(run) for run in self.runs],
            "kind": self.kind,
            "measure": self.measure.column,
            "verdict": self.verdict,
            "same_bits": self.same,
            "cells": len(self.changes.cells),
            "changed_cells": int((~self.changes.cells["same_bits"]).sum()),
            "changes": _rows(self.changes.groups),
            "methods": _rows(self.changes.methods),
            "not_compared": self.not_compared(),
            "options": list(self.around.options),
            "settings": list(self.around.settings),
            "versions": list(self.around.versions),
            "damaged": [str(path) for path in self.damaged],
        }

    def _repr_html_(self) -> str:
        table = self.changes.groups.round(4).to_html(index=False, escape=True, border=0)
        notes = "".join(f"<p>{escaped(text)}</p>" for text in self.not_compared())
        facts = [
            ("options", "; ".join(self.around.options)),
            ("versions", "; ".join(self.around.versions)),
        ]
        return facts_html(self.verdict, facts, notes + table)


def compare_runs(
    first: str | Path, second: str | Path, *, measure: str | None = None
) -> RunComparison:
    """Compare two runs cell by cell: the same task, method, size and seed.

    Args:
        first: a run folder, or its ``results.parquet``; what was before.
        second: likewise; what is now.
        measure: a column of scores to judge predictions by; Kendall's τ by default. Searches are
            judged by their final regret or hypervolume, pipelines by the regret of the best pick.

    Raises:
        UserError: if there are no results, they are of different kinds, or no cell is in both.
    """
    runs = (Path(first), Path(second))
    damaged: list[Path] = []
    loaded = [load_methods([run], damaged=damaged)[0] for run in runs]
    kinds = [kind_of_frame(frame) for frame in loaded]
    if kinds[0].name != kinds[1].name:
        raise UserError(
            f"{runs[0]} is of a {kinds[0].name} study and {runs[1]} of a {kinds[1].name} study: "
            "they cannot be compared."
        )
    kind = kinds[0]
    if measure is not None and kind.name != "prediction":
        raise UserError(f"a {kind.name} study has one measure; leave out the measure.")
    around = run_differences(*runs)
    refused = tuple(t for t in around.other_data if any(t in set(f["task"]) for f in loaded))
    kept = [frame[~frame["task"].astype(str).isin(refused)] for frame in loaded]
    why = (
        f" Different data under one name: {', '.join(refused)}; run both on the same table."
        if refused
        else ""
    )
    if any(frame.empty for frame in kept):
        raise UserError(f"{runs[0]} and {runs[1]} have no cell in common.{why}")
    paired = pair(kept, kind, measure)
    if paired.cells.empty:
        raise UserError(
            f"{runs[0]} and {runs[1]} have no cell with a number in common: no task, method, size "
            f"and seed is in both.{why}"
        )
    return RunComparison(
        runs,
        kind.name,
        paired.measure,
        paired,
        changes(paired.cells, paired.measure),
        around,
        refused,
        tuple(damaged),
    )


def _listed(names: Sequence[object]) -> str:
    texts = [str(name) for name in names[:_SHOWN]]
    if len(names) > _SHOWN:
        texts.append(f"and {len(names) - _SHOWN} more")
    return ", ".join(texts)


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    plain = frame.astype(object).where(frame.notna(), None)
    return [{str(k): _plain(v) for k, v in row.items()} for row in plain.to_dict("records")]


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value
