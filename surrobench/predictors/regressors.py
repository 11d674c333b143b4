"""Predictors from users' regressors, which only need scikit-learn's shape."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import sklearn.base
import torch
from botorch.models.model import Model
from torch import Tensor

from surrobench.errors import UserError
from surrobench.predictors.models import EnsembleModel, MomentsModel
from surrobench.predictors.protocol import FloatArray, Predictor
from surrobench.predictors.recipe import TransformedPredictor, option, smallest_variance
from surrobench.predictors.resampling import bootstrap_counts, left_out_noise
from surrobench.predictors.transforms import FittedTransform, fit_transform


def is_predictor(value: object) -> bool:
    """Whether ``value`` (a class or an instance) has a predictor's ``fit(X, y, *, seed)``."""
    return "seed" in _parameters(getattr(value, "fit", None)) and not _predicts(value)


def is_regressor(value: object) -> bool:
    """Whether ``value`` (a class or an instance) has scikit-learn's shape."""
    return callable(getattr(value, "fit", None)) and _predicts(value)


def _predicts(value: object) -> bool:
    return any(callable(getattr(value, name, None)) for name in ("predict", "predict_members"))


def _parameters(function: Any) -> tuple[str, ...]:
    """Names of a function's parameters; none if it cannot be inspected."""
    try:
        return tuple(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return ()


def as_predictor(obj: Any, *, transform: str = "standardise", members: int = 10) -> Predictor:
    """Make a predictor of a regressor; a predictor is returned as it is.

    Args:
        obj: an instance, a class, or a function without arguments that makes an instance.
        transform: of the targets.
        members: bootstrap members, for a regressor that predicts nothing but a value.

    Raises:
        UserError: if ``obj`` has no ``fit``, or neither ``predict`` nor ``predict_members``.
    """
    if is_predictor(obj) and not isinstance(obj, type):
        predictor: Predictor = obj
        return predictor
    sample = obj
    if isinstance(obj, type) or not is_regressor(obj):
        if not callable(obj):
            raise _not_a_regressor(obj)
        sample = obj()
        if is_predictor(sample):
            made: Predictor = sample
            return made
    if not is_regressor(sample):
        raise _not_a_regressor(sample)
    return RegressorPredictor(regressor=sample, transform=transform, members=members)


def _not_a_regressor(obj: object) -> UserError:
    name = obj.__name__ if isinstance(obj, type) else type(obj).__name__
    return UserError(
        f"{name} is no regressor: it needs fit(X, y), and predict(X) or predict_members(X)."
    )


@dataclass(frozen=True, kw_only=True)
class RegressorPredictor(TransformedPredictor):
    """A user's regressor as a predictor; the regressor itself is only ever cloned.

    Its uncertainty comes from what it offers, in this order: ``predict_members(X)`` is an
    ensemble; ``predict(X, return_std=True)`` a mean and a standard deviation; from a plain
    ``predict`` a bootstrap ensemble is made, whose errors on examples that a member has not drawn
    give the observation noise. A parameter ``random_state`` is set from the seed. Arrays are
    handed over read-only, and every answer is checked.

    Args:
        regressor: the recipe, with ``fit`` and ``predict`` or ``predict_members``.
        members: of the bootstrap.
    """

    regressor: Any
    members: int = option(10, least=2, most=10_000)

    def fitted_transform(self, y: Tensor) -> FittedTransform:
        """A user's regressor gets its targets as they are, if that is asked for."""
        return fit_transform(self.transform, y)

    def fit_targets(self, X: FloatArray, y: FloatArray, seed: int) -> Model:
        """Fit clones of the regressor."""
        floor = smallest_variance(y)
        if callable(getattr(self.regressor, "predict_members", None)):
            fitted = _Fitted(self.regressor, X, y, seed)
            return EnsembleModel(lambda Z: torch.from_numpy(fitted.members(_array(Z))), 0.0, floor)
        if "return_std" in _parameters(self.regressor.predict):
            fitted = _Fitted(self.regressor, X, y, seed)
            return MomentsModel(lambda Z: fitted.moments(_array(Z)), 0.0, floor)
        return self._bootstrap(X, y, seed, floor)

    def _bootstrap(self, X: FloatArray, y: FloatArray, seed: int, floor: float) -> EnsembleModel:
        """An ensemble of clones, each fitted to rows drawn with replacement."""
        counts = bootstrap_counts(len(y), self.members, seed)
        drawn = [np.repeat(np.arange(len(y)), count) for count in counts]
        fitted = [
            _Fitted(self.regressor, X[rows], y[rows], seed * self.members + i)
            for i, rows in enumerate(drawn)
        ]
        seen = np.stack([member.values(X) for member in fitted])
        noise = left_out_noise(y, seen, counts == 0)

        def members(Z: Tensor) -> Tensor:
            inputs = _array(Z)
            return torch.from_numpy(np.stack([member.values(inputs) for member in fitted]))

        return EnsembleModel(members, noise, floor)


def _array(X: Tensor) -> FloatArray:
    array: FloatArray = X.detach().cpu().to(torch.float64).numpy()
    return array


def _read_only(array: FloatArray) -> FloatArray:
    """A copy that cannot be written to."""
    locked = np.array(array, dtype=np.float64)
    locked.setflags(write=False)
    return locked


class _Fitted:
    """A fitted clone of a regressor, every answer of which is checked."""

    def __init__(self, regressor: Any, X: FloatArray, y: FloatArray, seed: int) -> None:
        self._owner = type(regressor).__name__
        self._regressor = _clone(regressor, seed)
        self._call("fit", self._regressor.fit, _read_only(X), _read_only(y))

    def values(self, X: FloatArray) -> FloatArray:
        """Predictions ``n``; a column ``n x 1`` is accepted."""
        return self._vector("predict", self._call("predict", self._regressor.predict, X), len(X))

    def moments(self, X: FloatArray) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation, each ``n``."""

        def predict(Z: FloatArray) -> Any:
            return self._regressor.predict(Z, return_std=True)

        answer = self._call("predict", predict, X)
        if not isinstance(answer, tuple) or len(answer) != 2:
            raise ValueError(
                f"{self._owner}.predict(X, return_std=True) must return a pair (mean, std), "
                f"not {type(answer).__name__}."
            )
        mean = self._vector("predict (mean)", answer[0], len(X))
        deviation = self._vector("predict (std)", answer[1], len(X))
        if not (deviation > 0).all():
            raise ValueError(
                f"{self._owner}.predict returned {int((deviation <= 0).sum())} standard deviations "
                f"that are not positive, the smallest {deviation.min():g}."
            )
        return torch.from_numpy(mean), torch.from_numpy(deviation)

    def members(self, X: FloatArray) -> FloatArray:
        """Predictions of the members, ``s x n``."""
        answer = self._call("predict_members", self._regressor.predict_members, X)
        array = self._numbers("predict_members", answer)
        if array.ndim != 2 or array.shape[1] != len(X) or len(array) == 0:
            raise ValueError(
                f"{self._owner}.predict_members returned the shape {array.shape} "
                f"for {len(X)} rows; expected (members, {len(X)})."
            )
        return array

    def _vector(self, method: str, answer: Any, n: int) -> FloatArray:
        array = self._numbers(method, answer)
        if array.shape == (n, 1):
            array = array[:, 0]
        if array.shape != (n,):
            raise ValueError(
                f"{self._owner}.{method} returned the shape {array.shape} for {n} rows; "
                f"expected ({n},)."
            )
        return array

    def _numbers(self, method: str, answer: Any) -> FloatArray:
        """The answer as finite float64."""
        if isinstance(answer, Tensor):
            answer = answer.detach().cpu().numpy()
        try:
            array = np.asarray(answer)
        except ValueError as error:
            raise ValueError(f"{self._owner}.{method} returned no array: {error}.") from error
        if array.dtype.kind not in "fiu":
            raise ValueError(
                f"{self._owner}.{method} returned values of type {array.dtype}; expected numbers."
            )
        bad = int((~np.isfinite(array)).sum())
        if bad:
            raise ValueError(
                f"{self._owner}.{method} returned {bad} of {array.size} values that are not finite."
            )
        return array.astype(np.float64)

    def _call(self, method: str, function: Callable[..., Any], *arrays: FloatArray) -> Any:
        """Call the user's code with read-only arrays; name it if it tries to write to them."""
        try:
            return function(*(_read_only(array) for array in arrays))
        except ValueError as error:
            if "read-only" in str(error):
                raise ValueError(
                    f"{self._owner}.{method} tried to change its input in place ({error}); "
                    "work on a copy."
                ) from error
            raise


def _clone(regressor: Any, seed: int) -> Any:
    """An unfitted copy with its random state, where it has one, set from the seed."""
    if callable(getattr(regressor, "get_params", None)):
        clone = sklearn.base.clone(regressor, safe=False)
        states = [
            name
            for name in clone.get_params()
            if name == "random_state" or name.endswith("__random_state")
        ]
        if states and callable(getattr(clone, "set_params", None)):
            clone.set_params(**{name: seed % 2**32 for name in states})
        return clone
    clone = copy.deepcopy(regressor)
    if hasattr(clone, "random_state"):
        clone.random_state = seed % 2**32
    return clone
