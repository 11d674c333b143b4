"""A tabular task as a search meets it: candidates and evaluations in front, truth behind."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from surrobench.errors import UserError, did_you_mean
from surrobench.spaces.architecture import Arch
from surrobench.strategies.candidates import Candidates
from surrobench.strategies.problem import Constraint, Problem
from surrobench.tasks import load_task
from surrobench.tasks.evaluation import Evaluation
from surrobench.tasks.task import TableTask

FloatArray = npt.NDArray[np.float64]

_TEST_OF = {
    "nb201/cifar10-val": "nb201/cifar10-test",
    "nb201/cifar10-val-run": "nb201/cifar10-test",
    "live/digits-chain": "live/digits-chain-test",
    "nbnlp-wikitext2/val-loss": "nbnlp-wikitext2/test-loss",
    "nbnlp-wikitext2/val-loss-best": "nbnlp-wikitext2/test-loss",
}
"""Validation tasks and the test results of the same architectures: select here, report there."""


@dataclass(frozen=True, eq=False)
class SearchTask:
    """A task with what a search study adds to it.

    Attributes:
        table: the task.
        others: tasks of the further objectives and of constraints, by name.
        problem: what strategies get to know.
    """

    table: TableTask
    others: Mapping[str, TableTask]
    problem: Problem

    @classmethod
    def load(
        cls, spec: str, base: Path, objectives: Sequence[str], constraints: Mapping[str, str]
    ) -> SearchTask:
        """Load a task, its objectives and its constraints.

        Raises:
            UserError: for a task that cannot be loaded, another space, or a missing column.
        """
        return _load(spec, str(base), tuple(objectives), tuple(sorted(constraints.items())))

    @property
    def name(self) -> str:
        """Name of the task."""
        return self.table.name

    @cached_property
    def fingerprint(self) -> str:
        """Hash of all tables that enter the numbers."""
        digest = hashlib.sha256(self.table.fingerprint.encode())
        digest.update(repr(self.table.values.shape).encode())
        digest.update(np.ascontiguousarray(self.table.values).tobytes())
        if self.table.seconds is not None:
            digest.update(np.ascontiguousarray(self.table.seconds).tobytes())
        for name in sorted(self.others):
            digest.update(f"{name}{self.others[name].fingerprint}".encode())
        return digest.hexdigest()

    def evaluate(self, arch: Arch, *, seed: int, epochs: int | None) -> Evaluation:
        """One training run, with the further objectives (larger is better) among its metrics."""
        known = self.table.evaluate(arch, seed=seed, epochs=epochs)
        metrics = {name: _truth(task, arch) for name, task in self.others.items()}
        return replace(known, metrics=metrics)

    def truth(self, arch: Arch) -> float:
        """Mean over all training runs."""
        return _truth(self.table, arch)

    def test(self, arch: Arch) -> float:
        """The test result of an architecture, NaN if the task has none."""
        return math.nan if self._test is None else _truth(self._test, arch)

    @cached_property
    def _test(self) -> TableTask | None:
        name = _TEST_OF.get(self.name)
        return None if name is None else load_task(name)

    @cached_property
    def optimum(self) -> float:
        """The best value among the candidates that keep the constraints; NaN if none does."""
        kept = self.kept
        return float(self.table.truth[kept].max()) if kept.any() else math.nan

    @cached_property
    def kept(self) -> npt.NDArray[np.bool_]:
        """Which candidates keep all constraints."""
        kept = np.ones(len(self.table), dtype=bool)
        for constraint in self.problem.constraints:
            column = self.table.measured.get(constraint.name)
            if column is None:
                column = self.column(constraint.name)
            kept &= np.array([constraint.holds(value) for value in column.tolist()])
        return kept

    def column(self, name: str) -> FloatArray:
        """The truth of another task for every candidate, larger is better."""
        other = self.others[name]
        if np.array_equal(other.archs, self.table.archs):
            return other.truth
        return np.array([_truth(other, arch) for arch in self.table.index])

    @cached_property
    def objectives(self) -> FloatArray:
        """All objectives of all candidates, ``n x k``, larger is better."""
        columns = [self.column(name) for name in self.problem.objectives]
        return np.stack([self.table.truth, *columns], axis=1)


def _truth(task: TableTask, arch: Arch) -> float:
    row = task.index.get(arch)
    return math.nan if row is None else float(task.truth[row])


@lru_cache(maxsize=8)
def _load(
    spec: str, base: str, objectives: tuple[str, ...], constraints: tuple[tuple[str, str], ...]
) -> SearchTask:
    table = load_task(spec, Path(base))
    others: dict[str, TableTask] = {}
    for name in objectives:
        others[name] = _same_space(table, name, base, "objective")
    bounds = []
    for name, text in constraints:
        bound = Constraint.parse(name, text)
        if name not in table.measured:
            others[name] = _constrained(table, name, base)
            if others[name].direction == "minimize":
                # Such values are stored negated: larger is better everywhere.
                bound = Constraint(name, ">=" if bound.sense == "<=" else "<=", -bound.bound)
        bounds.append(bound)
    candidates = Candidates(table.space, table.archs, table.measured)
    lengths = table.fidelities if len(table.fidelities) > 1 else ()
    return SearchTask(table, others, Problem(candidates, lengths, objectives, tuple(bounds)))


def _same_space(table: TableTask, name: str, base: str, what: str) -> TableTask:
    other = load_task(name, Path(base))
    if other.space.cardinalities != table.space.cardinalities or not (
        set(other.index) & set(table.index)
    ):
        raise UserError(f"{what} {name!r} is about another space than {table.name!r}.")
    return other


def _constrained(table: TableTask, name: str, base: str) -> TableTask:
    try:
        return _same_space(table, name, base, "constraint")
    except UserError as error:
        raise UserError(
            f"constraint on {name!r}: task {table.name!r} has no such measured column, and it is "
            f"no task either ({error}). " + did_you_mean(name, table.measured)
        ) from error
