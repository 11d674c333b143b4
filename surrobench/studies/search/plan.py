"""From a search study to its cells: one search each, with its key."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any

from surrobench.acquisition import make_acquisition
from surrobench.acquisition.pairing import check_pairing
from surrobench.base.wording import counted
from surrobench.encodings import make_encoding
from surrobench.errors import UserError
from surrobench.predictors import make_predictor
from surrobench.strategies import make_strategy, resolve_strategy, strategy_options
from surrobench.strategies.bayesian.surrogate import settled_predictor
from surrobench.strategies.strategy import Strategy
from surrobench.studies.describe import describe
from surrobench.studies.judging import Judging
from surrobench.studies.parts import AXES, Choice, spec_text, use_of
from surrobench.studies.plan import Plan, Work
from surrobench.studies.prediction.source_tasks import check_source, source_size, sources_of
from surrobench.studies.run_folder.record import canonical_json
from surrobench.studies.search.config import SearchStudy, matches, on_task
from surrobench.studies.search.table_task import SearchTask
from surrobench.studies.search.task import AnySearchTask, load_search_task
from surrobench.studies.settings import code_in, own_encoding, sources_by_glob
from surrobench.tasks import expand_tasks, load_task
from surrobench.tasks.catalogue import is_live

SEARCH_VERSION = 2
"""Raised when searches of the same description give other numbers: enters every key."""

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
        parts: predictor, encoding and acquisition as the results call them, "" where none.
        use: what builds the strategy, with ``options``.
        budget_seconds: limit of simulated seconds.
        repeats: whether an architecture may be trained again.
        objectives: further tasks, as the study names them.
        constraints: bounds by name, in source units, as the study names them.
        live: options of a live task.
        judging: what judges a search on a table.
        sources: other tasks that the strategy is told of, ``source_size`` architectures of each.
        shown: objectives and constraints as the results call them.
        scratch: folder for checkpoints, "" for none; not part of the key.
    """

    key: str
    spec: str
    base: str
    task: str
    strategy: str
    parts: tuple[str, str, str]
    use: str
    options: Mapping[str, Any]
    evaluations: int
    initial: int
    batch: int
    seed: int
    budget_seconds: float | None = None
    repeats: bool = False
    objectives: tuple[str, ...] = ()
    constraints: Mapping[str, str] = field(default_factory=dict)
    live: Mapping[str, Any] = field(default_factory=dict)
    judging: Judging = "auto"
    sources: tuple[str, ...] = ()
    source_size: int = 0
    shown: tuple[str, str] = ("", "")
    scratch: str = ""

    def identity(self) -> dict[str, Any]:
        """What the search is called in the results (without the key)."""
        return {
            "task": self.task,
            "strategy": self.strategy,
            **dict(zip(AXES, self.parts, strict=True)),
            "evaluations": self.evaluations,
            "initial": self.initial,
            "batch": self.batch,
            "objectives": self.shown[0],
            "constraints": self.shown[1],
            "seed": self.seed,
        }

    def name(self) -> tuple[Any, ...]:
        """The identity as a tuple: two cells of one name are two versions of the same search."""
        return tuple(self.identity().values())

    def method(self) -> str:
        """The strategy with its parts, in one line."""
        parts = ", ".join(filter(None, self.parts))
        return f"{self.strategy} [{parts}]" if parts else self.strategy


@dataclass(frozen=True)
class _Method:
    """A strategy with its parts on one task."""

    label: str
    parts: tuple[str, str, str]
    choice: Choice
    options: Mapping[str, Any]
    description: str
    transfers: bool = False


def make_search_plan(study: SearchStudy, base: Path) -> Plan:
    """Resolve tasks and strategies and lay out the searches.

    Every strategy is built once on every task, so that whatever does not go together is refused
    before anything runs.

    Raises:
        UserError: for unknown names, parts that do not go together and unreadable tasks.
    """
    _check_axes(study)
    ingredients: dict[str, dict[str, str]] = {"tasks": {}, "strategies": {}}
    plan = Plan([], [], ingredients, "search", version=SEARCH_VERSION)
    specs = [spec for task in study.tasks for spec in expand_tasks(task, base)]
    for spec in dict.fromkeys(specs):
        task = load_search_task(
            spec,
            base,
            study.objectives or [],
            study.constraints,
            study.live,
            judging=study.judge,
        )
        if task.name in plan.ingredients["tasks"]:
            raise UserError(
                f"two tasks are called {task.name!r}, {spec!r} is the second; give their cards "
                "different names."
            )
        plan.ingredients["tasks"][task.name] = task.fingerprint
        plan.work[task.name] = _work(task)
        if ranking := task.ranking:
            plan.rankings[task.name] = ranking
        _check_budget(study, task)
        methods = list(_methods(study, task))
        _refuse_double(methods)
        for method in methods:
            name = " · ".join([method.label, *filter(None, method.parts)])
            plan.ingredients["strategies"][name] = method.description
        methods = [
            replace(method, transfers=_build(study, method, task).transfers) for method in methods
        ]
        plan.cells.extend(_cells(study, task, spec, str(base), methods))
    return plan


