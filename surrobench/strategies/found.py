"""What a search found."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from surrobench.base.page_facts import facts_html
from surrobench.base.wording import counted
from surrobench.errors import UserError
from surrobench.strategies.aims import Aims
from surrobench.strategies.running.loop import Row
from surrobench.strategies.running.training import values_of
from surrobench.strategies.strategy import Strategy

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class SearchResult:
    """What a search found.

    Values stand in the user's own sign: with ``direction="minimize"`` the best is the smallest.

    Attributes:
        rows: one per evaluation.
        strategy: in its last state; ask it for more if you like. It maximises.
        label: name of the strategy.
        aims: what was searched for.
    """

    rows: tuple[Row, ...]
    strategy: Strategy
    label: str
    aims: Aims = field(default_factory=Aims)

    @property
    def best(self) -> Row | None:
        """The best fully trained architecture that keeps the constraints, if there is one.

        With several objectives it is the best in the value alone; see :attr:`pareto`.
        """
        number = self.rows[-1].best if self.rows else 0
        return self.rows[number - 1] if number else None

    @property
    def best_values(self) -> dict[str, Any] | None:
        """What :attr:`best` stands for, by the name of each decision."""
        return None if self.best is None else values_of(self.strategy.space, self.best.arch)

    @cached_property
    def pareto(self) -> tuple[Row, ...]:
        """The fully trained, feasible rows that no other is better than in every objective.

        Another is better if it is at least as good in the value and all further objectives, and
        better in one. The last training of each architecture counts. Best value first.

        Raises:
            UserError: if the search was given no objectives.
        """
        if not self.aims.objectives:
            raise UserError(self._no_front())
        points = {row.arch: (row, self._goodness(row)) for row in self.rows if self._counts(row)}
        front = [
            (row, point)
            for row, point in points.values()
            if not any(_dominates(other, point) for _, other in points.values())
        ]
        return tuple(row for row, _ in sorted(front, key=lambda pair: pair[1], reverse=True))

    def _no_front(self) -> str:
        reported = list(dict.fromkeys(name for row in self.rows for name in row.metrics))
        known = (
            f"trainings report {', '.join(map(repr, reported))}"
            if reported
            else ("let the training return Evaluation(value, metrics={…})")
        )
        example = reported[0] if reported else "latency"
        return (
            "there is no Pareto front of the value alone, whose best is result.best. Name further "
            f"objectives, such as search(objectives={{{example!r}: 'minimize'}}); {known}."
        )

    def _goodness(self, row: Row) -> tuple[float, ...]:
        """Of each objective, larger is better."""
        value = -row.value if self.aims.minimise else row.value
        others = self.aims.objectives.items()
        return (value, *((-1 if less else 1) * row.metrics[name] for name, less in others))

    def _counts(self, row: Row) -> bool:
        named = (row.metrics.get(name, math.nan) for name in self.aims.objectives)
        complete = row.status == "ok" and row.epochs is None and all(map(math.isfinite, named))
        candidates = self.strategy.candidates
        place = candidates.index.get(row.arch) if complete and candidates.listed else None
        return complete and self.strategy.problem.feasible(row.metrics, place)

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row per evaluation: the columns of a search study, ``metric:…`` and ``choice:…``."""
        import pandas as pd

        frame = pd.DataFrame([self._line(row) for row in self.rows])
        return frame.astype({"epochs": "Int64"}) if self.rows else frame

    def _line(self, row: Row) -> dict[str, Any]:
        space = self.strategy.space
        best = self.rows[row.best - 1].value if row.best else math.nan
        return {
            "task": space.name,
            "strategy": self.label,
            "seed": self.strategy.seed,
            "evaluation": row.evaluation,
            "arch": space.to_string(row.arch),
            "epochs": row.epochs,
            "value": row.value,
            "best_value": best,
            "spent": row.spent,
            "simulated_seconds": row.simulated_seconds,
            "overhead_seconds": row.overhead_seconds,
            "status": row.status,
            "reason": row.reason,
            **{f"metric:{name}": value for name, value in row.metrics.items()},
            **{f"choice:{name}": value for name, value in values_of(space, row.arch).items()},
        }

    def __repr__(self) -> str:
        """One line: strategy, evaluations, failures and the best."""
        failed = sum(row.status != "ok" for row in self.rows)
        parts = [
            f"{counted(len(self.rows), 'evaluation')}" + (f" ({failed} failed)" if failed else "")
        ]
        if self.aims.objectives:
            parts.append(f"{len(self.pareto)} on the Pareto front")
        if self.best is None:
            parts.append("no best" + self._why_none())
        else:
            arch = self.strategy.space.to_string(self.best.arch)
            parts.append(f"best {self.best.value:.6g}: {arch}")
        return f"SearchResult({self.label}, {', '.join(parts)})"

    def _repr_html_(self) -> str:
        failed = sum(row.status != "ok" for row in self.rows)
        best = self.best
        values = self.best_values or {}
        return facts_html(
            f"Search by {self.label}",
            [
                ("evaluations", f"{len(self.rows):,}"),
                ("failed", failed or ""),
                ("best", "none" + self._why_none() if best is None else f"{best.value:.6g}"),
                *((f"best {name}", value) for name, value in values.items()),
                ("on the Pareto front", len(self.pareto) if self.aims.objectives else ""),
                ("spent", f"{self.rows[-1].spent:g} full trainings" if self.rows else ""),
            ],
        )

    def _why_none(self) -> str:
        """What kept every architecture from being the best: constraints, or how it failed."""
        bounds = [f"{c.name} {c.sense} {c.bound:g}" for c in self.strategy.problem.constraints]
        trained = any(row.status == "ok" and row.epochs is None for row in self.rows)
        if trained:
            return f": none keeps {' and '.join(bounds)}" if bounds else ""
        reasons = [row.reason for row in self.rows if row.reason]
        return f": the last failed with {reasons[-1]}" if reasons else ""


def _dominates(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return a != b and all(x >= y for x, y in zip(a, b, strict=True))
