"""Acquisition functions over pools equal BoTorch's and choose sensibly."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from botorch.acquisition import analytic
from botorch.acquisition.logei import qLogExpectedImprovement
from botorch.sampling.normal import SobolQMCNormalSampler

from surrobench.acquisition import make_acquisition
from surrobench.acquisition.acquisition import highest
from surrobench.acquisition.analytic import least_score, log_improvement
from surrobench.acquisition.context import AcquisitionContext
from surrobench.errors import UserError
from surrobench.predictors import make_predictor
from surrobench.predictors.pool_session import open_pool
from surrobench.predictors.posterior import SurrogatePosterior

OBSERVED = 20
BELIEFS: dict[str, SurrogatePosterior] = {}


def pool() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    X = torch.rand(60, 6, generator=generator, dtype=torch.float64)
    y = torch.sin(4 * X[:, :1]) + X[:, 1:2] - X[:, 2:3] * X[:, 3:4]
    return X, y


def believe(name: str) -> SurrogatePosterior:
    if name not in BELIEFS:
        X, y = pool()
        session = open_pool(make_predictor(name), X)
        BELIEFS[name] = session.update(range(OBSERVED), y[:OBSERVED], seed=0)
    return BELIEFS[name]


def situation(name: str, **changes: Any) -> AcquisitionContext:
    allowed = torch.ones(60, dtype=torch.bool)
    allowed[:OBSERVED] = False
    allowed[[25, 26]] = False
    return AcquisitionContext((believe(name),), **{"allowed": allowed, "pending": (25,), **changes})


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("ei", analytic.ExpectedImprovement),
        ("log-ei", analytic.LogExpectedImprovement),
        ("pi", analytic.LogProbabilityOfImprovement),
    ],
)
def test_analytic_functions_equal_botorch(name: str, reference: Any) -> None:
    now = situation("gp-rbf+quantile-normal", pending=())
    assert now.best is not None
    theirs = reference(now.posterior.model(), best_f=now.best)(
        now.posterior.X[now.choices()].unsqueeze(1)
    )
    ours = make_acquisition(name).scores(now)
    torch.testing.assert_close(ours, theirs.detach(), rtol=1e-6, atol=1e-9)


def test_upper_bound_equals_botorch() -> None:
    now = situation("gp-matern52", pending=())
    X = now.posterior.X[now.choices()].unsqueeze(1)
    theirs = analytic.UpperConfidenceBound(now.posterior.model(), beta=3.0)(X)
    ours = make_acquisition("ucb", beta=3.0).scores(now)
    torch.testing.assert_close(ours, theirs.detach(), rtol=1e-6, atol=1e-9)


def test_batch_function_equals_botorch_with_what_is_pending() -> None:
    now = situation("gp-matern52", seed=5)
    belief = now.posterior
    assert now.best is not None
    theirs = qLogExpectedImprovement(
        belief.model(),
        best_f=now.best,
        sampler=SobolQMCNormalSampler(torch.Size([128]), seed=5),
        X_pending=belief.X[[25]],
    )(belief.X[now.choices()].unsqueeze(1))
    ours = make_acquisition("qlog-ei").scores(now)
    torch.testing.assert_close(ours, theirs.detach(), rtol=1e-3, atol=1e-3)


def test_log_improvement_does_not_underflow() -> None:
    u = torch.tensor([-1e5, -1e3, -40.0, -5.0, -1.0, 0.0, 3.0], dtype=torch.float64)
    values = log_improvement(u)
    assert torch.isfinite(values).all()
    assert (values.diff() > 0).all()
    # phi(u) / u^2 is the limit of phi(u) + u Phi(u) far below.
    limit = -0.5 * u[0] ** 2 - 0.5 * torch.log(torch.tensor(2 * torch.pi)) - 2 * torch.log(-u[0])
    assert float(values[0]) == pytest.approx(float(limit), rel=1e-6)


def test_thompson_gives_each_member_of_a_batch_a_sample_of_its_own() -> None:
    now = situation("gp-matern52")
    firsts = {
        make_acquisition("thompson").select(situation("gp-matern52", seed=s), 1)[0]
        for s in range(20)
    }
    assert len(firsts) > 1
    assert len(set(make_acquisition("thompson").select(now, 10))) == 10


def test_beta_grows_with_the_schedule() -> None:
    function = make_acquisition({"use": "ucb", "beta": 2.0, "schedule": "log"})
    assert function.beta_at(0) == pytest.approx(2.0)  # type: ignore[attr-defined]
    assert function.beta_at(100) > 4.0  # type: ignore[attr-defined]
    # Srinivas et al. (2010), theorem 1: 2 log(|D| t^2 pi^2 / (6 delta)), delta = 0.1.
    function = make_acquisition({"use": "ucb", "schedule": "srinivas"})
    expected = 2 * math.log(60 * 8**2 * math.pi**2 / 0.6)
    assert function.beta_at(7, 60) == pytest.approx(expected)  # type: ignore[attr-defined]


def test_mistakes_are_named() -> None:
    with pytest.raises(UserError, match="log-ei"):
        make_acquisition("logei")
    with pytest.raises(UserError, match="beta"):
        make_acquisition("ucb", betta=1.0)
    with pytest.raises(UserError, match="schedule"):
        make_acquisition("ucb", schedule="often")


@dataclass(frozen=True)
class Marginals:
    """A belief of which only the marginals matter."""

    mean: torch.Tensor
    variance: torch.Tensor
    targets: torch.Tensor


@pytest.mark.parametrize("best", [-40.0, 0.0, 3.0, 300.0])
@pytest.mark.parametrize("spread", [0.0, 1.0, 6.0])
@pytest.mark.parametrize("n", [1, 7, 700, 5000])
def test_log_improvement_finds_the_best_without_scoring_all(
    best: float, spread: float, n: int
) -> None:
    generator = torch.Generator().manual_seed(1)
    mean = torch.randn(4000, generator=generator, dtype=torch.float64)
    log_variance = spread * torch.randn(4000, generator=generator, dtype=torch.float64)
    mean[1000:2000], log_variance[1000:2000] = mean[:1000], log_variance[:1000]
    belief: Any = Marginals(mean, log_variance.exp(), torch.tensor([best]))
    now = AcquisitionContext((belief,), mean > -1.0)
    function = make_acquisition("log-ei")
    assert function.select(now, n) == highest(now.choices(), function.scores(now), n)


def test_least_score_is_just_below_every_score_that_reaches_a_level() -> None:
    u = torch.cat([-torch.logspace(4, -3, 200), torch.logspace(-3, 4, 200)]).double()
    for score, level in zip(u.tolist(), log_improvement(u).tolist(), strict=True):
        least = least_score(level)
        assert least <= score + 1e-12 * (1.0 + abs(score))
        assert least >= score - 0.6


@pytest.mark.parametrize("name", ["posterior-mean", "ei", "log-ei", "pi", "ucb", "its"])
def test_nothing_is_chosen_where_nothing_is_left(name: str) -> None:
    nothing = torch.zeros(60, dtype=torch.bool)
    assert make_acquisition(name).select(situation("gp-rbf", allowed=nothing), 2) == []


def test_ties_go_to_the_lower_row_and_what_is_no_number_comes_last() -> None:
    rows = torch.tensor([2, 5, 7, 8, 9, 11])
    scores = torch.tensor([1.0, math.nan, 3.0, 3.0, math.inf, -math.inf])
    order = [9, 7, 8, 2, 5, 11]
    for n in range(9):
        assert highest(rows, scores, n) == order[:n]
