"""Work of 20 seeds at once beside the same work seed by seed."""

from __future__ import annotations

import numpy as np
import pytest
from batched_likelihood import BatchedPosterior
from test_ensembles import EPOCHS, MEMBERS, WIDTH
from test_gp import drawn, examples

from surrobench.predictors import make_predictor
from surrobench.predictors.gp.gp_fit import LogPosterior, Priors
from surrobench.predictors.learners.rank_losses import SquaredError
from surrobench.predictors.learners.stacked_networks import Gradient, StackedNetworks, train

SEEDS = 20

by_size = pytest.mark.parametrize("n", [25, 50, 100, 200])


def samples(pool: np.ndarray, targets: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Inputs ``20 x n x d`` and standardised targets ``20 x n``."""
    rows = np.stack([drawn(pool, n, seed) for seed in range(SEEDS)])
    y = targets[rows]
    standard = (y - y.mean(1, keepdims=True)) / y.std(1, ddof=1, keepdims=True)
    return pool[rows], standard


def hyperparameters(priors: Priors, d: int) -> np.ndarray:
    """Of every process, around the start of a fit, ``20 x 3``."""
    rng = np.random.default_rng(0)
    return priors.start(1, d) + 0.3 * rng.standard_normal((SEEDS, 3))


def objectives(X: np.ndarray, y: np.ndarray, priors: Priors) -> list[LogPosterior]:
    pairs = zip(X, y, strict=True)
    return [LogPosterior(A, b, "matern-5/2", ard=False, priors=priors) for A, b in pairs]


def evaluations(pool: np.ndarray, targets: np.ndarray, n: int) -> list[int]:
    """Of the likelihood, by each of the 20 fits."""
    predictor = make_predictor("gp-matern52")
    models = [predictor.fit(*examples(pool, targets, n, seed), seed=0) for seed in range(SEEDS)]
    return [model.fit_report.evaluations for model in models]


@pytest.mark.benchmark(group="20-seeds")
@by_size
def test_likelihoods_one_by_one(benchmark, pool, targets, n):
    X, y = samples(pool, targets, n)
    priors = Priors.scaled_to(X.shape[2])
    logs, single = hyperparameters(priors, X.shape[2]), objectives(X, y, priors)

    def work():
        return [objective(log) for objective, log in zip(single, logs, strict=True)]

    benchmark.pedantic(work, rounds=9, iterations=3, warmup_rounds=1)


@pytest.mark.benchmark(group="20-seeds")
@by_size
def test_likelihoods_at_once(benchmark, pool, targets, n):
    X, y = samples(pool, targets, n)
    priors = Priors.scaled_to(X.shape[2])
    logs = hyperparameters(priors, X.shape[2])
    batched = BatchedPosterior(X, y, "matern-5/2", priors)
    values, gradients = benchmark.pedantic(batched, (logs,), rounds=9, iterations=3)
    for i, objective in enumerate(objectives(X, y, priors)):
        point = objective(logs[i])
        np.testing.assert_allclose(values[i], point.value, rtol=1e-9)
        np.testing.assert_allclose(gradients[i], point.gradient, rtol=1e-7, atol=1e-7)
    spent = evaluations(pool, targets, n)
    benchmark.extra_info["note"] = (
        f"the 20 fits take {sum(spent)} evaluations, in lock-step {SEEDS * max(spent)}"
    )


def trained(X: np.ndarray, y: np.ndarray) -> StackedNetworks:
    """An ensemble for each sample ``n x d`` of ``X``, on as many rows as are outside a fold."""
    kept = y.shape[1] - y.shape[1] // MEMBERS
    X, y = (np.repeat(array[:, :kept], MEMBERS, axis=0) for array in (X, y))
    networks = StackedNetworks(len(X), X.shape[2], WIDTH).draw(0.0, seed=0)
    loss = SquaredError(y, np.full(y.shape, 1.0 / kept))
    train(
        networks, Gradient(networks, X, loss), steps=EPOCHS, learning_rate=2e-2, weight_decay=1e-2
    )
    return networks


@pytest.mark.benchmark(group="20-seeds")
@by_size
def test_networks_one_by_one(benchmark, pool, targets, n):
    X, y = samples(pool, targets, n)

    def work():
        return [trained(X[i : i + 1], y[i : i + 1]) for i in range(SEEDS)]

    benchmark.pedantic(work, rounds=5)


@pytest.mark.benchmark(group="20-seeds")
@by_size
def test_networks_at_once(benchmark, pool, targets, n):
    benchmark.pedantic(trained, samples(pool, targets, n), rounds=5)
