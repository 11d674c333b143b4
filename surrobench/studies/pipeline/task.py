"""A task as a pipeline meets it: a pool, short trainings, full trainings, and who judges."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from surrobench.arrays import FloatArray
from surrobench.encodings.default import default_encoding
from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch, SearchSpace
from surrobench.studies.judging import TRAINED, Judge, Judging, holds_out, judgeable
from surrobench.studies.of_table import OfTable
from surrobench.studies.run_folder.record import canonical_json
from surrobench.studies.search.shared_training import in_units, train_shared
from surrobench.tasks import load_task
from surrobench.tasks.catalogue import is_live
from surrobench.tasks.evaluation import Evaluation
from surrobench.tasks.live.live_costs import measured_costs
from surrobench.tasks.live.live_options import LiveSetting, make_live, shortened
from surrobench.tasks.live.live_pool import networks
from surrobench.tasks.stored_encodings import encoded
from surrobench.tasks.task import TableTask
from surrobench.training.loop.groups import Job, alike

FIRST_FULL_SEED = 1_000_000
"""Full trainings have seeds from here on, so none shares its seed with a short training."""


@dataclass(frozen=True, eq=False)
class CandidatePool:
    """Different networks in random order; the first of them are trained briefly.

    Attributes:
        space: that they belong to.
        archs: the candidates, ``n``.
        measured: label-free columns, ``n`` each.
        judged: what they count as where a table has all of them, ``n``, else None.
    """

    space: SearchSpace
    archs: list[Arch]
    measured: Mapping[str, FloatArray]
    judged: FloatArray | None = None

    def encode(self, name: str) -> FloatArray:
        """The pool as a matrix, ``n x d``."""
        rows = np.asarray(self.archs, dtype=np.int_)
        return np.asarray(encoded(name, rows, self.space, self.measured), dtype=np.float64)


class PipelineTask(Protocol):
    """What a pipeline needs of a task."""

    @property
    def name(self) -> str:
        """For tables."""

    @property
    def unit(self) -> str:
        """Of the values."""

    @property
    def data(self) -> str:
        """What was trained on, in words."""

    @property
    def default_encoding(self) -> str:
        """What the encoding ``"default"`` stands for."""

    @property
    def fingerprint(self) -> str:
        """Hash of what decides the numbers."""

    @property
    def ranking(self) -> str:
        """What tasks share that rank all architectures alike; "" where it is not known."""

    @property
    def judge(self) -> str:
        """Who judges the picks: one of the names in :mod:`surrobench.studies.judging`."""

    @property
    def without_judge(self) -> int:
        """Architectures that are no candidates because nothing could judge them."""

    def pool(self, n: int, seed: int) -> CandidatePool:
        """Up to ``n`` different networks; depends on task and seed alone."""

    def brief(self, archs: Sequence[Arch], seed: int) -> list[Evaluation]:
        """One short training of each architecture."""

    def full(self, archs: Sequence[Arch], runs: int, seed: int) -> list[list[Evaluation]]:
        """Full trainings of each architecture, none of which the short ones of ``seed`` share."""


def _generator(name: str, seed: int) -> np.random.Generator:
    text = f"pipeline|{name}|{seed}"
    return np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode()).digest(), "big"))


@dataclass(frozen=True, eq=False)
class TablePipeline(OfTable):
    """A table that can judge every candidate.

    A short training is the beginning of one run of the table, which the seed picks. Where the
    table has other runs, these are the full trainings, and their mean judges picks and reference;
    candidates are then the architectures with several runs. See
    :mod:`surrobench.studies.judging`.

    Attributes:
        table: the task.
        proxy_epochs: length of a short training, None for the full one.
        held_out: whether the runs that were not shown judge.
    """

    table: TableTask
    proxy_epochs: int | None = None
    held_out: bool = False

    @property
    def data(self) -> str:
        """What the table says of itself."""
        return self.table.description

    @cached_property
    def fingerprint(self) -> str:
        """Of the table with its single runs."""
        digest = hashlib.sha256(self.table.fingerprint.encode())
        digest.update(np.ascontiguousarray(self.table.values).tobytes())
        digest.update(self.judge.encode())
        return digest.hexdigest()

    @property
    def ranking(self) -> str:
        """Of the table."""
        return self.table.ranking

    @property
    def judge(self) -> str:
        """Runs that were not shown, the run that was, or the published mean."""
        return Judge(self.table, self.held_out).kind

    @property
    def without_judge(self) -> int:
        """Architectures with a single run, where others judge."""
        return len(self.table) - int(self._candidates.sum())

    @cached_property
    def _candidates(self) -> npt.NDArray[np.bool_]:
        return judgeable(self.table) if self.held_out else np.ones(len(self.table), dtype=bool)

    def pool(self, n: int, seed: int) -> CandidatePool:
        """The first of each group of equal networks, in random order."""
        order = np.argsort(_generator(self.name, seed).random(len(self.table)), kind="stable")
        order = order[self._candidates[order]]
        _, first = np.unique(self.table.groups[order], return_index=True)
        rows = order[np.sort(first)[:n]]
        archs = [tuple(arch) for arch in self.table.archs[rows].tolist()]
        measured = {name: column[rows] for name, column in self.table.measured.items()}
        judged = Judge(self.table, self.held_out, seed).values[rows]
        return CandidatePool(self.table.space, archs, measured, judged)

    def brief(self, archs: Sequence[Arch], seed: int) -> list[Evaluation]:
        """One run of the table, up to the epochs of a short training."""
        return [self.table.evaluate(arch, seed=seed, epochs=self.proxy_epochs) for arch in archs]

    def full(self, archs: Sequence[Arch], runs: int, seed: int) -> list[list[Evaluation]]:
        """The runs that were not shown; where nothing is held back, the one that was."""
        return [self._others(arch, seed)[:runs] for arch in archs]

    def _others(self, arch: Arch, seed: int) -> list[Evaluation]:
        """Full trainings but the one of which the short training of ``seed`` is the beginning."""
        if not self.held_out:
            return [self.table.evaluate(arch, seed=seed)]
        count = self.table.runs_of(arch)
        others = [run for run in range(count) if run != seed % count]
        return [self.table.evaluate(arch, seed=run) for run in others]


@dataclass(frozen=True, eq=False)
class LivePipeline:
    """A task that trains; what several cells need is trained once.

    Attributes:
        setting: the live task with its name.
        proxy_epochs: length of a short training, None for the full one.
        proxy_share: share of the training data in a short training.
    """

    setting: LiveSetting
    proxy_epochs: int | None
    proxy_share: float

    @property
    def name(self) -> str:
        """Of the task, with its options."""
        return self.setting.label

    @property
    def unit(self) -> str:
        """``%`` for accuracies, ``nats (negated)`` for cross-entropies."""
        return self.setting.task.unit

    @property
    def data(self) -> str:
        """What is trained on."""
        return self.setting.data

    @property
    def default_encoding(self) -> str:
        """What follows from the kinds of the decisions."""
        return default_encoding(self.setting.task.space)

    @cached_property
    def fingerprint(self) -> str:
        """Everything that decides the numbers; versions stand in the environment of a run."""
        identity = dict(self.setting.task.identity)
        identity.pop("versions")
        text = canonical_json([identity, repr(self.setting.task.recipe)])
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def ranking(self) -> str:
        """Not known before all is trained: ""."""
        return ""

    @property
    def judge(self) -> str:
        """Full trainings under seeds that no short training has."""
        return TRAINED

    @property
    def without_judge(self) -> int:
        """Every candidate can be trained."""
        return 0

    def pool(self, n: int, seed: int) -> CandidatePool:
        """Networks of the space with their parameter and operation counts."""
        task = self.setting.task
        archs = networks(task.space, n, _generator(self.name, seed))
        return CandidatePool(task.space, archs, measured_costs(task, archs))

    def brief(self, archs: Sequence[Arch], seed: int) -> list[Evaluation]:
        """Train briefly; groups depend on the list alone."""
        task = shortened(self.setting.task, self.proxy_share)
        jobs = [Job(arch, seed) for arch in archs]
        units = in_units(task, sorted(jobs, key=alike))
        trained = train_shared(task, units, self.proxy_epochs)
        found = dict(zip(chain(*units), chain(*trained), strict=True))
        return [found[job] for job in jobs]

    def full(self, archs: Sequence[Arch], runs: int, seed: int) -> list[list[Evaluation]]:
        """Train fully; the runs of an architecture are a unit, whoever else picked it."""
        task, seeds = self.setting.task, range(FIRST_FULL_SEED, FIRST_FULL_SEED + runs)
        jobs = [Job(arch, number) for arch in archs for number in seeds]
        flat = [one for unit in train_shared(task, in_units(task, jobs, runs)) for one in unit]
        return [flat[start : start + runs] for start in range(0, len(flat), runs)]


def load_pipeline_task(
    spec: str,
    base: Path,
    live: Mapping[str, Any],
    proxy_epochs: int | None,
    proxy_share: float,
    judging: Judging = "auto",
) -> PipelineTask:
    """The task of a pipeline study.

    Raises:
        UserError: for a task that cannot be loaded, or a table without such short trainings.
    """
    return _load(spec, str(base), canonical_json(live), proxy_epochs, proxy_share, judging)


@lru_cache(maxsize=8)
def _load(
    spec: str,
    base: str,
    live: str,
    proxy_epochs: int | None,
    proxy_share: float,
    judging: Judging,
) -> PipelineTask:
    if is_live(spec):
        setting = make_live(spec, json.loads(live), Path(base))
        return LivePipeline(setting, proxy_epochs, proxy_share)
    table = load_task(spec, Path(base))
    if proxy_share != 1.0:
        raise UserError(
            f"task {table.name!r} is a table of trainings with all data; proxy_share = "
            f"{proxy_share:g} needs a live task."
        )
    if proxy_epochs is not None and proxy_epochs not in table.fidelities:
        known = ", ".join(map(str, table.fidelities)) or "only the final one"
        raise UserError(
            f"task {table.name!r} has no trainings of proxy_epochs = {proxy_epochs}; known: "
            f"{known}."
        )
    return TablePipeline(table, proxy_epochs, holds_out(table, judging))


def mean_value(runs: Sequence[Evaluation]) -> tuple[float, float, int]:
    """Mean, standard deviation (NaN for fewer than 2) and number of the runs with a value."""
    values = [run.value for run in runs if math.isfinite(run.value)]
    mean = float(np.mean(values)) if values else math.nan
    return mean, float(np.std(values, ddof=1)) if len(values) > 1 else math.nan, len(values)
