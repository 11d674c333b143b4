"""Scores that need no image: the baselines that every other score must beat."""

from __future__ import annotations

from torch import nn

from surrobench.training.networks.costs import count_flops, count_params
from surrobench.training.zero_cost.proxy import Batch, reading, weights


@reading
def params(network: nn.Module, _batch: Batch) -> float:
    """Number of trainable parameters."""
    return float(count_params(network))


@reading
def flops(network: nn.Module, batch: Batch) -> float:
    """Floating-point operations of one image, two per multiply-accumulate."""
    return float(count_flops(network, tuple(batch.images.shape[1:]), batch.images.dtype))


@reading
def l2_norm(network: nn.Module, _batch: Batch) -> float:
    r"""Sum over layers of :math:`\lVert w \rVert_2`.

    Abdelfattah, Mehrotra, Dudziak & Lane, Zero-Cost Proxies for Lightweight NAS, ICLR 2021.
    """
    return sum(float(weight.detach().norm()) for weight in weights(network))
