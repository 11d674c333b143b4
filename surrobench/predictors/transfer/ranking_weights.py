"""Weights of an ensemble by how well its members rank the examples of the target.

Feurer, Letham, Hutter and Bakshy, "Practical transfer learning for Bayesian optimization"
(arXiv:1802.02219, 2018): a function drawn from the posterior of a member has as its loss the number
of ordered pairs of examples that it puts in the wrong order, the target's own process being judged
on examples left out; a member's weight is the share of the draws in which its loss is the least.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from surrobench.arrays import FloatArray, IntArray

_BLOCK = 2**22
"""Comparisons that are held in memory at a time."""


@dataclass(frozen=True)
class LeftOut:
    """Posteriors of a process that has not seen one of its examples, for each of them.

    With ``A = K + noise I`` and ``u_j`` the ``j``-th column of ``K A⁻¹``, the posterior at all
    examples of the process without example ``j`` has the covariance
    ``K - K A⁻¹ K + u_j u_j' / (A⁻¹)_jj`` and the mean ``m - u_j a_j / (A⁻¹)_jj``, ``m`` being the
    mean with all examples and ``a = A⁻¹ (y - c)``: what a rank-one update of the inverse says, with
    the hyperparameters that all examples gave.

    Attributes:
        means: of the process without example ``j`` (first axis) at all examples, ``n x n``.
        covariance: of the process with all examples, ``n x n``.
        directions: ``u_j / sqrt((A⁻¹)_jj)`` by rows: the covariance without example ``j`` is
            ``covariance + outer(directions[j], directions[j])``.
    """

    means: FloatArray
    covariance: FloatArray
    directions: FloatArray

    @classmethod
    def of(cls, K: FloatArray, noise: float, y: FloatArray, constant: float) -> LeftOut:
        """From the covariance of the function at the examples, and their values.

        Args:
            K: ``n x n``.
            noise: variance of an observation around the function.
            y: values, ``n``.
            constant: prior mean.
        """
        n = len(y)
        factor = cho_factor(K + noise * np.eye(n), lower=True)
        inverse = cho_solve(factor, np.eye(n))
        shares = np.diagonal(inverse)
        alpha = inverse @ (y - constant)
        smoothing = np.eye(n) - noise * inverse
        mean = constant + K @ alpha
        means = mean - (smoothing * (alpha / shares)).T
        covariance = noise * smoothing
        directions = smoothing.T / np.sqrt(shares)[:, None]
        return cls(means, 0.5 * (covariance + covariance.T), directions)

    def sample(self, count: int, rng: np.random.Generator) -> FloatArray:
        """Functions, ``count x n x n``: of the process without example ``j`` at all examples."""
        shared = rng.standard_normal((count, len(self.means))) @ root(self.covariance).T
        more = rng.standard_normal((count, len(self.means), 1))
        values: FloatArray = self.means + shared[:, None, :] + more * self.directions
        return values


def root(covariance: FloatArray) -> FloatArray:
    """``R`` with ``R R' = covariance``, also where that is not quite positive definite."""
    values, vectors = np.linalg.eigh(covariance)
    scaled: FloatArray = vectors * np.sqrt(np.maximum(values, 0.0))
    return scaled


def ranking_losses(samples: FloatArray, y: FloatArray) -> IntArray:
    """Ordered pairs of examples that each sampled function puts in the wrong order.

    Args:
        samples: values at the examples, ``s x n``; or of the process without example ``j`` at all
            examples, ``s x n x n``, whose value at ``j`` is compared with its others.
        y: values of the examples, ``n``.

    Returns:
        For each of the ``s`` functions the pairs ``(j, k)`` with ``f(j) < f(k)`` where not
        ``y_j < y_k``, or the reverse.
    """
    left_out = samples.ndim == 3
    own = np.diagonal(samples, axis1=1, axis2=2) if left_out else samples
    true = y[:, None] < y[None, :]
    losses = np.empty(len(samples), dtype=np.int_)
    step = max(1, _BLOCK // max(1, len(y) ** 2))
    for low in range(0, len(samples), step):
        part = slice(low, low + step)
        others = samples[part] if left_out else samples[part, None, :]
        losses[part] = ((own[part, :, None] < others) != true).sum(axis=(1, 2))
    return losses


def ranking_weights(losses: Sequence[IntArray], *, prevent_dilution: bool = True) -> FloatArray:
    """Weights of the members, which sum to 1; the target is the last of them.

    A source whose median loss is above the 95th percentile of the target's is left out
    (``prevent_dilution``): many bad sources would otherwise gather weight by chance. Where several
    members have the least loss of a draw, the target gets it if it is one of them, else they share.

    Args:
        losses: of each member ``s``, over draws.
        prevent_dilution: whether to leave out sources as described.
    """
    table = np.stack([np.asarray(loss, dtype=np.float64) for loss in losses])
    if prevent_dilution:
        worse = np.median(table[:-1], axis=1) > np.quantile(table[-1], 0.95)
        table[:-1][worse] = np.inf
    least = table == table.min(axis=0)
    least[:-1, least[-1]] = False
    shares = least / least.sum(axis=0)
    weights: FloatArray = shares.mean(axis=1)
    return weights