def _work(task: AnySearchTask) -> Work:
    pool = len(task.problem.candidates)
    return Work(pool) if isinstance(task, SearchTask) else Work(pool, *task.setting.training)


def _check_axes(study: SearchStudy) -> None:
    """Refuse a part that no strategy takes: it would change nothing."""
    for option in study.axes():
        for choice in study.strategies:
            _, factory, given = resolve_strategy(choice.spec)
            if option in strategy_options(factory) and option not in given:
                break
        else:
            raise UserError(
                f"{option}s (--{option}) changes nothing here: every strategy of this study either "
                f"takes no {option} or says which. Add one that leaves it open, such as "
                "--add-strategy bayesian."
            )


def _check_budget(study: SearchStudy, task: AnySearchTask) -> None:
    if study.initial > len(task.problem.candidates):
        raise UserError(
            f"initial = {study.initial}, but task {task.name!r} has only "
            f"{counted(len(task.problem.candidates), 'architecture')}."
        )
    if study.budget_seconds is not None and not task.timed:
        raise UserError(
            f"budget_seconds = {study.budget_seconds:g}, but the table of {task.name!r} does not "
            "say how long a training takes."
        )


def _methods(study: SearchStudy, task: AnySearchTask) -> Iterator[_Method]:
    """Every strategy with every combination of the parts that it leaves open."""
    for choice in study.strategies:
        _, factory, given = resolve_strategy(choice.spec)
        defaults = strategy_options(factory)
        axes = {k: v for k, v in study.axes().items() if k in defaults and k not in given}
        seen: set[tuple[tuple[str, str, str], str]] = set()
        for combination in product(*axes.values()):
            chosen = dict(zip(axes, combination, strict=True))
            texts = {option: part.text for option, part in chosen.items()}
            specs = {option: part.spec for option, part in chosen.items()}
            options = {**defaults, **given, **specs}
            _settle_encoding(options, texts, task)
            method = _method(choice, factory, options, texts)
            kind = (method.parts, method.description)
            if kind not in seen:  # a predictor with an encoding of its own appears once
                seen.add(kind)
                yield method


def _settle_encoding(options: dict[str, Any], texts: dict[str, str], task: AnySearchTask) -> None:
    """The encoding by name: the predictor's own, or the one that the task proposes."""
    if not isinstance(options.get("encoding"), str):
        return
    own, predictor = None, options.get("predictor")
    if predictor and predictor != "default":
        own = own_encoding(make_predictor(_spec(predictor)), use_of(predictor))
    name = own or options["encoding"]
    options["encoding"] = task.default_encoding if name == "default" else name
    if predictor == "default":
        options["predictor"] = settled_predictor(predictor, options["encoding"])
    texts.pop("encoding", None)


def _spec(value: Any) -> Any:
    """A specification without the label that names it in the results."""
    if isinstance(value, Mapping):
        return {key: option for key, option in value.items() if key != "label"}
    return value


def _method(
    choice: Choice, factory: Any, options: dict[str, Any], texts: Mapping[str, str]
) -> _Method:
    parts = [
        texts.get(axis) or (spec_text(options[axis]) if options.get(axis) else "") for axis in AXES
    ]
    options = {name: _spec(value) if name in AXES else value for name, value in options.items()}
    described = {name: _described(name, value) for name, value in options.items()}
    content = {"strategy": describe(factory), "options": described}
    return _Method(
        _label(choice),
        (parts[0], parts[1], parts[2]),
        choice,
        options,
        canonical_json(content),
    )


def _described(option: str, value: Any) -> Any:
    """A part with all its options and, for code from outside, its hash."""
    if not use_of(value):
        return describe(value)
    if option == "predictor":
        return describe(make_predictor(value))
    if option == "acquisition":
        return describe(make_acquisition(value))
    if option == "encoding" and any(code_in("encoding", [value])):
        return [value, describe(make_encoding(value))]
    return describe(value)


