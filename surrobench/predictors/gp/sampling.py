"""Joint samples of a posterior over few candidates, or over a whole pool.

Up to :data:`EXACT_ROWS` candidates the covariance is factorised. Beyond, a sample of the prior over
candidates and observations is drawn first and corrected by what was observed (Matheron's rule;
Wilson et al. 2020): ``f + V' L^-1 (y - f(train) - noise)``. The correction is exact, and so is the
prior over coded blocks whose grid of choices has at most :data:`MOST_CELLS` cells: there the kernel
is a product over variables (for Matérn kernels a mixture of such products that meets it to
:data:`MIXTURE_ERROR`), whose factor is a Kronecker product. For all other kernels the prior is made
of :data:`FEATURES` random Fourier features (Rahimi and Recht 2007), whose covariances are off by
about 1.5 % of the prior variance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from surrobench.arrays import FloatArray, IntArray
from surrobench.predictors.gp.correlations import SMOOTHNESS, Kernel
from surrobench.predictors.gp.gp_fit import factorise
from surrobench.predictors.gp.kernels import BlockKernel, CodedBlock
from surrobench.predictors.gp.structure import Labels

if TYPE_CHECKING:
    from surrobench.predictors.gp.posterior import PoolPosterior

EXACT_ROWS = 2000
MOST_CELLS = 2**22
FEATURES = 4096
MIXTURE_ERROR = 1e-6
_NEGLIGIBLE = 1e-7
_STEP = 0.4
_WHITE = 1e100
_NUMBERS_AT_ONCE = 2**20
_LEAST_NOISE = 1e-9
_CHUNK = 4096


def joint_samples(
    posterior: PoolPosterior, rows: IntArray, count: int, rng: np.random.Generator
) -> FloatArray:
    """Samples of the function at ``rows`` (``k``), ``count x k``."""
    if len(rows) <= EXACT_ROWS:
        return _by_factor(posterior, rows, count, rng)
    return _by_path(posterior, rows, count, rng)


def _by_factor(
    posterior: PoolPosterior, rows: IntArray, count: int, rng: np.random.Generator
) -> FloatArray:
    # Nearly certain candidates need a little noise for the factor to exist.
    scale = posterior.process.kernel.scale
    known = posterior.whitened(rows)
    covariance = posterior.process.kernel.between(rows, rows) - known.T @ known
    factor, _ = factorise(covariance / scale, scale, _LEAST_NOISE * scale)
    means: FloatArray = posterior.mean.numpy()[rows]
    return means + rng.standard_normal((count, len(rows))) @ factor.T


def _by_path(
    posterior: PoolPosterior, rows: IntArray, count: int, rng: np.random.Generator
) -> FloatArray:
    train = posterior.rows.numpy()
    prior = prior_samples(posterior, np.concatenate([rows, train]), count, rng)
    seen = prior[:, len(rows) :]
    seen += np.sqrt(posterior.noise) * rng.standard_normal(seen.shape)
    residual = np.linalg.solve(posterior.factor(), seen.T)
    samples = prior[:, : len(rows)] + posterior.mean.numpy()[rows]
    for low in range(0, len(rows), _CHUNK):
        part = slice(low, low + _CHUNK)
        samples[:, part] -= residual.T @ posterior.whitened(rows[part])
    return samples


def prior_samples(
    posterior: PoolPosterior, rows: IntArray, count: int, rng: np.random.Generator
) -> FloatArray:
    """Samples of the process without its prior mean, at any rows (``k``), ``count x k``."""
    covariance, parameters = posterior.process.covariance, posterior.process.parameters
    blocks = list(zip(covariance.blocks, parameters.lengthscales, strict=True))
    if covariance.product:
        return _block_samples(blocks, rows, count, rng) * np.sqrt(parameters.outputscales[0])
    total = np.zeros((count, len(rows)))
    for block, scale in zip(blocks, parameters.outputscales, strict=True):
        total += np.sqrt(scale) * _block_samples([block], rows, count, rng)
    return total


def _block_samples(
    factors: Sequence[tuple[BlockKernel, FloatArray]],
    rows: IntArray,
    count: int,
    rng: np.random.Generator,
) -> FloatArray:
    """Samples of unit variance whose correlation is the product of some blocks."""
    coded = [block for block, _ in factors if isinstance(block, CodedBlock)]
    if len(coded) == len(factors):
        labels = [block.labels[:, rows] for block in coded]
        sizes = np.concatenate([block.labels.max(axis=1).astype(np.int64) + 1 for block in coded])
        products = len(factors) == 1 or all(block.kernel == "rbf" for block in coded)
        if products and float(np.prod(sizes, dtype=np.float64)) <= MOST_CELLS:
            return _grid_samples(factors, np.vstack(labels), sizes, count, rng)
    return _feature_samples(factors, rows, count, rng)


def _grid_samples(
    factors: Sequence[tuple[BlockKernel, FloatArray]],
    labels: Labels,
    sizes: IntArray,
    count: int,
    rng: np.random.Generator,
) -> FloatArray:
    """Kronecker-structured samples over the grid of all choices, read at some rows."""
    rates = []
    for block, lengthscales in factors:
        assert isinstance(block, CodedBlock)
        rates.append(np.broadcast_to(lengthscales**-2.0, len(block.labels)))
    kernel = factors[0][0].kernel
    at = np.ravel_multi_index(tuple(labels.astype(np.int64)), tuple(sizes.tolist()))
    by_variable = np.concatenate(rates)
    samples = np.zeros((count, len(at)))
    at_once = max(1, _NUMBERS_AT_ONCE // int(np.prod(sizes)))
    for weight, stretch in scale_mixture(kernel, by_variable):
        roots = [
            _root(int(size), float(np.exp(-stretch * rate)))
            for size, rate in zip(sizes, by_variable, strict=True)
        ]
        for low in range(0, count, at_once):
            part = samples[low : low + at_once]
            grid = rng.standard_normal((len(part), *sizes.tolist()))
            for root in roots:
                # Each product moves the first variable to the end.
                grid = np.tensordot(grid, root, axes=(1, 1))
            part += math.sqrt(weight) * grid.reshape(len(part), -1)[:, at]
    return samples


def _root(size: int, correlation: float) -> FloatArray:
    """A symmetric root of the matrix with ones and this correlation off the diagonal."""
    common = np.sqrt(1.0 - correlation)
    shift = (np.sqrt(1.0 - correlation + size * correlation) - common) / size
    return common * np.eye(size) + shift


def scale_mixture(kernel: Kernel, rates: FloatArray) -> list[tuple[float, float]]:
    """Weights and stretches of RBF kernels whose mixture is the kernel over coded variables.

    A Matérn kernel of smoothness ``v`` is the mean of ``exp(-u r² / 2)`` where ``v / u`` has a
    Gamma distribution of shape ``v``; the integral over ``log u`` is a sum with equal steps, which
    converges exponentially. Stretches at which any two different rows are uncorrelated are one.

    Args:
        kernel: its name.
        rates: ``1 / lengthscale²`` of each variable.
    """
    if kernel == "rbf":
        return [(1.0, 1.0)]
    smoothness = SMOOTHNESS[kernel]
    s = np.arange(math.log(_NEGLIGIBLE) / smoothness, 3.5, _STEP)
    weights = _STEP * np.exp(smoothness * s - np.exp(s)) / math.gamma(smoothness)
    stretches = smoothness * np.exp(-s)
    white = stretches * float(rates.min()) > -math.log(_NEGLIGIBLE)
    mixture = list(zip(weights[~white].tolist(), stretches[~white].tolist(), strict=True))
    rest = max(0.0, 1.0 - float(weights[~white].sum()))
    return [*mixture, (rest, _WHITE)]


def _feature_samples(
    factors: Sequence[tuple[BlockKernel, FloatArray]],
    rows: IntArray,
    count: int,
    rng: np.random.Generator,
) -> FloatArray:
    """Samples from random cosines whose frequencies follow the kernel's spectrum."""
    coordinates = [block.coordinates(lengthscales)[rows] for block, lengthscales in factors]
    frequencies = [
        _frequencies(block.kernel, Z.shape[1], rng)
        for (block, _), Z in zip(factors, coordinates, strict=True)
    ]
    phase = rng.uniform(0.0, 2.0 * np.pi, FEATURES)
    weights = rng.standard_normal((FEATURES, count)) * np.sqrt(2.0 / FEATURES)
    samples = np.empty((count, len(rows)))
    for low in range(0, len(rows), _CHUNK):
        part = slice(low, low + _CHUNK)
        angles = phase + sum(
            Z[part] @ omega for Z, omega in zip(coordinates, frequencies, strict=True)
        )
        samples[:, part] = (np.cos(angles, out=angles) @ weights).T
    return samples


def _frequencies(kernel: Kernel, d: int, rng: np.random.Generator) -> FloatArray:
    """Frequencies of a kernel of unit lengthscales, ``d x features``."""
    omega: FloatArray = rng.standard_normal((d, FEATURES))
    if kernel != "rbf":
        # The spectrum of a Matérn kernel is a t distribution.
        degrees = 2.0 * SMOOTHNESS[kernel]
        omega *= np.sqrt(degrees / rng.chisquare(degrees, FEATURES))
    return omega
