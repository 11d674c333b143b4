"""Losses of ranks: what networks minimise where only the order of the targets matters.

With scores ``f_i`` of the networks, targets ``y_i`` and a weight towards the top
``w(r) = exp(focus * r)``, where ``r`` is the rank of a target scaled from 0 (worst) to 1:

* *pairwise hinge* (Herbrich et al., 2000; for predictors of architectures GATES, Ning et al., ECCV
  2020, and PWLNAS, ICCV 2025): the mean over pairs with ``y_i > y_j`` of
  ``w(r_i) max(0, margin - (f_i - f_j))``;
* *ListMLE* (Xia et al., ICML 2008; with weights of positions as in Lan et al., UAI 2014): over the
  examples in descending order of their targets, the mean of
  ``w(r_i) (log sum_{k >= i} exp f_k - f_i)``;
* *squared*: the mean of ``w(r_i) (f_i - y_i)²``.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import torch
from scipy.stats import rankdata
from torch import Tensor

from surrobench.arrays import FloatArray, IntArray
from surrobench.errors import UserError, did_you_mean
from surrobench.predictors.learners.stacked_networks import OutputLoss

LossName = Literal["squared", "hinge", "listmle"]

PARTNERS = 32
"""Up to about twice as many examples all pairs are used, of more so many for each at random."""


def top_weights(y: FloatArray, focus: float) -> FloatArray:
    """``exp(focus * r)`` with ``r`` the rank of each of ``n`` targets scaled to [0, 1]."""
    if len(y) < 2:
        return np.ones(len(y))
    weights: FloatArray = np.exp(focus * (rankdata(y) - 1.0) / (len(y) - 1.0))
    return weights


class SquaredError:
    """A weighted sum of squared errors of every network on examples of its own.

    Args:
        y: targets, ``s x n``.
        share: weight of each example in its network's loss, ``s x n``.
    """

    def __init__(self, y: FloatArray, share: FloatArray) -> None:
        self._targets = torch.from_numpy(y).float()
        self._twice_share = torch.from_numpy(2.0 * share).float()

    def to_slopes(self, outputs: Tensor) -> None:
        """Replace outputs, ``s x n``, by the slopes of the loss in them, in place."""
        outputs.sub_(self._targets).mul_(self._twice_share)


class PairwiseHinge:
    """The pairwise hinge loss of every network on examples of its own.

    Args:
        y: targets, ``s x n``.
        share: weight of each example, ``s x n``; those of weight 0 are in no pair.
        margin: by which scores of a pair should differ.
        seed: for the pairs, where not all are used.
    """

    def __init__(self, y: FloatArray, share: FloatArray, *, margin: float, seed: int) -> None:
        pairs = [
            _pairs(values, weights, seed + member)
            for member, (values, weights) in enumerate(zip(y, share, strict=True))
        ]
        most = max(1, *(len(weights) for _, _, weights in pairs))
        shape = (len(pairs), most)
        self._better = torch.zeros(shape, dtype=torch.int64)
        self._worse = torch.zeros(shape, dtype=torch.int64)
        self._weights = torch.zeros(shape)
        for row, (better, worse, weights) in enumerate(pairs):
            self._better[row, : len(better)] = torch.from_numpy(better)
            self._worse[row, : len(worse)] = torch.from_numpy(worse)
            self._weights[row, : len(weights)] = torch.from_numpy(weights).float()
        self._margin = margin

    def to_slopes(self, outputs: Tensor) -> None:
        """Replace outputs, ``s x n``, by the slopes of the loss in them, in place."""
        difference = outputs.gather(1, self._better) - outputs.gather(1, self._worse)
        slopes = self._weights * (difference < self._margin)
        outputs.zero_()
        outputs.scatter_add_(1, self._better, -slopes)
        outputs.scatter_add_(1, self._worse, slopes)


class ListMLE:
    """The ListMLE loss of every network on examples of its own.

    Args:
        y: targets, ``s x n``.
        share: weight of each example, ``s x n``; those of weight 0 are in no list.
    """

    def __init__(self, y: FloatArray, share: FloatArray) -> None:
        # Descending, examples without weight last.
        order = np.argsort(np.where(share > 0, -y, np.inf), axis=1, kind="stable")
        self._order = torch.from_numpy(order)
        self._weights = torch.from_numpy(np.take_along_axis(share, order, axis=1)).float()

    def to_slopes(self, outputs: Tensor) -> None:
        """Replace outputs, ``s x n``, by the slopes of the loss in them, in place."""
        ordered = outputs.gather(1, self._order)
        ordered = ordered.masked_fill(self._weights == 0, -torch.inf)
        powers = (ordered - ordered.amax(dim=1, keepdim=True)).exp()
        # The sum over this place and all behind it.
        behind = powers.flip(1).cumsum(1).flip(1).clamp_min(1e-30)
        slopes = powers * (self._weights / behind).cumsum(1) - self._weights
        outputs.zero_()
        outputs.scatter_add_(1, self._order, slopes)


def _pairs(y: FloatArray, share: FloatArray, seed: int) -> tuple[IntArray, IntArray, FloatArray]:
    """Indices of the better and the worse of pairs with different targets, and their weights."""
    known = np.flatnonzero(share > 0)
    n = len(known)
    if n <= 2 * PARTNERS + 1:
        left, right = np.triu_indices(n, 1)
    else:
        left = np.repeat(np.arange(n), PARTNERS)
        shift = np.random.default_rng(seed).integers(1, n, len(left))
        right = (left + shift) % n
    first, second = known[left], known[right]
    apart = y[first] != y[second]
    first, second = first[apart], second[apart]
    swapped = y[first] < y[second]
    better, worse = np.where(swapped, second, first), np.where(swapped, first, second)
    weights = share[better]
    return better, worse, weights / max(float(weights.sum()), 1e-30)


def check_loss(name: object) -> None:
    """Refuse what is no name of a loss.

    Raises:
        UserError: with the nearest name.
    """
    if name not in get_args(LossName):
        raise UserError(f"unknown loss {name!r}. " + did_you_mean(str(name), get_args(LossName)))


def loss_for(
    name: LossName, y: FloatArray, share: FloatArray, *, margin: float, seed: int
) -> OutputLoss:
    """The loss of that name for targets and weights ``s x n``; see the classes."""
    if name == "hinge":
        return PairwiseHinge(y, share, margin=margin, seed=seed)
    if name == "listmle":
        return ListMLE(y, share)
    return SquaredError(y, share)


def lines(scores: FloatArray, y: FloatArray, share: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Slope and intercept of the line from each network's scores to the targets, ``s`` each.

    Least squares with the examples' weights; a slope is never negative.

    Args:
        scores: of every network for every example, ``s x n``.
        y: targets, ``n``.
        share: weights, ``s x n``, 0 for an example that a network has not seen.
    """
    share = share / share.sum(axis=1, keepdims=True)
    mean_score = (share * scores).sum(axis=1, keepdims=True)
    mean_target = (share * y).sum(axis=1, keepdims=True)
    centred = scores - mean_score
    spread = (share * centred**2).sum(axis=1)
    common = (share * centred * (y - mean_target)).sum(axis=1)
    slope = np.maximum(np.divide(common, spread, out=np.zeros_like(common), where=spread > 0), 0.0)
    return slope, mean_target[:, 0] - slope * mean_score[:, 0]
