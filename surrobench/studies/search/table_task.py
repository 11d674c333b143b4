"""A tabular task as a search meets it: candidates and evaluations in front, the judge behind."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from surrobench.arrays import FloatArray
from surrobench.errors import UserError, did_you_mean
from surrobench.spaces.architecture import Arch, SearchSpace
from surrobench.strategies.candidates import Candidates
from surrobench.strategies.problem import Constraint, Problem
from surrobench.studies.judging import Judge, Judging, holds_out, judgeable
from surrobench.studies.of_table import OfTable
from surrobench.tasks import load_task
from surrobench.tasks.catalogue import is_card_path, single
from surrobench.tasks.evaluation import Evaluation
from surrobench.tasks.tables.card_file import read_card
from surrobench.tasks.task import TableTask

_TEST_OF = {
    "nb201/cifar10-val": "nb201/cifar10-test",
    "nb201/cifar10-val-run": "nb201/cifar10-test",
    "live/digits-chain": "live/digits-chain-test",
    "live-cells/digits": "live-cells/digits-test",
    "live-transformer/motifs": "live-transformer/motifs-test",
    "nbnlp-wikitext2/val-loss": "nbnlp-wikitext2/test-loss",
    "nbnlp-wikitext2/val-loss-best": "nbnlp-wikitext2/test-loss",
}
"""Validation tasks and the test results of the same architectures: select here, report there."""


@dataclass(frozen=True, eq=False)
class SearchTask(OfTable):
    """A task with what a search study adds to it.

    Candidates are the architectures of the task's pool for which every further objective is known;
    where training runs are held back to judge by, those of them that have several runs. Further
    objectives follow the same rule as the task if their tables have several runs of every
    candidate; else, and for constraints, they are what their tables say on average.

    Attributes:
        table: the task.
        others: tasks of the further objectives and of constraints, by their names.
        problem: what strategies get to know.
        clock: where the seconds of a training come from.
        held_out: whether the runs that a search is not shown judge it, see
            :mod:`surrobench.studies.judging`.
        seed: of the search: which run it is shown.
    """

    table: TableTask
    others: Mapping[str, TableTask]
    problem: Problem
    clock: str = ""
    held_out: bool = False
    seed: int = 0

    @classmethod
    def load(
        cls,
        spec: str,
        base: Path,
        objectives: Sequence[str],
        constraints: Mapping[str, str],
        judging: Judging = "auto",
    ) -> SearchTask:
        """Load a task, its objectives and its constraints.

        Raises:
            UserError: for a task that cannot be loaded, another space, a missing column, and
                constraints that nothing keeps.
        """
        return _load(spec, str(base), tuple(objectives), tuple(constraints.items()), judging)

    @property
    def space(self) -> SearchSpace:
        """The search space."""
        return self.table.space

    @property
    def timed(self) -> bool:
        """Whether the table says how long trainings take."""
        return self.table.seconds is not None

    @cached_property
    def fingerprint(self) -> str:
        """Hash of all tables that enter the numbers."""
        digest = hashlib.sha256(self.table.fingerprint.encode())
        digest.update(repr((self.table.values.shape, self.table.fidelities)).encode())
        digest.update(np.ascontiguousarray(self.table.values).tobytes())
        if self.table.seconds is not None:
            digest.update(np.ascontiguousarray(self.table.seconds).tobytes())
        for name in sorted(self.others):
            digest.update(f"{name}{self.others[name].fingerprint}".encode())
        return digest.hexdigest()

    @property
    def ranking(self) -> str:
        """What tasks share that rank all architectures alike; "" with further objectives."""
        return "" if self.others else self.table.ranking

    def evaluate(self, arch: Arch, *, seed: int, epochs: int | None) -> Evaluation:
        """One training run, with the further objectives (larger is better) among its metrics."""
        known = self.table.evaluate(arch, seed=seed, epochs=epochs)
        metrics = {name: _truth(task, arch) for name, task in self.others.items()}
        for name in self.problem.objectives:
            judge = self._judges[name]
            if judge.held_out:
                metrics[name] = judge.table.evaluate(arch, seed=seed).value
        return replace(known, metrics=metrics)

    @cached_property
    def judge(self) -> Judge:
        """Who judges what a search with this seed found."""
        return Judge(self.table, self.held_out, self.seed)

    @cached_property
    def _judges(self) -> dict[str, Judge]:
        """The judges of the further objectives."""
        found = {}
        for name in self.problem.objectives:
            table = self.others[name]
            several = _several(table)
            every = all(arch in several for arch in self.problem.candidates.index)
            found[name] = Judge(table, self.held_out and every, self.seed)
        return found

    def judged(self, arch: Arch) -> float:
        """What an architecture counts as: by runs that the search was not shown, if there are."""
        return self.judge.value(arch)

    def test(self, arch: Arch) -> float:
        """The test result of an architecture, NaN if the task has none.

        Of the runs that judge, where the test results are those of the same runs.
        """
        if self._test is None:
            return math.nan
        same = self._test.values.shape[1] == self.table.values.shape[1]
        return Judge(self._test, self.held_out and same, self.seed).value(arch)

    @cached_property
    def _test(self) -> TableTask | None:
        name = _TEST_OF.get(self.name)
        return None if name is None else load_task(name)

    @cached_property
    def optimum(self) -> float:
        """The best judgement among the candidates that keep the constraints; NaN if none does."""
        known = self.objectives[self.kept, 0]
        return float(np.nanmax(known)) if np.isfinite(known).any() else math.nan

    @cached_property
    def kept(self) -> npt.NDArray[np.bool_]:
        """Which candidates keep all constraints."""
        candidates = self.problem.candidates
        kept = np.ones(len(candidates), dtype=bool)
        for constraint in self.problem.constraints:
            column = candidates.measured.get(constraint.name)
            if column is None:
                bounded = self.others[constraint.name]
                column = self._column(bounded, bounded.truth)
            kept &= np.array([constraint.holds(value) for value in column.tolist()])
        return kept

    def feasible(self, arch: Arch) -> bool:
        """Whether a candidate keeps all constraints."""
        return bool(self.kept[self.problem.candidates.index[arch]])

    @cached_property
    def objectives(self) -> FloatArray:
        """Judgements of all candidates, ``n x k``, larger is better; this task comes first."""
        judges = [self.judge, *(self._judges[name] for name in self.problem.objectives)]
        return np.stack([self._column(judge.table, judge.values) for judge in judges], axis=1)

    @cached_property
    def means(self) -> FloatArray:
        """As :attr:`objectives`, but means over all runs, whoever was shown them."""
        tables = [judge.table for judge in (self.judge, *self._judges.values())]
        return np.stack([self._column(table, table.truth) for table in tables], axis=1)

    @cached_property
    def floors(self) -> FloatArray | None:
        """From where on a network is useful in each objective, ``k``; NaN where everything is.

        As the cards say; where none does, this task's own objective begins at the median of the
        candidates that keep the constraints. None with a single objective.
        """
        if not self.problem.objectives:
            return None
        tables = [self.table, *(self.others[name] for name in self.problem.objectives)]
        stated = np.array([math.nan if t.useful is None else t.useful for t in tables])
        if np.isnan(stated).all():
            stated[0] = np.nanmedian(self.means[self.kept, 0])
        return stated

    @cached_property
    def resolution(self) -> FloatArray:
        """What the sources of the objectives resolve, ``k``; 0 where they do not say."""
        tables = [self.table, *(self.others[name] for name in self.problem.objectives)]
        return np.array([table.resolution or 0.0 for table in tables])

    def _column(self, task: TableTask, values: FloatArray) -> FloatArray:
        """Values of a table for the candidates, ``n``; NaN for those that it does not have."""
        archs = self.problem.candidates.archs
        if archs is not None and np.array_equal(task.archs, archs):
            return values
        rows = [task.index.get(arch) for arch in self.problem.candidates.index]
        return np.array([math.nan if row is None else float(values[row]) for row in rows])


def _several(table: TableTask) -> set[Arch]:
    """Architectures with several training runs."""
    return {tuple(arch) for arch in table.archs[judgeable(table)].tolist()}


def _truth(task: TableTask, arch: Arch) -> float:
    row = task.index.get(arch)
    return math.nan if row is None else float(task.truth[row])


@lru_cache(maxsize=8)
def _load(
    spec: str,
    base: str,
    objectives: tuple[str, ...],
    constraints: tuple[tuple[str, str], ...],
    judging: Judging,
) -> SearchTask:
    table = load_task(spec, Path(base))
    further = [_same_space(table, name, base, "objective") for name in objectives]
    for task in further:
        if task.name == table.name:
            raise UserError(f"objective {task.name!r} is the task itself.")
    others = {task.name: task for task in further}
    bounds = []
    for name, text in constraints:
        bound = Constraint.parse(name, text)
        if name not in table.measured:
            other = _constrained(table, name, base)
            others[other.name] = other
            bound = _in_stored_units(bound, other)
        bounds.append(bound)
    lengths = table.fidelities if len(table.fidelities) > 1 else ()
    names = tuple(task.name for task in further)
    held_out = holds_out(table, judging)
    problem = Problem(_candidates(table, further, held_out), lengths, names, tuple(bounds))
    whole = SearchTask(table, others, problem, _clock(spec, base), held_out)
    if not whole.kept.any():
        told = ", ".join(f"{name} {text}" for name, text in constraints)
        raise UserError(f"no architecture of task {table.name!r} keeps the constraints ({told}).")
    return whole


def _clock(spec: str, base: str) -> str:
    """Whether the table holds the seconds of full trainings, or of shorter ones to scale up."""
    path, name = single(spec, Path(base))
    card = read_card(path.resolve()).tasks[name]
    if card.costs and str(card.epochs) not in card.costs:
        known = max(map(int, card.costs))
        return f"seconds of {card.epochs} epochs scaled from {known} epochs"
    return "seconds as published" if card.costs or card.cost else ""


def _candidates(table: TableTask, further: Sequence[TableTask], held_out: bool) -> Candidates:
    known = judgeable(table) if held_out else np.ones(len(table), dtype=bool)
    for task in further:
        if not np.array_equal(task.archs, table.archs):
            known &= np.array([arch in task.index for arch in table.index])
    measured = {name: column[known] for name, column in table.measured.items()}
    return Candidates(table.space, table.archs[known], measured)


def _in_stored_units(bound: Constraint, task: TableTask) -> Constraint:
    """A bound in the units of the source; what was to be minimised is stored negated."""
    if task.direction == "maximize":
        return Constraint(task.name, bound.sense, bound.bound)
    return Constraint(task.name, ">=" if bound.sense == "<=" else "<=", -bound.bound)


def _same_space(table: TableTask, name: str, base: str, what: str) -> TableTask:
    other = load_task(name, Path(base))
    same = other.space.name == table.space.name
    if other.space.cardinalities != table.space.cardinalities or not (
        same or set(other.index) & set(table.index)
    ):
        raise UserError(
            f"{what} {name!r} is about the space {other.space.name!r}, but task {table.name!r} "
            f"about {table.space.name!r}."
        )
    return other


def _constrained(table: TableTask, name: str, base: str) -> TableTask:
    if "/" not in name and not is_card_path(name):
        raise UserError(
            f"constraint on {name!r}: task {table.name!r} has no such measured column. "
            + did_you_mean(name, table.measured)
            + " A task of the same space is named in full, such as 'nb201-hw/…'."
        )
    return _same_space(table, name, base, "constraint")
