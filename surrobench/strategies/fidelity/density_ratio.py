"""Kernel density estimates over categorical decisions, and the ratio that BOHB samples by."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from surrobench.arrays import FloatArray, IntArray

_LEAST_BANDWIDTH = 1e-3


class CategoricalDensity:
    """A product of Aitchison-Aitken kernels (1976) around observed architectures.

    Along a variable with ``c`` choices, a kernel puts ``1 - h`` on the observed choice and
    ``h / (c - 1)`` on each other; ``h = (c - 1) / c`` is uniform.

    Args:
        cardinalities: number of choices of each of ``d`` variables.
        archs: observed choices, ``n x d`` with ``n`` at least 1.
        bandwidths: ``h`` of each variable, ``d``; by default the normal reference rule
            ``1.06 s n^(-1 / (4 + d))``, where ``s`` is the deviation that observed choices with
            the same frequencies have from one another (the root of half their Gini impurity),
            between 0.001 and uniform.
    """

    def __init__(
        self,
        cardinalities: Sequence[int],
        archs: IntArray,
        bandwidths: FloatArray | None = None,
    ) -> None:
        self.cardinalities = np.asarray(cardinalities)
        self.archs = np.asarray(archs, dtype=np.int64)
        uniform = (self.cardinalities - 1) / self.cardinalities
        if bandwidths is None:
            n, d = self.archs.shape
            bandwidths = 1.06 * self._spread() * n ** (-1.0 / (4 + d))
        self.bandwidths = np.minimum(np.maximum(bandwidths, _LEAST_BANDWIDTH), uniform)

    def _spread(self) -> FloatArray:
        frequencies = [
            np.bincount(column, minlength=count) / len(column)
            for column, count in zip(self.archs.T, self.cardinalities.tolist(), strict=True)
        ]
        return np.sqrt([0.5 * (1.0 - float(np.sum(p**2))) for p in frequencies])

    def log_density(self, archs: IntArray) -> FloatArray:
        """Log probabilities of architectures (``m x d``), ``m``."""
        others = np.maximum(self.cardinalities - 1, 1)
        hit, miss = np.log1p(-self.bandwidths), np.full(len(others), -math.inf)
        np.log(self.bandwidths / others, where=self.bandwidths > 0.0, out=miss)
        same = np.asarray(archs)[:, None, :] == self.archs[None, :, :]
        logs = np.where(same, hit, miss).sum(axis=2)
        top = logs.max(axis=1, keepdims=True)
        mixture: FloatArray = np.log(np.exp(logs - top).mean(axis=1)) + top[:, 0]
        return mixture

    def sample(self, m: int, rng: np.random.Generator, widening: float = 1.0) -> IntArray:
        """Draw ``m x d`` choices, from kernels whose bandwidths are ``widening`` times as large."""
        uniform = (self.cardinalities - 1) / self.cardinalities
        bandwidths = np.minimum(self.bandwidths * widening, uniform)
        centres = self.archs[rng.integers(len(self.archs), size=m)]
        moved = rng.random(centres.shape) < bandwidths
        # A shift by 1 to c - 1 reaches every other choice with the same probability.
        shift = 1 + rng.integers(np.maximum(self.cardinalities - 1, 1), size=centres.shape)
        return np.where(moved, (centres + shift) % self.cardinalities, centres)


class DensityRatio:
    """Good architectures against bad ones, as in BOHB (Falkner et al. 2018, section 4.1).

    The best fraction makes up the good ones, the rest the bad ones, each at least ``least`` many
    (they overlap while there are few).

    Args:
        cardinalities: number of choices of each of ``d`` variables.
        archs: observed choices, ``n x d``.
        values: larger is better, ``n``.
        good: fraction of good ones.
        least: smallest size of either group, usually ``d + 1``.
        widening: how much wider than the good ones' kernels the draws are.
    """

    def __init__(
        self,
        cardinalities: Sequence[int],
        archs: IntArray,
        values: FloatArray,
        good: float = 0.15,
        least: int = 1,
        widening: float = 3.0,
    ) -> None:
        order = np.argsort(-values, kind="stable")
        n_good = max(least, int(good * len(order)))
        n_bad = max(least, len(order) - n_good)
        self.widening = widening
        self.good = CategoricalDensity(cardinalities, archs[order[:n_good]])
        self.bad = CategoricalDensity(cardinalities, archs[order[-n_bad:]])

    def log_ratio(self, archs: IntArray) -> FloatArray:
        """Log of the good ones' density over the bad ones' (``m x d`` choices), ``m``."""
        return self.good.log_density(archs) - self.bad.log_density(archs)

    def sample(self, m: int, rng: np.random.Generator) -> IntArray:
        """Draw ``m x d`` choices near the good ones."""
        return self.good.sample(m, rng, self.widening)