def _label(choice: Choice) -> str:
    """The label, or the name with the options that have no column of their own."""
    others = {name: value for name, value in choice.options.items() if name not in AXES}
    return choice.label or spec_text({"use": choice.use, **others})


def _refuse_double(methods: list[_Method]) -> None:
    known: dict[tuple[Any, ...], _Method] = {}
    for method in methods:
        first = known.setdefault((method.label, method.parts), method)
        if first.description != method.description:
            raise UserError(
                f"two different strategies are called {method.label!r}; give one of them a label: "
                f'{{use = "{method.choice.use}", label = "another name", …}}.'
            )
        if first is not method:
            raise UserError(f"the strategy {method.label!r} is listed twice.")


def _build(study: SearchStudy, method: _Method, task: AnySearchTask) -> Strategy:
    """Build the strategy on a task, to learn whether they go together."""
    spec = {"use": method.choice.use, **method.options}
    predictor, acquisition = method.options.get("predictor"), method.options.get("acquisition")
    try:
        if predictor and acquisition:
            check_pairing(acquisition, predictor)
        return make_strategy(spec, task.problem, design=0, repeats=study.repeats)
    except UserError as error:
        raise UserError(f"strategy {method.label!r} on task {task.name!r}: {error}") from error


def _cells(
    study: SearchStudy, task: AnySearchTask, spec: str, base: str, methods: list[_Method]
) -> Iterator[SearchCell]:
    shared = canonical_json(
        {
            "version": SEARCH_VERSION,
            "task": [task.name, task.fingerprint],
            "budget": [study.evaluations, study.budget_seconds],
            "initial": study.initial,
            "judge": _judge(task),
            "batch": study.batch,
            "repeats": study.repeats,
            "objectives": task.problem.objectives,
            "constraints": [[c.name, c.sense, c.bound] for c in task.problem.constraints],
        }
    )
    bounds = zip(task.problem.constraints, study.constraints.values(), strict=True)
    shown = (
        ", ".join(task.problem.objectives),
        ", ".join(f"{bound.name} {text}" for bound, text in bounds),
    )
    sources, told = _sources(study, task, base) if any(m.transfers for m in methods) else ((), "")
    for position, seed in enumerate(study.seeds):
        for method in methods:
            if position >= _seeds(study, method, task.name):
                continue
            named = canonical_json([method.label, method.parts, method.description])
            text = f"search|{shared}|{named}|{seed}" + (told if method.transfers else "")
            yield SearchCell(
                key=hashlib.sha256(text.encode()).hexdigest()[:40],
                spec=spec,
                base=base,
                task=task.name,
                strategy=method.label,
                parts=method.parts,
                use=method.choice.use,
                options=dict(method.options),
                evaluations=study.evaluations,
                initial=study.initial,
                batch=study.batch,
                seed=seed,
                budget_seconds=study.budget_seconds,
                repeats=study.repeats,
                objectives=tuple(study.objectives or ()),
                constraints=study.constraints,
                live=study.live if is_live(spec) else {},
                judging=study.judge,
                sources=sources if method.transfers else (),
                source_size=source_size(study) if method.transfers and sources else 0,
                shown=shown,
            )


def _sources(study: SearchStudy, task: AnySearchTask, base: str) -> tuple[tuple[str, ...], str]:
    """The other tasks that strategies are told of, and what they add to the keys of cells."""
    named, folder = sources_by_glob(study.sources), Path(base)
    specs = tuple(sources_of(task.name, named, study.tasks, folder))
    if not specs:
        return (), ""
    if not isinstance(task, SearchTask):
        raise UserError(f"sources: {task.name!r} trains what it is asked for; it takes none.")
    found = [load_task(spec, folder) for spec in specs]
    for source in found:
        check_source(task.table, source, task.default_encoding)
    names = "".join(f"|{source.name}|{source.fingerprint}" for source in found)
    return specs, f"|sources|{source_size(study)}{names}"


def _judge(task: AnySearchTask) -> list[Any]:
    """What of the judge the table's fingerprint does not say."""
    if not isinstance(task, SearchTask):
        return []
    if task.floors is None:
        return [task.held_out]
    return [task.held_out, [str(floor) for floor in task.floors.tolist()], task.resolution.tolist()]


def _seeds(study: SearchStudy, method: _Method, task: str) -> float:
    limits = [
        count
        for pattern, count in study.seeds_of.items()
        if matches(pattern, method.choice) and on_task(pattern, task)
    ]
    return min(limits, default=float("inf"))
