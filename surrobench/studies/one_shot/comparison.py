"""What shared weights are worth: their ranking and their choices against stand-alone training."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from surrobench.arrays import FloatArray
from surrobench.base.wording import counted
from surrobench.errors import UserError
from surrobench.metrics.ranking import kendall_tau, kendall_tau_top_half
from surrobench.spaces.architecture import Arch
from surrobench.spaces.edge_cells import EdgeCells
from surrobench.strategies.one_shot import make_one_shot
from surrobench.studies.one_shot.searches import Search, kept_search
from surrobench.tasks.evaluation import Evaluation
from surrobench.tasks.live.live import LiveTask
from surrobench.training.networks.cells import OPERATIONS
from surrobench.training.networks.costs import count_params

Tell = Callable[[str], None]

STAND_ALONE, RANDOM, LARGEST = "stand-alone training", "random cell", "largest cell"
"""Names of what needs no shared weights."""
FEWEST_CELLS = 4
"""A rank correlation in the better half of fewer says nothing."""


@dataclass(frozen=True)
class OneShotComparison:
    """Frames of a comparison.

    Attributes:
        scores: a row per method, seed and sampled cell: ``method``, ``seed``, ``arch``, ``score``
            (accuracy with shared weights, percent; another unit for the baselines ``params``
            and ``flops``) and ``accuracy`` (stand-alone, percent, mean over trainings).
        ranking: a row per method and seed: ``tau`` and ``tau_top_half`` (cells that are at least
            as good as the median one) of the score with the stand-alone accuracy.
        choices: a row per method and seed: the chosen ``arch``, its stand-alone ``accuracy`` and
            ``test_accuracy`` (means over trainings), the ``params`` of its network, and
            ``seconds`` (of the search, without the stand-alone trainings that judge it).
    """

    scores: pd.DataFrame
    ranking: pd.DataFrame
    choices: pd.DataFrame


def compare_one_shot(
    task: LiveTask,
    methods: Sequence[str],
    *,
    seeds: int = 3,
    cells: int = 24,
    trainings: int = 3,
    sample_seed: int = 0,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    tell: Tell | None = None,
) -> OneShotComparison:
    """Run one-shot methods and judge them by the accuracies of stand-alone trainings.

    The cache of the task keeps trainings and searches, so that a comparison that was broken off
    goes on where it was.

    Baselines: cells ranked by parameters and by floating-point operations; the ranking of one
    stand-alone training; as choices the largest cell, the best of the sample by one training
    (judged by the others), and a cell of the sample at random.

    Args:
        task: a live task of cells.
        methods: registered names or dotted paths.
        seeds: runs of each method.
        cells: connected cells that are drawn and trained to rank.
        trainings: stand-alone trainings of each cell.
        sample_seed: of the cells.
        options: of the methods, by name.
        tell: told what is being done.

    Raises:
        UserError: for numbers that are too small, an unknown method or option, or a task of
            another kind.
    """
    options = options or {}
    _check(task, methods, options, seeds=seeds, cells=cells, trainings=trainings)
    tell = tell or (lambda _message: None)
    task = replace(task, value="accuracy")
    archs = connected_cells(task, cells, sample_seed)
    tell(f"{counted(cells, 'cell')}, trained {counted(trainings, 'time')} each")
    sample = _Sample(task, archs, [task.evaluate_many(archs, seed=s) for s in range(trainings)])
    found: list[Search] = []
    for seed in range(seeds):  # the first seed of all methods comes before the second of any
        for method in methods:
            tell(f"{method}, seed {seed}")
            found.append(kept_search(task, method, seed, options.get(method, {}), archs))
    found.sort(key=lambda search: methods.index(search.method))
    scores = pd.concat([*sample.baselines(), *(sample.scored(search) for search in found)])
    tell("stand-alone training of what was chosen")
    choices = pd.DataFrame([*sample.choices(), *(_choice(sample, search) for search in found)])
    ranking = pd.DataFrame([*sample.reliability(), *_rankings(scores)])
    return OneShotComparison(scores.reset_index(drop=True), ranking, choices)


def _check(
    task: LiveTask, methods: Sequence[str], options: Mapping[str, Mapping[str, Any]], **sizes: int
) -> None:
    """Find out before the first training what cannot work."""
    least = {"seeds": 1, "cells": FEWEST_CELLS, "trainings": 2}
    for name, value in sizes.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < least[name]:
            raise UserError(f"{name} is {value!r}; it must be at least {least[name]}.")
    if not methods or len(set(methods)) < len(methods):
        raise UserError(f"methods {list(methods)!r}: name at least one, and each once.")
    for method in methods:
        make_one_shot(method, **options.get(method, {}))
    for method in options:
        if method not in methods:
            raise UserError(f"there are options for {method!r}, which is not among the methods.")
    if not isinstance(task.space, EdgeCells):
        raise UserError(
            f"one-shot methods need cells with an operation on each edge, such as those of "
            f"'live:cells'; the space of {task.name!r} is {task.space.name!r}."
        )


def connected_cells(task: LiveTask, n: int, seed: int) -> list[Arch]:
    """Different cells with a path from input to output, drawn uniformly.

    Raises:
        UserError: if so many cannot be drawn.
    """
    assert isinstance(task.space, EdgeCells)
    space, drawn = task.space, min(max(200, 4 * n), task.space.size)
    connected = [
        arch
        for arch in space.sample(drawn, np.random.default_rng(seed))
        if not space.disconnected(arch)
    ]
    if len(connected) < n:
        raise UserError(
            f"cells is {n}, but only "
            f"{counted(len(connected), 'connected cell was', 'connected cells were')} drawn."
        )
    return connected[:n]


class _Sample:
    """Cells with their stand-alone trainings, one list of evaluations per training."""

    def __init__(
        self, task: LiveTask, archs: Sequence[Arch], runs: Sequence[Sequence[Evaluation]]
    ) -> None:
        self.task, self.archs, self.runs = task, archs, runs
        self.texts = [task.space.to_string(arch) for arch in archs]
        self.values = np.array([[e.value for e in evaluations] for evaluations in runs])
        if not np.isfinite(self.values).all():
            raise UserError(f"{task.name}: a stand-alone training of the sample diverged.")

    @property
    def accuracy(self) -> FloatArray:
        """Mean over trainings, ``cells``."""
        return np.asarray(self.values.mean(axis=0))

    def frame(self, method: str, seed: int, scores: Any) -> pd.DataFrame:
        """Scores of the cells beside their accuracy."""
        columns = {"arch": self.texts, "score": scores, "accuracy": self.accuracy}
        return pd.DataFrame({"method": method, "seed": seed, **columns})

    def scored(self, search: Search) -> pd.DataFrame:
        """By shared weights."""
        return self.frame(search.method, search.seed, search.scores)

    def baselines(self) -> list[pd.DataFrame]:
        """By what is counted."""
        return [
            self.frame(name, 0, [evaluation.metrics[name] for evaluation in self.runs[0]])
            for name in ("params", "flops")
        ]

    def reliability(self) -> list[dict[str, Any]]:
        """How one training ranks the cells, by the others."""
        rows = []
        for seed, values in enumerate(self.values):
            others = np.delete(self.values, seed, axis=0).mean(axis=0)
            rows.append({"method": STAND_ALONE, "seed": seed, **_taus(values, others)})
        return rows

    def judged(self, arch: Arch, leaving_out: int | None = None) -> dict[str, Any]:
        """A choice, by as many trainings as the sample has, or all of them but one."""
        seeds = [seed for seed in range(len(self.runs)) if seed != leaving_out]
        runs = [self.task.evaluate(arch, seed=seed) for seed in seeds]
        return {
            "arch": self.task.space.to_string(arch),
            "accuracy": float(np.mean([run.value for run in runs])),
            "test_accuracy": float(np.mean([self.task.test(arch, seed=seed) for seed in seeds])),
            "params": runs[0].metrics["params"],
        }

    def choices(self) -> list[dict[str, Any]]:
        """What one would choose without shared weights."""
        space = self.task.space
        assert isinstance(space, EdgeCells)
        average = pd.DataFrame([self.judged(arch) for arch in self.archs]).drop(columns="arch")
        means = {str(name): float(mean) for name, mean in average.mean().items()}
        rows: list[dict[str, Any]] = [
            {"method": RANDOM, "seed": 0, "arch": "", **means, "seconds": 0.0},
            {"method": LARGEST, "seed": 0, **self.judged(largest_cell(space)), "seconds": 0.0},
        ]
        for seed, values in enumerate(self.values):
            method = f"best of {len(self.archs)}, trained once"
            best = self.judged(self.archs[int(values.argmax())], leaving_out=seed)
            seconds = sum(run.cost or 0.0 for run in self.runs[seed])
            rows.append({"method": method, "seed": seed, **best, "seconds": seconds})
        return rows


def largest_cell(space: EdgeCells) -> Arch:
    """The cell with the most parameters: on every edge the operation that has most."""
    sizes = [
        count_params(OPERATIONS[name](8)) if name in OPERATIONS else 0 for name in space.operations
    ]
    return (int(np.argmax(sizes)),) * len(space.edges)


def _choice(sample: _Sample, search: Search) -> dict[str, Any]:
    return {
        "method": search.method,
        "seed": search.seed,
        **sample.judged(search.arch),
        "seconds": search.train_seconds + search.choose_seconds,
        "shared_accuracy": search.shared_accuracy,
    }


def _rankings(scores: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {
            "method": method,
            "seed": seed,
            **_taus(rows["score"].to_numpy(), rows["accuracy"].to_numpy()),
        }
        for (method, seed), rows in scores.groupby(["method", "seed"], sort=False)
    ]


def _taus(scores: FloatArray, accuracy: FloatArray) -> dict[str, float]:
    """Kendall's tau over all cells and over the better half; 0 for constant scores."""
    return {
        "tau": kendall_tau(accuracy, scores),
        "tau_top_half": kendall_tau_top_half(accuracy, scores),
    }
