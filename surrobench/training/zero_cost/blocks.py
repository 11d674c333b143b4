"""Scores of the blocks that a network is built of: the parts of AZ-NAS.

Blocks are the elements of the network's list of modules (cells and reductions, the layers of an
encoder), or, where it has none, what ends in a ReLU. As in the paper they see normal noise of the
batch's shape; sequences are taken as they are. AZ-NAS adds up the logarithms of the pool ranks of
these three and of ``flops``: the encoding ``az-nas``.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from surrobench.training.zero_cost.proxy import Batch, Proxy, noise

SMALL = 1e-6
"""Keeps the trainability of a block that passes nothing on finite; as in the authors' code."""


@Proxy
@torch.no_grad()
def expressivity(network: nn.Module, batch: Batch) -> float:
    r"""Sum over blocks of :math:`-\sum_i \tilde\lambda_i \log \tilde\lambda_i`.

    :math:`\tilde\lambda` are the eigenvalues of the covariance matrix of the channels behind the
    block, over images and positions, divided by their sum. Minus infinity if a block's output is
    constant. Lee & Ham, AZ-NAS, CVPR 2024.
    """
    return sum(map(_entropy, _features(network, batch)))


@Proxy
@torch.no_grad()
def progressivity(network: nn.Module, batch: Batch) -> float:
    """Smallest increase of the entropy of ``expressivity`` from a block to the next.

    NaN for a single block, minus infinity if a block's output is constant. Lee & Ham, AZ-NAS, CVPR
    2024, who leave it out for transformers.
    """
    entropies = [_entropy(feature) for feature in _features(network, batch)]
    if -math.inf in entropies:
        return -math.inf
    return min((b - a for a, b in pairwise(entropies)), default=math.nan)


@Proxy
def trainability(network: nn.Module, batch: Batch) -> float:
    r"""Mean over blocks of :math:`2 - \sigma - 1 / (\sigma + 10^{-6})`.

    :math:`\sigma` is the largest singular value of the block's Jacobian as a matrix from the
    channels before it to those behind it, :math:`E[J^\top v v^\top]` for random signs :math:`v`;
    where a block halves the side, the four pixels before each pixel behind it are channels too. 0
    is best, a block that passes its input on gets minus infinity. NaN for a single block. Lee &
    Ham, AZ-NAS, CVPR 2024.
    """
    features = _features(network, batch)
    scores = [_stability(*pair) for pair in pairwise(features)]
    return sum(scores) / len(scores) if scores else math.nan


def _features(network: nn.Module, batch: Batch) -> list[Tensor]:
    """The input of the first block, if there is a list of them, and the output of each."""
    found: list[Tensor] = []
    lists = [child for child in network.children() if isinstance(child, nn.ModuleList)]
    if lists:
        lists[0][0].register_forward_pre_hook(lambda _, inputs: found.append(inputs[0]))
    blocks = lists[0] if lists else [m for m in network.modules() if isinstance(m, nn.ReLU)]
    for block in blocks:
        block.register_forward_hook(lambda _, __, output: found.append(output))
    images = noise(batch)
    network(images.requires_grad_() if images.is_floating_point() else images)
    return found


def _entropy(feature: Tensor) -> float:
    """Of the shares that the principal components of the channels have in the variance."""
    channels = _channels_last(feature.detach()).flatten(0, 2).double()
    variances = torch.linalg.eigvalsh(torch.atleast_2d(channels.T.cov(correction=0))).clamp_min(0)
    if not variances.sum() > 0:
        return -math.inf
    return float(torch.special.entr(variances / variances.sum()).sum())


def _stability(before: Tensor, after: Tensor) -> float:
    """Two minus the largest gain of a block and its reciprocal."""
    signs = torch.randint_like(after, 2) * 2 - 1
    passed = torch.zeros_like(before)
    if before.requires_grad and after.requires_grad:
        (passed,) = torch.autograd.grad(
            after, before, signs, allow_unused=True, materialize_grads=True
        )
    if passed.shape == signs.shape and torch.equal(passed, signs):
        return -math.inf
    behind = _channels_last(signs)
    ahead = _folded(_channels_last(passed), *behind.shape[1:3])
    matrix = ahead.flatten(0, 2).T @ behind.flatten(0, 2) / behind.shape[:3].numel()
    gain = float(torch.linalg.matrix_norm(matrix, 2))
    return 2 - gain - 1 / (gain + SMALL)


def _channels_last(feature: Tensor) -> Tensor:
    """Maps, tokens or numbers as ``n x height x width x channels``."""
    if feature.ndim == 4:
        return feature.permute(0, 2, 3, 1)
    return feature.view(len(feature), -1, 1, feature.shape[-1])


def _folded(maps: Tensor, height: int, width: int) -> Tensor:
    """``n x rows x columns x channels`` to so many rows and columns, the others as channels."""
    n, rows, columns, channels = maps.shape
    down, across = -(-rows // height), -(-columns // width)
    padding = (0, 0, 0, width * across - columns, 0, height * down - rows)
    padded = functional.pad(maps, padding).view(n, height, down, width, across, channels)
    return padded.permute(0, 1, 3, 2, 4, 5).reshape(n, height, width, -1)
