"""Support vector regression with a deviation from cross-validation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import sklearn.svm
import torch
from torch import Tensor

from surrobench.arrays import FloatArray
from surrobench.predictors.learners.resampling import fold_masks
from surrobench.predictors.learners.scaling import UnitRange, squared_distances
from surrobench.predictors.models import MomentsModel
from surrobench.predictors.recipe import TransformedPredictor, option, smallest_variance


@dataclass(frozen=True, kw_only=True)
class SVR(TransformedPredictor):
    """Support vector regression with an RBF kernel (Drucker et al., 1997).

    The mean comes from a fit to all examples. The standard deviation is one constant: the root
    mean squared error of predictions for left-out folds. It holds model error and observation
    noise together and does not vary between inputs.

    The defaults were chosen on TransNAS-Bench-101 and HAT (``benchmarks/tuning.py``,
    ``results/tuning``); scikit-learn's are ``C=1.0, epsilon=0.1, gamma=1.0``.

    Args:
        C: penalty of the deviations.
        epsilon: deviations below this cost nothing, in units of the transformed targets.
        gamma: the kernel is ``exp(-gamma * r**2 / v)`` with ``v`` the summed variance of the
            features, so that 1 is scikit-learn's ``"scale"``.
        folds: of the cross-validation.
    """

    C: float = option(10.0, least=1e-9, most=1e9)
    epsilon: float = option(0.1, least=0.0, most=1e9)
    gamma: float = option(0.1, least=1e-9, most=1e9)
    folds: int = option(5, least=2, most=1000)

    def fit_targets(self, X: FloatArray, y: FloatArray, seed: int) -> MomentsModel:
        """Fit to all examples, and to all folds but one in turn."""
        scale = UnitRange.of(X)
        inputs = scale(X)
        machine = self._machine(inputs, y)
        std = float(np.sqrt(self._left_out_variance(inputs, y, seed)))

        def moments(Z: Tensor) -> tuple[Tensor, Tensor]:
            mean = torch.from_numpy(machine(scale(Z.detach().numpy())))
            return mean, torch.full_like(mean, std)

        return MomentsModel(moments, floor=smallest_variance(y))

    def _machine(self, X: FloatArray, y: FloatArray) -> _Expansion:
        """Fit one machine; libsvm would draw an (unused) seed from NumPy's global generator."""
        gamma = self.gamma / max(float(X.var(axis=0).sum()), 1e-9)
        svr = sklearn.svm.SVR(C=self.C, epsilon=self.epsilon, gamma=gamma)
        svr.random_state = 0
        svr.fit(X, y)
        return _Expansion(
            svr.support_vectors_, svr.dual_coef_.ravel(), float(svr.intercept_[0]), gamma
        )

    def _left_out_variance(self, X: FloatArray, y: FloatArray, seed: int) -> float:
        """Mean squared error of the cross-validated predictions."""
        n = len(y)
        if n < 3:
            return float(np.var(y))
        errors = np.empty(n)
        for left_out in fold_masks(n, min(self.folds, n), seed):
            machine = self._machine(X[~left_out], y[~left_out])
            errors[left_out] = machine(X[left_out]) - y[left_out]
        return float(np.mean(np.square(errors)))


@dataclass(frozen=True)
class _Expansion:
    """The kernel expansion of a fitted machine; libsvm's own prediction is far slower."""

    vectors: FloatArray
    weights: FloatArray
    intercept: float
    gamma: float

    def __call__(self, X: FloatArray) -> FloatArray:
        kernel = squared_distances(X, self.vectors)
        kernel *= -self.gamma
        values: FloatArray = np.exp(kernel, out=kernel) @ self.weights + self.intercept
        return values
