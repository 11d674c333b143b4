"""Who judges what a study chose: training runs that it was not shown, wherever a table has them.

A table that keeps several training runs of an architecture shows one of them, which the seed of a
search picks, and holds the others back. What was chosen is judged by the mean of those, so that a
lucky run cannot pass for a good architecture, and the optimum is the best such mean, which depends
on the seed as well.

Where only a part of a table was trained more than once, the candidates are that part if it is all
or at least :data:`FEWEST` architectures: every candidate can be judged then, all by equally fair
means. Otherwise, and on request, all architectures are candidates, and what was searched is its own
judge; reports call the regret by that name.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from surrobench.arrays import BoolArray, FloatArray
from surrobench.base.wording import counted
from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch

if TYPE_CHECKING:
    from surrobench.tasks.evaluation import Evaluation
    from surrobench.tasks.task import TableTask

Judging = Literal["auto", "held-out", "searched"]
HELD_OUT = "held-out runs"
SEARCHED = "searched run"
PUBLISHED = "published mean"
TRAINED = "full trainings"
"""Judges by name: runs that were not shown; the run, or the mean of several, that was shown; and
the full trainings of a live pipeline, under seeds of their own."""
FEWEST = 100
"""Architectures with several runs that are worth a study of their own."""


@dataclass(frozen=True, eq=False)
class Judge:
    """What a seed is shown of a table, and what it is judged by.

    Attributes:
        table: the task.
        held_out: whether one run is shown and the others judge.
        seed: picks the run that is shown.
    """

    table: TableTask
    held_out: bool
    seed: int = 0

    @property
    def kind(self) -> str:
        """:data:`HELD_OUT`, :data:`SEARCHED` or :data:`PUBLISHED`."""
        if self.held_out:
            return HELD_OUT
        several = self.table.values.shape[1] == 1 and self.table.runs > 1
        return PUBLISHED if several else SEARCHED

    @cached_property
    def runs(self) -> float:
        """Mean number of runs behind a judgement, over the architectures that can be judged.

        Of a published mean the most runs that one has; ``TableTask.runs_each`` has them all.
        """
        if self.held_out:
            counts = _finished(self.table) - self._shown_finished
            return float(counts[judgeable(self.table)].mean())
        return float(self.table.runs) if self.kind == PUBLISHED else 1.0

    def shown(self, arch: Arch, epochs: int | None = None) -> Evaluation:
        """One training as the search sees it."""
        return self.table.evaluate(arch, seed=self.seed, epochs=epochs)

    def value(self, arch: Arch) -> float:
        """The judgement of an architecture; NaN if the table does not have it."""
        row = self.table.index.get(arch)
        return float("nan") if row is None else float(self.values[row])

    @cached_property
    def values(self) -> FloatArray:
        """The judgements of the whole table, ``n``; NaN where there is no run to judge by."""
        if self.table.values.shape[1] == 1:
            return self.table.truth
        finals = self.table.values[:, :, -1]
        judges = ~self._shown if self.held_out else self._shown
        known = judges & np.isfinite(finals)
        counts = known.sum(axis=1)
        total = np.where(known, finals, 0.0).sum(axis=1)
        nothing = np.full(len(finals), np.nan)
        return np.asarray(np.divide(total, counts, out=nothing, where=counts > 0))

    @cached_property
    def _shown(self) -> BoolArray:
        """Which run of each architecture is shown, ``n x seeds``; as ``TableTask.evaluate``."""
        made: BoolArray = np.asarray(np.isfinite(self.table.values).any(axis=2))
        made[~made.any(axis=1)] = True
        place = np.cumsum(made, axis=1) - 1
        return np.asarray(made & (place == (self.seed % made.sum(axis=1))[:, None]))

    @property
    def _shown_finished(self) -> npt.NDArray[np.int_]:
        return np.asarray((self._shown & np.isfinite(self.table.values[:, :, -1])).sum(axis=1))


def judgeable(table: TableTask) -> BoolArray:
    """Which architectures of a table have two finished runs or more: one to show, one to judge."""
    return np.asarray(_finished(table) > 1)


def _finished(table: TableTask) -> npt.NDArray[np.int_]:
    return np.asarray(np.isfinite(table.values[:, :, -1]).sum(axis=1))


def holds_out(table: TableTask, judging: Judging) -> bool:
    """Whether runs are held back to judge by; see the module.

    Raises:
        UserError: if a study insists on it and the table has not two such architectures.
    """
    if judging == "searched":
        return False
    count = int(judgeable(table).sum())
    if judging == "auto":
        return count >= min(FEWEST, len(table))
    if count < 2:
        raise UserError(
            f'judge = "held-out": the table of {table.name!r} has '
            f"{counted(count, 'architecture')} with "
            'several training runs, and a study needs at least 2; use judge = "auto".'
        )
    return True
