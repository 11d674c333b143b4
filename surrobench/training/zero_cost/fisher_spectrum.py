"""Scores from the eigenvalues of the Fisher information of a few weights."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from surrobench.training.zero_cost import sizes
from surrobench.training.zero_cost.proxy import Batch, Proxy

TENSORS = 128
"""Parameter tensors that are looked at, the first ones; as in the paper."""
SPREAD = 0.05
"""Share of the probability that all classes get: a network may be sure of its image."""


@Proxy
def vkdnw(network: nn.Module, batch: Batch) -> float:
    r"""Entropy :math:`-\sum_{k=1}^9 \tilde\lambda_k \log \tilde\lambda_k` of the Fisher spectrum.

    :math:`\lambda_k` are the deciles (0.1 to 0.9) of the eigenvalues of
    :math:`F = \frac{1}{n} \sum_i J_i^\top (\mathrm{diag}(p_i) - p_i p_i^\top) J_i` and
    :math:`\tilde\lambda_k = \lambda_k / \sum_j \lambda_j`. :math:`p_i` are the probabilities of
    the classes for image :math:`i`, :math:`J_i` is the Jacobian of their scores by the first weight
    of each of the first 128 parameter tensors. As in the authors' code, 5 % of :math:`p_i` are
    spread evenly over the classes, and batch norm has its initial statistics. No labels are used;
    NaN if all deciles are 0. Týbl & Neumann, Training-free Neural Architecture Search through
    Variance of Knowledge of Deep Network Weights, CVPR 2025, equations 9 to 11, on the batch and
    the initial weights at hand instead of normal noise and He's.
    """
    network.eval()
    tensors = [p for p in network.parameters() if p.requires_grad][:TENSORS]
    roots = torch.cat([_root(network, image[None], tensors) for image in batch.images])
    eigenvalues = torch.linalg.svdvals(roots).square() / len(batch.images)
    missing = len(tensors) - len(eigenvalues)  # with few images F has not full rank
    spectrum = torch.cat([eigenvalues, eigenvalues.new_zeros(max(missing, 0))])
    deciles = spectrum.quantile(torch.arange(1, 10, device=spectrum.device).double() / 10)
    if not deciles.sum() > 0:
        return math.nan
    return float(torch.special.entr(deciles / deciles.sum()).sum())


@Proxy
def vkdnw_single(network: nn.Module, batch: Batch) -> float:
    """Number of trained layers plus ``vkdnw``, which orders networks of as many layers.

    Týbl & Neumann, CVPR 2025, equation 12.
    """
    return sizes.layers.compute(network, batch) + vkdnw.compute(network, batch)


def _root(network: nn.Module, image: Tensor, tensors: Sequence[Tensor]) -> Tensor:
    r"""Of one image: ``classes x tensors`` whose inner products are its term of the sum."""
    scores = network(image)[0]
    columns = torch.autograd.grad(
        scores,
        tensors,
        torch.eye(len(scores), device=scores.device, dtype=scores.dtype),
        is_grads_batched=True,
        allow_unused=True,
    )
    unused = torch.zeros_like(scores)
    jacobian = torch.stack(
        [unused if column is None else column.flatten(1)[:, 0] for column in columns], dim=1
    ).double()
    even = SPREAD / len(scores)
    p = (1 - SPREAD) * scores.detach().double().softmax(dim=0)[:, None] + even
    return p.sqrt() * (jacobian - (p * jacobian).sum(dim=0))
