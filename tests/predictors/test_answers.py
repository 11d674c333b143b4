"""What a regressor offers is recognised, whichever of the common shapes it has."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.ensemble import RandomForestRegressor
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, WhiteKernel
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from surrobench.errors import UserError
from surrobench.predictors import make_predictor
from surrobench.predictors.answers import form_of
from surrobench.predictors.models import MomentsModel
from surrobench.predictors.regressors import RegressorPredictor, as_predictor
from surrobench.testing.problems import cells, moments

PROBLEM = cells(30, 50)
CENTRE, WIDTH = 3.0, 0.7


class Fits:
    """Counts how often something of its class is fitted."""

    fits = 0

    def fit(self, X: Any, y: Any) -> None:
        type(self).fits += 1
        self.spread = float(np.std(y))


class Distribution(Fits):
    """NGBoost's shape."""

    def predict(self, X: Any, max_iter: int | None = None) -> Any:
        return np.full(len(X), CENTRE)

    def pred_dist(self, X: Any, max_iter: int | None = None) -> Any:
        return stats.norm(np.full(len(X), CENTRE), WIDTH)


class Quantiles(Fits):
    def predict_quantiles(self, X: Any, levels: Any) -> Any:
        return np.tile(stats.norm(CENTRE, WIDTH).ppf(levels), (len(X), 1))


class TypedQuantiles(Fits):
    """TabPFN's shape: a list of one array for each level."""

    def predict(self, X: Any, output_type: str = "mean", quantiles: Any = None) -> Any:
        assert output_type == "quantiles"
        return [np.full(len(X), q) for q in stats.norm(CENTRE, WIDTH).ppf(quantiles)]


class OwnQuantiles(Fits):
    """The shape of quantile forests; the levels come back in disorder."""

    def predict(self, X: Any, quantiles: Any = None) -> Any:
        return np.tile(stats.norm(CENTRE, WIDTH).ppf(quantiles)[::-1], (len(X), 1))


@pytest.mark.parametrize("shape", [Distribution, Quantiles, TypedQuantiles, OwnQuantiles])
def test_one_fit_gives_the_distribution_that_the_regressor_tells(shape: type[Fits]) -> None:
    shape.fits = 0
    model = as_predictor(shape, transform="none").fit(PROBLEM.X, PROBLEM.y, seed=0)
    mean, deviation = moments(model, PROBLEM.pool[:20])  # as many rows as levels
    assert shape.fits == 1
    torch.testing.assert_close(mean, torch.full((20, 1), CENTRE).double())
    torch.testing.assert_close(deviation, torch.full((20, 1), WIDTH).double())


def test_a_pipeline_hands_the_question_for_a_deviation_on() -> None:
    process = GaussianProcessRegressor(RBF(2.0) + WhiteKernel(0.1), optimizer=None)
    pipeline = make_pipeline(StandardScaler(), process)
    model = as_predictor(pipeline, transform="none").fit(PROBLEM.X, PROBLEM.y, seed=0)
    pipeline.fit(PROBLEM.X.numpy(), PROBLEM.y.numpy().ravel())
    mean, deviation = pipeline.predict(PROBLEM.pool.numpy(), return_std=True)
    got = moments(model, PROBLEM.pool)
    np.testing.assert_allclose(got[0].numpy().ravel(), mean, rtol=1e-6)
    np.testing.assert_allclose(got[1].numpy().ravel(), deviation, rtol=1e-6)
    assert form_of(make_pipeline(StandardScaler(), Ridge())) == "values"


def test_without_a_bootstrap_one_fit_is_made_and_nothing_is_claimed_to_be_known() -> None:
    class Mean(Fits):
        def predict(self, X: Any) -> Any:
            return np.zeros(len(X))

    model = as_predictor(Mean, transform="none", bootstrap=0).fit(PROBLEM.X, PROBLEM.y, seed=0)
    assert Mean.fits == 1
    assert isinstance(model, MomentsModel)
    _, deviation = moments(model, PROBLEM.pool[:3])
    expected = torch.full((3, 1), float(PROBLEM.y.std(unbiased=False))).double()
    torch.testing.assert_close(deviation, expected)


def test_the_size_of_the_bootstrap_is_an_option_of_every_plain_regressor() -> None:
    ridge = make_predictor({"use": "sklearn.linear_model:Ridge", "bootstrap": 4, "alpha": 2.0})
    assert isinstance(ridge, RegressorPredictor)
    assert (ridge.members, ridge.regressor.alpha) == (4, 2.0)
    forest = make_predictor({"use": "sklearn.ensemble:RandomForestRegressor", "bootstrap": False})
    assert isinstance(forest.regressor, RandomForestRegressor)  # type: ignore[attr-defined]
    assert forest.regressor.bootstrap is False  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("regressor", "bootstrap", "message"),
    [
        (Distribution, 0, r"tells its own uncertainty \(pred_dist\(X\)\)"),
        (Ridge, 1, "two members or more"),
        (Ridge, -1, "must be a whole number from 0"),
    ],
)
def test_a_bootstrap_that_does_not_apply_is_refused(
    regressor: Any, bootstrap: int, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        as_predictor(regressor, bootstrap=bootstrap)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda n, k: np.zeros((n, k + 1)), r"expected \(\d+, 20\)"),
        (lambda n, k: [np.zeros(n - 1)] * k, r"returned quantiles of the shape"),
        (lambda n, k: np.full((n, k), np.nan), "not finite"),
    ],
)
def test_wrong_quantiles_are_named(answer: Any, message: str) -> None:
    class Wrong(Fits):
        def predict_quantiles(self, X: Any, levels: Any) -> Any:
            return answer(len(X), len(levels))

    model = as_predictor(Wrong).fit(PROBLEM.X, PROBLEM.y, seed=0)
    with pytest.raises(ValueError, match=message):
        model.posterior(PROBLEM.pool)


def test_a_distribution_without_a_deviation_is_named() -> None:
    class Odd(Distribution):
        def pred_dist(self, X: Any, max_iter: int | None = None) -> Any:
            return object()

    model = as_predictor(Odd).fit(PROBLEM.X, PROBLEM.y, seed=0)
    with pytest.raises(ValueError, match=r"pred_dist returned object, which has no mean\(\)"):
        model.posterior(PROBLEM.pool)


def test_a_regressor_may_ask_for_an_encoding() -> None:
    class Graphs(Distribution):
        encoding = "adjacency"

    assert as_predictor(Graphs).encoding == "adjacency"  # type: ignore[attr-defined]
    assert as_predictor(Distribution).encoding is None  # type: ignore[attr-defined]
