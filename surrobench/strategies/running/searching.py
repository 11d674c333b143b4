"""Search with a training function of one's own.

For example::

    from surrobench import Categorical, Integer, Real, Space, search

    space = Space(
        depth=Integer(1, 8),
        lr=Real(1e-4, 1e-1, log=True),
        op=Categorical("conv", "pool"),
    )

    def train(depth, lr, op): ...

    result = search(space, train, budget=50, workers=4, save="search.json")
    print(result.best.value, result.best_values)
"""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack
from dataclasses import replace
from numbers import Real
from pathlib import Path
from typing import Any, Literal

import numpy.typing as npt

from surrobench.base.wording import counted, one_or_many
from surrobench.errors import UserError
from surrobench.spaces import SPACES
from surrobench.spaces.architecture import Arch, SearchSpace
from surrobench.strategies import make_strategy, resolve_strategy, strategy_options
from surrobench.strategies.aims import Aims
from surrobench.strategies.candidates import Candidates
from surrobench.strategies.found import SearchResult
from surrobench.strategies.problem import Constraint, Problem
from surrobench.strategies.running.loop import Batch, Budget, Row, SearchLoop
from surrobench.strategies.running.progress import SearchBar
from surrobench.strategies.running.saved_search import (
    SavedSearch,
    describe_candidates,
    path_to_save,
)
from surrobench.strategies.running.training import Call, Train, Trains, checked
from surrobench.strategies.running.workers import Workers, run_workers
from surrobench.tasks.evaluation import Evaluation

__all__ = ["SearchResult", "Train", "Trains", "search"]

_FEWEST_FAILURES = 3


def search(
    space: SearchSpace | Candidates | str,
    evaluate: Train | Trains,
    *,
    strategy: str | Mapping[str, Any] | None = None,
    budget: float = 100,
    initial: int = 10,
    batch: int = 1,
    seed: int = 0,
    epochs: Sequence[int] | None = None,
    direction: str = "maximize",
    objectives: Sequence[str] | Mapping[str, str] = (),
    constraints: Mapping[str, str] | None = None,
    measured: Mapping[str, npt.ArrayLike] | None = None,
    workers: int | Executor | None = None,
    timeout: float | None = None,
    save: str | Path | None = None,
    progress: bool | None = None,
    callback: Callable[[Row], object] | None = None,
    on_error: Literal["record", "raise"] = "record",
    **options: Any,
) -> SearchResult:
    """Look for the architecture with the best value.

    Args:
        space: what may be trained: a search space, its registered name, or some candidates of it.
        evaluate: trains an architecture and returns its value, or an
            :class:`~surrobench.tasks.evaluation.Evaluation`. A function whose first argument is
            the name of a decision, or that takes keywords alone, is called by name with the values
            of the decisions that are there (``train(depth=3, lr=0.01)``); any other with a tuple
            of choice indices. With ``epochs`` it is also given ``epochs=12``. If it has an argument
            ``checkpoint``, that is a folder which is the same whenever this architecture is
            trained: a longer training may go on from what the shorter one wrote there, and costs
            the budget only the difference. Its seconds are measured where it does not state a
            cost. Or a task (:class:`~surrobench.strategies.running.training.Trains`), which trains
            the architectures of a ``batch`` together; if that raises an error, one by one.
        strategy: as for :func:`~surrobench.strategies.make_strategy`; by default ``"bayesian"``,
            with several objectives ``"bayesian-multi-objective"``.
        budget: full trainings; shorter ones count in part.
        initial: random architectures to begin with.
        batch: architectures chosen at a time.
        seed: of all random draws.
        epochs: lengths of training to choose from, ascending, for multi-fidelity strategies.
        direction: ``"maximize"`` or ``"minimize"`` the value.
        objectives: further ``Evaluation.metrics`` to be maximised; or a mapping such as
            ``{"latency": "minimize"}``. The trade-offs found are ``result.pareto``.
        constraints: bounds such as ``{"params": "<= 0.5"}`` on measured columns or metrics.
        measured: label-free columns of the candidates, in their order.
        workers: trainings at the same time, each in a process of its own; or an executor
            (``submit`` as in ``concurrent.futures``). Results are told as they come, and what is
            proposed next depends on which have. By default one after the other, here.
        timeout: seconds after which no further training begins; the budget still holds.
        save: a JSON file that is written after each training. If it exists, the search goes on
            from there; its budget and the number of workers may have changed.
        progress: whether to show a bar; by default in a terminal or a notebook.
        callback: called with each row; the search ends if it returns True.
        on_error: whether an exception of ``evaluate`` is a failed evaluation or ends the search.
            If the whole initial design fails in the same way, the search ends in any case.
        options: of the strategy.

    Raises:
        UserError: for unknown names or options, parts that do not go together, a training that
            returns no number, objectives or constraints that it does not report, an initial design
            that fails as a whole, a ``save`` that cannot be written (before any training), and a
            saved search that is not this one.

    Example:
        >>> import surrobench as sb
        >>> space = sb.Space(depth=sb.Integer(1, 8), op=sb.Categorical("conv", "pool"))
        >>> def train(depth, op):
        ...     return -abs(depth - 5)
        >>> result = sb.search(space, train, budget=16, strategy="random")
        >>> result.best_values["depth"]
        5
    """
    if on_error not in ("record", "raise"):
        raise UserError(f"on_error is {on_error!r}; valid: 'record', 'raise'.")
    if isinstance(budget, bool) or not isinstance(budget, Real):
        raise UserError(f"budget is {budget!r}; write a number of trainings.")
    if timeout is not None and not (isinstance(timeout, Real) and timeout > 0):
        raise UserError(f"timeout is {timeout!r}; write a number of seconds above 0.")
    if workers is not None and batch != 1:
        raise UserError(
            f"batch = {batch} and workers: with workers each result is told as it comes, so leave "
            "out batch."
        )
    aims = Aims.of(direction, objectives)
    problem = _problem(space, epochs, aims, constraints or {}, measured or {})
    _check_initial(initial, budget, problem)
    if strategy is None:
        strategy = "bayesian-multi-objective" if aims.objectives else "bayesian"
    name, factory, given = resolve_strategy(strategy, options)
    _check_objectives(name, factory, aims)
    chosen = make_strategy(strategy, problem, seed=seed, design=initial, **options)
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
            "direction": "minimize" if aims.minimise else "maximize",
        }
        saved = SavedSearch(path_to_save(save), identity)
    with ExitStack() as stack:
        folder = _checkpoints(saved, stack)
        trainer = _Trainer(evaluate, problem, aims, saved, folder)
        loop = SearchLoop(
            chosen,
            trainer,
            Budget(budget),
            batch=batch,
            forgiving=on_error == "record",
            prepare=trainer.train_together if trainer.together else None,
            continues=trainer.call.checkpoints is not None,
        )
        if saved is not None:
            saved.load(loop)
        bar = stack.enter_context(SearchBar(budget, progress))
        watch = _Watch(trainer, aims, bar, callback, timeout, initial, len(loop.rows))
        try:
            if workers is None:
                loop.run(watch)
            else:
                pool = Workers(workers, trainer.call)
                run_workers(loop, pool, trainer.take, trainer.known, watch)
        except KeyboardInterrupt as stop:
            if saved is not None and saved.path.is_file():
                stop.add_note(f"{saved.path} keeps what was trained; the same call goes on.")
            raise
    label = strategy.get("label") if isinstance(strategy, Mapping) else None
    return SearchResult(tuple(map(aims.shown, loop.rows)), chosen, str(label or name), aims)


