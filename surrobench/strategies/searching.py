"""Search with a training function of one's own.

For example::

from surrobench import search

result = search(space, train, strategy="bayesian", budget=50, save="search.json")
print(result.best.arch, result.best.value)
"""

from __future__ import annotations

import inspect
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy.typing as npt

from surrobench.errors import UserError
from surrobench.spaces import SPACES
from surrobench.spaces.architecture import Arch, SearchSpace
from surrobench.strategies import make_strategy, resolve_strategy, strategy_options
from surrobench.strategies.candidates import Candidates
from surrobench.strategies.loop import Batch, Budget, Row, SearchLoop
from surrobench.strategies.problem import Constraint, Problem
from surrobench.strategies.saved_search import SavedSearch, describe_candidates
from surrobench.strategies.strategy import Strategy
from surrobench.tasks.evaluation import Evaluation

if TYPE_CHECKING:
    import pandas as pd

Train = Callable[..., Evaluation | float]


class Trains(Protocol):
    """A task, such as a live one: it can train several architectures at the same time."""

    def evaluate(self, arch: Arch, *, epochs: int | None = None) -> Evaluation:
        """Train one architecture, for so many epochs (None: fully)."""

    def evaluate_many(
        self, archs: Sequence[Arch], *, epochs: int | None = None
    ) -> Sequence[Evaluation]:
        """Train architectures together."""


