"""The posterior over a pool against GPyTorch's, however it came about."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from block_pools import NUMERIC, ONE_HOT, pool, targets
from botorch.models import SingleTaskGP
from botorch.sampling.normal import SobolQMCNormalSampler
from torch import Tensor

from surrobench.predictors.gp.factor import PoolFactor
from surrobench.predictors.gp.posterior import PoolPosterior
from surrobench.predictors.gp.recipe import PoolGP
from surrobench.predictors.gp.session import PoolGPSession
from surrobench.predictors.posterior import SurrogatePosterior

KERNELS = ("categorical", "rbf", "matern-1/2", "matern-3/2", "matern-5/2")
ROWS = list(range(1, 70, 4))


def session(
    kernel: str = "categorical",
    lengthscales: str = "variable",
    combine: str = "sum",
    transform: str = "standardise",
) -> PoolGPSession:
    recipe = PoolGP(kernel, lengthscales, combine, transform, max_evaluations=12)
    return recipe.for_blocks((ONE_HOT, NUMERIC)).on_pool(pool())


def reference(posterior: PoolPosterior) -> tuple[Tensor, Tensor]:
    """GPyTorch's joint mean and covariance over the pool."""
    model = posterior.model()
    assert isinstance(model, SingleTaskGP)
    with torch.no_grad():
        answer = model.posterior(pool())
        return answer.mean.squeeze(-1), answer.distribution.covariance_matrix


