"""Scores from gradients of the weights, most of them made for pruning at initialisation."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from surrobench.training.zero_cost.proxy import Batch, Proxy, gradients, loss, reading, weights


@reading
def grad_norm(network: nn.Module, batch: Batch) -> float:
    r"""Sum over layers of :math:`\lVert \partial L / \partial w \rVert_2`.

    Abdelfattah, Mehrotra, Dudziak & Lane, Zero-Cost Proxies for Lightweight NAS, ICLR 2021.
    """
    return sum(float(g.norm()) for _, g in gradients(loss(network, batch), weights(network)))


@reading
def snip(network: nn.Module, batch: Batch) -> float:
    r"""Sum over weights of :math:`\lvert w \, \partial L / \partial w \rvert`.

    Lee, Ajanthan & Torr, SNIP: Single-shot Network Pruning, ICLR 2019.
    """
    pairs = gradients(loss(network, batch), weights(network))
    return sum(float((w.detach() * g).abs().sum()) for w, g in pairs)


@reading
def grasp(network: nn.Module, batch: Batch) -> float:
    r"""Minus the sum over weights of :math:`(H g) \, w`, with :math:`g = \partial L / \partial w`.

    The product with the Hessian :math:`H` is the gradient of :math:`g \cdot c` for constant
    :math:`c = g`. Wang, Zhang & Grosse, Picking Winning Tickets Before Training by Preserving
    Gradient Flow, ICLR 2020.
    """
    with sdpa_kernel(SDPBackend.MATH):  # attention that can be differentiated twice
        first = gradients(loss(network, batch), weights(network), keep_graph=True)
    product = sum((g * g.detach()).sum() for _, g in first)
    if not isinstance(product, Tensor):
        return 0.0
    second = gradients(product, [w for w, _ in first])
    return -sum(float((w.detach() * h).sum()) for w, h in second)


@reading
def zico(network: nn.Module, batch: Batch) -> float:
    r"""Sum over layers of :math:`\log \sum_w \bar{\lvert g_w \rvert} / \sigma(g_w)`.

    :math:`g_w = \partial L / \partial w` on each half of the batch, :math:`\bar{\lvert g \rvert}`
    the mean of its absolute value over the halves and :math:`\sigma(g)` its deviation between them.
    Weights whose gradients are equal are left out, and so are layers without others. Li, Yang,
    Bhardwaj & Marculescu, ZiCo, ICLR 2023, with the deviation of the signed gradients and the two
    batches of the authors' code.
    """
    halves = zip(batch.images.chunk(2), batch.labels.chunk(2), strict=True)
    found = [gradients(loss(network, Batch(*half)), weights(network)) for half in halves]
    total = 0.0
    for pairs in zip(*found, strict=True):
        both = torch.stack([g for _, g in pairs]).double()
        deviation = both.std(dim=0, correction=0)
        ratios = both.abs().mean(dim=0)[deviation > 0] / deviation[deviation > 0]
        total += math.log(ratios.sum()) if len(ratios) else 0.0
    return total


@Proxy
def synflow(network: nn.Module, batch: Batch) -> float:
    r"""Log of the sum over weights of :math:`\lvert w \, \partial R / \partial w \rvert`.

    :math:`R` is the sum of the outputs for an image of ones, with the absolute values of all
    parameters and without batch norm; in double precision. Minus infinity if nothing flows, NaN for
    sequences.
    Tanaka, Kunin, Yamins & Ganguli, Pruning neural networks without any data by iteratively
    conserving synaptic flow, NeurIPS 2020; the log as in NAS-Bench-Suite-Zero.
    """
    if not batch.images.is_floating_point():
        return math.nan
    network = _without_norms(network).double()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.abs_()
    ones = torch.ones_like(batch.images[:1], dtype=torch.float64)
    pairs = gradients(network(ones).sum(), weights(network))
    flow = sum(float((w.detach() * g).abs().sum()) for w, g in pairs)
    return math.log(flow) if flow > 0 else -math.inf


def _without_norms(network: nn.Module) -> nn.Module:
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d):
                setattr(module, name, nn.Identity())
    return network


@Proxy
def fisher(network: nn.Module, batch: Batch) -> float:
    r"""Sum over channels of :math:`\frac{1}{2n} \sum_i (\sum_x a_i \, \partial L/\partial a_i)^2`.

    :math:`a_i` is the output of a convolution or linear layer for image :math:`i`, :math:`x` its
    positions. Theis et al., Faster gaze prediction with dense networks and Fisher pruning, 2018;
    Turner et al., BlockSwap, ICLR 2020.
    """
    outputs: list[Tensor] = []
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.register_forward_hook(lambda _module, _inputs, output: outputs.append(output))
    value = loss(network, batch)
    products = [a.detach() * g for a, g in gradients(value, outputs)]
    per_image = [p.flatten(2).sum(dim=2) if p.ndim > 2 else p for p in products]
    return sum(float(p.square().mean(dim=0).sum()) / 2 for p in per_image)
