"""What a strategy knows of the task that it searches: everything but the labels."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from surrobench.arrays import FloatArray
from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch
from surrobench.strategies.candidates import Candidates


@dataclass(frozen=True)
class Constraint:
    """A bound on a measured column or on a metric of the evaluations.

    Attributes:
        name: of the column or metric.
        sense: which side is allowed.
        bound: the last allowed value.
    """

    name: str
    sense: Literal["<=", ">="]
    bound: float

    @classmethod
    def parse(cls, name: str, text: str) -> Constraint:
        """Read ``"<= 5.0"``.

        Raises:
            UserError: if the text has another form.
        """
        match = re.fullmatch(r"\s*(<=|>=)\s*(\S+)\s*", text) if isinstance(text, str) else None
        try:
            bound = float(match[2]) if match else math.nan
        except ValueError:
            bound = math.nan
        if match is None or not math.isfinite(bound):
            raise UserError(
                f'constraint on {name!r}: {text!r} is not of the form "<= 5.0" or ">= 5.0".'
            )
        return cls(name, "<=" if match[1] == "<=" else ">=", bound)

    def margin(self, value: float) -> float:
        """How far inside the bound a value lies; negative outside, NaN for NaN."""
        return self.bound - value if self.sense == "<=" else value - self.bound

    def holds(self, value: float) -> bool:
        """Whether a value is allowed; NaN never is."""
        return self.margin(value) >= 0.0


@dataclass(frozen=True, eq=False)
class KnownTask:
    """What is known of another task on the same space before a search begins.

    Attributes:
        name: of the task.
        archs: candidates of the search that were trained on the other task, ``m``.
        values: theirs there, in units of the other task, larger is better, ``m``.
    """

    name: str
    archs: Sequence[Arch]
    values: FloatArray


@dataclass(frozen=True)
class Problem:
    """What may be proposed, and what comes back besides the value.

    Attributes:
        candidates: the architectures.
        epochs: lengths of training that can be asked for, ascending; the last is the full one.
            Empty if there is only the full one.
        objectives: names of further objectives in ``Evaluation.metrics`` (larger is better).
        constraints: bounds on measured columns of the candidates (known before training) or on
            ``Evaluation.metrics`` (known afterwards).
        sources: other tasks that strategies may learn from; few look at them.
    """

    candidates: Candidates
    epochs: tuple[int, ...] = ()
    objectives: tuple[str, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    sources: tuple[KnownTask, ...] = ()

    def __post_init__(self) -> None:
        if any(low >= high for low, high in pairwise((0, *self.epochs))):
            raise UserError(f"epochs {self.epochs} are not positive and ascending.")
        if len(set(self.objectives)) != len(self.objectives):
            raise UserError(f"an objective stands twice in {self.objectives}.")

    def feasible(self, metrics: Mapping[str, float], row: int | None = None) -> bool:
        """Whether an evaluated candidate keeps every constraint.

        Args:
            metrics: of its evaluation.
            row: its row among the listed candidates, for columns measured before training.
        """
        return all(margin >= 0.0 for margin in self.margins(metrics, row))

    def margins(self, metrics: Mapping[str, float], row: int | None = None) -> list[float]:
        """How far inside each constraint an evaluated candidate lies; NaN where unknown.

        Args:
            metrics: of its evaluation.
            row: its row among the listed candidates, for columns measured before training.
        """
        return [
            constraint.margin(self._value(constraint.name, metrics, row))
            for constraint in self.constraints
        ]

    def _value(self, name: str, metrics: Mapping[str, float], row: int | None) -> float:
        if name in metrics:
            return metrics[name]
        column = self.candidates.measured.get(name)
        return math.nan if column is None or row is None else float(column[row])
