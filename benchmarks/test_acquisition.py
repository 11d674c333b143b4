"""Acquisition functions over all of NAS-Bench-201, from our belief and in BoTorch's own layout."""

from __future__ import annotations

import bare_algebra
import numpy as np
import pytest
import torch
from botorch.acquisition import LogExpectedImprovement
from botorch.acquisition.logei import qLogExpectedImprovement
from botorch.acquisition.multi_objective.logei import qLogNoisyExpectedHypervolumeImprovement
from botorch.models import ModelList
from botorch.sampling.list_sampler import ListSampler
from botorch.sampling.normal import SobolQMCNormalSampler

from surrobench.acquisition import make_acquisition
from surrobench.acquisition.context import AcquisitionContext
from surrobench.acquisition.multi_objective import _python_only, observed_values
from surrobench.predictors import make_predictor

N, CHUNK, SAMPLES = 150, 2048, 64


@pytest.fixture(scope="module")
def moment(pool, targets):
    """A session after 150 observations: (session, rows, values, situation)."""
    rows = np.random.default_rng(1).permutation(len(pool))[:N].tolist()
    values = torch.tensor(targets[rows])[:, None]
    session = make_predictor("gp-matern52").on_pool(torch.tensor(pool))
    belief = session.update(rows, values, seed=0)
    allowed = torch.ones(len(pool), dtype=torch.bool)
    allowed[rows] = False
    return session, rows, values, AcquisitionContext((belief,), allowed)


@pytest.fixture(scope="module")
def peer(moment):
    """The same process in BoTorch, what is left of the pool, and the incumbent."""
    situation = moment[3]
    return situation.posterior.model(), situation.posterior.X[situation.choices()], situation.best


def in_chunks(function, X):
    with torch.no_grad():
        return torch.cat([function(part) for part in X.unsqueeze(1).split(CHUNK)])


@pytest.mark.benchmark(group="log-ei")
def test_log_ei(benchmark, moment):
    session, rows, values, situation = moment
    function = make_acquisition("log-ei")

    def work():
        belief = session.update(rows, values, seed=0, refit=False)
        return function.scores(AcquisitionContext((belief,), situation.allowed))

    benchmark.pedantic(work, rounds=15, warmup_rounds=1)


@pytest.mark.benchmark(group="log-ei")
def test_log_ei_botorch(benchmark, peer, moment):
    model, X, best = peer
    function = LogExpectedImprovement(model, best_f=best)
    scores = benchmark.pedantic(in_chunks, (function, X), rounds=5, warmup_rounds=1)
    ours = make_acquisition("log-ei").scores(moment[3])
    assert torch.allclose(scores, ours, atol=1e-5)


@pytest.mark.benchmark(group="log-ei")
def test_log_ei_floor(benchmark, moment):
    situation = moment[3]
    belief, rows = situation.posterior, situation.choices()
    mean, variance = belief.mean[rows].numpy(), belief.variance[rows].numpy()
    arguments = (mean, variance, situation.best)
    benchmark.pedantic(bare_algebra.log_expected_improvement, arguments, rounds=15, warmup_rounds=1)


@pytest.mark.benchmark(group="qlog-ei")
def test_qlog_ei(benchmark, moment):
    function = make_acquisition("qlog-ei", samples=128)
    benchmark.pedantic(function.scores, (moment[3],), rounds=5, warmup_rounds=1)


@pytest.mark.benchmark(group="qlog-ei")
def test_qlog_ei_botorch(benchmark, peer):
    model, X, best = peer
    sampler = SobolQMCNormalSampler(torch.Size([128]), seed=0)
    function = qLogExpectedImprovement(model, best_f=best, sampler=sampler)
    benchmark.pedantic(in_chunks, (function, X), rounds=5, warmup_rounds=1)


@pytest.fixture(scope="module")
def two_objectives(moment, pool):
    """The same situation with a second objective."""
    _, rows, _, situation = moment
    weights = np.random.default_rng(2).normal(size=(pool.shape[1], 4))
    values = torch.tensor(np.tanh(pool[rows] @ weights).sum(1))[:, None]
    session = make_predictor("gp-matern52").on_pool(torch.tensor(pool))
    belief = session.update(rows, values, seed=0)
    return AcquisitionContext((situation.posterior, belief), situation.allowed)


@pytest.mark.benchmark(group="qlog-nehvi")
def test_qlog_nehvi(benchmark, two_objectives):
    function = make_acquisition("qlog-nehvi", samples=SAMPLES)
    benchmark.pedantic(function.scores, (two_objectives,), rounds=3)


@pytest.mark.benchmark(group="qlog-nehvi")
def test_qlog_nehvi_botorch(benchmark, two_objectives):
    """With the observations that ours takes for those on the front, and roots that are kept."""
    ours = make_acquisition("qlog-nehvi", samples=SAMPLES)
    reference = ours.reference_of(two_objectives, observed_values(two_objectives))
    kept = ours.baseline_rows(two_objectives, reference)
    X, shape = two_objectives.posterior.X, torch.Size([SAMPLES])
    with _python_only():  # as ours; a compiled part would have to be built first
        function = qLogNoisyExpectedHypervolumeImprovement(
            model=ModelList(*(belief.model() for belief in two_objectives.posteriors)),
            ref_point=reference,
            X_baseline=X[kept],
            sampler=ListSampler(*(SobolQMCNormalSampler(shape, seed=seed) for seed in range(2))),
            prune_baseline=False,
        )
        candidates = X[two_objectives.choices()]
        in_chunks(function, candidates[:CHUNK])  # fills its caches
        benchmark.pedantic(in_chunks, (function, candidates), rounds=1)
