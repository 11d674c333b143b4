from __future__ import annotations

import pytest
import torch
from botorch.acquisition.logei import qLogExpectedImprovement
from botorch.acquisition.monte_carlo import qSimpleRegret
from botorch.models import ModelList
from botorch.sampling.get_sampler import get_sampler
from torch import Tensor

from surrobench.predictors.models import (
    EachMemberSampler,
    EnsembleModel,
    MomentsModel,
    spread_scores,
)

SLOPES = torch.tensor([1.0, 2.0, 3.0, 6.0], dtype=torch.float64)


def lines(X: Tensor) -> Tensor:
    return SLOPES[:, None] * X.sum(dim=1)


def uncertain_lines(X: Tensor) -> tuple[Tensor, Tensor]:
    return lines(X), torch.ones(4, len(X), dtype=torch.float64) * X[:, 0] ** 2


def inputs(*shape: int) -> Tensor:
    return torch.rand(*shape, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("shape", [(5,), (4, 1), (2, 3, 2)])
def test_moments_follow_the_law_of_total_variance(shape: tuple[int, ...]) -> None:
    X = inputs(*shape)
    posterior = EnsembleModel(uncertain_lines).posterior(X)
    total = X.sum(dim=-1, keepdim=True)
    assert posterior.mean.shape == posterior.variance.shape == (*shape, 1)
    torch.testing.assert_close(posterior.mean, SLOPES.mean() * total)
    within = X[..., :1] ** 2
    torch.testing.assert_close(posterior.variance, SLOPES.var(unbiased=False) * total**2 + within)


def test_observation_noise_is_added() -> None:
    X = inputs(6, 1)
    model = EnsembleModel(lines, noise=0.25)
    more = model.posterior(X, observation_noise=True).variance - model.posterior(X).variance
    torch.testing.assert_close(more, torch.full_like(more, 0.25))
    given = model.posterior(X, observation_noise=torch.full((6, 1, 1), 0.5, dtype=torch.float64))
    torch.testing.assert_close(given.variance - model.posterior(X).variance, more * 2)

    normal = MomentsModel(lambda Z: (Z[:, 0], Z[:, 1]), noise=0.25)
    more = normal.posterior(X, observation_noise=True).variance - normal.posterior(X).variance
    torch.testing.assert_close(more, torch.full_like(more, 0.25))


def test_noise_is_added_in_double_precision() -> None:
    X = inputs(5)
    certain = EnsembleModel(lines).posterior(X)
    for noise in (0.1, torch.full((5, 1), 0.1, dtype=torch.float64)):
        noisy = EnsembleModel(lines, noise=0.1).posterior(X, observation_noise=noise)
        expected = certain.variance + 0.1
        torch.testing.assert_close(noisy.variance, expected, rtol=1e-14, atol=0.0)


def test_a_variance_is_never_zero() -> None:
    X = inputs(5)
    agreed = EnsembleModel(lambda Z: torch.ones(3, len(Z), dtype=torch.float64), floor=1e-6)
    assert (agreed.posterior(X).variance == 1e-6).all()
    certain = MomentsModel(lambda Z: (Z[:, 0], torch.zeros_like(Z[:, 0])), floor=1e-6)
    torch.testing.assert_close(certain.posterior(X).variance, torch.full((5, 1), 1e-6).double())


def test_monte_carlo_uses_each_member_exactly_once() -> None:
    X = inputs(7, 2)
    posterior = EnsembleModel(lines).posterior(X)
    sampler = get_sampler(posterior, torch.Size([512]))
    assert isinstance(sampler, EachMemberSampler)
    samples = sampler(posterior)
    assert samples.shape == (4, 7, 2, 1)
    torch.testing.assert_close(samples, SLOPES[:, None, None, None] * X.sum(-1, keepdim=True))


def test_acquisition_is_the_average_over_members() -> None:
    X = inputs(9, 2)
    value = qSimpleRegret(EnsembleModel(lines))(X)
    members = SLOPES[:, None, None] * X.sum(-1)
    torch.testing.assert_close(value, members.amax(-1).mean(0))


def test_member_variances_reach_the_samples() -> None:
    posterior = EnsembleModel(uncertain_lines).posterior(inputs(3, 1))
    samples = get_sampler(posterior, torch.Size([4]))(posterior)
    expected = posterior.values + posterior.variances.sqrt() * spread_scores(4)[:, None, None]
    torch.testing.assert_close(samples, expected.movedim(-3, 0))


@pytest.mark.parametrize("members", [1, 2, 10, 300])
def test_scores_are_standard(members: int) -> None:
    scores = spread_scores(members)
    assert abs(float(scores.mean())) < 1e-12
    if members > 1:
        assert float(scores.std(unbiased=False)) == pytest.approx(1.0)
        ramp = torch.linspace(-1, 1, members).double()
        assert abs(float((scores * ramp).mean())) <= 2.0 / members


def test_identical_candidates_tie_wherever_they_stand() -> None:
    X = inputs(6, 1)
    X[5], X[2] = X[0], X[0]
    for model in (EnsembleModel(uncertain_lines), MomentsModel(lambda Z: (Z[:, 0], Z[:, 1]))):
        values = qLogExpectedImprovement(model, best_f=2.0)(X)
        assert values[0] == values[2] == values[5]


def test_random_samples_have_the_moments_of_the_mixture() -> None:
    posterior = EnsembleModel(uncertain_lines).posterior(inputs(4))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        samples = posterior.rsample(torch.Size([20_000]))
        assert posterior.rsample().shape == (1, 4, 1)
    assert samples.shape == (20_000, 4, 1)
    torch.testing.assert_close(samples.mean(0), posterior.mean, rtol=0.05, atol=0.05)
    torch.testing.assert_close(samples.var(0), posterior.variance, rtol=0.05, atol=0.05)


def test_base_samples_of_a_wrong_shape_are_refused() -> None:
    posterior = EnsembleModel(lines).posterior(inputs(7, 2))
    with pytest.raises(ValueError, match="base samples of shape"):
        posterior.rsample_from_base_samples(torch.Size([4]), torch.zeros(3, dtype=torch.long))


def test_models_can_be_listed_for_several_objectives() -> None:
    both = ModelList(EnsembleModel(lines), MomentsModel(lambda Z: (Z[:, 0], Z[:, 1])))
    assert both.posterior(inputs(5, 2)).mean.shape == (5, 2, 2)
    assert EnsembleModel(lines).posterior(inputs(5), output_indices=[0]).mean.shape == (5, 1)
    with pytest.raises(ValueError, match="one output"):
        EnsembleModel(lines).posterior(inputs(5), output_indices=[1])
