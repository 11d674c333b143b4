"""Scores from a forward pass: how different inputs are inside the network."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from surrobench.training.zero_cost.proxy import Batch, Proxy

REPEATS = 4
STEP = 0.01
ACTIVATIONS = (nn.ReLU, nn.GELU, nn.SiLU)
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


@Proxy
def nwot(network: nn.Module, batch: Batch) -> float:
    r"""NASWOT: :math:`\log \lvert \det K \rvert`, minus infinity for a singular matrix.

    :math:`K_{ij}` is the number of ReLUs that are both on or both off for the images :math:`i` and
    :math:`j`. Mellor, Turner, Storkey & Crowley, Neural Architecture Search without Training,
    ICML 2021.
    """
    n = len(batch.images)
    agreement = torch.zeros(n, n, dtype=torch.float64, device=batch.images.device)

    def count(_module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
        on = (output > 0).flatten(1).float()
        agreement.add_(on @ on.T + (1 - on) @ (1 - on).T)

    for module in network.modules():
        if isinstance(module, nn.ReLU):
            module.register_forward_hook(count)
    with torch.no_grad():
        network(batch.images)
    return float(torch.linalg.slogdet(agreement).logabsdet)


@Proxy
@torch.no_grad()
def swap(network: nn.Module, batch: Batch) -> float:
    """SWAP: how many different patterns units have over the images; NaN without activations.

    The pattern of a unit, one number behind an activation function, says for each image of the
    batch whether it is positive. There are at most two to the number of images. Peng, Song, Fayek,
    Ciesielski & Chang, SWAP-NAS, ICLR 2024, without their regularisation towards a number of
    parameters; GELU and SiLU count as ReLU does, as in their extension to transformers
    (arXiv:2605.07378, 2026).
    """
    found: list[NDArray[np.uint64]] = []
    for module in network.modules():
        if isinstance(module, ACTIVATIONS):
            module.register_forward_hook(lambda _, __, output: found.append(_patterns(output)))
    network(batch.images)
    return float(len(_distinct(np.concatenate(found)))) if found else math.nan


def _patterns(outputs: Tensor) -> NDArray[np.uint64]:
    """The different patterns of units, one bit an image, ``patterns x ceil(images / 64)``."""
    bits = np.packbits((outputs > 0).flatten(1).T.cpu().numpy(), axis=1)
    words = np.zeros((len(bits), -(-bits.shape[1] // 8) * 8), np.uint8)
    words[:, : bits.shape[1]] = bits
    return _distinct(words.view(np.uint64))


def _distinct(patterns: NDArray[np.uint64]) -> NDArray[np.uint64]:
    if patterns.shape[1] == 1:  # numbers are sorted faster than rows
        return np.unique(patterns)[:, None]
    return np.unique(patterns, axis=0)


@Proxy
@torch.no_grad()
def zen(network: nn.Module, batch: Batch) -> float:
    r"""Mean of :math:`\log E \lVert f(x) - f(x + \alpha \epsilon) \rVert_1 + \sum_l \log \sigma_l`.

    Weights, inputs :math:`x` (of the batch's shape) and :math:`\epsilon` are standard normal,
    :math:`\alpha = 0.01`, :math:`f` are the features before the head pools or flattens them, and
    :math:`\sigma_l^2` is the mean variance that the batch norm :math:`l` divides by. NaN for
    sequences. Lin et al., Zen-NAS, ICCV 2021, with 4 repetitions instead of 32.
    """
    if not batch.images.is_floating_point():
        return math.nan
    deviations: list[float] = []
    for module in network.modules():
        if isinstance(module, NORMS):
            module.register_forward_pre_hook(lambda _, inputs: deviations.append(_log(inputs[0])))
    scores = []
    for _ in range(REPEATS):
        _draw_weights(network)
        images = torch.randn_like(batch.images)
        moved = _features(network, images + STEP * torch.randn_like(images))
        deviations.clear()
        difference = (_features(network, images) - moved).abs().flatten(1).sum(dim=1).mean()
        scores.append(_safe_log(float(difference)) + sum(deviations))
    return sum(scores) / REPEATS


def _log(maps: Tensor) -> float:
    """Log of the root of the mean variance of the channels."""
    channels = maps.transpose(0, 1).flatten(1)
    return 0.5 * _safe_log(float(channels.var(dim=1, correction=0).mean()))


def _safe_log(value: float) -> float:
    return math.log(value) if value > 0 else -math.inf


def _draw_weights(network: nn.Module) -> None:
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.normal_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def _features(network: nn.Module, images: Tensor) -> Tensor:
    """What goes into the first global pooling or flattening, else the output."""
    seen: list[Tensor] = []
    hooks = [
        module.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
        for module in network.modules()
        if isinstance(module, nn.AdaptiveAvgPool2d | nn.Flatten)
    ]
    output: Tensor = network(images)
    for hook in hooks:
        hook.remove()
    return seen[0] if seen else output
