"""Meta-learned deep kernels, beside direct computations and on tasks that are made to be alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch.distributions import MultivariateNormal

from surrobench import make_predictor
from surrobench.errors import UserError
from surrobench.predictors.predictive import predict
from surrobench.predictors.protocol import Source
from surrobench.predictors.transfer.deep_kernels import (
    Batch,
    DeepKernels,
    Points,
    covariance,
    negative_log_likelihood,
)
from surrobench.predictors.transfer.meta_training import Tasks, gradients

QUICK: dict[str, Any] = {"members": 4, "steps": 60, "held_out_steps": 30}


def inputs(n: int, seed: int, d: int = 3) -> Any:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(n, d, dtype=torch.float64, generator=generator)


def function(X: Any, slope: float = 1.0) -> Any:
    return torch.sin(5.0 * X[:, :1]) + slope * X[:, 1:2]


def alike(count: int = 4) -> list[Source]:
    """Tasks that differ in one slope, in units of their own."""
    told = []
    for place in range(count):
        X = inputs(50, 10 + place)
        told.append(Source(f"s{place}", X, 90.0 + 5.0 * function(X, 0.8 + 0.1 * place)))
    return told


def unlike() -> list[Source]:
    """Tasks of functions that have nothing in common."""
    functions = (lambda X: X[:, :1], lambda X: -X[:, 1:2], lambda X: X[:, 2:] ** 2, torch.sin)
    known = [(name, inputs(50, 20 + i)) for i, name in enumerate("abcd")]
    return [
        Source(name, X, of(X)[:, :1] if name != "d" else torch.sin(40.0 * X[:, 2:]))
        for (name, X), of in zip(known, functions, strict=True)
    ]


def recipe(**options: Any) -> Any:
    return make_predictor("few-shot-deep-kernel", **{**QUICK, **options})


def batch_of(kernels: DeepKernels, d: int) -> Batch:
    """Two tasks for each member, of seven and of four examples."""
    X = inputs(kernels.members * 2 * 7, 3, d).reshape(kernels.members, 2, 7, d)
    y = inputs(kernels.members * 2 * 7, 4, 1).reshape(kernels.members, 2, 7) - 0.5
    present = torch.ones_like(y)
    present[:, 1, 4:] = 0.0
    return Batch(X, y, present)


def drawn() -> DeepKernels:
    kernels = DeepKernels(3, 5, 6, 4)
    kernels.draw(torch.Generator().manual_seed(0))
    return kernels


def test_likelihood_is_that_of_the_examples_that_are_there() -> None:
    kernels = drawn()
    batch = batch_of(kernels, 5)
    points = Points.of(kernels, batch.X)
    found, _ = negative_log_likelihood(kernels, kernels.hyperparameters, points, batch)
    K = covariance(kernels.hyperparameters, points, points)
    for member in range(3):
        direct = 0.0
        for task, n in ((0, 7), (1, 4)):
            noisy = K[member, task, :n, :n] + kernels.noise()[member] * torch.eye(n)
            law = MultivariateNormal(points.level[member, task, :n], noisy)
            direct -= float(law.log_prob(batch.y[member, task, :n]))
        assert float(found[member]) == pytest.approx(direct, rel=1e-9)


def test_gradients_are_slopes() -> None:
    kernels = drawn()
    batch = batch_of(kernels, 5)
    slopes = gradients(kernels, batch, prior_share=0.3)
    examples = float(batch.present.sum()) / kernels.members

    def value() -> float:
        points = Points.of(kernels, batch.X)
        found, _ = negative_log_likelihood(kernels, kernels.hyperparameters, points, batch)
        penalty = kernels.penalty(kernels.hyperparameters)
        return float(found.sum()) / examples + 0.3 * float(penalty.sum())

    rng = np.random.default_rng(0)
    for part, slope in zip((kernels.weights, kernels.hyperparameters), slopes, strict=True):
        flat, known = part.view(-1), slope.reshape(-1)
        for place in rng.permutation(len(flat))[:25]:
            before = float(flat[place])
            flat[place] = before + 1e-6
            above = value()
            flat[place] = before - 1e-6
            below = value()
            flat[place] = before
            assert float(known[place]) == pytest.approx((above - below) / 2e-6, rel=1e-3, abs=1e-6)


def test_no_member_learns_of_the_source_that_it_leaves_out() -> None:
    rng = np.random.default_rng(0)
    told = [(torch.full((30, 2), float(k)), inputs(30, k, 1)) for k in range(3)]
    tasks = Tasks.of(told, 5, rng)
    assert set(tasks.held_out.tolist()) == {0, 1, 2}
    for _ in range(10):
        learned = tasks.batch(rng).X[..., 0]
        for member, left_out in enumerate(tasks.held_out):
            assert left_out not in learned[member]
    groups = tasks.groups(10, rng)
    assert groups.X.shape == (5, 3, 10, 2)
    for member, left_out in enumerate(tasks.held_out):
        assert bool((groups.X[member] == left_out).all())


def test_a_single_source_is_parted() -> None:
    rng = np.random.default_rng(0)
    X = torch.arange(40.0, dtype=torch.float64)[:, None]
    tasks = Tasks.of([(X, X)], 3, rng)
    batches, groups = tasks.batch(rng), tasks.groups(20, rng)
    for member in range(3):
        there = groups.present[member] == 1.0
        assert int(there.sum()) == 10
        left_out = set(groups.X[member, ..., 0][there].tolist())
        assert left_out.isdisjoint(batches.X[member, ..., 0].flatten().tolist())


def test_sources_like_the_target_make_it_rank_better() -> None:
    X, Z = inputs(6, 0), inputs(300, 5)
    truth = function(Z).squeeze(-1).numpy()

    def correlation(told: list[Source]) -> float:
        model = recipe().fit(X, function(X), seed=0, sources=told)
        return float(np.corrcoef(predict(model, Z).median, truth)[0, 1])

    assert correlation(alike()) > max(correlation([]), correlation(unlike())) + 0.1


def test_intervals_hold_after_sources_alike_and_are_wider_after_others() -> None:
    X, Z = inputs(8, 0), inputs(300, 5)
    truth = function(Z).squeeze(-1).numpy()
    close, far = (
        predict(recipe().fit(X, function(X), seed=0, sources=told), Z)
        for told in (alike(), unlike())
    )
    inside = np.abs(close.mean - truth) < 1.645 * close.std
    assert inside.mean() > 0.8
    assert np.median(far.std) > 1.2 * np.median(close.std)


def test_the_order_of_the_sources_means_nothing() -> None:
    X, Z, told = inputs(6, 0), inputs(20, 5), alike()
    one, other = (
        recipe().fit(X, function(X), seed=3, sources=sources) for sources in (told, told[::-1])
    )
    np.testing.assert_array_equal(predict(one, Z).mean, predict(other, Z).mean)


def test_learning_of_the_sources_once_gives_the_same_model() -> None:
    X, Z, told = inputs(6, 0), inputs(20, 5), alike()
    after = recipe().with_sources(told, seed=3)
    first = predict(after.fit(X, function(X), seed=3), Z)
    second = predict(after.fit(X, function(X), seed=3), Z)  # which the first fit left alone
    whole = predict(recipe().fit(X, function(X), seed=3, sources=told), Z)
    np.testing.assert_array_equal(first.mean, second.mean)
    np.testing.assert_array_equal(first.std, whole.std)


def test_predictions_are_those_of_the_joint_posterior() -> None:
    X, Z = inputs(8, 0), inputs(12, 2)
    model = recipe().fit(X, 10.0 * function(X), seed=0, sources=alike())
    quick = predict(model, Z)
    with torch.no_grad():
        joint: Any = model.posterior(Z.reshape(3, 4, 3), observation_noise=True)
        clean: Any = model.posterior(Z.reshape(3, 4, 3))
    np.testing.assert_allclose(quick.mean, joint.mean.flatten().numpy(), rtol=1e-8)
    np.testing.assert_allclose(quick.std**2, joint.variance.flatten().numpy(), rtol=1e-6)
    assert bool((joint.variance > clean.variance).all())
    assert clean.rsample(torch.Size([5])).shape == (5, 3, 4, 1)


def test_columns_in_which_sources_do_not_vary_are_scaled_by_the_target() -> None:
    X, Z = inputs(20, 0), inputs(50, 5)
    told = [
        Source(source.name, torch.cat([source.X, torch.full((50, 1), 512.0)], dim=1), source.y)
        for source in alike()
    ]

    def with_column(inner: Any, seed: int) -> Any:
        return torch.cat([inner, 512.0 + 256.0 * inputs(len(inner), seed, 1)], dim=1)

    model = recipe().fit(with_column(X, 8), function(X), seed=0, sources=told)
    known = predict(model, with_column(Z, 9))
    truth = function(Z).squeeze(-1).numpy()
    assert np.corrcoef(known.mean, truth)[0, 1] > 0.8


def test_many_examples_of_the_target_are_all_used() -> None:
    X, Z = inputs(260, 0), inputs(50, 5)
    model = recipe().fit(X, torch.sin(9.0 * X[:, 2:]), seed=0, sources=alike(2))
    truth = torch.sin(9.0 * Z[:, 2]).numpy()
    assert np.corrcoef(predict(model, Z).mean, truth)[0, 1] > 0.9


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"members": 0}, "'members' is 0"),
        ({"fine_tuning_rate": -1.0}, "'fine_tuning_rate' is -1.0"),
        ({"transform": "log"}, "unknown transform 'log'"),
    ],
)
def test_options_that_are_not_valid_are_named(options: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        recipe(**options)
