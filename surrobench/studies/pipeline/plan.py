"""From a pipeline study to its cells: one choice of architectures each, with its key."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from surrobench.acquisition import make_acquisition
from surrobench.acquisition.pairing import check_pairing
from surrobench.base.wording import counted
from surrobench.errors import UserError
from surrobench.predictors import make_predictor
from surrobench.studies.describe import describe
from surrobench.studies.judging import Judging
from surrobench.studies.parts import Choice
from surrobench.studies.pipeline.config import BASELINES, PipelineStudy
from surrobench.studies.pipeline.task import (
    CandidatePool,
    LivePipeline,
    PipelineTask,
    load_pipeline_task,
)
from surrobench.studies.plan import Plan, Work
from surrobench.studies.run_folder.record import canonical_json
from surrobench.studies.settings import own_encoding
from surrobench.tasks import expand_tasks

PIPELINE_VERSION = 2
"""Raised when pipelines of the same description give other numbers: enters every key."""

PIPELINE_IDENTITY = (
    "task",
    "predictor",
    "encoding",
    "acquisition",
    "candidates",
    "train",
    "picks",
    "seed",
)


@dataclass(frozen=True)
class PipelineCell:
    """One choice of architectures, and their full training.

    Attributes:
        key: hash of everything that the numbers depend on.
        spec: how the task is loaded; ``base`` is the folder of relative paths.
        task: name of the task.
        predictor: label of the predictor, or the name of a baseline.
        use: specification of the predictor, "" for a baseline.
        encoding: name of the encoding, "" for a baseline.
        acquisition: label of the acquisition function, "" for a baseline.
        acquire: its specification.
        candidates: architectures of the pool.
        train: how many of them are trained briefly.
        picks: how many are picked.
        reference: how many others are trained fully for comparison.
        proxy_epochs: length of a short training, None for the full one.
        proxy_share: share of the training data in a short training.
        runs: full trainings of each pick.
        seed: of the pool, the short trainings and the fit.
        live: options of a live task.
        judging: what judges the picks on a table.
    """

    key: str
    spec: str
    base: str
    task: str
    predictor: str
    use: Any
    encoding: str
    acquisition: str
    acquire: Any
    candidates: int
    train: int
    picks: int
    reference: int
    proxy_epochs: int | None
    proxy_share: float
    runs: int
    seed: int
    live: Mapping[str, Any]
    judging: Judging = "auto"

    def identity(self) -> dict[str, Any]:
        """What the choice is called in the results (without the key)."""
        return {name: getattr(self, name) for name in PIPELINE_IDENTITY}

    def name(self) -> tuple[Any, ...]:
        """The identity as a tuple: two cells of one name are two versions of the same choice."""
        return tuple(self.identity().values())

    def method(self) -> str:
        """The predictor with its parts, in one line."""
        parts = ", ".join(filter(None, (self.encoding, self.acquisition)))
        return f"{self.predictor} [{parts}]" if parts else self.predictor


@dataclass(frozen=True)
class _Method:
    """A predictor with an encoding and an acquisition function on one task, or a baseline."""

    label: str
    use: Any
    encoding: str
    acquisition: str
    acquire: Any
    description: str


def make_pipeline_plan(study: PipelineStudy, base: Path) -> Plan:
    """Resolve tasks and predictors and lay out the cells, those of one seed together.

    Raises:
        UserError: for unknown names, parts that do not go together, tasks that cannot be loaded
            and pools that are too small.
    """
    ingredients: dict[str, dict[str, str]] = {"tasks": {}, "predictors": {}}
    plan = Plan([], [], ingredients, "pipeline", version=PIPELINE_VERSION)
    specs = [spec for task in study.tasks for spec in expand_tasks(task, base)]
    for spec in dict.fromkeys(specs):
        task = load_pipeline_task(
            spec, base, study.live, study.proxy_epochs, study.proxy_share, study.judge
        )
        if task.name in plan.ingredients["tasks"]:
            raise UserError(
                f"two tasks are called {task.name!r}, {spec!r} is the second; give their cards "
                "different names."
            )
        plan.ingredients["tasks"][task.name] = task.fingerprint
        training = task.setting.training if isinstance(task, LivePipeline) else ()
        plan.work[task.name] = Work(study.candidates, *training)
        if ranking := task.ranking:
            plan.rankings[task.name] = ranking
        _check_pool(study, task)
        methods = list(_methods(study, task))
        plan.ingredients["predictors"].update({m.label: m.description for m in methods})
        plan.cells.extend(_cells(study, task, spec, str(base), methods))
    return plan


def _check_pool(study: PipelineStudy, task: PipelineTask) -> None:
    there = len(_pool(study, task).archs)
    for name in ("train", "picks"):
        if getattr(study, name) > there:
            raise UserError(
                f"task {task.name!r} has {counted(there, 'different network')}, too few for "
                f"{name} = {getattr(study, name)}."
            )


def _pool(study: PipelineStudy, task: PipelineTask) -> CandidatePool:
    return task.pool(study.candidates, study.seeds[0])


def _methods(study: PipelineStudy, task: PipelineTask) -> Iterator[_Method]:
    """Baselines first; a predictor with an encoding of its own appears once."""
    counted = np.isfinite(_pool(study, task).measured.get("params", np.nan)).all()
    for name in BASELINES:
        if counted or name != "largest":
            yield _Method(name, "", "", "", "", f'"{name}"')
    seen: dict[tuple[str, str, str], _Method] = {}
    for choice in study.predictors:
        predictor = make_predictor(choice.spec)
        own = own_encoding(predictor, choice.text)
        if own and choice.encoding not in (None, own):
            raise UserError(
                f"predictor {choice.text!r} insists on the encoding {own!r}; the study says "
                f"{choice.encoding!r}."
            )
        own = own or choice.encoding
        for encoding in [own] if own else study.encodings:
            name = task.default_encoding if encoding == "default" else encoding
            for acquisition in study.acquisitions:
                check_pairing(acquisition.spec, choice.spec)
                method = _method(choice, predictor, name, acquisition)
                known = seen.setdefault((method.label, name, acquisition.text), method)
                if known.description != method.description:
                    raise UserError(
                        f"two different predictors are called {method.label!r}; give one of them "
                        f'a label: {{use = "{choice.use}", label = "another name", …}}.'
                    )
                if known is method:
                    yield method


def _method(choice: Choice, predictor: Any, encoding: str, acquisition: Choice) -> _Method:
    content = [describe(predictor), describe(make_acquisition(acquisition.spec))]
    description = canonical_json(content)
    return _Method(
        choice.text, choice.spec, encoding, acquisition.text, acquisition.spec, description
    )


def _cells(
    study: PipelineStudy, task: PipelineTask, spec: str, base: str, methods: list[_Method]
) -> Iterator[PipelineCell]:
    reference = study.picks if study.reference is None else study.reference
    numbers = [study.candidates, study.train, study.picks, reference, study.runs]
    proxy = [study.proxy_epochs, study.proxy_share]
    shared = canonical_json([PIPELINE_VERSION, task.name, task.fingerprint, numbers, proxy])
    for seed in study.seeds:
        for method in methods:
            named = [method.label, method.encoding, method.acquisition, method.description]
            text = f"pipeline|{shared}|{canonical_json(named)}|{seed}"
            yield PipelineCell(
                key=hashlib.sha256(text.encode()).hexdigest()[:40],
                spec=spec,
                base=base,
                task=task.name,
                predictor=method.label,
                use=method.use,
                encoding=method.encoding,
                acquisition=method.acquisition,
                acquire=method.acquire,
                candidates=study.candidates,
                train=study.train,
                picks=study.picks,
                reference=reference,
                proxy_epochs=study.proxy_epochs,
                proxy_share=study.proxy_share,
                runs=study.runs,
                seed=seed,
                live=study.live,
                judging=study.judge,
            )