def close(a: Tensor, b: Tensor, tolerance: float = 1e-8) -> None:
    torch.testing.assert_close(a, b, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(
    ("kernel", "lengthscales", "combine"),
    itertools.product(KERNELS, ("shared", "variable", "column"), ("sum", "product")),
)
def test_posterior_equals_gpytorch(kernel: str, lengthscales: str, combine: str) -> None:
    work = session(kernel, lengthscales, combine)
    work.update(ROWS[:12], targets(ROWS[:12]), seed=0)
    belief = work.update(ROWS, targets(ROWS), seed=0, refit=False)
    assert isinstance(belief, SurrogatePosterior)
    mean, covariance = reference(belief)
    # GPyTorch's distance of a point to itself is rounding, whose square root Matérn-1/2 sees.
    tolerance = 1e-6 if kernel == "matern-1/2" else 1e-8
    close(belief.mean, mean, tolerance)
    close(belief.variance, covariance.diagonal(), tolerance)
    everything = torch.arange(72)
    close(belief.covariance(everything, everything), covariance, tolerance)


def test_batches_of_covariances() -> None:
    belief = session().update(ROWS, targets(ROWS), seed=0)
    _, covariance = reference(belief)
    generator = torch.Generator().manual_seed(0)
    a = torch.randint(72, (3, 5, 4), generator=generator)
    b = torch.randint(72, (5, 2), generator=generator)
    answer = belief.covariance(a, b)
    assert answer.shape == (3, 5, 4, 2)
    for s, t in np.ndindex(3, 5):
        close(answer[s, t], covariance[a[s, t]][:, b[t]])


@pytest.mark.parametrize("limit", [40, 400, 4000])
def test_covariances_do_not_depend_on_the_memory_allowed(
    limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    belief = session().update(ROWS, targets(ROWS), seed=0)
    everything = torch.arange(72)
    whole = belief.covariance(everything, everything)
    monkeypatch.setattr("surrobench.predictors.gp.posterior._MOST_NUMBERS", limit)
    close(belief.covariance(everything, everything), whole, 1e-12)
    pairs = everything.reshape(36, 2)
    close(belief.covariance(pairs, pairs)[7], whole[14:16, 14:16], 1e-12)


@pytest.mark.parametrize("tile", [1, 7, 72])
def test_tiles_do_not_matter(tile: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def belief() -> PoolPosterior:
        work = session()
        work.update(ROWS[:5], targets(ROWS[:5]), seed=0)
        return work.update(ROWS, targets(ROWS), seed=0, refit=False)

    whole = belief()
    monkeypatch.setattr("surrobench.predictors.gp.factor._TILE", tile)
    tiled = belief()
    close(tiled.mean, whole.mean, 1e-10)
    close(tiled.variance, whole.variance, 1e-10)
    rows = torch.tensor([70, 3, 3, 20])
    close(tiled.covariance(rows, rows), whole.covariance(rows, rows), 1e-10)


def test_appending_equals_factorising_anew() -> None:
    grown, fresh = session(), session()
    first = ROWS[:4]
    grown.update(first, targets(first), seed=0)
    fresh.update(first, targets(first), seed=0)
    rows = [*ROWS, *range(0, 40, 4), *range(2, 70, 4)]
    for n in range(5, len(rows) + 1):
        after = grown.update(rows[:n], targets(rows[:n]), seed=0, refit=False)
    backwards = rows[::-1]
    anew = fresh.update(backwards, targets(backwards), seed=0, refit=False)
    close(after.mean, anew.mean)
    close(after.variance, anew.variance)


def test_the_pool_factor_is_the_inverse_factor_times_the_kernel() -> None:
    work = session()
    belief = work.update(ROWS, targets(ROWS), seed=0)
    kernel, rows = belief.process.kernel, np.array(ROWS)
    training = kernel.between(rows, rows) + belief.noise * np.eye(len(rows))
    L = belief.factor()
    np.testing.assert_allclose(L @ L.T, training, rtol=1e-10, atol=1e-12)
    everything = np.arange(72)
    np.testing.assert_allclose(
        L @ belief.whitened(everything), kernel.between(rows, everything), rtol=1e-8, atol=1e-10
    )


def test_a_row_observed_twice_is_averaged() -> None:
    rows = [*ROWS, ROWS[0]]
    y = torch.cat([targets(ROWS), targets(ROWS[:1]) + 3.0])
    work = session(transform="none")
    work.update(ROWS, targets(ROWS), seed=0)
    belief = work.update(rows, y, seed=0, refit=False)
    mean, covariance = reference(belief)
    close(belief.mean, mean)
    close(belief.variance, covariance.diagonal())


def test_conditioning_equals_botorchs_on_the_same_model() -> None:
    belief = session().update(ROWS, targets(ROWS), seed=0)
    before = belief.mean.clone()
    rows, values = [50, 60, 50], torch.tensor([0.3, -1.0, 0.5], dtype=torch.float64)
    model = belief.model()
    with torch.no_grad():
        model.posterior(pool()[:2])
        fantasy = model.condition_on_observations(pool()[rows], values.unsqueeze(-1))
        answer = fantasy.posterior(pool())
    for after in (
        belief.condition(rows, values),
        belief.condition(rows[:1], values[:1]).condition(rows[1:], values[1:]),
    ):
        close(after.mean, answer.mean.squeeze(-1), 1e-6)
        close(after.variance, answer.variance.squeeze(-1), 1e-6)
        some = torch.tensor([50, 2, 60, 71])
        joint = answer.distribution.covariance_matrix[some][:, some]
        close(after.covariance(some, some), joint, 1e-6)
        assert after.rows.tolist() == [*ROWS, *rows]
        close(after.targets[-3:], values)
        L = after.factor()
        at = after.rows.numpy()
        training = belief.process.kernel.between(at, at) + belief.noise * np.eye(len(at))
        np.testing.assert_allclose(L @ L.T, training, rtol=1e-8, atol=1e-10)
    assert torch.equal(belief.mean, before)


@pytest.mark.parametrize("combine", ["sum", "product"])
def test_conditioning_equals_gpytorch_with_all_observations(combine: str) -> None:
    belief = session(combine=combine).update(ROWS, targets(ROWS), seed=0)
    rows, values = [50, 60, 50], torch.tensor([0.3, -1.0, 0.5], dtype=torch.float64)
    after = belief.condition(rows, values)
    mean, covariance = reference(after)
    everything = torch.arange(72)
    close(after.mean, mean)
    close(after.covariance(everything, everything), covariance)


def test_fantasies_of_the_botorch_model_have_the_conditioned_moments() -> None:
    belief = session().update(ROWS, targets(ROWS), seed=0)
    model, rows = belief.model(), [50, 60]
    sampler = SobolQMCNormalSampler(torch.Size([3]), seed=0)
    with torch.no_grad():
        fantasies = model.fantasize(pool()[rows], sampler=sampler)
        answer = fantasies.posterior(pool())
        values = fantasies.train_targets[:, -2:]
    for value, mean, variance in zip(values, answer.mean, answer.variance, strict=True):
        after = belief.condition(rows, value)
        close(after.mean, mean.squeeze(-1), 1e-6)
        close(after.variance, variance.squeeze(-1), 1e-6)


def test_jitter_of_a_later_factorisation_is_recorded_and_part_of_the_noise() -> None:
    work = session(transform="none")
    work.update(ROWS, targets(ROWS), seed=0)
    process = work._process
    assert process is not None
    quiet = replace(process.parameters, noise=0.0)
    work._process = replace(process, parameters=quiet)
    rows = [*ROWS, *ROWS]
    belief = work.update(rows[::-1], targets(rows[::-1]), seed=0, refit=False)
    assert belief.jitter > 0.0
    assert belief.noise == belief.jitter
    model = belief.model()
    assert model.fit_report.jitter == belief.jitter
    assert float(model.likelihood.noise) == belief.noise
    L, at = belief.factor(), np.array(rows[::-1])
    training = process.kernel.between(at, at) + belief.noise * np.eye(len(at))
    np.testing.assert_allclose(L @ L.T, training, rtol=1e-10)


def test_believing_the_mean_changes_no_mean() -> None:
    belief = session().update(ROWS, targets(ROWS), seed=0)
    after = belief.condition([50, 60], belief.mean[[50, 60]])
    close(after.mean, belief.mean)
    assert (after.variance <= belief.variance + 1e-12).all()
    assert after.variance[50] < min(float(belief.variance[50]), belief.noise)


def test_earlier_posteriors_stay_as_they_were_until_the_next_fit() -> None:
    work = session()
    early = work.update(ROWS[:8], targets(ROWS[:8]), seed=0)
    rows = torch.tensor([0, 33, 50])
    before = early.mean.clone(), early.covariance(rows, rows).clone()
    late = list(range(72))
    work.update(
        [*ROWS[:8], *[r for r in late if r not in ROWS[:8]]],
        targets([*ROWS[:8], *[r for r in late if r not in ROWS[:8]]]),
        seed=0,
        refit=False,
    )
    assert torch.equal(early.mean, before[0])
    assert torch.equal(early.covariance(rows, rows), before[1])
    assert early.rows.tolist() == ROWS[:8]
    work.update(ROWS, targets(ROWS), seed=0)
    assert torch.equal(early.mean, before[0])
    with pytest.raises(RuntimeError, match="refitted since"):
        early.covariance(rows, rows)
    with pytest.raises(RuntimeError, match="refitted since"):
        early.condition([0], torch.zeros(1).double())


@pytest.mark.parametrize("transform", ["none", "standardise", "quantile-normal"])
def test_targets_are_on_the_surrogates_scale(transform: str) -> None:
    y = targets(ROWS)
    belief = session(transform=transform).update(ROWS, y, seed=0)
    close(belief.to_scale(y).squeeze(-1), belief.targets)
    assert belief.to_scale(y.squeeze(-1)[:3]).shape == (3,)
    order = torch.argsort(y.squeeze(-1))
    assert (belief.targets[order].diff() >= 0).all()
    if transform != "quantile-normal":
        assert float(belief.targets.std()) == pytest.approx(1.0)


def test_memory_grows_with_the_observations_alone() -> None:
    factor = PoolFactor(10_000)
    work = session()
    belief = work.update(ROWS, targets(ROWS), seed=0)
    kernel = belief.process.kernel
    del factor
    grown = work._factor
    room = len(grown._L)
    for row in range(0, 72):
        grown.append(kernel, belief.noise, row)
    assert room < grown.n < len(grown._L) <= 2 * grown.n
    assert all(len(tile) == len(grown._L) for tile in grown._tiles)
