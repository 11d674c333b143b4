"""The loop of a search: who may evaluate how much, and what it cost."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from surrobench.base.wording import counted
from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch
from surrobench.strategies.plain import metrics_of, number, plain_metrics, plain_number
from surrobench.strategies.strategy import Strategy
from surrobench.tasks.evaluation import LARGEST_VALUE, Evaluation

Evaluate = Callable[[Arch, int | None], Evaluation]
"""Trains an architecture for so many epochs (None: fully)."""
Batch = Sequence[tuple[Arch, int | None]]
"""Architectures and the epochs that each is trained for."""


@dataclass(frozen=True)
class Budget:
    """When a search ends.

    Attributes:
        evaluations: full trainings. Training for ``e`` of ``E`` epochs costs ``e / E`` of one;
            a longer one of the same architecture costs all of it, unless trainings go on from
            their checkpoints.
        seconds: simulated training time, None for no limit.
    """

    evaluations: float
    seconds: float | None = None

    def __post_init__(self) -> None:
        """Refuse a budget that allows nothing."""
        if not self.evaluations > 0:
            raise UserError(
                f"a budget of {counted(self.evaluations, 'evaluation')} allows none; raise it."
            )
        if self.seconds is not None and not self.seconds > 0:
            raise UserError(
                f"a budget of {counted(self.seconds, 'second')} allows nothing; raise it."
            )


@dataclass(frozen=True)
class Row:
    """One evaluation of a search.

    Attributes:
        evaluation: its number, from 1.
        arch: the architecture.
        epochs: length of the training, None for the full one.
        value: larger is better; NaN if it failed.
        best: number of the evaluation that is the incumbent now (fully trained, feasible, highest
            value), 0 if there is none.
        spent: full trainings so far.
        simulated_seconds: training time so far, NaN once a successful training did not say; one
            that failed without a cost adds nothing.
        overhead_seconds: time that the strategy itself has taken so far.
        status: of the evaluation.
        reason: why it failed.
        metrics: further numbers.
    """

    evaluation: int
    arch: Arch
    epochs: int | None
    value: float
    best: int
    spent: float
    simulated_seconds: float
    overhead_seconds: float
    status: str
    reason: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)


class SearchLoop:
    """Asks, evaluates and tells until the budget is spent or nothing is left to try.

    Failed evaluations count like others. A batch is evaluated before the strategy is told of any
    of it. The loop can be stopped after any batch and continued from :meth:`state`.

    Args:
        strategy: what chooses.
        evaluate: what trains; an exception ends the search unless ``forgiving``.
        budget: when to stop.
        batch: architectures that are asked for at a time.
        forgiving: whether an exception of ``evaluate`` is a failed evaluation with a reason.
        prepare: told each batch before it is evaluated.
        continues: whether a longer training goes on from a shorter one of the same architecture,
            and costs only the difference.
    """

    def __init__(
        self,
        strategy: Strategy,
        evaluate: Evaluate,
        budget: Budget,
        *,
        batch: int = 1,
        forgiving: bool = False,
        prepare: Callable[[Batch], None] | None = None,
        continues: bool = False,
    ) -> None:
        if isinstance(batch, bool) or not isinstance(batch, int) or batch < 1:
            raise UserError(f"batch is {batch!r}; it must be a positive whole number.")
        self.strategy, self.evaluate, self.budget = strategy, evaluate, budget
        self.batch, self.forgiving, self.prepare = batch, forgiving, prepare
        self.continues = continues
        self.rows: list[Row] = []
        self._overhead = 0.0

    def room(self) -> int:
        """How many more trainings may begin now, what is pending apart."""
        if self._out_of_time():
            return 0
        pending = sum(map(self._share_of, self.strategy.pending.items()))
        return max(0, math.ceil(self.budget.evaluations - self._spent() - pending - 1e-9))

    def ask(self, n: int) -> list[tuple[Arch, int | None]]:
        """Up to ``n`` architectures to train next, with their epochs."""
        started = time.perf_counter()
        archs = self.strategy.ask(n)
        batch = [(arch, self.strategy.epochs(arch)) for arch in archs]
        self._overhead += time.perf_counter() - started
        return batch

    def tell(self, arch: Arch, epochs: int | None, result: Evaluation, reason: str) -> Row:
        """Take in a result."""
        started = time.perf_counter()
        self.strategy.tell(arch, result)
        self._overhead += time.perf_counter() - started
        return self._row(arch, epochs, result.cost, reason)

    def step(self) -> list[Row]:
        """Evaluate one batch; empty when the search is over.

        What is pending already, of a search that several workers had begun, comes first.
        """
        batch = list(self.strategy.pending.items())
        if not batch and (room := self.room()):
            batch = self.ask(min(self.batch, room))
        if self.prepare is not None and batch:
            self.prepare(batch)
        results = [self._evaluated(arch, epochs) for arch, epochs in batch]
        return [
            self.tell(arch, epochs, result, reason)
            for (arch, epochs), (result, reason) in zip(batch, results, strict=True)
        ]

    def run(self, after: Callable[[SearchLoop], object] | None = None) -> list[Row]:
        """Step until the end; ``after`` is called after each batch, and stops it with true."""
        while self.step():
            if after is not None and after(self):
                break
        return self.rows

    def _evaluated(self, arch: Arch, epochs: int | None) -> tuple[Evaluation, str]:
        try:
            result = self.evaluate(arch, epochs)
            return result, result.reason or _too_large(result.value)
        except Exception as error:
            return self.failed(error)

    def failed(self, error: Exception) -> tuple[Evaluation, str]:
        """What an exception of a training counts as.

        Raises:
            Exception: itself, unless the loop is forgiving; a
                :class:`~surrobench.errors.UserError` always, since it is a mistake in how the
                search was set up, and every training would fail alike.
        """
        if not self.forgiving or isinstance(error, UserError):
            raise error
        return Evaluation(math.nan, status="failed"), f"{type(error).__name__}: {error}"

    def _row(self, arch: Arch, epochs: int | None, cost: float | None, reason: str) -> Row:
        seen = self.strategy.history[-1]
        last = self.rows[-1] if self.rows else None
        row = Row(
            evaluation=len(self.rows) + 1,
            arch=arch,
            epochs=epochs,
            value=seen.value,
            best=self._best(arch, epochs, last),
            spent=self._spent() + self._share_of((arch, epochs)),
            simulated_seconds=(last.simulated_seconds if last else 0.0)
            + _seconds(cost, seen.status),
            overhead_seconds=self._overhead,
            status=seen.status,
            reason=reason,
            metrics=seen.metrics,
        )
        self.rows.append(row)
        return row

    def _best(self, arch: Arch, epochs: int | None, last: Row | None) -> int:
        best = self.strategy.best
        known = last.best if last else 0
        if best is None or epochs is not None or best.arch != arch:
            return known
        return known if known and self.rows[known - 1].arch == arch else len(self.rows) + 1

    def _share_of(self, training: tuple[Arch, int | None]) -> float:
        """What a training costs, in full ones."""
        lengths = self.strategy.problem.epochs
        if not lengths:
            return 1.0
        arch, epochs = training
        length = lengths[-1] if epochs is None else epochs
        return max(0, length - self._trained_for(arch, length)) / lengths[-1]

    def _trained_for(self, arch: Arch, below: int) -> int:
        """From how many epochs a training goes on."""
        if not self.continues:
            return 0
        known = (r.epochs or 0 for r in self.rows if r.arch == arch and r.status == "ok")
        return max((epochs for epochs in known if epochs < below), default=0)

    def _spent(self) -> float:
        return self.rows[-1].spent if self.rows else 0.0

    def _out_of_time(self) -> bool:
        limit = self.budget.seconds
        return limit is not None and bool(self.rows) and self.rows[-1].simulated_seconds >= limit

    def state(self) -> dict[str, Any]:
        """Rows and the strategy's state, as data that JSON can hold."""
        return {
            "rows": [_plain(row) for row in self.rows],
            "overhead": self._overhead,
            "strategy": self.strategy.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a state.

        Raises:
            UserError: if it is damaged or of another strategy.
        """
        try:
            self.strategy.restore(state["strategy"])
            self.rows = rows_of(state)
            self._overhead = float(state["overhead"])
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(f"the saved search is damaged: {error!r}.") from error


def _too_large(value: float) -> str:
    if math.isfinite(value) and abs(value) > LARGEST_VALUE:
        return (
            f"the value {value:.3g} is beyond ±{LARGEST_VALUE:.0e} and counts as a failure; report "
            "NaN for a training that failed"
        )
    return ""


def _seconds(cost: float | None, status: str) -> float:
    if cost is not None:
        return cost
    return math.nan if status == "ok" else 0.0


def rows_of(state: Mapping[str, Any]) -> list[Row]:
    """The rows in a state of :class:`SearchLoop`."""
    return [_row(content) for content in state["rows"]]


def _plain(row: Row) -> dict[str, Any]:
    content = asdict(row)
    content["arch"] = list(row.arch)
    content["value"] = plain_number(row.value)
    content["simulated_seconds"] = plain_number(row.simulated_seconds)
    content["metrics"] = plain_metrics(row.metrics)
    return content


def _row(content: Mapping[str, Any]) -> Row:
    values = dict(content)
    values["arch"] = tuple(content["arch"])
    for name in ("value", "simulated_seconds"):
        values[name] = number(content[name])
    values["metrics"] = metrics_of(content["metrics"])
    return Row(**values)
