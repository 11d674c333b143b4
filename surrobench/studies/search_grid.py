"""From a search study to its cells: one search each, with its key."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from surrobench.errors import UserError
from surrobench.strategies import make_strategy, resolve_strategy, strategy_options
from surrobench.studies.describe import describe
from surrobench.studies.grid import NUMBERS_VERSION, Plan
from surrobench.studies.record import canonical_json
from surrobench.studies.search_config import SearchStudy, StrategyChoice
from surrobench.studies.search_task import SearchTask
from surrobench.tasks import expand_tasks

if TYPE_CHECKING:
    from surrobench.strategies.strategy import Strategy

SEARCH_IDENTITY = (
    "task",
    "strategy",
    "predictor",
    "encoding",
    "acquisition",
    "evaluations",
    "initial",
    "batch",
    "objectives",
    "constraints",
    "seed",
)


@dataclass(frozen=True)
class SearchCell:
    """One search.

    Attributes:
        key: hash of everything that the numbers depend on.
        spec: how the task is loaded; ``base`` is the folder of relative card paths.
        task: name of the task.
        strategy: label of the strategy.
        use: what builds it, with ``options``.
        budget_seconds: limit of simulated seconds.
        objectives: further tasks.
        constraints: bounds by name, in source units.
        scratch: folder for checkpoints, "" for none; not part of the key.
    """

    key: str
    spec: str
    base: str
    task: str
    strategy: str
    use: str
    options: Mapping[str, Any]
    evaluations: int
    initial: int
    batch: int
    seed: int
    budget_seconds: float | None = None
    objectives: tuple[str, ...] = ()
    constraints: Mapping[str, str] = field(default_factory=dict)
    scratch: str = ""

    def identity(self) -> dict[str, Any]:
        """What the search is called in the results (without the key)."""
        shown = {name: _text(self.options.get(name, "")) for name in SEARCH_IDENTITY[2:5]}
        return {
            "task": self.task,
            "strategy": self.strategy,
            **shown,
            "evaluations": self.evaluations,
            "initial": self.initial,
            "batch": self.batch,
            "objectives": ", ".join(self.objectives),
            "constraints": ", ".join(f"{n} {text}" for n, text in self.constraints.items()),
            "seed": self.seed,
        }

    def name(self) -> tuple[Any, ...]:
        """The identity as a tuple: two cells of one name are two versions of the same search."""
        return tuple(self.identity().values())


def _text(value: Any) -> str:
    return value if isinstance(value, str) else canonical_json(value)


@dataclass(frozen=True)
class _Method:
    label: str
    choice: StrategyChoice
    options: Mapping[str, Any]
    description: str


def make_search_plan(study: SearchStudy, base: Path) -> Plan:
    """Resolve tasks and strategies and lay out the searches.

    Every strategy is built once on every task, so that whatever does not go together is refused
    before anything runs.

    Raises:
        UserError: for unknown names, parts that do not go together and unreadable tasks.
    """
    methods = [_method(choice) for choice in study.strategies]
    _refuse_double(methods)
    described = {method.label: method.description for method in methods}
    plan = Plan([], [], {"tasks": {}, "strategies": described})
    specs = [spec for task in study.tasks for spec in expand_tasks(task, base)]
    for spec in dict.fromkeys(specs):
        task = SearchTask.load(spec, base, study.objectives or [], study.constraints)
        if task.name in plan.ingredients["tasks"]:
            raise UserError(f"two tasks are called {task.name!r}, {spec!r} is the second.")
        plan.ingredients["tasks"][task.name] = task.fingerprint
        if study.initial > len(task.problem.candidates):
            raise UserError(
                f"initial = {study.initial} architectures, but task {task.name!r} has only "
                f"{len(task.problem.candidates)}."
            )
        for method in methods:
            _build(method, task)
        plan.cells.extend(_cells(study, task, spec, str(base), methods))
    return plan


def _method(choice: StrategyChoice) -> _Method:
    _, factory, given = resolve_strategy({"use": choice.use, **choice.options})
    options = {**strategy_options(factory), **given}
    label = choice.label or _label(choice)
    content = {"strategy": describe(factory), "options": options}
    return _Method(label, choice, options, canonical_json(content))


def _label(choice: StrategyChoice) -> str:
    if not choice.options:
        return choice.use
    inside = ", ".join(f"{key}={_text(value)}" for key, value in sorted(choice.options.items()))
    return f"{choice.use}({inside})"


def _refuse_double(methods: list[_Method]) -> None:
    known: dict[str, _Method] = {}
    for method in methods:
        if known.setdefault(method.label, method) is not method:
            raise UserError(
                f"two strategies are called {method.label!r}; give one of them a label: "
                f'{{use = "{method.choice.use}", label = "another name", …}}.'
            )


def _build(method: _Method, task: SearchTask) -> Strategy:
    """The strategy on a task, to learn whether they go together."""
    try:
        return make_strategy(
            {"use": method.choice.use, **method.choice.options}, task.problem, design=0
        )
    except UserError as error:
        raise UserError(f"strategy {method.label!r} on task {task.name!r}: {error}") from error


def _cells(
    study: SearchStudy, task: SearchTask, spec: str, base: str, methods: list[_Method]
) -> Iterator[SearchCell]:
    shared = canonical_json(
        {
            "version": NUMBERS_VERSION,
            "task": [task.name, task.fingerprint],
            "budget": [study.evaluations, study.budget_seconds],
            "initial": study.initial,
            "batch": study.batch,
            "constraints": study.constraints,
        }
    )
    for position, seed in enumerate(study.seeds):
        for method in methods:
            if position >= _seeds(study, method):
                continue
            text = f"search|{shared}|{method.label}|{method.description}|{seed}"
            yield SearchCell(
                key=hashlib.sha256(text.encode()).hexdigest()[:40],
                spec=spec,
                base=base,
                task=task.name,
                strategy=method.label,
                use=method.choice.use,
                options={**_shown(method), **method.choice.options},
                evaluations=study.evaluations,
                initial=study.initial,
                batch=study.batch,
                seed=seed,
                budget_seconds=study.budget_seconds,
                objectives=tuple(study.objectives or ()),
                constraints=study.constraints,
            )


def _shown(method: _Method) -> dict[str, Any]:
    """Options that the results have columns for, also where they are defaults."""
    return {name: method.options[name] for name in SEARCH_IDENTITY[2:5] if name in method.options}


def _seeds(study: SearchStudy, method: _Method) -> float:
    limits = [
        count
        for pattern, count in study.seeds_of.items()
        if any(fnmatchcase(name, pattern) for name in (method.label, method.choice.use))
    ]
    return min(limits, default=float("inf"))
