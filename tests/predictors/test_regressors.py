from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, WhiteKernel
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor

from surrobench.errors import UserError
from surrobench.predictors.models import EnsembleModel, MomentsModel
from surrobench.predictors.regressors import as_predictor
from surrobench.testing.conformance import check_predictor
from surrobench.testing.problems import cells, moments

PROBLEM = cells(30, 50)


def fit(regressor: Any, transform: str = "none", **options: Any) -> Any:
    predictor = as_predictor(regressor, transform=transform, **options)
    return predictor.fit(PROBLEM.X, PROBLEM.y, seed=3)


class Answers:
    """A regressor whose answers are given by a function of the number of rows."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def fit(self, X: Any, y: Any) -> None:
        self.fitted = True

    def predict(self, X: Any) -> Any:
        return self.answer(len(X))


class Moments(Answers):
    def predict(self, X: Any, return_std: bool = False) -> Any:  # type: ignore[override]
        return self.answer(len(X))


class Members(Answers):
    def predict_members(self, X: Any) -> Any:
        return self.answer(len(X))


def test_the_form_of_the_regressor_decides_the_uncertainty() -> None:
    members = fit(Members(lambda n: np.arange(3.0)[:, None] * np.ones(n)))
    assert isinstance(members, EnsembleModel)
    mean, deviation = moments(members, PROBLEM.pool[:4])
    torch.testing.assert_close(mean, torch.ones(4, 1).double())
    torch.testing.assert_close(deviation**2, torch.full((4, 1), 2 / 3).double())

    pair = fit(Moments(lambda n: (np.full(n, 2.0), np.full(n, 0.5))))
    assert isinstance(pair, MomentsModel)
    mean, deviation = moments(pair, PROBLEM.pool[:4])
    torch.testing.assert_close(mean, torch.full((4, 1), 2.0).double())
    torch.testing.assert_close(deviation, torch.full((4, 1), 0.5).double())

    bootstrap = fit(Ridge())
    assert isinstance(bootstrap, EnsembleModel)
    assert bootstrap.posterior(PROBLEM.pool[:4]).values.shape == (10, 4, 1)
    assert bootstrap.noise > 0


def test_scikit_learn_mean_and_deviation_are_passed_through() -> None:
    process = GaussianProcessRegressor(RBF(2.0) + WhiteKernel(0.1), optimizer=None)
    expected = GaussianProcessRegressor(RBF(2.0) + WhiteKernel(0.1), optimizer=None)
    expected.fit(PROBLEM.X.numpy(), PROBLEM.y.numpy().ravel())
    mean, deviation = expected.predict(PROBLEM.pool.numpy(), return_std=True)
    got_mean, got_deviation = moments(fit(process), PROBLEM.pool)
    np.testing.assert_allclose(got_mean.numpy().ravel(), mean, rtol=1e-6)
    np.testing.assert_allclose(got_deviation.numpy().ravel(), deviation, rtol=1e-6)


@pytest.mark.parametrize(
    ("regressor", "message"),
    [
        (Answers(lambda n: np.full(n, np.nan)), r"Answers.predict returned 30 of 30 values"),
        (Answers(lambda n: np.full(n, np.inf)), "not finite"),
        (Answers(lambda n: np.zeros(n - 1)), r"the shape \(29,\) for 30 rows; expected \(30,\)"),
        (Answers(lambda n: np.zeros((n, 2))), r"shape \(30, 2\)"),
        (Answers(lambda n: 0.5), r"shape \(\)"),
        (Answers(lambda n: None), "type object"),
        (Answers(lambda n: ["high"] * n), "expected numbers"),
        (Answers(lambda n: [[1.0], [1.0, 2.0]]), "returned no array"),
        (Moments(lambda n: np.zeros(n)), r"must return a pair \(mean, std\), not ndarray"),
        (
            Moments(lambda n: (np.zeros(n), np.zeros(n))),
            "standard deviations? not positive",
        ),
        (Moments(lambda n: (np.zeros(n), np.ones(n + 1))), r"predict \(std\) returned the shape"),
        (Members(lambda n: np.zeros(n)), r"Members.predict_members returned the shape"),
        (Members(lambda n: np.zeros((n, 3))), r"expected \(members, \d+\)"),
        (Members(lambda n: np.zeros((0, n))), "predict_members returned the shape"),
    ],
)
def test_a_wrong_answer_is_named(regressor: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fit(regressor).posterior(PROBLEM.pool)


def test_a_column_of_float32_or_a_tensor_is_accepted() -> None:
    for answer in (
        lambda n: np.ones((n, 1), dtype=np.float32),
        lambda n: torch.ones(n),
        lambda n: [1] * n,
    ):
        mean, _ = moments(fit(Answers(answer)), PROBLEM.pool[:3])
        assert mean.dtype == torch.float64
        torch.testing.assert_close(mean, torch.ones(3, 1).double())


def test_writing_to_the_inputs_is_refused_by_name() -> None:
    class Vandal(Answers):
        def fit(self, X: Any, y: Any) -> None:
            X *= 2.0

    class LateVandal(Answers):
        def predict(self, X: Any) -> Any:
            X[0] = 0.0
            return np.zeros(len(X))

    with pytest.raises(ValueError, match=r"Vandal.fit tried to change its input in place"):
        fit(Vandal(None))
    with pytest.raises(ValueError, match=r"LateVandal.predict tried to change its input"):
        fit(LateVandal(None))


def test_the_users_object_is_never_fitted_and_gets_the_seed() -> None:
    seeds = []

    class Seeded(Answers):
        def __init__(self, random_state: int | None = None) -> None:
            self.random_state = random_state

        def get_params(self, deep: bool = True) -> dict[str, Any]:
            return {"random_state": self.random_state}

        def set_params(self, **params: Any) -> Seeded:
            self.__dict__.update(params)
            return self

        def fit(self, X: Any, y: Any) -> None:
            seeds.append(self.random_state)

        def predict(self, X: Any) -> Any:
            return np.zeros(len(X))

    mine = Seeded()
    fit(mine, members=4)
    assert mine.random_state is None
    assert seeds == [12, 13, 14, 15]

    plain = Answers(lambda n: np.zeros(n))
    fit(plain)
    assert not hasattr(plain, "fitted")


def test_steps_of_a_pipeline_are_seeded_too() -> None:
    pipeline = make_pipeline(StandardScaler(), DecisionTreeRegressor(max_features=3))
    first, second = (moments(fit(pipeline), PROBLEM.pool)[0] for _ in range(2))
    assert torch.equal(first, second)


def test_classes_and_factories_are_accepted_and_others_refused() -> None:
    for source in (Ridge, Ridge(), lambda: Ridge()):
        mean, _ = moments(fit(source), PROBLEM.pool)
        assert mean.shape == (50, 1)
    predictor = as_predictor(Ridge())
    assert as_predictor(predictor) is predictor
    for wrong in (3, "Ridge", StandardScaler(), StandardScaler):
        with pytest.raises(UserError, match="is no regressor"):
            as_predictor(wrong)


@pytest.mark.slow
@pytest.mark.parametrize("regressor", [Ridge(), DecisionTreeRegressor(max_depth=4)], ids=repr)
def test_wrapped_regressors_keep_the_contract(regressor: Any) -> None:
    check_predictor(as_predictor(regressor))