@dataclass(frozen=True, eq=False)
class SearchResult:
    """What a search found.

    Attributes:
        rows: one per evaluation.
        strategy: in its last state; ask it for more if you like.
        label: name of the strategy.
    """

    rows: tuple[Row, ...]
    strategy: Strategy
    label: str

    @property
    def best(self) -> Row | None:
        """The best fully trained architecture that keeps the constraints, if there is one."""
        number = self.rows[-1].best if self.rows else 0
        return self.rows[number - 1] if number else None

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row per evaluation, with the columns of a search study (and ``metric:…``)."""
        import pandas as pd

        frame = pd.DataFrame([self._line(row) for row in self.rows])
        return frame.astype({"epochs": "Int64"}) if self.rows else frame

    def _line(self, row: Row) -> dict[str, Any]:
        best = self.rows[row.best - 1].value if row.best else math.nan
        return {
            "task": self.strategy.space.name,
            "strategy": self.label,
            "seed": self.strategy.seed,
            "evaluation": row.evaluation,
            "arch": self.strategy.space.to_string(row.arch),
            "epochs": row.epochs,
            "value": row.value,
            "best_value": best,
            "spent": row.spent,
            "simulated_seconds": row.simulated_seconds,
            "overhead_seconds": row.overhead_seconds,
            "status": row.status,
            "reason": row.reason,
            **{f"metric:{name}": value for name, value in row.metrics.items()},
        }


def search(
    space: SearchSpace | Candidates | str,
    evaluate: Train | Trains,
    *,
    strategy: str | Mapping[str, Any] = "bayesian",
    budget: float = 100,
    initial: int = 10,
    batch: int = 1,
    seed: int = 0,
    epochs: Sequence[int] | None = None,
    objectives: Sequence[str] = (),
    constraints: Mapping[str, str] | None = None,
    measured: Mapping[str, npt.ArrayLike] | None = None,
    save: str | Path | None = None,
    on_error: Literal["record", "raise"] = "record",
    **options: Any,
) -> SearchResult:
    """Look for the architecture with the highest value.

    Args:
        space: what may be trained: a search space, its registered name, or some candidates of it.
        evaluate: trains an architecture (a tuple of choice indices) and returns its value, larger
            is better, or an :class:`~surrobench.tasks.evaluation.Evaluation`. With ``epochs`` it
            is called as ``evaluate(arch, epochs=12)``. Its seconds are measured where it does
            not state a cost. Or a task (:class:`Trains`), which trains the architectures of a
            ``batch`` together; if that raises an error, one by one.
        strategy: as for :func:`~surrobench.strategies.make_strategy`.
        budget: full trainings; shorter ones count in part.
        initial: random architectures to begin with.
        batch: architectures chosen at a time.
        seed: of all random draws.
        epochs: lengths of training to choose from, ascending, for multi-fidelity strategies.
        objectives: names of further ``Evaluation.metrics`` to be maximised.
        constraints: bounds such as ``{"params": "<= 0.5"}`` on measured columns or metrics.
        measured: label-free columns of the candidates, in their order.
        save: a JSON file that is written after each training. If it exists, the search goes on
            from there; its budget may have grown.
        on_error: whether an exception of ``evaluate`` is a failed evaluation or ends the search.
        options: of the strategy.

    Raises:
        UserError: for unknown names or options, parts that do not go together, a training that
            returns no number, and a saved search that is not this one.
    """
    if on_error not in ("record", "raise"):
        raise UserError(f"on_error is {on_error!r}; valid: 'record', 'raise'.")
    problem = _problem(space, epochs, objectives, constraints or {}, measured or {})
    _check_initial(initial, budget, problem)
    chosen = make_strategy(strategy, problem, seed=seed, design=initial, **options)
    name, factory, given = resolve_strategy(strategy, options)
    saved = None
    if save is not None:
        identity = {
            "space": describe_candidates(problem.candidates),
            "strategy": name,
            "options": {**strategy_options(factory), **given},
            "seed": seed,
            "initial": initial,
            "batch": batch,
            "epochs": list(problem.epochs),
            "objectives": list(problem.objectives),
            "constraints": dict(constraints or {}),
        }
        saved = SavedSearch(Path(save), identity)
    trainer = _Trainer(evaluate, problem, saved)
    loop = SearchLoop(
        chosen,
        trainer,
        Budget(budget),
        batch=batch,
        forgiving=on_error == "record",
        prepare=trainer.train_together if trainer.together else None,
    )
    if saved is not None:
        saved.load(loop)
    rows = loop.run(None if saved is None else saved.told)
    label = strategy.get("label") if isinstance(strategy, Mapping) else None
    return SearchResult(tuple(rows), chosen, str(label or name))


def _problem(
    space: SearchSpace | Candidates | str,
    epochs: Sequence[int] | None,
    objectives: Sequence[str],
    constraints: Mapping[str, str],
    measured: Mapping[str, Any],
) -> Problem:
    if isinstance(space, str):
        space = SPACES.create(space)
    if isinstance(space, Candidates):
        if measured:
            raise UserError("give the measured columns to Candidates, not to search.")
        candidates = space
    elif isinstance(space, SearchSpace):
        candidates = Candidates(space, measured=measured)
    else:
        raise UserError(
            f"{type(space).__name__} is no search space: give a SearchSpace, Candidates, or one "
            f"of the names {', '.join(SPACES.names())}."
        )
    bounds = tuple(Constraint.parse(name, text) for name, text in constraints.items())
    return Problem(candidates, tuple(epochs or ()), tuple(objectives), bounds)


def _check_initial(initial: int, budget: float, problem: Problem) -> None:
    if isinstance(initial, bool) or not isinstance(initial, int) or initial < 0:
        raise UserError(f"initial is {initial!r}; it must be a whole number, 0 or more.")
    if initial > budget:
        raise UserError(f"initial = {initial} architectures do not fit a budget of {budget:g}.")
    if initial > problem.candidates.size:
        raise UserError(
            f"initial = {initial} architectures, but there are only {problem.candidates.size}."
        )


class _Trainer:
    """The user's function as the loop calls it: checked, timed, and saved."""

    def __init__(self, train: Train | Trains, problem: Problem, saved: SavedSearch | None) -> None:
        self.together = getattr(train, "evaluate_many", None)
        function = getattr(train, "evaluate", train)
        if not callable(function):
            raise UserError(
                f"evaluate is {train!r}; it must be a function of an architecture, or a task."
            )
        self.train: Train = function
        self.saved, self.lengths = saved, problem.epochs
        self._ready: dict[tuple[Arch, int | None], Evaluation] = {}
        if self.lengths and not _takes_epochs(function):
            raise UserError(
                "with several lengths of training, evaluate must take them: "
                "def evaluate(arch, epochs): …"
            )

    def train_together(self, batch: Batch) -> None:
        """Train those of a batch that are as long together; what fails is left to be done alone."""
        self._ready = {}
        missing = [one for one in dict.fromkeys(batch) if self._known(*one) is None]
        for epochs in dict.fromkeys(epochs for _, epochs in missing):
            archs = [arch for arch, length in missing if length == epochs]
            if self.together is None or len(archs) < 2:
                continue
            started = time.perf_counter()
            try:
                found = self.together(archs, **self._length(epochs))
            except UserError:
                raise
            except Exception:
                continue
            if len(found) != len(archs):
                raise UserError(
                    f"evaluate_many returned {len(found)} results for {len(archs)} architectures."
                )
            seconds = (time.perf_counter() - started) / len(archs)
            for arch, result in zip(archs, found, strict=True):
                self._ready[arch, epochs] = self._kept(arch, epochs, _checked(result, seconds))

    def __call__(self, arch: Arch, epochs: int | None) -> Evaluation:
        known = self._known(arch, epochs)
        if known is not None:
            return known
        started = time.perf_counter()
        result = self.train(arch, **self._length(epochs))
        return self._kept(arch, epochs, _checked(result, time.perf_counter() - started))

    def _known(self, arch: Arch, epochs: int | None) -> Evaluation | None:
        saved = None if self.saved is None else self.saved.known(arch, epochs)
        return saved or self._ready.get((arch, epochs))

    def _length(self, epochs: int | None) -> dict[str, int]:
        return {"epochs": epochs or self.lengths[-1]} if self.lengths else {}

    def _kept(self, arch: Arch, epochs: int | None, evaluation: Evaluation) -> Evaluation:
        if self.saved is not None:
            self.saved.trained(arch, epochs, evaluation)
        return evaluation


def _takes_epochs(train: Train) -> bool:
    try:
        parameters = inspect.signature(train).parameters
    except ValueError:  # compiled code does not say
        return True
    kinds = {parameter.kind for parameter in parameters.values()}
    return "epochs" in parameters or inspect.Parameter.VAR_KEYWORD in kinds


def _checked(result: Any, seconds: float) -> Evaluation:
    if isinstance(result, Evaluation):
        return result if result.cost is not None else replace(result, cost=seconds)
    if hasattr(result, "item") and getattr(result, "ndim", 0) == 0:  # a number of NumPy or torch
        result = result.item()
    if isinstance(result, Mapping):
        raise UserError(
            "evaluate returned a dictionary; say which metric is searched for with "
            "surrobench.tasks.own.OwnEvaluation(space, evaluate, value=…)."
        )
    if isinstance(result, bool) or not isinstance(result, Real):
        raise UserError(
            f"evaluate returned {type(result).__name__}; it must return a number (larger is "
            "better) or an Evaluation."
        )
    value = float(result)
    return Evaluation(value, seconds, "ok" if math.isfinite(value) else "diverged")
