"""Scores that need no image: the baselines that every other score must beat."""

from __future__ import annotations

from torch import nn

from surrobench.training.networks.costs import count_flops, count_params
from surrobench.training.zero_cost.proxy import Batch, gradients, reading, weights


@reading
def params(network: nn.Module, _batch: Batch) -> float:
    """Number of trainable parameters."""
    return float(count_params(network))


@reading
def flops(network: nn.Module, batch: Batch) -> float:
    """Floating-point operations of one image, two per multiply-accumulate."""
    return float(count_flops(network, tuple(batch.images.shape[1:]), batch.images.dtype))


@reading
def layers(network: nn.Module, batch: Batch) -> float:
    """Number of convolutions and linear layers whose weights the output depends on.

    Týbl & Neumann (Training-free Neural Architecture Search through Variance of Knowledge of Deep
    Network Weights, CVPR 2025) take the number of trainable layers as a baseline. A layer of a cell
    that leads nowhere is not counted.
    """
    return float(len(gradients(network(batch.images).sum(), weights(network))))


@reading
def l2_norm(network: nn.Module, _batch: Batch) -> float:
    r"""Sum over layers of :math:`\lVert w \rVert_2`.

    Abdelfattah, Mehrotra, Dudziak & Lane, Zero-Cost Proxies for Lightweight NAS, ICLR 2021.
    """
    return sum(float(weight.detach().norm()) for weight in weights(network))
