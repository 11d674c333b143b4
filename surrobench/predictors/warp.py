"""A strictly increasing piecewise-linear map, and what it does to a normal variable.

If ``Z`` is normal and ``f`` such a map, then mean, variance and continuous ranked probability score
of ``f(Z)`` are finite sums over the knots of ``f``. They are computed exactly, without quadrature,
which is quicker than a quadrature of the same accuracy for the sizes of training sets here.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

TAIL_SHARE = 0.1
TAIL_INTERVALS = 5
_BLOCK = 1 << 16
_SQRT_HALF = math.sqrt(0.5)


class Warp:
    """Strictly increasing map from ``z`` to ``y``: linear between knots and beyond them.

    The slope of either tail is that of the chord over the outermost tenth of the intervals between
    knots, at least five of them (all, if there are fewer): one pair of close neighbours must not
    decide how the map goes on. A single knot gets slope 1.

    Args:
        z: knots, strictly increasing, shape ``k``.
        y: their images, strictly increasing, shape ``k``.
        closest: what ``y`` resolves: numbers that close are the same, and no two knots may be.

    Raises:
        ValueError: if the knots do not increase, or their images by too little.
    """

    def __init__(self, z: Tensor, y: Tensor, closest: float = 0.0) -> None:
        if z.ndim != 1 or z.shape != y.shape or len(z) == 0:
            raise ValueError(f"expected knots of one shape (k,), got {z.shape} and {y.shape}.")
        # Knots are few: a search learns a warp at every step, and torch's calls would dominate.
        at, to = z.detach().numpy(), y.detach().numpy()
        run, rise = np.diff(at), np.diff(to)
        if not ((run > 0).all() and (rise > 0).all()):
            raise ValueError("the knots of a warp must increase strictly on both sides.")
        if len(rise) and rise.min() <= closest:
            raise ValueError(
                f"two knots of a warp are {rise.min():.3g} apart, but targets that differ by "
                f"{closest:.3g} count as equal; merge the knots."
            )
        self.closest = closest
        self.z = z.contiguous()
        self.y = y.contiguous()
        reach = min(max(TAIL_INTERVALS, round(TAIL_SHARE * (len(at) - 1))), len(at) - 1)
        # Slope k lies below knot k; the last one is that of the upper tail.
        slopes = np.ones(len(at) + 1, dtype=to.dtype)
        with np.errstate(over="ignore"):
            np.divide(rise, run, out=slopes[1:-1])
            if reach:
                slopes[0] = (to[reach] - to[0]) / (at[reach] - at[0])
                slopes[-1] = (to[-1] - to[-1 - reach]) / (at[-1] - at[-1 - reach])
        if not (np.isfinite(slopes) & (slopes > 0)).all():
            raise ValueError("two knots of a warp are too close or too far apart for float64.")
        self.slopes = torch.from_numpy(slopes)

    def __call__(self, z: Tensor) -> Tensor:
        """``y`` of any ``z``."""
        interval = torch.searchsorted(self.z, z.detach().contiguous(), right=True)
        knot = (interval - 1).clamp_min(0)
        return self.y[knot] + self.slopes[interval] * (z - self.z[knot])

    def inverse(self, y: Tensor) -> Tensor:
        """``z`` of any ``y``; exact at the knots."""
        interval = torch.searchsorted(self.y, y.detach().contiguous(), right=True)
        knot = (interval - 1).clamp_min(0)
        return self.z[knot] + (y - self.y[knot]) / self.slopes[interval]

    def inverse_slope(self, y: Tensor) -> Tensor:
        """``dz/dy``; at a knot, to what targets resolve, the mean of its two sides."""
        at = y.detach().contiguous()
        below = torch.searchsorted(self.y, at - self.closest)
        above = torch.searchsorted(self.y, at + self.closest, right=True)
        return 0.5 * (1.0 / self.slopes[below] + 1.0 / self.slopes[above])

    def moments(self, mean: Tensor, std: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and variance of the image of ``N(mean, deviation²)``; any shape, differentiable.

        Around ``f(mean)``, the map is its tangent plus a hinge at every knot, and the moments of a
        normal beyond a hinge have a closed form. Nothing large cancels, because hinges to the right
        are taken to open to the right and the others to the left.
        """
        parts = _in_blocks(self._block_moments, len(self.z), mean, std)
        return parts[0], parts[1]

    def _block_moments(self, mean: Tensor, std: Tensor) -> tuple[Tensor, Tensor]:
        centre = self(mean)
        interval = torch.searchsorted(self.z, mean.detach(), right=True)
        u = ((mean[:, None] - self.z) / std[:, None]).abs_().neg_()
        below, density = _normal(u)
        hinge = torch.addcmul(density, u, below)
        jump = self.slopes.diff()
        rises = hinge @ torch.stack([jump, self.y * jump], dim=1)
        # (1 + u²) Phi(u) + u phi(u), the second moment beyond the hinge.
        second = torch.addcmul(below, u, hinge)
        squares = self.slopes.square().diff()
        second = torch.where(self.z <= mean.detach()[:, None], -second, second) @ squares
        shift = std * rises[:, 0]
        spread = std.square() * (self.slopes[interval].square() + second)
        spread = spread + 2.0 * std * (rises[:, 1] - centre * rises[:, 0])
        # A map that is nowhere flatter than its least slope cannot shrink a variance further.
        least = (self.slopes.min() * std).square()
        return centre + shift, torch.maximum(spread - shift.square(), least)

    def crps(self, mean: Tensor, std: Tensor, y: Tensor) -> Tensor:
        """Continuous ranked probability score of the image of ``N(mean, deviation²)`` at ``y``.

        It is the integral of ``F²`` below ``y`` and of ``(1 - F)²`` above; within an interval both
        have closed forms (Gneiting and Raftery 2007 for the normal itself).
        """
        return _in_blocks(self._block_crps, len(self.z), mean, std, y)[0]

    def _block_crps(self, mean: Tensor, std: Tensor, y: Tensor) -> tuple[Tensor]:
        z = self.inverse(y)
        slope = self.slopes[torch.searchsorted(self.y, y, right=True)]
        at = (z - mean) / std
        u = (self.z - mean[:, None]) / std[:, None]
        side = torch.where(self.z > z[:, None], -1.0, 1.0).to(u)
        areas = (_squared_tail(u * side) * side) @ self.slopes.diff()
        return (std * (slope * (_squared_tail(at) + _squared_tail(-at)) - areas),)


def _in_blocks(
    function: Callable[..., tuple[Tensor, ...]], knots: int, *arguments: Tensor
) -> list[Tensor]:
    """Apply to flattened arguments in blocks of rows, so that memory is bounded."""
    shape = torch.broadcast_shapes(*(argument.shape for argument in arguments))
    rows = max(_BLOCK // knots, 1)
    flat = [argument.expand(shape).reshape(-1) for argument in arguments]
    blocks = zip(*(argument.split(rows) for argument in flat), strict=True)
    results = zip(*(function(*block) for block in blocks), strict=True)
    return [torch.cat(result).reshape(shape) for result in results]


def _normal(u: Tensor) -> tuple[Tensor, Tensor]:
    """Distribution function and density of the standard normal."""
    return 0.5 * torch.erfc(-_SQRT_HALF * u), torch.exp(-0.5 * u * u) / math.sqrt(2.0 * math.pi)


def _squared_tail(u: Tensor) -> Tensor:
    """Integral of the squared standard normal distribution function up to ``u``."""
    below, density = _normal(u)
    tail = 0.5 * torch.erfc(-u) / math.sqrt(math.pi)
    return u * below.square() + 2.0 * density * below - tail
