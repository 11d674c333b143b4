"""Scores from the Jacobians of single inputs: do different images move the output differently?"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from surrobench.training.zero_cost.proxy import Batch, gradients, reading

SMALL = 1e-5
"""Keeps logarithms finite; the value of both papers' code."""


def _jacobians(network: nn.Module, batch: Batch) -> Tensor | None:
    """Gradient of each image's summed outputs, ``n x pixels``; None if there is none.

    Nothing can be differentiated by the tokens of sequences.
    """
    if not batch.images.is_floating_point():
        return None
    images = batch.images.clone().requires_grad_()
    pairs = gradients(network(images).sum(), [images])
    return pairs[0][1].flatten(1).double() if pairs else None


@reading
def jacov(network: nn.Module, batch: Batch) -> float:
    r"""Minus the sum of :math:`\log(\lambda + k) + 1 / (\lambda + k)`.

    :math:`\lambda` are the eigenvalues of the correlation matrix of the images' Jacobians and
    :math:`k = 10^{-5}`. NaN for sequences, and if the output does not depend on the images. Mellor,
    Turner, Storkey & Crowley, Neural Architecture Search without Training, arXiv:2006.04647v1,
    2020.
    """
    jacobians = _jacobians(network, batch)
    correlations = None if jacobians is None else torch.corrcoef(jacobians)
    if correlations is None or not correlations.isfinite().all():
        return math.nan
    shifted = torch.linalg.eigvalsh(correlations).clamp_min(0) + SMALL
    return -float((shifted.log() + 1 / shifted).sum())


@reading
def epe_nas(network: nn.Module, batch: Batch) -> float:
    r"""Sum over classes of :math:`\lvert \sum_{ij} \log(\lvert \Sigma_{ij} \rvert + k) \rvert`.

    :math:`\Sigma` is the correlation matrix of the Jacobians of the images of one class and
    :math:`k = 10^{-5}`; for more than 100 classes the paper takes means of differences, which is
    not done here. NaN for sequences, and if the output does not depend on the images. Lopes,
    Alirezazadeh & Alexandre, EPE-NAS, ICANN 2021.
    """
    jacobians = _jacobians(network, batch)
    if jacobians is None:
        return math.nan
    total = 0.0
    for label in batch.labels.unique():
        correlations = torch.corrcoef(jacobians[batch.labels == label]).abs()
        total += abs(float((correlations + SMALL).log().sum()))
    return total
