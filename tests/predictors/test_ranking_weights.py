"""The ensemble of processes by how they rank, beside direct computations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from gpytorch.distributions import MultivariateNormal

from surrobench import make_predictor
from surrobench.arrays import FloatArray
from surrobench.errors import UserError
from surrobench.predictors.gp.gp import ExactGP
from surrobench.predictors.predictive import predict
from surrobench.predictors.protocol import Source
from surrobench.predictors.transfer.ranking_weights import LeftOut, ranking_losses, ranking_weights
from surrobench.predictors.transfer.rgpe import left_out_of


def function(X: Any, slope: float = 1.0) -> Any:
    return torch.sin(4.0 * X[:, :1]) + slope * X[:, 1:2]


def inputs(n: int, seed: int) -> Any:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(n, 3, dtype=torch.float64, generator=generator)


def sources() -> list[Source]:
    near, far = inputs(40, 1), inputs(40, 2)
    return [
        Source("near", near, 100.0 + 7.0 * function(near, 0.9)),
        Source("opposite", far, -function(far)),
    ]


def direct_losses(samples: FloatArray, y: FloatArray) -> list[int]:
    """Pair by pair, as in the paper."""
    losses = []
    for f in samples:
        wrong = 0
        for j in range(len(y)):
            for k in range(len(y)):
                own, other = (f[j, j], f[j, k]) if f.ndim == 2 else (f[j], f[k])
                wrong += bool(own < other) != bool(y[j] < y[k])
        losses.append(wrong)
    return losses


def test_losses_are_pairs_in_the_wrong_order() -> None:
    rng = np.random.default_rng(0)
    y = np.array([0.3, -1.0, 2.0, 0.3, 5.0])
    for shape in ((7, 5), (7, 5, 5)):
        samples = rng.standard_normal(shape)
        assert ranking_losses(samples, y).tolist() == direct_losses(samples, y)


def test_leaving_one_out_is_a_process_of_the_others() -> None:
    """Against GPyTorch's conditioning on all examples but one, hyperparameters unchanged."""
    X = inputs(9, 0)
    y = function(X)
    model: Any = ExactGP().fit(X, y, seed=0)
    found = left_out_of(model, np.arange(9))
    Z, noise = model.train_inputs[0], float(model.likelihood.noise.detach())
    K = model.covar_module(Z).to_dense().detach().numpy()
    values, constant = model.train_targets.numpy(), float(model.mean_module.constant.detach())
    for j in range(9):
        rest = np.flatnonzero(np.arange(9) != j)
        gain = K[:, rest] @ np.linalg.inv(K[np.ix_(rest, rest)] + noise * np.eye(8))
        np.testing.assert_allclose(
            found.means[j], constant + gain @ (values[rest] - constant), atol=1e-8
        )
        own = found.covariance + np.outer(found.directions[j], found.directions[j])
        np.testing.assert_allclose(own, K - gain @ K[rest], atol=1e-8)


def test_samples_have_the_moments_of_the_processes() -> None:
    left_out = LeftOut(
        np.array([[0.0, 1.0], [2.0, 3.0]]),
        np.array([[0.5, 0.2], [0.2, 0.4]]),
        np.array([[1.0, 0.0], [0.3, 0.6]]),
    )
    samples = left_out.sample(40_000, np.random.default_rng(0))
    np.testing.assert_allclose(samples.mean(axis=0), left_out.means, atol=0.03)
    for j, direction in enumerate(left_out.directions):
        expected = left_out.covariance + np.outer(direction, direction)
        np.testing.assert_allclose(np.cov(samples[:, j].T), expected, atol=0.04)


