"""Sessions: warm starts, state, mistakes."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from block_pools import NUMERIC, ONE_HOT, pool, targets

from surrobench.predictors import make_predictor
from surrobench.predictors.gp.gp import ExactGP
from surrobench.predictors.gp.recipe import PoolGP
from surrobench.predictors.gp.session import PoolGPSession
from surrobench.predictors.posterior import PoolPredictor

ROWS = [int(row) for row in np.random.default_rng(0).permutation(72)]


def session(**options: object) -> PoolGPSession:
    return PoolGP(**options).for_blocks((ONE_HOT, NUMERIC)).on_pool(pool())  # type: ignore[arg-type]


SCHEDULE = [(10, True), (11, False), (13, False), (14, True), (18, False), (19, False)]


@pytest.mark.parametrize("transform", ["standardise", "quantile-normal"])
@pytest.mark.parametrize("cut", range(1, 6))
def test_a_restored_session_goes_on_to_the_last_bit(transform: str, cut: int) -> None:
    work, other = session(transform=transform), session(transform=transform)
    for n, refit in SCHEDULE[:cut]:
        work.update(ROWS[:n], targets(ROWS[:n]), seed=0, refit=refit)
    other.restore(json.loads(json.dumps(work.state())))
    assert other.state() == work.state()
    for n, refit in SCHEDULE[cut:]:
        a = work.update(ROWS[:n], targets(ROWS[:n]), seed=0, refit=refit)
        b = other.update(ROWS[:n], targets(ROWS[:n]), seed=0, refit=refit)
        assert torch.equal(a.mean, b.mean)
        assert torch.equal(a.variance, b.variance)
        assert work.report == other.report
    assert other.state() == work.state()


def test_a_new_session_has_an_empty_state() -> None:
    work = session()
    assert work.state() == {}
    work.restore({})
    assert work.report is None


def test_other_rows_are_factorised_anew_with_the_same_hyperparameters() -> None:
    work = session()
    first = work.update(ROWS[:12], targets(ROWS[:12]), seed=0)
    other = ROWS[5:20]
    second = work.update(other, targets(other), seed=0, refit=False)
    assert second.process is first.process
    assert second.rows.tolist() == other
    restored = session()
    restored.restore(json.loads(json.dumps(work.state())))
    again = restored.update(other, targets(other), seed=0, refit=False)
    assert torch.equal(again.mean, second.mean)


def test_later_fits_start_warm_and_cost_less() -> None:
    work, cold = session(), session()
    work.update(ROWS[:30], targets(ROWS[:30]), seed=0)
    assert work.report is not None
    first = work.report.evaluations
    work.update(ROWS[:32], targets(ROWS[:32]), seed=0)
    cold.update(ROWS[:32], targets(ROWS[:32]), seed=0)
    assert cold.report is not None
    assert work.report.evaluations < 0.7 * first
    assert work.report.log_posterior > cold.report.log_posterior - 0.5


def test_the_budget_of_warm_fits_is_kept() -> None:
    work = session(warm_evaluations=2)
    work.update(ROWS[:10], targets(ROWS[:10]), seed=0)
    work.update(ROWS[:40], targets(ROWS[:40]), seed=0)
    assert work.report is not None
    assert work.report.evaluations == 2


@pytest.mark.parametrize(
    ("name", "coded"), [("gp-matern52", True), ("gp-rbf", True), ("gp-matern52-ard", False)]
)
@pytest.mark.parametrize("transform", ["none", "standardise", "quantile-normal"])
def test_exact_processes_believe_on_a_pool_what_they_fit(
    name: str, coded: bool, transform: str
) -> None:
    recipe = make_predictor(name, transform=transform)
    assert isinstance(recipe, PoolPredictor)
    assert isinstance(recipe, ExactGP)
    X, rows = pool()[:, :12], ROWS[:50]
    work = recipe.on_pool(X)
    belief = work.update(rows, targets(rows), seed=0)
    model = recipe.fit(X[rows], targets(rows), seed=0)
    base = getattr(model, "base", model)
    with torch.no_grad():
        answer = base.posterior(X)
        mean, variance = answer.mean.squeeze(-1), answer.variance.squeeze(-1)
    if transform != "quantile-normal":
        mean, variance = belief.to_scale(mean), variance / targets(rows).var()
    torch.testing.assert_close(belief.mean, mean, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(belief.variance, variance, rtol=1e-3, atol=1e-5)
    assert hasattr(belief.process.covariance.blocks[0], "labels") is coded


def test_constant_and_single_targets() -> None:
    work = session()
    belief = work.update(ROWS[:1], targets(ROWS[:1]), seed=0)
    assert torch.isfinite(belief.mean).all()
    assert (belief.variance > 0).all()
    belief = session().update(ROWS[:9], torch.ones(9, 1).double(), seed=0)
    torch.testing.assert_close(belief.mean, torch.zeros(72).double(), atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("rows", "y", "message"),
    [
        ([], torch.zeros(0, 1).double(), "at least one row"),
        ([1, 2], torch.zeros(2).double(), "at least one row"),
        ([1, 72], torch.zeros(2, 1).double(), "between 0 and 71"),
        ([-1, 2], torch.zeros(2, 1).double(), "between 0 and 71"),
        ([1, 2], torch.tensor([[1.0], [torch.nan]]).double(), "finite"),
    ],
)
def test_mistakes_are_named(rows: list[int], y: torch.Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        session().update(rows, y, seed=0)
