"""Several objectives, and constraints that are learned."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from botorch.acquisition.multi_objective import logei
from botorch.acquisition.multi_objective.analytic import ExpectedHypervolumeImprovement
from botorch.models import ModelList, ModelListGP
from botorch.sampling.normal import SobolQMCNormalSampler
from botorch.utils.multi_objective.box_decompositions.non_dominated import (
    FastNondominatedPartitioning,
    NondominatedPartitioning,
)
from torch import Tensor
from toy_pool import EXCLUDED, OBSERVED, SIZE, belief, process, situation

from surrobench.acquisition import make_acquisition
from surrobench.acquisition.constrained import log_feasibility
from surrobench.acquisition.context import AcquisitionContext, LearnedConstraint
from surrobench.acquisition.multi_objective import (
    ParEGO,
    QLogEHVI,
    QLogNEHVI,
    _python_only,
    observed_values,
)
from surrobench.acquisition.pool_model import PoolModel, as_inputs
from surrobench.acquisition.samplers import joint_sampler
from surrobench.errors import UserError
from surrobench.metrics.fronts import hypervolume, reference_point


def two(**changes: object) -> AcquisitionContext:
    return situation(process(0), process(1), **{"pending": (), **changes})


def numbers(*rows: tuple[float, ...]) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64)


def test_hypervolumes_are_known() -> None:
    front = numbers((3, 1), (2, 2), (1, 3))
    origin = torch.zeros(2, dtype=torch.float64)
    assert hypervolume(front, origin) == pytest.approx(6.0)
    assert hypervolume(torch.cat([front, numbers((1, 1), (-5, 9))]), origin) == pytest.approx(6.0)
    assert hypervolume(front, origin + 5) == 0.0
    cube = numbers((1, 2, 3))
    assert hypervolume(cube, torch.zeros(3, dtype=torch.float64)) == pytest.approx(6.0)


def test_the_reference_lies_a_tenth_below_the_front() -> None:
    values = numbers((3, 1), (2, 2), (1, 3), (0, 0))
    torch.testing.assert_close(reference_point(values), numbers((0.8, 0.8)).squeeze(0))
    # One candidate is best in everything: its front has no range.
    values = numbers((3, 3), (2, 1), (-7, 2))
    torch.testing.assert_close(reference_point(values), numbers((-8.0, 0.8)).squeeze(0))


def test_hypervolume_improvement_equals_the_closed_form() -> None:
    now = two()
    function = QLogEHVI(samples=2048)
    values = observed_values(now)
    reference = reference_point(values)
    exact = ExpectedHypervolumeImprovement(
        ModelListGP(process(0).model(), process(1).model()),
        reference,
        NondominatedPartitioning(reference, values),
    )
    with torch.no_grad():
        expected = exact(process().X[now.choices()].unsqueeze(1))
    ours = function.scores(now).exp()
    torch.testing.assert_close(ours, expected, rtol=0.05, atol=2e-3)


@pytest.mark.parametrize("pending", [(), (20,)])
def test_hypervolume_improvement_of_a_batch_equals_botorch(pending: tuple[int, ...]) -> None:
    now = two(pending=pending, seed=3)
    values = observed_values(now)
    reference = reference_point(values)
    X = process().X
    with _python_only(), torch.no_grad():
        theirs = logei.qLogExpectedHypervolumeImprovement(
            ModelListGP(process(0).model(), process(1).model()),
            reference,
            FastNondominatedPartitioning(reference, values),
            X_pending=X[list(pending)] if pending else None,
            sampler=SobolQMCNormalSampler(torch.Size([512]), seed=8),
        )
        expected = theirs(X[now.choices()].unsqueeze(1))
    ours = QLogEHVI(samples=512).scores(now)
    torch.testing.assert_close(ours, expected, rtol=0.05, atol=0.05)


def test_many_pending_stay_affordable() -> None:
    pending = tuple(range(28, 38))
    scores = QLogEHVI(samples=8).scores(two(pending=pending))
    assert torch.isfinite(scores).all()
    chosen = QLogEHVI(samples=64).select(two(), 6)
    assert len(set(chosen)) == 6


def test_the_noisy_front_knows_what_is_likely_on_it() -> None:
    now = two(seed=1)
    values = observed_values(now)
    kept = QLogNEHVI(baseline=6).baseline_rows(now, reference_point(values))
    assert len(kept) == 6
    assert set(kept.tolist()) <= set(OBSERVED)
    means = torch.stack([b.mean[list(OBSERVED)] for b in now.posteriors], dim=1)
    sums = means.sum(dim=1)
    assert int(sums.argmax()) in kept.tolist()
    assert int(sums.argmin()) not in kept.tolist()
    noisy, plain = QLogNEHVI(samples=256).scores(now), QLogEHVI(samples=256).scores(now)
    top = plain > plain.quantile(0.5)
    assert float(torch.corrcoef(torch.stack([noisy[top], plain[top]]))[0, 1]) > 0.9


def test_samples_of_two_objectives_are_independent() -> None:
    beliefs = process(0), process(1), belief("xgboost"), belief("random-forest")
    posterior = ModelList(*map(PoolModel, beliefs)).posterior(as_inputs(torch.tensor([[20, 30]])))
    drawn = joint_sampler(beliefs, 512, 3)(posterior)
    assert drawn.shape == (512, 1, 2, 4)
    mixed = torch.corrcoef(drawn[:, 0, 1].T).fill_diagonal_(0)
    assert mixed.abs().max() < 0.12
    # Normal scores of two processes fill the quadrants evenly.
    above = drawn[:, 0, 0, :2] > torch.stack([b.mean[20] for b in beliefs[:2]])
    assert abs(int(above.all(dim=1).sum()) - 128) <= 8
    for place, known in enumerate(beliefs):
        error = drawn[:, 0, 0, place].mean() - known.mean[20]
        assert error.abs() < 0.05 * known.variance[20].sqrt()


def test_a_given_reference_is_in_units_of_the_task() -> None:
    now = two()
    function = make_acquisition("qlog-ehvi", reference=[0.4, 0.1])
    assert isinstance(function, QLogEHVI)
    moved = function.reference_of(now, observed_values(now))
    for i, given in enumerate([0.4, 0.1]):
        expected = now.posteriors[i].to_scale(torch.tensor([given], dtype=torch.float64))
        assert float(moved[i]) == pytest.approx(float(expected))
    with pytest.raises(UserError, match="3 numbers for 2 objectives"):
        make_acquisition("qlog-ehvi", reference=[0.0, 0.0, 0.0]).scores(now)


def test_scalarisations_differ_from_choice_to_choice() -> None:
    function = ParEGO()
    chosen = {function.select(two(seed=seed), 1)[0] for seed in range(30)}
    assert len(chosen) > 2
    # Within a batch too: the second choice is not that of the first one's weights.
    now = two(seed=1)
    first = function.select(now, 1)[0]
    weights_kept = [
        float(torch.corrcoef(torch.stack([function.scores(now), function.scores(other)]))[0, 1])
        for other in (now, replace(now, pending=(first,)))
    ]
    assert weights_kept[0] == pytest.approx(1.0)
    assert weights_kept[1] < 0.95


@pytest.mark.skipif(
    not hasattr(logei, "_load_attempted"), reason="this BoTorch compiles no extension"
)
def test_botorchs_extension_is_left_alone() -> None:
    before = logei._load_attempted, logei._C
    QLogEHVI(samples=8).scores(two())
    assert (logei._load_attempted, logei._C) == before


def constrained(sign: int, name: str = "gp-rbf", **changes: object) -> AcquisitionContext:
    about = belief(name, 1)
    bound = float(about.mean.median())
    constraint = LearnedConstraint(about, bound, sign)
    return situation(belief("gp-rbf"), constraints=(constraint,), pending=(), **changes)


def test_feasibility_is_a_normal_probability() -> None:
    now = constrained(1)
    about = now.constraints[0].posterior
    rows = now.choices()
    normal = torch.distributions.Normal(about.mean[rows], about.variance[rows].sqrt())
    bound = torch.tensor(now.constraints[0].bound, dtype=torch.float64)
    torch.testing.assert_close(log_feasibility(now).exp(), normal.cdf(bound))
    above = log_feasibility(constrained(-1)).exp()
    torch.testing.assert_close(above, 1 - normal.cdf(bound))


@pytest.mark.parametrize("sign", [1, -1])
def test_improvement_counts_where_it_is_allowed(sign: int) -> None:
    function = make_acquisition("constrained-ei")
    free = situation(belief("gp-rbf"), pending=())
    feasible = torch.ones(len(OBSERVED), dtype=torch.bool)
    now = constrained(sign, feasible=feasible)
    expected = make_acquisition("log-ei").scores(free) + log_feasibility(now)
    torch.testing.assert_close(function.scores(now), expected)
    chosen = function.select(now, 1)[0]
    assert sign * (now.constraints[0].bound - float(now.constraints[0].posterior.mean[chosen])) > 0


def test_without_anything_feasible_the_probability_decides() -> None:
    feasible = torch.zeros(len(OBSERVED), dtype=torch.bool)
    now = constrained(1, feasible=feasible)
    scores = make_acquisition("constrained-ei").scores(now)
    torch.testing.assert_close(scores, log_feasibility(now))
    several = replace(now, posteriors=(belief("gp-rbf"), belief("gp-rbf", 1)))
    for name in ("qlog-ehvi", "qlog-nehvi", "parego"):
        torch.testing.assert_close(make_acquisition(name).scores(several), scores)


def test_only_feasible_observations_are_an_incumbent() -> None:
    targets = belief("gp-rbf").targets
    feasible = torch.ones(len(OBSERVED), dtype=torch.bool)
    feasible[targets.argmax()] = False
    now = constrained(1, feasible=feasible)
    assert now.best == float(targets.sort().values[-2])
    assert not set(make_acquisition("constrained-ei").select(now, SIZE)) & set(EXCLUDED)