def test_weights_equal_a_direct_computation() -> None:
    """Dense posteriors by inversion, fresh draws, pairs counted one by one."""
    X = inputs(8, 0)
    z = function(X)
    z = (z - z.mean()) / z.std()
    recipe: Any = make_predictor("rgpe", samples=3000)
    after = recipe.with_sources(sources(), seed=0)
    own: Any = ExactGP().fit(X, z, seed=0)
    weights = after.weights(own, X, z, seed=0)

    rng, y = np.random.default_rng(99), z.squeeze(-1).numpy()
    losses = []
    for model in after.models:
        with torch.no_grad():
            normal = model.model.posterior(X).distribution
        samples = rng.multivariate_normal(
            normal.mean.numpy(), normal.covariance_matrix.numpy(), 3000, method="eigh"
        )
        losses.append(direct_losses(samples, y))
    left_out = left_out_of(own, np.arange(8))
    each = [
        rng.multivariate_normal(
            left_out.means[j],
            left_out.covariance + np.outer(left_out.directions[j], left_out.directions[j]),
            3000,
            method="eigh",
        )
        for j in range(8)
    ]
    losses.append(direct_losses(np.stack(each, axis=1), y))
    table = np.array(losses, dtype=float)
    threshold = np.quantile(table[-1], 0.95)
    kept = [i for i in range(2) if np.median(table[i]) <= threshold]
    expected = np.zeros(3)
    for column in table.T:
        least = min(column[i] for i in (*kept, 2))
        best = [2] if column[2] == least else [i for i in kept if column[i] == least]
        expected[best] += 1 / len(best) / table.shape[1]
    np.testing.assert_allclose(weights, expected, atol=0.04)
    assert weights[0] > 0.6
    assert weights[1] == 0.0


def test_dilution_is_prevented_and_ties_go_to_the_target() -> None:
    good, bad = np.array([1, 9, 1, 9]), np.array([8, 0, 8, 8])
    target = np.array([4, 4, 4, 4])
    np.testing.assert_allclose(ranking_weights([bad, target]), [0.0, 1.0])
    np.testing.assert_allclose(ranking_weights([bad, target], prevent_dilution=False), [0.25, 0.75])
    tied = [np.array([2, 2]), np.array([2, 2]), np.array([3, 2])]
    np.testing.assert_allclose(ranking_weights(tied), [0.25, 0.25, 0.5])
    assert ranking_weights([good, good, target], prevent_dilution=False).tolist() == [
        0.25,
        0.25,
        0.5,
    ]


def test_the_posterior_is_the_weighted_sum() -> None:
    X, Z = inputs(10, 0), inputs(15, 3)
    y = 60.0 + 5.0 * function(X)
    recipe: Any = make_predictor("rgpe")
    model = recipe.fit(X, y, seed=0, sources=sources())
    members = model.base.members
    assert len(members) > 1
    with torch.no_grad():
        normal: Any = model.posterior(Z).distribution
        parts: list[tuple[MultivariateNormal, float]] = [
            (member.model.posterior(Z).distribution, weight) for member, weight in members
        ]
    mean = sum(weight * part.mean for part, weight in parts)
    covariance = sum(weight**2 * part.covariance_matrix for part, weight in parts)
    scale, shift = float(y.std()), float(y.mean())
    assert torch.allclose(normal.mean, shift + scale * mean)
    assert torch.allclose(normal.covariance_matrix, scale**2 * covariance, atol=1e-8)
    quick = predict(model, Z)
    with torch.no_grad():
        slow: Any = model.posterior(Z.unsqueeze(1), observation_noise=True)
    np.testing.assert_allclose(quick.mean, slow.mean.reshape(-1).numpy(), rtol=1e-7)
    np.testing.assert_allclose(quick.std**2, slow.variance.reshape(-1).numpy(), rtol=1e-5)


def test_a_related_source_helps_and_an_opposite_one_does_no_harm() -> None:
    X, Z = inputs(6, 0), inputs(200, 5)
    y, truth = function(X), function(Z).squeeze(-1).numpy()
    near, opposite = sources()

    def correlation(told: list[Source]) -> float:
        recipe: Any = make_predictor("rgpe")
        mean = predict(recipe.fit(X, y, seed=0, sources=told), Z).mean
        return float(np.corrcoef(mean, truth)[0, 1])

    assert correlation([near]) > correlation([]) + 0.05
    assert correlation([opposite]) > correlation([]) - 0.05


def test_options_are_checked() -> None:
    with pytest.raises(UserError, match="samples"):
        make_predictor("rgpe", samples=0)
