"""A score of how much a network can represent and how well its gradients are spread."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from surrobench.training.zero_cost.proxy import Batch, Proxy, gradients, loss, noise

SMALL = 1e-10
"""Keeps ratios finite; the value of the paper."""


@Proxy
def intrain(network: nn.Module, batch: Batch) -> float:
    r"""InTrain: :math:`\gamma (1 + o) / \log(L + 1)`, NaN without layers.

    :math:`\gamma = \sum_l \log \left((\mathrm{tr}\, C_l)^2 / \mathrm{tr}\, C_l^2\right)` over the
    :math:`L` layers, with :math:`C_l` the covariance matrix of the channels behind layer :math:`l`
    over images and positions, plus :math:`10^{-10}` on its diagonal; and
    :math:`o = \sum_i \min(1, \sigma(g_i) / (\max \lvert g_i \rvert + 10^{-10}))` over the parameter
    tensors, with :math:`\sigma(g_i)` the deviation of the entries of the gradient of the
    cross-entropy. Inputs are normal noise of the batch's shape with the batch's labels (sequences:
    the batch itself); layers are convolutions and linear layers. Zhou et al., InTrain, CVPR 2026,
    who give no code and use 64 images of 64 x 64.
    """
    ratios: list[float] = []
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.register_forward_hook(lambda _, __, output: ratios.append(_dimension(output)))
    value = loss(network, Batch(noise(batch), batch.labels))
    capacity = sum(map(math.log, ratios))
    health = 0.0
    for _, gradient in gradients(value, list(network.parameters())):
        spread = gradient.std(correction=0) / (gradient.abs().max() + SMALL)
        health += min(1.0, float(spread))
    return capacity * (1 + health) / math.log(len(ratios) + 1) if ratios else math.nan


def _dimension(output: Tensor) -> float:
    """Participation ratio of the covariance matrix of the channels, from 1 to their number."""
    channels = output.detach().movedim(1, -1) if output.ndim == 4 else output.detach()
    rows = channels.flatten(0, -2).double()
    covariance = torch.atleast_2d(rows.T.cov())
    covariance = covariance + SMALL * torch.eye(len(covariance), device=output.device)
    return float(covariance.trace().square() / covariance.square().sum())
