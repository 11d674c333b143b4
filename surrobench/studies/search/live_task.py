"""A live task as a search meets it: candidates in front, training behind, no truth beforehand."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from surrobench.base.columns import LazyColumns
from surrobench.encodings.default import default_encoding
from surrobench.errors import UserError, did_you_mean
from surrobench.spaces.architecture import Arch, SearchSpace
from surrobench.strategies.candidates import Candidates
from surrobench.strategies.problem import Constraint, Problem
from surrobench.studies.run_folder.record import canonical_json
from surrobench.studies.search.shared_training import train_shared
from surrobench.tasks.evaluation import Evaluation
from surrobench.tasks.live.live_costs import COLUMNS, measured_costs
from surrobench.tasks.live.live_options import LiveSetting, make_live
from surrobench.tasks.live.live_pool import ENUMERATED_UP_TO, networks
from surrobench.training.loop.groups import Job

SAMPLED = 5_000
"""Candidates of a space that is too large to go through, unless the study says how many."""


@dataclass(frozen=True, eq=False)
class LiveSearchTask:
    """A live task with what a search study adds to it.

    Nothing is known of the optimum, so regret can only count from the best that any search of the
    study finds. Test results are those of the very trainings that chose the incumbent.

    Attributes:
        setting: the live task with its name.
        problem: what strategies get to know.
        seed: of the trainings whose test results are asked for.
    """

    setting: LiveSetting
    problem: Problem
    seed: int = 0

    @property
    def name(self) -> str:
        """Name of the task, with its options."""
        return self.setting.label

    @property
    def space(self) -> SearchSpace:
        """The search space."""
        return self.setting.task.space

    @property
    def unit(self) -> str:
        """``%`` for accuracies, ``nats (negated)`` for cross-entropies."""
        return self.setting.task.unit

    @property
    def default_encoding(self) -> str:
        """What follows from the kinds of the decisions."""
        return default_encoding(self.setting.task.space)

    @property
    def clock(self) -> str:
        """Where the seconds of a training come from."""
        device = self.setting.task.device.type
        kind = "of the processor" if device == "cpu" else f"of the wall on {device}"
        return f"seconds {kind}, measured"

    @property
    def timed(self) -> bool:
        """Trainings are timed."""
        return True

    @property
    def optimum(self) -> float:
        """Unknown."""
        return math.nan

    @cached_property
    def fingerprint(self) -> str:
        """Everything that decides the numbers; versions stand in the environment of a run."""
        identity = dict(self.setting.task.identity)
        identity.pop("versions")
        digest = hashlib.sha256()
        digest.update(canonical_json([identity, repr(self.setting.task.recipe)]).encode())
        digest.update(repr(self.problem.epochs).encode())
        digest.update(np.ascontiguousarray(self.problem.candidates.archs).tobytes())
        return digest.hexdigest()

    @property
    def ranking(self) -> str:
        """Not known before all is trained: ""."""
        return ""

    def evaluate(self, arch: Arch, *, seed: int, epochs: int | None) -> Evaluation:
        """One training, alone, so that its seconds are its own; looked up if it was done before."""
        ((evaluation,),) = train_shared(self.setting.task, [[Job(arch, seed)]], epochs)
        return evaluation

    def judged(self, arch: Arch) -> float:
        """Unknown: nothing but the trainings of the search themselves."""
        return math.nan

    def test(self, arch: Arch) -> float:
        """Test result of the full training of an incumbent."""
        return self.setting.task.test(arch, seed=self.seed)

    @cached_property
    def kept(self) -> npt.NDArray[np.bool_]:
        """Which candidates keep all constraints."""
        kept = np.ones(len(self.problem.candidates), dtype=bool)
        for constraint in self.problem.constraints:
            column = self.problem.candidates.measured[constraint.name]
            kept &= np.array([constraint.holds(value) for value in column.tolist()])
        return kept

    def feasible(self, arch: Arch) -> bool:
        """Whether a candidate keeps all constraints."""
        return bool(self.kept[self.problem.candidates.index[arch]])

    @property
    def objectives(self) -> npt.NDArray[np.float64]:
        """Unknown, ``n x 1``."""
        return np.full((len(self.problem.candidates), 1), np.nan)


def load_live_search(
    spec: str,
    base: Path,
    objectives: Sequence[str],
    constraints: Mapping[str, str],
    live: Mapping[str, Any],
) -> LiveSearchTask:
    """Make a live task with its candidates: different, connected networks of its space.

    Raises:
        UserError: for an unknown task or option, further objectives, or a constraint on something
            that is not known before training.
    """
    setting = make_live(spec, live, base)
    if objectives:
        raise UserError(
            f"{spec} has no further objectives such as {objectives[0]!r}; bound params or flops "
            "by a constraint instead."
        )
    for name in constraints:
        if name not in COLUMNS:
            raise UserError(f"{spec}: constraint on {name!r}. " + did_you_mean(name, COLUMNS))
    bounds = tuple(Constraint.parse(name, text) for name, text in constraints.items())
    lengths = setting.lengths if len(setting.lengths) > 1 else ()
    task = LiveSearchTask(setting, Problem(_candidates(setting), lengths, (), bounds))
    if bounds and not task.kept.any():
        told = ", ".join(f"{name} {text}" for name, text in constraints.items())
        raise UserError(f"no architecture of task {task.name!r} keeps the constraints ({told}).")
    return task


@lru_cache(maxsize=4)
def _candidates(setting: LiveSetting) -> Candidates:
    task = setting.task
    small = prod(task.space.cardinalities) <= ENUMERATED_UP_TO
    n = setting.pool or (ENUMERATED_UP_TO if small else SAMPLED)
    archs = sorted(networks(task.space, n, np.random.default_rng(0)))
    measured = LazyColumns(COLUMNS, lambda: measured_costs(task, archs))
    return Candidates(task.space, archs, measured)