def _problem(
    space: SearchSpace | Candidates | str,
    epochs: Sequence[int] | None,
    aims: Aims,
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
    return Problem(candidates, tuple(epochs or ()), aims.names, bounds)


def _check_initial(initial: int, budget: float, problem: Problem) -> None:
    if isinstance(initial, bool) or not isinstance(initial, int) or initial < 0:
        raise UserError(f"initial is {initial!r}; it must be a whole number, 0 or more.")
    if initial > budget:
        raise UserError(
            f"initial = {counted(initial, 'architecture does not', 'architectures do not')} fit a "
            f"budget of {budget:g}; give fewer: initial={int(budget) // 2}."
        )
    if initial > problem.candidates.size:
        raise UserError(
            f"initial is {initial}, but there {one_or_many(problem.candidates.size, 'is', 'are')} "
            "only "
            f"{counted(problem.candidates.size, 'architecture')}."
        )


def _check_objectives(name: str, factory: Any, aims: Aims) -> None:
    """Random search looks at no objective, so it may serve as the floor for several."""
    if aims.objectives and not getattr(factory, "multi_objective", False) and name != "random":
        raise UserError(
            f"the strategy {name!r} looks at the value alone, not at the objectives "
            f"{', '.join(aims.objectives)}; use 'bayesian-multi-objective' or 'nsga2'."
        )


def _checkpoints(saved: SavedSearch | None, stack: ExitStack) -> Path:
    """Where trainings keep what longer ones go on from: beside the saved search, if there is one.

    Folders are made only for functions that take them.
    """
    if saved is not None:
        return saved.path.with_suffix(".checkpoints").absolute()
    return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="surrobench-")))


