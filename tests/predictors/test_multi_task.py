"""The process over several tasks, beside GPyTorch, and predictions for sources as columns."""

from __future__ import annotations

from typing import Any

import gpytorch
import numpy as np
import pytest
import torch
from gpytorch.mlls import ExactMarginalLogLikelihood

from surrobench import make_predictor
from surrobench.errors import UserError
from surrobench.predictors.gp.gp_fit import FitReport, Priors
from surrobench.predictors.predictive import predict
from surrobench.predictors.protocol import Source
from surrobench.predictors.transfer.coregionalisation import (
    Coregionalised,
    CoregionalisedPosterior,
)
from surrobench.predictors.transfer.multi_task import joint_process


def examples(seed: int = 0) -> tuple[Any, Any, Any]:
    """Inputs, tasks and values of three tasks."""
    rng = np.random.default_rng(seed)
    X, tasks = rng.random((21, 4)), np.repeat([0, 1, 2], [5, 9, 7])
    y = np.sin(3 * X[:, 0]) + np.array([1.0, 0.5, -1.0])[tasks] * X[:, 1]
    return X, tasks, y - y.mean()


def test_likelihood_and_priors_are_those_of_gpytorch() -> None:
    X, tasks, y = examples()
    priors = Priors.scaled_to(4)
    objective = CoregionalisedPosterior(X, tasks, y, "matern-5/2", 2, priors)
    rng = np.random.default_rng(1)
    parameters = objective.start(4) + 0.3 * rng.standard_normal(len(objective.bounds()))
    lengthscale, W, v, noise = objective.parts(parameters)
    fitted = Coregionalised(lengthscale, W, v, noise, FitReport(0, True, 0.0, 0.0))
    indexed = torch.tensor(np.column_stack([X, tasks]))
    model = joint_process(indexed, torch.tensor(y)[:, None], fitted, "matern-5/2", priors)
    model.train()
    with gpytorch.settings.fast_computations(False, False, False):
        likelihood: Any = ExactMarginalLogLikelihood(model.likelihood, model)
        total = float(likelihood(model(indexed), model.train_targets)) * len(y)
    # What the modules above have no prior for: variances and factors.
    total += priors.outputscale.log_density(np.log(v))[0]
    normal = torch.distributions.Normal(0.0, 2**-0.5)
    total += float(normal.log_prob(torch.tensor(W)).sum())
    assert objective(parameters).value == pytest.approx(total, rel=1e-7)


def test_gradients_are_slopes() -> None:
    X, tasks, y = examples()
    objective = CoregionalisedPosterior(X, tasks, y, "matern-5/2", 2, Priors.scaled_to(4))
    rng = np.random.default_rng(2)
    at = objective.start(4) + 0.2 * rng.standard_normal(len(objective.bounds()))
    gradient = objective(at).gradient
    for place in range(len(at)):
        step = np.zeros_like(at)
        step[place] = 1e-5
        slope = (objective(at + step).value - objective(at - step).value) / 2e-5
        assert gradient[place] == pytest.approx(slope, rel=1e-4, abs=1e-5)


def function(X: Any) -> Any:
    return torch.sin(5.0 * X[:, :1]) + X[:, 1:2]


def inputs(n: int, seed: int) -> Any:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(n, 3, dtype=torch.float64, generator=generator)


PREDICTORS: list[dict[str, Any]] = [
    {"use": "gp-multitask"},
    {"use": "few-shot-deep-kernel"},
    {"use": "source-features", "predictor": "gp-matern52"},
    {"use": "source-features", "predictor": "gp-blocks"},
    {"use": "source-features", "predictor": "random-forest", "options": {"trees": 40}},
    {"use": "source-features", "predictor": "xgboost-hist", "options": {"rounds": 40}},
]


@pytest.mark.parametrize("spec", PREDICTORS, ids=lambda spec: "-".join(map(str, spec.values())))
def test_a_related_source_helps(spec: dict[str, Any]) -> None:
    X, Z, known = inputs(6, 0), inputs(300, 5), inputs(60, 1)
    source = Source("other", known, 500.0 - 30.0 * function(known))  # ranks in reverse
    truth = function(Z).squeeze(-1).numpy()

    def correlation(told: list[Source]) -> float:
        recipe: Any = make_predictor(spec)
        mean = predict(recipe.fit(X, function(X), seed=0, sources=told), Z).median
        return float(np.corrcoef(mean, truth)[0, 1])

    assert correlation([source]) > correlation([]) + 0.05


def test_predictions_are_those_of_the_posterior() -> None:
    X, Z = inputs(8, 0), inputs(20, 2)
    source = Source("other", inputs(30, 1), function(inputs(30, 1)))
    recipe: Any = make_predictor("gp-multitask")
    model = recipe.fit(X, 10.0 * function(X), seed=0, sources=[source])
    quick = predict(model, Z)
    with torch.no_grad():
        slow: Any = model.posterior(Z, observation_noise=True)
    np.testing.assert_allclose(quick.mean, slow.mean.squeeze(-1).numpy(), rtol=1e-6)
    np.testing.assert_allclose(quick.std**2, slow.variance.squeeze(-1).numpy(), rtol=1e-5)


def test_examples_of_the_sources_are_bounded() -> None:
    X, known = inputs(5, 0), inputs(100, 1)
    told = [Source(name, known, function(known)) for name in "abcd"]
    recipe: Any = make_predictor("gp-multitask", source_examples=40)
    model = recipe.fit(X, function(X), seed=0, sources=told)
    assert len(model.base.base.train_targets) == 5 + 40


def test_the_predictor_inside_sees_the_sources_alone_if_asked() -> None:
    X, known = inputs(8, 0), inputs(40, 1)
    told = [Source(name, known, function(known)) for name in "ab"]
    recipe: Any = make_predictor("source-features", predictor="gp-matern52", beside=False)
    after = recipe.with_sources(told, seed=0)
    assert after.columns()(X).shape == (8, 2)
    assert make_predictor("source-features").with_sources(told, seed=0).columns()(X).shape == (8, 5)  # type: ignore[attr-defined]


def test_a_predictor_that_takes_sources_itself_is_refused() -> None:
    with pytest.raises(UserError, match="takes sources itself"):
        make_predictor("source-features", predictor="rgpe")
