"""How good the scores of several networks are, each network for itself."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional


class Measures(NamedTuple):
    """One network on one split.

    Attributes:
        accuracy: percent.
        cross_entropy: mean, nats.
        macro_recall: mean over classes of the share of their images that are recognised, percent.
        macro_f1: mean over classes of the harmonic mean of precision and recall, percent.
        mae: mean absolute error of the probabilities, over examples and classes: the right class
            should have 1 and every other 0.
    """

    accuracy: float
    cross_entropy: float
    macro_recall: float
    macro_f1: float
    mae: float


def measure(scores: Tensor, labels: Tensor) -> list[Measures]:
    """Measures of each member.

    Means over classes are those of scikit-learn: over the classes that occur among labels or
    answers, 0 where a share has nothing to be a share of.

    Args:
        scores: ``members x n x classes``.
        labels: ``members x n``.
    """
    answers = scores.argmax(dim=2)
    accuracy = 100 * (answers == labels).sum(dim=1).cpu().double() / labels.shape[1]
    hits, stated, answered = _counts(answers, labels, scores.shape[2])
    occurring = (stated + answered > 0).sum(dim=1)
    recall = 100 * (hits / stated.clamp_min(1)).sum(dim=1) / occurring
    f1 = 100 * (2 * hits / (stated + answered).clamp_min(1)).sum(dim=1) / occurring
    errors = absolute_errors(scores, labels)
    columns = (accuracy, cross_entropies(scores, labels), recall, f1, errors)
    return [Measures(*row) for row in zip(*(c.tolist() for c in columns), strict=True)]


def cross_entropies(scores: Tensor, labels: Tensor, label_smoothing: float = 0.0) -> Tensor:
    """Mean over ``n`` of ``members x n x classes`` scores against ``members x n`` labels."""
    each = functional.cross_entropy(
        scores.flatten(0, 1),
        labels.flatten(),
        reduction="none",
        label_smoothing=label_smoothing,
    )
    return each.view(labels.shape).mean(dim=1)


def absolute_errors(scores: Tensor, labels: Tensor) -> Tensor:
    """Mean absolute error of the probabilities that ``members x n x classes`` scores make.

    What the right class lacks is what the others have too much, so it is twice that by the number
    of classes.
    """
    right = scores.softmax(dim=2).gather(2, labels[..., None])
    return 2 * (1 - right).mean(dim=(1, 2)) / scores.shape[2]


def _counts(answers: Tensor, labels: Tensor, classes: int) -> tuple[Tensor, Tensor, Tensor]:
    """``members x classes``: right answers, images and answers of each class."""
    members = torch.arange(len(labels), device=labels.device)[:, None]
    cells = ((members * classes + labels) * classes + answers).flatten()
    confusion = torch.bincount(cells.cpu(), minlength=len(labels) * classes**2)
    confusion = confusion.view(-1, classes, classes).double()
    return confusion.diagonal(dim1=1, dim2=2), confusion.sum(dim=2), confusion.sum(dim=1)
