"""The floors: the linear algebra that a step cannot avoid, straight in LAPACK, BLAS and NumPy.

No kernel is evaluated, no hyperparameter chosen and nothing checked. ``K`` is the covariance of the
training points (``n x n``), ``C`` theirs with the pool (``n x N``), ``y`` their targets (``n``).
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from scipy.linalg.blas import dtrsm
from scipy.linalg.lapack import dpotrf, dpotri, dpotrs
from scipy.special import log_ndtr, ndtr

Array = np.ndarray


def covariances(X: Array, rows: Array, noise: float = 0.1) -> tuple[Array, Array]:
    """``K`` and ``C`` of a squared-exponential kernel, for floors to work on."""
    squares = np.square(X).sum(1)
    distances = squares[rows, None] + squares - 2.0 * X[rows] @ X.T
    C = np.exp(-0.5 * np.maximum(distances, 0.0) / X.shape[1])
    return C[:, rows] + noise * np.eye(len(rows)), C


def likelihood(K: Array, y: Array) -> Array:
    """One likelihood and the inverse that its gradient needs."""
    factor, _ = dpotrf(K, lower=1)
    dpotrs(factor, y, lower=1)
    return dpotri(factor, lower=1)[0]


def posterior(K: Array, C: Array, y: Array) -> tuple[Array, Array]:
    """Means and variances over the pool; ``C`` is overwritten."""
    factor, _ = dpotrf(K, lower=1)
    V = dtrsm(1.0, factor, C.T, side=1, lower=1, trans_a=1, overwrite_b=1).T
    weights = dtrsm(1.0, factor, y[:, None], lower=1)[:, 0]
    return weights @ V, 1.0 - np.einsum("ij,ij->j", V, V)


class Growing:
    """A posterior over the pool to which one observation after another is appended."""

    def __init__(self, X: Array, rows: Array, noise: float = 0.1) -> None:
        _, self.C = covariances(X, rows, noise)
        self.rows, self.pivot = rows, 1.0 + noise
        self.V = np.empty_like(self.C)
        self.mean, self.variance = np.zeros(len(X)), np.ones(len(X))
        self.n = 0

    def append(self) -> None:
        """One more observation: a product with ``V``, and updates of mean and variance."""
        n, row = self.n, self.rows[self.n]
        known = self.V[:n, row]
        pivot = math.sqrt(max(self.pivot - float(known @ known), 1e-9))
        fresh = self.V[n]
        np.matmul(known, self.V[:n], out=fresh)
        np.subtract(self.C[n], fresh, out=fresh)
        fresh /= pivot
        self.mean += 0.1 * fresh
        self.variance -= fresh * fresh
        self.n += 1

    def extend(self, n: int) -> Growing:
        """Append until there are ``n``."""
        while self.n < n:
            self.append()
        return self


def search_incremental(growing: Growing, begin: int) -> None:
    """A search whose posterior grows; nothing is chosen for the first ``begin`` observations."""
    growing.extend(begin)
    while growing.n < len(growing.rows):
        int(np.argmax(growing.mean))
        growing.append()


def search_refitting(
    growing: Growing, K: Array, y: Array, begin: int, every: int, likelihoods: int
) -> None:
    """The same, and the algebra of new hyperparameters after so many observations.

    That is likelihoods with their inverses, and the posterior of the pool from the beginning.
    """
    growing.extend(begin)
    while (n := growing.n) < len(growing.rows):
        if (n - begin) % every == 0:
            for _ in range(likelihoods):
                likelihood(K[:n, :n], y[:n])
            posterior(K[:n, :n], growing.C[:n].copy(), y[:n])
        int(np.argmax(growing.mean))
        growing.append()


def search_refactorised(K: Array, C: Array, y: Array, begin: int) -> None:
    """A search that factorises anew at every step."""
    for n in range(begin, len(y)):
        mean, _ = posterior(K[:n, :n], C[:n].copy(), y[:n])
        int(np.argmax(mean))


def log_expected_improvement(mean: Array, variance: Array, best: float) -> Array:
    """Log-EI by its plain formula, which is not accurate far below the incumbent."""
    deviation = np.sqrt(variance)
    u = (mean - best) / deviation
    density = np.exp(-0.5 * u * u) / math.sqrt(2.0 * math.pi)
    inner = np.log(np.maximum(density + u * ndtr(u), 1e-300))
    return np.where(u > -1.0, inner, log_ndtr(u)) + np.log(deviation)


class Network:
    """The matrix products of ``s`` networks in single precision at ``n`` points.

    No bias, no activation, no optimiser; every product has a buffer for its result.
    """

    def __init__(self, members: int, widths: tuple[int, ...], n: int) -> None:
        rng = np.random.default_rng(0)
        shapes = [(members, a, b) for a, b in pairwise(widths)]
        self.layers = [rng.normal(size=shape).astype(np.float32) for shape in shapes]
        self.turned = [layer.transpose(0, 2, 1).copy() for layer in self.layers]
        self.values = [rng.normal(size=(members, n, k)).astype(np.float32) for k in widths]
        self.made = [np.empty_like(value) for value in self.values]
        self.slopes = [np.empty_like(layer) for layer in self.layers]

    def forward(self) -> None:
        """One product for each layer."""
        for i, layer in enumerate(self.layers):
            np.matmul(self.values[i], layer, out=self.made[i + 1])

    def backward(self) -> None:
        """To the weights of each layer, and to its inputs unless they are the network's."""
        for i in reversed(range(len(self.layers))):
            np.matmul(self.values[i].transpose(0, 2, 1), self.values[i + 1], out=self.slopes[i])
            if i:
                # To one output the product is an outer one, for which BLAS is not the fastest.
                product = np.multiply if self.turned[i].shape[1] == 1 else np.matmul
                product(self.values[i + 1], self.turned[i], out=self.made[i])


def network_training(network: Network, steps: int) -> None:
    """Full-batch training."""
    for _ in range(steps):
        network.forward()
        network.backward()


def network_prediction(network: Network, chunks: int) -> None:
    """Prediction of a pool in so many chunks of ``n`` points."""
    for _ in range(chunks):
        network.forward()
