"""Boosting of many small steps, regressors of optional packages, and the Bayesian last layer."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch
import xgboost

from surrobench.errors import UserError
from surrobench.predictors import make_predictor
from surrobench.predictors.recipe import canonical_rows

RNG = np.random.default_rng(4)
X = torch.tensor(RNG.random((80, 5)))
Y = (X[:, :1] * 3.0 - X[:, 1:2] + 0.1 * torch.tensor(RNG.standard_normal((80, 1)))).double()


def test_xgb_plus_is_the_published_model() -> None:
    inputs, targets = canonical_rows(X, (Y - Y.mean()) / Y.std())
    published = xgboost.XGBRegressor(
        n_estimators=300, learning_rate=0.01, tree_method="hist", subsample=0.9, random_state=3
    )
    published.fit(inputs.numpy(), targets.numpy().ravel())
    ours = make_predictor("xgb-plus", rounds=300).fit(X, Y, seed=3)
    mean = ours.posterior(X).mean.ravel().numpy()
    expected = published.predict(X.numpy()) * float(Y.std()) + float(Y.mean())
    np.testing.assert_allclose(mean, expected, atol=2e-3)


def test_its_deviation_is_what_left_out_examples_miss() -> None:
    model = make_predictor("xgb-plus-fast").fit(X, Y, seed=0)
    deviation = model.posterior(X).variance.sqrt().ravel()
    assert float(deviation.std()) == pytest.approx(0.0, abs=1e-9)
    assert 0.1 < float(deviation[0]) < float(Y.std())


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("lightgbm", "lightgbm"),
        ("catboost", "catboost"),
        ("ngboost", "ngboost"),
        ("quantile-forest", "quantile_forest"),
    ],
)
def test_a_missing_package_is_named_with_what_installs_it(
    name: str, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = make_predictor(name)  # can be named without it
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UserError, match=r"pip install 'surrobench\[boosting\]'"):
        recipe.fit(X, Y, seed=0)


def test_a_bayesian_last_layer_finds_the_noise() -> None:
    exact = X[:, :1] - X[:, 2:3]
    noisy = exact + 0.3 * torch.tensor(RNG.standard_normal((80, 1)))
    quiet, loud = (make_predictor("dngo").fit(X, y, seed=0) for y in (exact, noisy))

    def noise(model: object) -> float:
        seen = model.posterior(X, observation_noise=True).variance  # type: ignore[attr-defined]
        return float((seen - model.posterior(X).variance).mean()) ** 0.5  # type: ignore[attr-defined]

    assert noise(quiet) < 0.1
    assert 0.1 < noise(loud) < 0.5


def test_a_bayesian_last_layer_knows_less_far_away() -> None:
    near = make_predictor("dngo").fit(X, Y, seed=0)
    assert near.posterior(X * 4.0).variance.mean() > 2.0 * near.posterior(X).variance.mean()


def test_noise_of_left_out_examples_changes_the_deviation_alone() -> None:
    usual, held_out = (make_predictor(name).fit(X, Y, seed=0) for name in ("dngo", "dngo-held-out"))
    at = X * 0.9 + 0.05
    for word in ("mean", "variance"):
        ours, theirs = (getattr(model.posterior(at), word) for model in (held_out, usual))
        torch.testing.assert_close(ours, theirs, rtol=0, atol=0)
    noisy = [model.posterior(at, observation_noise=True).variance for model in (held_out, usual)]
    assert (noisy[0] > noisy[1]).all()


def test_it_covers_targets_that_the_network_learned_by_heart() -> None:
    noise = torch.tensor(np.random.default_rng(1).standard_normal((300, 1)))
    inputs = torch.tensor(np.random.default_rng(2).random((300, 8)))
    targets = inputs[:, :1] + noise
    shares = {}
    for name in ("dngo", "dngo-held-out"):
        model = make_predictor(name).fit(inputs[:40], targets[:40], seed=0)
        found = model.posterior(inputs[40:], observation_noise=True)
        missed = (targets[40:] - found.mean).abs()
        shares[name] = float((missed < 1.645 * found.variance.sqrt()).double().mean())
    assert shares["dngo"] < 0.7
    assert 0.8 < shares["dngo-held-out"] < 0.98


@pytest.mark.parametrize("n", [1, 2, 3])
def test_it_answers_after_very_few_examples(n: int) -> None:
    model = make_predictor("dngo-held-out").fit(X[:n], Y[:n], seed=0)
    assert torch.isfinite(model.posterior(X, observation_noise=True).variance).all()