class _Trainer:
    """The user's function as the loop calls it: checked, timed, and saved."""

    def __init__(
        self,
        train: Train | Trains,
        problem: Problem,
        aims: Aims,
        saved: SavedSearch | None,
        checkpoints: Path,
    ) -> None:
        self.together = getattr(train, "evaluate_many", None)
        function: Any = getattr(train, "evaluate", train)
        space = problem.candidates.space
        self.call = Call.of(function, space, problem.epochs, checkpoints)
        self.problem, self.aims, self.saved = problem, aims, saved
        self._ready: dict[tuple[Arch, int | None], Evaluation] = {}

    def train_together(self, batch: Batch) -> None:
        """Train those of a batch that are as long together; what fails is left to be done alone."""
        self._ready = {}
        missing = [one for one in dict.fromkeys(batch) if self.known(*one) is None]
        for epochs in dict.fromkeys(epochs for _, epochs in missing):
            archs = [arch for arch, length in missing if length == epochs]
            if self.together is None or len(archs) < 2:
                continue
            started = time.perf_counter()
            try:
                found = self.together(archs, **self.call.length(epochs))
            except UserError:
                raise
            except (Exception, SystemExit):
                continue
            if len(found) != len(archs):
                raise UserError(
                    f"evaluate_many returned {counted(len(found), 'result')} for "
                    f"{counted(len(archs), 'architecture')}."
                )
            seconds = (time.perf_counter() - started) / len(archs)
            for arch, result in zip(archs, found, strict=True):
                self._ready[arch, epochs] = self.take(arch, epochs, (result, seconds))

    def __call__(self, arch: Arch, epochs: int | None) -> Evaluation:
        return self.known(arch, epochs) or self.take(arch, epochs, self.call(arch, epochs))

    def known(self, arch: Arch, epochs: int | None) -> Evaluation | None:
        saved = None if self.saved is None else self.saved.known(arch, epochs)
        return saved or self._ready.get((arch, epochs))

    def take(self, arch: Arch, epochs: int | None, returned: tuple[Any, float]) -> Evaluation:
        """What a training returned, with the seconds it took, as strategies see it."""
        told = checked(*returned, self.call.name)
        if told.status == "ok" and (flaw := self.aims.flaw(told.metrics, self.problem)):
            told = replace(told, reason="; ".join(filter(None, (flaw, told.reason))))
        evaluation = self.aims.turned(told)
        if self.saved is not None:
            self.saved.trained(arch, epochs, evaluation)
        if evaluation.status == "ok":
            self.aims.check_names(evaluation, self.problem)
        return evaluation


class _Watch:
    """What happens between trainings: saving, showing, and reasons to stop."""

    def __init__(
        self,
        trainer: _Trainer,
        aims: Aims,
        bar: SearchBar,
        callback: Callable[[Row], object] | None,
        timeout: float | None,
        initial: int,
        known: int,
    ) -> None:
        self._trainer, self._aims, self._bar, self._callback = trainer, aims, bar, callback
        self._deadline = None if timeout is None else time.monotonic() + timeout
        self._seen, self._design = known, max(initial, _FEWEST_FAILURES)

    def __call__(self, loop: SearchLoop) -> bool:
        """Whether to stop."""
        self._check_failures(loop.rows)
        if self._trainer.saved is not None:
            self._trainer.saved.observed(loop)
        stop = self._deadline is not None and time.monotonic() >= self._deadline
        fresh, self._seen = loop.rows[self._seen :], len(loop.rows)
        for row in fresh:
            shown = self._aims.shown(row)
            best = self._aims.shown(loop.rows[row.best - 1]) if row.best else None
            self._bar.update(row, best)
            if self._callback is not None and self._callback(shown) is True:
                stop = True
        return stop

    def _check_failures(self, rows: Sequence[Row]) -> None:
        """A mistake of the training itself shows in all of the initial design alike."""
        if not self._seen < self._design <= len(rows):
            return
        ways = {_way(row) for row in rows[: self._design]}
        if len(ways) > 1 or not (rows[0].reason and self._useless(rows[0])):
            return
        if self._trainer.saved is not None:
            self._trainer.saved.discard()
        raised = rows[0].status == "failed"
        where = f' (on_error="raise" shows where).{self._trainer.call.hint()}' if raised else "."
        raise UserError(
            f"the first {self._design} trainings all failed in the same way: {rows[0].reason}"
            f"{where}"
        )

    def _useless(self, row: Row) -> bool:
        """Whether a training told nothing that a search could go by."""
        flawed = row.status == "ok" and self._aims.flaw(row.metrics, self._trainer.problem)
        return row.status in ("failed", "diverged") or bool(flawed)


def _way(row: Row) -> tuple[str, str]:
    """How a training failed, without the numbers in which messages differ."""
    return row.status, re.sub(r"0x[0-9a-f]+|[\d.]+", "#", row.reason)
