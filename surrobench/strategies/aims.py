"""What a search is after, in the user's own signs and names."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from surrobench.errors import UserError, did_you_mean
from surrobench.strategies.problem import Problem
from surrobench.strategies.running.loop import Row
from surrobench.strategies.running.training import named_number
from surrobench.tasks.evaluation import Evaluation

_LESS = {"minimize": True, "minimise": True, "maximize": False, "maximise": False}
_NEGATED = "-"


@dataclass(frozen=True)
class Aims:
    """Directions of the value and of further objectives.

    Strategies maximise. A value that is to be small is negated on its way to them and back; of an
    objective that is to be small they get a metric with a minus sign before its name.

    Attributes:
        minimise: whether the value is to be small.
        objectives: name of each further objective -> whether it is to be small.
    """

    minimise: bool = False
    objectives: Mapping[str, bool] = field(default_factory=dict)

    @classmethod
    def of(cls, direction: str, objectives: Sequence[str] | Mapping[str, str]) -> Aims:
        """Read what the user wrote.

        Raises:
            UserError: for another direction, or objectives that are no names.
        """
        if isinstance(objectives, str):
            raise UserError(
                f"objectives is the text {objectives!r}; write a list, [{objectives!r}]."
            )
        if not isinstance(objectives, Mapping):
            names = list(objectives)
            if len(set(names)) < len(names):
                raise UserError(f"an objective stands twice in {names}.")
            objectives = dict.fromkeys(names, "maximize")
        for name in objectives:
            if not isinstance(name, str) or not name:
                raise UserError(f"objectives holds {name!r}, which is no name of a metric.")
        senses = {name: _less(f"objective {name!r}", way) for name, way in objectives.items()}
        return cls(_less("direction", direction), senses)

    @property
    def names(self) -> tuple[str, ...]:
        """Of the further objectives, as strategies know them."""
        return tuple(_NEGATED * less + name for name, less in self.objectives.items())

    def turned(self, evaluation: Evaluation) -> Evaluation:
        """An evaluation as a strategy is told it."""
        metrics = dict(evaluation.metrics)
        metrics |= {
            _NEGATED + name: -metrics[name]
            for name, less in self.objectives.items()
            if less and name in metrics
        }
        value = -evaluation.value if self.minimise else evaluation.value
        return replace(evaluation, value=value, metrics=metrics)

    def shown(self, row: Row) -> Row:
        """A row as the user reads it."""
        hidden = {_NEGATED + name for name, less in self.objectives.items() if less}
        if not hidden and not self.minimise:
            return row
        metrics = {name: number for name, number in row.metrics.items() if name not in hidden}
        return replace(row, value=-row.value if self.minimise else row.value, metrics=metrics)

    def check_names(self, evaluation: Evaluation, problem: Problem) -> None:
        """Refuse objectives and constraints that a successful training does not report.

        Raises:
            UserError: naming what it has.
        """
        columns = problem.candidates.measured
        for name, what in self._asked(problem):
            if name not in evaluation.metrics:
                known = sorted({*evaluation.metrics, *columns})
                has = (
                    f"It reports {', '.join(map(repr, known))}."
                    if known
                    else ("It reports none; return Evaluation(value, metrics={…}).")
                )
                hint = did_you_mean(name, known) if known else ""
                if any(name == variable.name for variable in problem.candidates.space.variables):
                    hint = "It is a decision: to bound it, give the space a smaller range."
                raise UserError(
                    f"{name!r} is {what}, but no training reports it. {has} {hint}".rstrip()
                )

    def flaw(self, metrics: Mapping[str, float], problem: Problem) -> str:
        """Which of the metrics that are searched for is no number; "" if all are."""
        for name, what in self._asked(problem):
            number = metrics.get(name, 0.0)
            if not math.isfinite(number):
                return f"the metric {name!r}, {what}, is {named_number(number)}"
        return ""

    def _asked(self, problem: Problem) -> Iterator[tuple[str, str]]:
        """The metrics that trainings have to report, and what for."""
        yield from ((name, "an objective") for name in self.objectives)
        columns = problem.candidates.measured
        bounds = (c.name for c in problem.constraints if c.name not in columns)
        yield from ((name, "a constraint") for name in bounds)


def _less(what: str, direction: str) -> bool:
    if direction not in _LESS:
        raise UserError(f"{what} is {direction!r}; valid: 'maximize', 'minimize'.")
    return _LESS[direction]
