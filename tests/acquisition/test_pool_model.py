"""Looking answers up in the pool gives what BoTorch computes on the surrogates themselves."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pytest
import torch
from botorch.acquisition.logei import qLogExpectedImprovement, qLogNoisyExpectedImprovement
from botorch.acquisition.monte_carlo import qExpectedImprovement, qUpperConfidenceBound
from botorch.sampling.get_sampler import get_sampler
from botorch.sampling.normal import SobolQMCNormalSampler
from torch import Tensor
from toy_pool import OBSERVED, SIZE, belief, objectives, pool, predictor, process, situation

from surrobench.acquisition import make_acquisition
from surrobench.acquisition.context import AcquisitionContext
from surrobench.acquisition.monte_carlo import MonteCarlo
from surrobench.acquisition.pool_model import PoolModel, as_inputs
from surrobench.predictors.model_posterior import ModelPosterior

SETS = {
    "single": torch.tensor([[17], [30], [3]]),
    "beside pending": torch.tensor([[17, 20, 5], [30, 20, 5], [3, 20, 5]]),
    "pending first": torch.tensor([[20, 17], [20, 30]]),
    "one of the pending": torch.tensor([[20, 20], [31, 20]]),
    "all different": torch.tensor([[1, 2, 3], [7, 8, 9]]),
    "one set": torch.tensor([[17, 30, 3]]),
    "unbatched": torch.tensor([17, 30, 3]),
    "deep batch": torch.tensor([[[17, 20]], [[22, 20]]]),
}


@pytest.mark.parametrize("sets", SETS.values(), ids=SETS.keys())
def test_a_process_is_looked_up(sets: Tensor) -> None:
    known = process()
    ours: Any = PoolModel(known).posterior(as_inputs(sets))
    theirs: Any = known.model().posterior(known.X[sets])
    assert ours.mean.shape == theirs.mean.shape
    torch.testing.assert_close(ours.mean, theirs.mean)
    covariances = ours.distribution.covariance_matrix, theirs.distribution.covariance_matrix
    torch.testing.assert_close(*covariances, rtol=1e-5, atol=1e-7)
    noisy: Any = PoolModel(known).posterior(as_inputs(sets), observation_noise=True)
    added = noisy.variance - ours.variance
    torch.testing.assert_close(added, torch.full_like(added, known.noise))


@pytest.mark.parametrize("name", ["random-forest", "xgboost+quantile-normal"])
@pytest.mark.parametrize("sets", SETS.values(), ids=SETS.keys())
def test_an_ensemble_is_looked_up(name: str, sets: Tensor) -> None:
    known = belief(name)
    ours = PoolModel(known).posterior(as_inputs(sets))
    theirs = known.model().posterior(known.X[sets])
    samplers = [get_sampler(posterior, torch.Size([99]), seed=0) for posterior in (ours, theirs)]
    torch.testing.assert_close(samplers[0](ours), samplers[1](theirs))


def test_conditioned_models_are_conditioned_beliefs() -> None:
    known = process()
    rows = torch.tensor([[17, 20], [30, 20], [17, 17]])
    values = torch.tensor([[0.5, 1.0], [2.0, -1.0], [0.1, 0.3]], dtype=torch.float64)
    model = PoolModel(known).condition_on_observations(as_inputs(rows), values.unsqueeze(-1))
    assert model.batch_shape == torch.Size([3])
    points = torch.tensor([[3, 25], [17, 25]])
    # batch x 1 x q x 1 asks all three models about each of the two sets.
    posterior: Any = model.posterior(as_inputs(points).unsqueeze(1))
    assert posterior.mean.shape == (2, 3, 2, 1)
    for i in range(3):
        one = known.condition(rows[i].tolist(), values[i])
        for j, point in enumerate(points):
            torch.testing.assert_close(posterior.mean[j, i, :, 0], one.mean[point])
            covariance = posterior.distribution.covariance_matrix[j, i]
            expected = one.covariance(point, point)
            torch.testing.assert_close(covariance, expected, rtol=1e-5, atol=1e-7)


def test_fantasies_average_to_the_posterior() -> None:
    known = process()
    sampler = SobolQMCNormalSampler(torch.Size([512]), seed=0)
    model = PoolModel(known).fantasize(as_inputs(torch.tensor([20, 31])), sampler)
    posterior: Any = model.posterior(as_inputs(torch.arange(40).unsqueeze(-1)).unsqueeze(1))
    mean, spread = posterior.mean.mean(dim=1).squeeze(), posterior.mean.var(dim=1).squeeze()
    torch.testing.assert_close(mean, known.mean, rtol=0.02, atol=0.02)
    # Law of total variance: what is left plus what the fantasies move is all there was.
    total = posterior.variance.mean(dim=1).squeeze() + spread
    torch.testing.assert_close(total, known.variance, rtol=0.03, atol=1e-4)


@pytest.mark.parametrize("name", ["random-forest", "svr"])
def test_only_a_process_can_be_conditioned(name: str) -> None:
    with pytest.raises(TypeError, match=belief(name).kind):
        PoolModel(belief(name)).condition_on_observations(
            as_inputs(torch.tensor([1])), torch.zeros(1, 1, 1)
        )


@pytest.mark.parametrize("pending", [(), (20,), (20, 31, 5)])
@pytest.mark.parametrize("name", ["process", "random-forest", "xgboost", "svr"])
@pytest.mark.parametrize(
    ("acquisition", "reference"),
    [
        ("qei", qExpectedImprovement),
        ("qlog-ei", qLogExpectedImprovement),
        ("qucb", qUpperConfidenceBound),
        ("qlog-nei", qLogNoisyExpectedImprovement),
    ],
)
def test_monte_carlo_functions_equal_botorch(
    acquisition: str, reference: Any, name: str, pending: tuple[int, ...]
) -> None:
    known = process() if name == "process" else belief(name)
    now = situation(known, pending=pending, seed=7)
    now.allowed[list(pending)] = False
    options: dict[str, Any] = {"X_pending": known.X[list(pending)] if pending else None}
    if acquisition == "qucb":
        options["beta"] = 2.0
    elif acquisition == "qlog-nei":
        highest = known.mean[list(OBSERVED)].argsort(descending=True, stable=True)
        options |= {"X_baseline": known.X[highest], "prune_baseline": False, "cache_root": False}
    else:
        options["best_f"] = now.best
    X = known.X[now.choices()].unsqueeze(1)
    model = known.model()
    sampler = get_sampler(model.posterior(X[:1]), torch.Size([128]), seed=7)
    with torch.no_grad():
        theirs = reference(model, sampler=sampler, **options)(X)
    ours = make_acquisition(acquisition).scores(now)
    torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("best", [None, -3.0, 0.7, 40.0])
def test_log_improvements_of_single_candidates_are_summed_as_botorch_sums_them(
    best: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = situation(process(), pending=(), seed=3)
    function = make_acquisition("qlog-ei", samples=64)
    if best is not None:
        monkeypatch.setattr(type(now), "best", best)
    expected = MonteCarlo.scores(function, now)
    torch.testing.assert_close(function.scores(now), expected, rtol=1e-9, atol=1e-9)
    assert torch.isfinite(expected).all()
    nothing = replace(now, allowed=torch.zeros_like(now.allowed))
    assert function.scores(nothing).shape == (0,)


def test_memory_is_bounded_by_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    now = situation(process(), pending=(20,))
    now.allowed[20] = False
    whole = make_acquisition("qlog-ei").scores(now)
    monkeypatch.setattr("surrobench.acquisition.monte_carlo.VALUES_AT_ONCE", 3 * 256)
    asked: list[int] = []
    posterior = PoolModel.posterior

    def counted(self: PoolModel, X: Tensor, *args: Any, **options: Any) -> Any:
        asked.append(len(X))
        return posterior(self, X, *args, **options)

    monkeypatch.setattr(PoolModel, "posterior", counted)
    torch.testing.assert_close(make_acquisition("qlog-ei").scores(now), whole)
    assert max(asked) == 3


BATCHES = ["qei", "qlog-ei", "qlog-nei", "qucb", "mes", "gibbon", "jes", "knowledge-gradient"]


@cache
def twins() -> tuple[ModelPosterior, int]:
    """A pool with a near-duplicate of every candidate, ``size`` rows further on."""
    X = torch.cat([pool(), pool() + 1e-3])
    y = objectives(pool())[list(OBSERVED), :1]
    model = predictor("gp-matern52+quantile-normal").fit(X[list(OBSERVED)], y, seed=0)
    return ModelPosterior(model, X, OBSERVED, y), SIZE


@pytest.mark.parametrize("acquisition", [*BATCHES, "posterior-mean", "log-ei"])
def test_a_batch_holds_no_near_duplicates(acquisition: str) -> None:
    known, size = twins()
    allowed = torch.ones(2 * size, dtype=torch.bool)
    allowed[list(OBSERVED)] = allowed[[row + size for row in OBSERVED]] = False
    now = AcquisitionContext((known,), allowed, seed=1)
    chosen = make_acquisition(acquisition).select(now, 2)
    assert (len({row % size for row in chosen}) == 2) == (acquisition in BATCHES)
    if acquisition in BATCHES:
        allowed[chosen[0]] = False
        after = AcquisitionContext((known,), allowed, pending=(chosen[0],), seed=2)
        assert make_acquisition(acquisition).select(after, 1)[0] % size != chosen[0] % size
