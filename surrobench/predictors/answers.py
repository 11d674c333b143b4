"""What a user's regressor offers, and its answers, each of which is checked."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal

import numpy as np
import torch
from scipy.special import ndtri
from torch import Tensor

from surrobench.arrays import FloatArray
from surrobench.base.wording import counted

Form = Literal[
    "members", "moments", "distribution", "quantiles", "typed-quantiles", "own-quantiles", "values"
]
FORMS: dict[Form, str] = {
    "members": "predict_members(X)",
    "moments": "predict(X, return_std=True)",
    "distribution": "pred_dist(X)",
    "quantiles": "predict_quantiles(X, levels)",
    "typed-quantiles": 'predict(X, output_type="quantiles", quantiles=levels)',
    "own-quantiles": "predict(X, quantiles=levels)",
    "values": "predict(X)",
}
"""Ways to predict, those that tell more before those that tell less, as a user writes them."""

METHODS = ("predict", "predict_members", "pred_dist", "predict_quantiles")
LEVELS: FloatArray = (np.arange(20) + 0.5) / 20
"""At which quantiles are asked for: the middles of equal shares."""
_SCORES: FloatArray = ndtri(LEVELS)


def form_of(regressor: Any) -> Form:
    """The way to predict that tells most of what a regressor offers."""
    taken = set(_predict_parameters(regressor))
    offered: dict[Form, bool] = {
        "members": callable(getattr(regressor, "predict_members", None)),
        "moments": "return_std" in taken,
        "distribution": callable(getattr(regressor, "pred_dist", None)),
        "quantiles": callable(getattr(regressor, "predict_quantiles", None)),
        "typed-quantiles": {"output_type", "quantiles"} <= taken,
        "own-quantiles": "quantiles" in taken,
    }
    return next((form for form, there in offered.items() if there), "values")


def parameters_of(function: Any) -> tuple[str, ...]:
    """Names of a function's parameters; none if it cannot be inspected."""
    try:
        return tuple(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return ()


def _predict_parameters(regressor: Any) -> tuple[str, ...]:
    """What ``predict`` takes; a pipeline hands everything to its last step."""
    while getattr(regressor, "steps", None) and hasattr(regressor, "named_steps"):
        regressor = regressor.steps[-1][1]
    return parameters_of(getattr(regressor, "predict", None))


def read_only(array: FloatArray) -> FloatArray:
    """A copy that cannot be written to."""
    locked = np.array(array, dtype=np.float64)
    locked.setflags(write=False)
    return locked


class FittedRegressor:
    """A fitted regressor, every answer of which is checked.

    Args:
        regressor: a clone, which is fitted here.
        X: inputs, ``n x d``.
        y: targets, ``n``.
        view: what the regressor sees of inputs, for one that wants no matrix.
        more: further keywords of ``fit``.
    """

    def __init__(
        self,
        regressor: Any,
        X: FloatArray,
        y: FloatArray,
        *,
        view: Callable[[FloatArray], Any] = lambda X: X,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        self._owner = type(regressor).__name__
        self._regressor = regressor
        self._view = view
        self._call("fit", partial(self._regressor.fit, **(more or {})), X, y)

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
        std = self._vector("predict (std)", answer[1], len(X))
        self._check_deviations("predict", std)
        return torch.from_numpy(mean), torch.from_numpy(std)

    def _check_deviations(self, method: str, std: FloatArray) -> None:
        if not (std > 0).all():
            raise ValueError(
                f"{self._owner}.{method} returned "
                f"{counted(int((std <= 0).sum()), 'standard deviation')} not positive, the "
                f"smallest {std.min():g}."
            )

    def by_form(self, form: Form) -> Callable[[FloatArray], tuple[Tensor, Tensor]]:
        """The function from inputs to mean and standard deviation, each ``n``."""
        if form == "moments":
            return self.moments
        return self.distribution if form == "distribution" else lambda X: self.quantiles(X, form)

    def distribution(self, X: FloatArray) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of what ``pred_dist`` returns, each ``n``."""
        answer = self._call("pred_dist", self._regressor.pred_dist, X)
        found = []
        for name in ("mean", "std"):
            part = getattr(answer, name, None)
            if part is None:
                raise ValueError(
                    f"{self._owner}.pred_dist returned {type(answer).__name__}, which has no "
                    f"{name}(); a distribution has mean() and std()."
                )
            value = part() if callable(part) else part
            found.append(self._vector(f"pred_dist(X).{name}", value, len(X)))
        mean, std = found
        self._check_deviations("pred_dist", std)
        return torch.from_numpy(mean), torch.from_numpy(std)

    def quantiles(self, X: FloatArray, form: Form) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation from quantiles at :data:`LEVELS`, each ``n``."""
        method = "predict_quantiles" if form == "quantiles" else "predict"
        function = getattr(self._regressor, method)
        levels = LEVELS.tolist()

        def predict(Z: FloatArray) -> Any:
            if form == "typed-quantiles":
                return function(Z, output_type="quantiles", quantiles=levels)
            return function(Z, quantiles=levels) if form == "own-quantiles" else function(Z, levels)

        answer = self._call(method, predict, X)
        array = self._numbers(method, answer)
        by_level = isinstance(answer, list | tuple) and len(answer) == len(levels)
        if by_level and array.shape[1:] in ((len(X),), (len(X), 1)):
            array = array.reshape(len(levels), len(X)).T
        if array.shape != (len(X), len(levels)):
            raise ValueError(
                f"{self._owner}.{method} returned quantiles of the shape {array.shape} for "
                f"{counted(len(X), 'row')} and {counted(len(levels), 'level')}; expected "
                f"({len(X)}, {len(levels)})."
            )
        array = np.sort(array, axis=1)
        std = array @ _SCORES / float(_SCORES @ _SCORES)
        return torch.from_numpy(array.mean(axis=1)), torch.from_numpy(std)

    def members(self, X: FloatArray) -> FloatArray:
        """Predictions of the members, ``s x n``."""
        answer = self._call("predict_members", self._regressor.predict_members, X)
        array = self._numbers("predict_members", answer)
        if array.ndim != 2 or array.shape[1] != len(X) or len(array) == 0:
            raise ValueError(
                f"{self._owner}.predict_members returned the shape {array.shape} "
                f"for {counted(len(X), 'row')}; expected (members, {len(X)})."
            )
        return array

    def _vector(self, method: str, answer: Any, n: int) -> FloatArray:
        array = self._numbers(method, answer)
        if array.shape == (n, 1):
            array = array[:, 0]
        if array.shape != (n,):
            raise ValueError(
                f"{self._owner}.{method} returned the shape {array.shape} for {counted(n, 'row')}; "
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
                f"{self._owner}.{method} returned {bad} of {counted(array.size, 'value')} that are "
                "not finite."
            )
        return array.astype(np.float64)

    def _call(
        self, method: str, function: Callable[..., Any], X: FloatArray, *arrays: FloatArray
    ) -> Any:
        """Call the user's code with read-only arrays; name it if it tries to write to them."""
        inputs = self._view(read_only(X))
        try:
            return function(inputs, *(read_only(array) for array in arrays))
        except ValueError as error:
            if "read-only" in str(error):
                raise ValueError(
                    f"{self._owner}.{method} tried to change its input in place ({error}); "
                    "work on a copy."
                ) from error
            raise
