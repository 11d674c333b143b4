"""Log expected hypervolume improvement of single candidates, over a whole pool at once.

What a candidate adds to a front is a sum over cells, the boxes into which the space that the front
leaves free is cut: of each, a product of the lengths that the candidate covers, one for each
objective. BoTorch takes the logarithms of smoothed lengths and exponentials of their sums (Ament
et al. 2023). For a candidate by itself nothing is subtracted, so lengths are multiplied and
products summed as they are, and the only logarithm is the last step.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from botorch.acquisition.multi_objective.logei import qLogExpectedHypervolumeImprovement
from linear_operator.utils.cholesky import psd_safe_cholesky
from torch import Tensor

from surrobench.acquisition.context import AcquisitionContext
from surrobench.acquisition.pool_model import as_inputs, jitter
from surrobench.acquisition.smoothing import fat_softplus_parts
from surrobench.arrays import FloatArray
from surrobench.predictors.posterior import SurrogatePosterior

_VALUES_AT_ONCE = 4_000_000
"""Samples x candidates x objectives that are held at a time (32 MB in double precision)."""
_NUMBERS_IN_CACHE = 2**15
_APART = 100.0
"""Temperatures between two lengths beyond which single precision tells their smooth minimum."""


def log_hypervolume_improvement(
    function: qLogExpectedHypervolumeImprovement,
    baseline: Tensor,
    context: AcquisitionContext,
) -> Tensor:
    """Values of ``function`` at every allowed candidate, each by itself.

    Args:
        function: BoTorch's, or its noisy one, with a sampler for each posterior, on
            :class:`~.pool_model.PoolModel` and with nothing pending but what its cells know.
        baseline: rows that a candidate is sampled together with, ``k`` (none for the plain one).
        context: of posteriors that answer with normals.

    Returns:
        As the function's own, but for rounding: within 1e-6, of which most is BoTorch's.
    """
    choices = context.choices()
    if len(choices) == 0:
        return torch.zeros(0, dtype=torch.float64)
    with torch.no_grad():
        function(as_inputs(choices[:1]).unsqueeze(-2))  # draws what its samplers keep
    kept: Any = function.sampler
    draws = [one.base_samples.flatten(1) for one in kept.samplers]
    lower, upper = (
        np.atleast_3d(function.get_buffer(name).numpy().T).T
        for name in ("cell_lower_bounds", "cell_upper_bounds")
    )
    totals = [
        _improvements(values, lower, upper, function.tau_relu, function.tau_max)
        for values in _sampled(context.posteriors, baseline, choices, draws)
    ]
    with np.errstate(divide="ignore"):
        return torch.from_numpy(np.log(np.concatenate(totals) / len(draws[0])))


def _sampled(
    posteriors: tuple[SurrogatePosterior, ...],
    baseline: Tensor,
    choices: Tensor,
    draws: list[Tensor],
) -> Iterator[FloatArray]:
    """Samples of part of the choices after another, ``objectives x samples x candidates``.

    The last row of the Cholesky factor of ``baseline`` and a candidate is ``(r, d)`` with
    ``L r = cov(baseline, candidate)`` and ``d² = variance - r.r``, where ``L`` is the factor of
    ``baseline`` alone; a sample is ``mean + r.z + d z'``.
    """
    parts = [_Sampler(own, baseline, choices, z) for own, z in zip(posteriors, draws, strict=True)]
    for rows in choices.split(max(1, _VALUES_AT_ONCE // (len(draws) * len(draws[0])))):
        yield np.stack([part(rows) for part in parts])


class _Sampler:
    """Samples of one objective at candidates, each together with the same baseline.

    Args:
        posterior: of the objective.
        baseline: rows, ``k``.
        choices: all rows that will be sampled.
        draws: standard normal, ``samples x (k + 1)``.
    """

    def __init__(
        self, posterior: SurrogatePosterior, baseline: Tensor, choices: Tensor, draws: Tensor
    ) -> None:
        self._posterior, self._baseline, self._draws = posterior, baseline, draws
        if len(baseline) == 0:
            self._added = jitter(posterior.variance[choices])
            return
        among = posterior.covariance(baseline, baseline)
        among = 0.5 * (among + among.mT)
        self._added = jitter(torch.cat([among.diagonal(), posterior.variance[choices]]))
        among.diagonal().clamp_min_(0.0).add_(self._added)
        self._factor = psd_safe_cholesky(among)

    def __call__(self, rows: Tensor) -> FloatArray:
        """``samples x m`` at rows (``m``)."""
        mean = self._posterior.mean[rows]
        left = self._posterior.variance[rows].clamp_min(0.0) + self._added
        if len(self._baseline):
            cross = self._posterior.covariance(rows, self._baseline).mT
            loads = torch.linalg.solve_triangular(self._factor, cross, upper=False)
            mean = mean + self._draws[:, :-1] @ loads
            left = (left - loads.square().sum(dim=0)).clamp_min(0.0)
        values: FloatArray = (mean + self._draws[:, -1:] * left.sqrt()).numpy()
        return values


def _improvements(
    values: FloatArray, lower: FloatArray, upper: FloatArray, tau_relu: float, tau_max: float
) -> FloatArray:
    """Sums over samples of what candidates add to the front of each.

    Args:
        values: ``objectives x samples x candidates``.
        lower: bounds of cells, ``samples x cells x objectives`` (or one for all samples).
        upper: likewise; infinite where a cell has no end.
        tau_relu: temperature of the improvement.
        tau_max: of the minimum of logarithms.

    Returns:
        ``candidates``.
    """
    _, samples, candidates = values.shape
    lower, upper = (np.broadcast_to(b, (samples, *b.shape[1:])) for b in (lower, upper))
    cells = lower.shape[1]
    at_once = min(max(1, _NUMBERS_IN_CACHE // max(cells, 1)), candidates)
    room = np.empty((3, cells, at_once))
    single = np.empty((cells, at_once), dtype=np.float32)
    totals = np.zeros(candidates)
    # Cells of no size fill up the fronts that have fewer: nothing is divided by nothing.
    with np.errstate(all="ignore"):
        for low in range(0, candidates, at_once):
            part = values[:, :, low : low + at_once]
            volume, length, rest = room[:, :, : part.shape[-1]]
            for sample in range(samples):
                volume.fill(1.0)
                for own, start, end in zip(
                    part[:, sample], lower[sample].T, upper[sample].T, strict=True
                ):
                    np.subtract(own, start[:, None], out=length)
                    length /= tau_relu
                    fat_softplus_parts(length, rest)
                    length += rest
                    length *= tau_relu
                    _shorten(length, end - start, tau_max, rest, single[:, : part.shape[-1]])
                    volume *= length
                totals[low : low + at_once] += volume.sum(axis=0)
    return totals


def _shorten(
    length: FloatArray,
    size: FloatArray,
    tau: float,
    room: FloatArray,
    single: npt.NDArray[np.float32],
) -> None:
    """``min(a, b) (1 + p)^-tau`` with ``p = 2 / (2 + 2x + x²)`` and ``x = |log(a/b)| / tau``.

    That is the exponential of BoTorch's ``fatmin`` of two logarithms. ``p`` is of next to no
    weight where ``a`` and ``b`` are far apart, and known well enough in single precision.

    Args:
        length: ``a``, ``cells x candidates``; then the minimum.
        size: ``b``, ``cells``; infinite for cells without end.
        tau: temperature.
        room: to work in, of the shape of ``length``.
        single: likewise.
    """
    if not np.isfinite(size).any():
        return
    sizes = np.broadcast_to(size[:, None], length.shape)
    np.divide(length, sizes, out=single, casting="same_kind")
    np.abs(np.log(single, out=single), out=single)
    single *= np.float32(1.0 / tau)
    close = np.nonzero(single < _APART)
    a, b = length[close], sizes[close]
    exact = 2.0 / (1.0 + (1.0 + np.abs(np.log(a / b)) / tau) ** 2)
    exact = np.minimum(a, b) * np.exp(-tau * np.log1p(exact))
    single += np.float32(1.0)
    single *= single
    single += np.float32(1.0)
    np.divide(np.float32(2.0), single, out=single)  # p, since 2 + 2x + x² = 1 + (1 + x)²
    np.minimum(length, sizes, out=length)
    # (1 + p)^-tau = 1 - tau p (1 - (1 + tau) p / 2) + O(tau p³)
    np.multiply(single, -0.5 * (1.0 + tau), out=room)
    room += 1.0
    room *= single
    room *= length
    room *= tau
    length -= room
    length[close] = exact
