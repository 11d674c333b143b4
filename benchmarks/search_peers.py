"""One search of 150 evaluations: ours, and the loops that one writes with BoTorch and with Optuna.

All begin with the same ten random architectures, train by looking up the same table and answer with
regrets: that of the architecture whose observed value is highest, after so many evaluations.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from botorch.acquisition import LogExpectedImprovement
from botorch.fit import fit_gpytorch_mll
from botorch.models import SingleTaskGP
from botorch.optim import optimize_acqf_discrete
from gpytorch.mlls import ExactMarginalLogLikelihood
from torch import Tensor

from surrobench.spaces.architecture import Arch
from surrobench.strategies import make_strategy
from surrobench.strategies.running.loop import Budget, SearchLoop
from surrobench.studies.search.cell import initial_design
from surrobench.studies.search.table_task import SearchTask
from surrobench.tasks.evaluation import Evaluation

EVALUATIONS, INITIAL = 150, 10
MOMENTS = (50, 100, EVALUATIONS)
"""Evaluations after which regret is kept."""

Regrets = dict[int, float]
OURS: Mapping[str, Any] = {
    "use": "bayesian",
    "predictor": "gp-categorical+quantile-normal",
    "encoding": "one-hot",
    "acquisition": "log-ei",
}
"""What is searched with; how often hyperparameters are chosen anew is the strategy's default."""


def our_loop(
    task: SearchTask, seed: int, spec: Mapping[str, Any] = OURS, evaluations: int = EVALUATIONS
) -> SearchLoop:
    """One of our strategies in front of a table."""
    design = initial_design(task, INITIAL, seed)
    strategy = make_strategy(spec, task.problem, seed=seed, design=design)

    def evaluate(arch: Arch, epochs: int | None) -> Evaluation:
        return task.evaluate(arch, seed=seed, epochs=epochs)

    return SearchLoop(strategy, evaluate, Budget(evaluations))


def our_search(task: SearchTask, seed: int, spec: Mapping[str, Any] = OURS) -> Regrets:
    """A whole search with one of our strategies; its regrets."""
    rows = our_loop(task, seed, spec).run()
    return regrets(task, [row.arch for row in rows], [row.value for row in rows])


def regrets(task: SearchTask, archs: Sequence[Arch], values: Sequence[float]) -> Regrets:
    """How far the truth of the architecture that looked best is from the optimum."""
    return {n: task.optimum - task.judged(archs[int(np.argmax(values[:n]))]) for n in MOMENTS}


class UsualLoop:
    """BoTorch's usual loop: a fresh default model, a fit, Log-EI over the rest of the pool."""

    def __init__(self, task: SearchTask, seed: int) -> None:
        self.task, self.seed = task, seed
        candidates = task.problem.candidates
        self.X = torch.from_numpy(candidates.features("one-hot"))
        self.rows = [candidates.index[arch] for arch in initial_design(task, INITIAL, seed)]
        self.values = [self._value(row) for row in self.rows]

    def _value(self, row: int) -> float:
        arch = self.task.problem.candidates.arch(row)
        return self.task.evaluate(arch, seed=self.seed, epochs=None).value

    def observe_random(self, n: int) -> UsualLoop:
        """Observe further random architectures until there are ``n``."""
        order = np.random.default_rng(self.seed).permutation(len(self.X)).tolist()
        known = set(self.rows)
        fresh = [row for row in order if row not in known][: n - len(self.rows)]
        self.rows += fresh
        self.values += [self._value(row) for row in fresh]
        return self

    def step(self) -> None:
        """Fit, score the pool, observe the best."""
        y = torch.tensor(self.values, dtype=torch.float64).unsqueeze(-1)
        model = SingleTaskGP(self.X[self.rows], y)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
        left = self._left()
        score = LogExpectedImprovement(model, best_f=y.max())
        point, _ = optimize_acqf_discrete(score, q=1, choices=self.X[left])
        best = int(left[(self.X[left] == point).all(dim=1)][0])
        self.rows.append(best)
        self.values.append(self._value(best))

    def _left(self) -> Tensor:
        left = torch.ones(len(self.X), dtype=torch.bool)
        left[self.rows] = False
        return torch.nonzero(left).squeeze(-1)

    def run(self) -> Regrets:
        """The whole search; its regrets."""
        while len(self.rows) < EVALUATIONS:
            self.step()
        archs = [self.task.problem.candidates.arch(row) for row in self.rows]
        return regrets(self.task, archs, self.values)


def optuna_search(task: SearchTask, seed: int) -> Regrets:
    """A whole search with Optuna's Gaussian process, as its manual has it; its regrets."""
    import optuna  # an optional package

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    names = [f"{position}" for position in range(len(task.table.space.cardinalities))]
    distributions = {
        name: optuna.distributions.CategoricalDistribution(tuple(range(count)))
        for name, count in zip(names, task.table.space.cardinalities, strict=True)
    }
    archs: list[Arch] = []
    values: list[float] = []

    def train(arch: Arch) -> float:
        archs.append(arch)
        values.append(task.evaluate(arch, seed=seed, epochs=None).value)
        return values[-1]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sampler = optuna.samplers.GPSampler(seed=seed, n_startup_trials=INITIAL)
        study = optuna.create_study(direction="maximize", sampler=sampler)
        for arch in initial_design(task, INITIAL, seed):
            params = dict(zip(names, arch, strict=True))
            trial = optuna.trial.create_trial(
                params=params, distributions=distributions, value=train(arch)
            )
            study.add_trial(trial)
        while len(archs) < EVALUATIONS:
            trial = study.ask(distributions)
            study.tell(trial, train(tuple(trial.params[name] for name in names)))
    return regrets(task, archs, values)


def over_seeds(
    benchmark: Any, search: Callable[..., Regrets], task: SearchTask, rounds: int, *more: Any
) -> None:
    """Time one search for each seed from 0 on, and keep the regrets."""
    seeds, found = itertools.count(), []
    benchmark.pedantic(
        lambda seed: found.append(search(task, seed, *more)),
        setup=lambda: ((next(seeds),), {}),
        rounds=rounds,
    )
    benchmark.extra_info["regrets"] = [seed[EVALUATIONS] for seed in found]
    benchmark.extra_info["earlier"] = {n: [seed[n] for seed in found] for n in MOMENTS[:-1]}
