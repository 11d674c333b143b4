"""Entropy searches equal BoTorch's with the same optima; the knowledge gradient is exact."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from botorch.acquisition.joint_entropy_search import qJointEntropySearch
from botorch.acquisition.knowledge_gradient import qKnowledgeGradient
from botorch.acquisition.max_value_entropy_search import (
    qLowerBoundMaxValueEntropy,
    qMaxValueEntropy,
)
from botorch.models.model import Model
from botorch.sampling.list_sampler import ListSampler
from botorch.sampling.normal import SobolQMCNormalSampler
from torch import Tensor
from toy_pool import belief, process, situation

from surrobench.acquisition import make_acquisition
from surrobench.acquisition.information import Gibbon, JointEntropy, MaxValueEntropy
from surrobench.acquisition.knowledge import KnowledgeGradient, log_expected_rise
from surrobench.acquisition.pool_model import PoolModel, as_inputs
from surrobench.errors import UserError


def test_optima_are_maxima_of_what_may_still_be_best() -> None:
    now = situation(process(), seed=3)
    rows, values = Gibbon(optima=100).sampled_optima(now)
    assert 21 not in rows.tolist()  # ruled out beforehand, and never observed
    top = now.posterior.mean[[*range(21), *range(22, 40)]].max()
    assert float(values.mean()) > float(top) - 1e-3
    samples = now.posterior.sample(100, seed=3, rows=torch.tensor([*range(21), *range(22, 40)]))
    torch.testing.assert_close(values, samples.amax(dim=1))


@pytest.mark.parametrize("pending", [(), (20,), (20, 31)])
def test_gibbon_equals_botorch(pending: tuple[int, ...]) -> None:
    known = process()
    now = situation(known, pending=pending, seed=2)
    theirs = qLowerBoundMaxValueEntropy(known.model(), known.X)
    theirs.posterior_max_values = Gibbon().sampled_optima(now)[1].unsqueeze(-1)
    theirs.set_X_pending(known.X[list(pending)] if pending else None)
    with torch.no_grad():
        expected = theirs(known.X[now.choices()].unsqueeze(1))
    torch.testing.assert_close(Gibbon().scores(now), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("pending", [(), (20,)])
def test_max_value_entropy_equals_botorch(pending: tuple[int, ...]) -> None:
    known = process()
    now = situation(known, pending=pending, seed=2)
    function = MaxValueEntropy(samples=256, fantasies=16)
    X = known.X[now.choices()].unsqueeze(1)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        theirs = qMaxValueEntropy(
            known.model(),
            known.X,
            num_fantasies=16,
            num_y_samples=256,
            X_pending=known.X[list(pending)] if pending else None,
        )
        theirs.posterior_max_values = function.sampled_optima(now)[1].unsqueeze(-1)
        expected = theirs(X)
    ours = function.scores(now)
    # Both estimate by Monte Carlo, with samples of their own.
    torch.testing.assert_close(ours, expected, rtol=0.1, atol=0.02)
    assert float(torch.corrcoef(torch.stack([ours, expected]))[0, 1]) > 0.99


@pytest.mark.parametrize("pending", [(), (20,)])
def test_joint_entropy_equals_botorch(pending: tuple[int, ...]) -> None:
    known = process()
    now = situation(known, pending=pending, seed=2)
    rows, values = JointEntropy().sampled_optima(now)

    def search(model: Model, inputs: Tensor, noiseless: bool) -> Tensor:
        function = qJointEntropySearch(
            model,
            optimal_inputs=inputs[rows],
            optimal_outputs=values.unsqueeze(-1),
            X_pending=inputs[list(pending)] if pending else None,
            condition_noiseless=noiseless,
        )
        with torch.no_grad():
            return function(inputs[now.choices()].unsqueeze(1))

    places = as_inputs(torch.arange(len(known.X)))
    ours, theirs = search(PoolModel(known), places, False), search(known.model(), known.X, False)
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)
    ours = JointEntropy().scores(now)
    torch.testing.assert_close(ours, search(PoolModel(known), places, True))
    # Of a process with one noise level, GPyTorch conditions the variance on noiseless optima, but
    # the mean on noisy ones: close, but not the same.
    torch.testing.assert_close(ours, search(known.model(), known.X, True), rtol=0.05, atol=0.01)


def lines(batch: int, count: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(count)
    return tuple(  # type: ignore[return-value]
        torch.randn(batch, count, dtype=torch.float64, generator=generator) for _ in range(2)
    )


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 2, 3, 10, 100])
def test_the_expected_rise_equals_quadrature(count: int) -> None:
    a, b = lines(5, count)
    b[:, : count // 2] = b[:, :1]  # parallel lines
    z = torch.linspace(-9, 9, 200_001, dtype=torch.float64)
    density = torch.exp(-0.5 * z**2) / (2 * torch.pi) ** 0.5
    for i in range(5):
        highest = torch.stack([a[i, j] + b[i, j] * z for j in range(count)]).amax(dim=0)
        rise = torch.trapezoid((highest - a[i].max()) * density, z)
        ours = log_expected_rise(a[i : i + 1], b[i : i + 1]).exp()
        assert float(ours) == pytest.approx(float(rise), abs=1e-7)


def test_the_expected_rise_does_not_underflow() -> None:
    a = torch.tensor([[0.0, -50.0], [0.0, -60.0], [1.0, 0.0]], dtype=torch.float64)
    b = torch.tensor([[0.0, 1.0], [0.0, 1.0], [2.0, 2.0]], dtype=torch.float64)
    first, second, parallel = log_expected_rise(a, b).tolist()
    assert -1270 < first < -1250
    assert -1820 < second < -1800
    assert parallel == -float("inf")


@pytest.mark.parametrize("pending", [(), (20, 31)])
def test_the_knowledge_gradient_equals_brute_force(pending: tuple[int, ...]) -> None:
    known = process()
    now = situation(known, pending=pending)
    ours = KnowledgeGradient().scores(now).exp()
    if pending:
        known = known.condition(list(pending), known.mean[list(pending)])
    scores = torch.special.ndtri((torch.arange(2000, dtype=torch.float64) + 0.5) / 2000)
    for place in (0, 3, 11, 18):
        row = int(now.choices()[place])
        spread = (known.variance[row] + known.noise).sqrt()
        # Means after each of two thousand outcomes of one more observation.
        moved = [
            known.condition([row], known.mean[row] + spread * score).mean.max()
            for score in scores[::20] + 0.0
        ]
        slopes = known.covariance(torch.tensor([row]), torch.arange(40)).squeeze(0) / spread
        means = known.mean + scores[:, None] * slopes
        torch.testing.assert_close(torch.stack(moved), means[::20].amax(dim=1))
        rise = float(means.amax(dim=1).mean() - known.mean.max())
        assert float(ours[place]) == pytest.approx(rise, rel=0.02, abs=1e-5)


def test_the_knowledge_gradient_agrees_with_botorch() -> None:
    known = process()
    now = situation(known, pending=())
    sampler = SobolQMCNormalSampler(torch.Size([64]), seed=0)
    theirs: Any = qKnowledgeGradient(known.model(), num_fantasies=64, sampler=sampler)
    assert not isinstance(sampler, ListSampler)
    ours = KnowledgeGradient().scores(now).exp()
    for place in (0, 11):
        x = known.X[now.choices()[place]].unsqueeze(0)
        fantasy = known.model().fantasize(X=x, sampler=sampler)
        with torch.no_grad():
            # The best of the pool under each fantasy is what the inner optimisation looks for.
            means = fantasy.posterior(known.X).mean.squeeze(-1)
            best = known.X[means.argmax(dim=1)]
            value = theirs(torch.cat([x, best]).unsqueeze(0))
        rise = float(value) - float(known.mean.max())
        assert float(ours[place]) == pytest.approx(rise, rel=0.1, abs=2e-3)


def test_screening_keeps_the_best() -> None:
    now = situation(process(), pending=())
    whole = KnowledgeGradient().scores(now)
    some = KnowledgeGradient(candidates=8, alternatives=8).scores(now)
    scored = torch.isfinite(some)
    assert int(scored.sum()) == 8
    assert int(whole.argmax()) == int(some.argmax())
    assert (some[scored] <= whole[scored] + 1e-9).all()


@pytest.mark.parametrize(
    ("name", "option"),
    [("mes", "fantasies"), ("gibbon", "optima"), ("knowledge-gradient", "candidates")],
)
def test_wrong_options_are_named(name: str, option: str) -> None:
    with pytest.raises(UserError, match=f"'{option}' is 0"):
        make_acquisition(name, **{option: 0})


def test_a_candidate_gains_by_itself_where_it_is_no_alternative() -> None:
    """Against an integral over what an observation there would say."""
    posterior = belief("gp-matern52")
    function = make_acquisition("knowledge-gradient", candidates=40, alternatives=1)
    now = situation(posterior, pending=())
    rows, scores = now.choices(), function.scores(now)
    top = int(posterior.mean.argmax())
    z = torch.linspace(-9.0, 9.0, 20_001, dtype=torch.float64)
    density = torch.exp(-0.5 * z**2) / math.sqrt(2.0 * math.pi)
    for row, score in zip(rows.tolist(), scores.tolist(), strict=True):
        spread = float(posterior.variance[row] + posterior.noise) ** 0.5
        slopes = posterior.covariance(torch.tensor([row]), torch.tensor([top, row]))[0] / spread
        lines = posterior.mean[[top, row]] + slopes * z.unsqueeze(-1)
        rise = lines.amax(dim=1) - posterior.mean[[top, row]].amax()
        assert math.exp(score) == pytest.approx(float(torch.trapezoid(rise * density, z)), abs=1e-6)
    assert (scores > -5.0).any()
