"""From a study to its cells: the plan, in a fixed order, each cell with its key."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from surrobench.base.wording import counted
from surrobench.encodings import make_encoding, sees_curves
from surrobench.errors import UserError
from surrobench.predictors import make_predictor
from surrobench.studies.describe import describe
from surrobench.studies.plan import Plan, Skipped, Work
from surrobench.studies.prediction.config import Study
from surrobench.studies.prediction.protocols import (
    advice,
    check_size,
    fitting_sizes,
    largest_train_size,
)
from surrobench.studies.prediction.source_tasks import check_source, source_size, sources_of
from surrobench.studies.run_folder.record import canonical_json
from surrobench.studies.settings import PredictorChoice, own_encoding, sources_by_glob
from surrobench.tasks import expand_tasks, load_task
from surrobench.tasks.given import GivenTask

if TYPE_CHECKING:
    from surrobench.tasks.task import TableTask

NUMBERS_VERSION = 2
"""Raised whenever a change of this package changes the numbers of existing cells."""


_SMALLER = (
    'Remove that size from train_sizes, or set small_pools = "skip" (or "fit" for sizes that fit '
    "the task)."
)


@dataclass(frozen=True, slots=True)
class Cell:
    """One unit of work.

    Attributes:
        key: hash of everything that the numbers depend on.
        spec: how the task is loaded; ``base`` is the folder of relative card paths.
        task: name of the task.
        predictor: label of the predictor.
        use: what builds the predictor, with ``options``.
        transform: its target transform ("" if it has none).
        sources: other tasks that the predictor is told of, ``source_size`` architectures of each.
    """

    key: str
    spec: str
    base: str
    task: str
    predictor: str
    use: str
    options: Mapping[str, Any]
    transform: str
    encoding: str
    train_size: int
    seed: int
    protocol: str
    sources: tuple[str, ...] = ()
    source_size: int = 0

    def identity(self) -> dict[str, Any]:
        """What the cell is called in the results (without the key)."""
        return {
            "task": self.task,
            "predictor": self.predictor,
            "transform": self.transform,
            "encoding": self.encoding,
            "train_size": self.train_size,
            "seed": self.seed,
            "protocol": self.protocol,
        }

    def name(self) -> tuple[Any, ...]:
        """The identity as a tuple: two cells of one name are two versions of the same row."""
        return (
            self.task,
            self.predictor,
            self.transform,
            self.encoding,
            self.train_size,
            self.seed,
            self.protocol,
        )

    def method(self) -> str:
        """The predictor with its encoding, in one line."""
        return f"{self.predictor} [{self.encoding}]"


@dataclass(frozen=True)
class Method:
    """A predictor of the study, built once to learn what it is."""

    label: str
    choice: PredictorChoice
    transform: str
    encoding: str | None
    description: str
    transfers: bool = False


def make_plan(study: Study, base: Path, given: Mapping[str, GivenTask] | None = None) -> Plan:
    """Resolve tasks and predictors and lay out the grid.

    Args:
        study: what to run.
        base: folder that relative card paths start from.
        given: tasks that are loaded already, by the names that the study has for them.

    Raises:
        UserError: for unknown names, options or encodings, unreadable tasks and train sizes that
            are too large.
    """
    methods = _methods(study)
    for encoding in study.all_encodings():
        if encoding != "default":
            make_encoding(encoding)
    described = {m.label: m.description for m in methods}
    plan = Plan([], [], {"tasks": {}, "predictors": described}, version=NUMBERS_VERSION)
    tasks: list[TableTask] = []
    for spec in _task_specs(study, base, given or {}):
        task = load_task(spec, base)
        if task.name in plan.ingredients["tasks"]:
            raise UserError(
                f"two tasks are called {task.name!r}, {spec!r} is the second; give their cards "
                "different names."
            )
        plan.ingredients["tasks"][task.name] = task.fingerprint
        plan.rankings[task.name] = task.ranking
        plan.work[task.name] = Work(len(task))
        tasks.append(task)
        _add_task(plan, study, task, spec, str(base), methods)
    if not plan.cells:
        raise UserError(_no_cells(study, tasks))
    return plan


def _no_cells(study: Study, tasks: Sequence[TableTask]) -> str:
    least = min(study.train_sizes)
    small = [task for task in tasks if least > largest_train_size(task, study.protocol)]
    told = [advice(task, study.protocol, study.train_sizes) for task in small]
    return "\n".join(
        told or ["the study has no cells: every one of them is skipped by its settings."]
    )


def _task_specs(study: Study, base: Path, given: Mapping[str, GivenTask]) -> list[str]:
    specs = [
        spec
        for task in study.tasks
        for spec in ([given[task]] if task in given else expand_tasks(task, base))
    ]
    return list(dict.fromkeys(specs))


def _methods(study: Study) -> list[Method]:
    """The predictors with their transforms, each label once for every encoding of its own."""
    methods: dict[tuple[str, str | None], Method] = {}
    descriptions: dict[str, Method] = {}
    for choice in study.predictors:
        for method in _with_transforms(choice, study.transforms):
            known = descriptions.setdefault(method.label, method)
            methods.setdefault((method.label, method.encoding), method)
            if known.description != method.description:
                raise UserError(
                    f"two different predictors are called {method.label!r}; give one of them a "
                    f'label: {{use = "{choice.use}", label = "another name", …}}.'
                )
    return list(methods.values())


def _with_transforms(choice: PredictorChoice, transforms: Iterable[str] | None) -> Iterator[Method]:
    default = make_predictor(choice.use, **_without_transform(choice.options))
    if transforms is None or not hasattr(default, "transform"):
        yield _method(choice, default)
        return
    for transform in transforms:
        options = {**choice.options, "transform": transform}
        yield _method(replace(choice, options=options), default)


def _method(choice: PredictorChoice, default: Any) -> Method:
    """Build the predictor; its label names the transform unless it is the default one."""
    predictor = make_predictor(choice.use, **choice.options)
    transform = str(getattr(predictor, "transform", ""))
    label = choice.label or _label(choice)
    if transform != str(getattr(default, "transform", "")) and not label.endswith(f"+{transform}"):
        label += f"+{transform}"
    encoding = own_encoding(predictor, label)
    if encoding and choice.encoding not in (None, encoding):
        raise UserError(
            f"predictor {label!r} insists on the encoding {encoding!r}; the study says "
            f"{choice.encoding!r}."
        )
    encoding = encoding or choice.encoding
    transfers = getattr(predictor, "transfer", None) is True
    description = canonical_json(describe(predictor))
    return Method(label, choice, transform, encoding, description, transfers)


def _label(choice: PredictorChoice) -> str:
    options = _without_transform(choice.options)
    if not options:
        return choice.use
    return choice.use + "(" + ", ".join(f"{k}={v}" for k, v in sorted(options.items())) + ")"


def _without_transform(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name != "transform"}


def _add_task(
    plan: Plan, study: Study, task: TableTask, spec: str, base: str, methods: list[Method]
) -> None:
    columns = list(_columns(study, task, methods))
    largest = largest_train_size(task, study.protocol)
    sizes = list(study.train_sizes)
    if study.small_pools == "fit" and min(sizes) > largest:
        instead = fitting_sizes(task, study.protocol)
        listed = ", ".join(map(str, instead))
        if instead:
            for size in sizes:
                reason = f"{counted(len(task), 'architecture')}; instead trained on {listed}"
                _skip(plan, study, task, size, columns, reason)
            sizes = instead
    for size in sizes:
        if study.small_pools != "error" and size > largest:
            _skip(plan, study, task, size, columns, "the task has too few architectures")
            continue
        check_size(task, study.protocol, size, _SMALLER)
        allowed = [column for column in columns if size <= _largest(study, column[0])]
        left_out = [column for column in columns if column not in allowed]
        _skip(plan, study, task, size, left_out, "max_train_size")
        plan.cells.extend(_cells(study, task, spec, base, size, allowed))


def _columns(study: Study, task: TableTask, methods: list[Method]) -> Iterator[tuple[Method, str]]:
    """Predictor x encoding; a predictor with an encoding of its own appears once."""
    seen = set()
    for method in methods:
        encodings = [method.encoding] if method.encoding else study.encodings
        names = [task.default_encoding if e == "default" else e for e in encodings]
        for name in names:
            if (method.label, name) not in seen:
                seen.add((method.label, name))
                yield method, name


def _largest(study: Study, method: Method) -> float:
    names = (method.label, method.choice.use)
    limits = [
        size
        for pattern, size in study.max_train_size.items()
        if any(fnmatchcase(name, pattern) for name in names)
    ]
    return min(limits, default=float("inf"))


def _skip(
    plan: Plan,
    study: Study,
    task: TableTask,
    size: int,
    columns: Iterable[tuple[Method, str]],
    reason: str,
) -> None:
    for method, _ in columns:
        plan.skipped.append(Skipped(task.name, method.label, size, len(study.seeds), reason))


def _cells(
    study: Study,
    task: TableTask,
    spec: str,
    base: str,
    size: int,
    columns: list[tuple[Method, str]],
) -> Iterator[Cell]:
    """The cells of one task and train size, with their keys."""
    shared = f"{NUMBERS_VERSION}|{task.name}|{task.fingerprint}|{study.protocol}|{size}"
    told = [_sources(study, task, base, *column) for column in columns]
    curves = [_curves(task, encoding) for _, encoding in columns]
    hashes = [
        hashlib.sha256(
            f"{shared}|{method.label}|{method.description}|{encoding}{more}{curve}".encode()
        )
        for (method, encoding), (_, more), curve in zip(columns, told, curves, strict=True)
    ]
    for seed in study.seeds:
        for (method, encoding), prefix, (sources, _) in zip(columns, hashes, told, strict=True):
            digest = prefix.copy()
            digest.update(f"|{seed}".encode())
            yield Cell(
                key=digest.hexdigest()[:40],
                spec=spec,
                base=base,
                task=task.name,
                predictor=method.label,
                use=method.choice.use,
                options=method.choice.options,
                transform=method.transform,
                encoding=encoding,
                train_size=size,
                seed=seed,
                protocol=study.protocol,
                sources=sources,
                source_size=source_size(study) if sources else 0,
            )


def _sources(
    study: Study, task: TableTask, base: str, method: Method, encoding: str
) -> tuple[tuple[str, ...], str]:
    """The other tasks that a method is told of, and what they add to the keys of its cells."""
    if not study.sources or not method.transfers:
        return (), ""
    folder = Path(base)
    specs = sources_of(task.name, sources_by_glob(study.sources), study.tasks, folder)
    others = {spec: load_task(spec, folder) for spec in specs}
    for source in others.values():
        check_source(task, source, encoding)
    names = "".join(f"|{source.name}|{source.fingerprint}" for source in others.values())
    return tuple(others), f"|sources|{source_size(study)}{names}" if others else ""


def _curves(task: TableTask, encoding: str) -> str:
    """What learning curves add to the keys of cells, where the encoding may look at them."""
    seen = task.values.shape[2] > 1 and sees_curves(encoding)
    return f"|curves|{task.curves_digest}" if seen else ""
