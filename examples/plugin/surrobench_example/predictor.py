"""Two regressors in scikit-learn's shape; surrobench makes predictors of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from surrobench.graphs import Graphs

Array = NDArray[np.float64]


class KernelRidge:
    """Ridge regression with a squared-exponential kernel, as wide as the median distance.

    Args:
        penalty: on the weights, in units of the kernel.
    """

    def __init__(self, penalty: float = 0.1) -> None:
        self.penalty = penalty

    def fit(self, X: Array, y: Array) -> KernelRidge:
        """Fit to ``n x d`` inputs and ``n`` targets."""
        self.X, self.centre = X.copy(), float(y.mean())
        squares = _squares(X, X)
        positive = squares[squares > 0]
        self.width = float(np.median(positive)) if len(positive) else 1.0
        gram = np.exp(-squares / self.width) + self.penalty * np.eye(len(X))
        self.inverse = np.linalg.inv(gram)
        self.weights = self.inverse @ (y - self.centre)
        spread = float((y - self.centre) @ self.weights) / len(y)
        self.scale = max(spread, 1e-12) ** 0.5
        return self

    def predict(self, X: Array, return_std: bool = False) -> Array | tuple[Array, Array]:
        """Mean, and standard deviation if asked for, each ``m``."""
        cross = np.exp(-_squares(X, self.X) / self.width)
        mean: Array = cross @ self.weights + self.centre
        if not return_std:
            return mean
        left = 1.0 + self.penalty - np.einsum("ij,jk,ik->i", cross, self.inverse, cross)
        return mean, self.scale * np.sqrt(np.maximum(left, 1e-9))


class MeanDegree:
    """A line through the mean number of edges per node: the least that a graph says."""

    inputs = "graphs"

    def fit(self, graphs: Graphs, y: Array) -> MeanDegree:
        """Fit to ``n`` graphs and ``n`` targets."""
        self.coefficients = np.linalg.lstsq(_line(graphs), y, rcond=None)[0]
        return self

    def predict(self, graphs: Graphs) -> Array:
        """Values, ``m``."""
        predicted: Array = _line(graphs) @ self.coefficients
        return predicted


def _squares(A: Array, B: Array) -> Array:
    difference = A[:, None, :] - B[None, :, :]
    squares: Array = (difference**2).sum(axis=2)
    return squares


def _line(graphs: Graphs) -> Array:
    nodes = (graphs.operations >= 0).sum(axis=1)
    degree = graphs.adjacency.sum(axis=(1, 2)) / nodes
    return np.stack([np.ones(len(degree)), degree], axis=1)
