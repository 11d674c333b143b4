"""When a training is not worth going on with."""

from __future__ import annotations

import math

import torch

from surrobench.training.datasets.data import Split
from surrobench.training.loop.measures import Measures

SHARE = 0.25
"""Share of the epochs after which a network must be better than chance."""
MARGIN_STDS = 2.0
"""How many standard deviations above chance counts as better."""


def least_accuracy(split: Split) -> float:
    """Percent that an answer which never changes reaches with little probability.

    The most frequent label's share, plus two standard deviations of the share of right answers
    among so many examples.
    """
    frequent = torch.bincount(split.labels.cpu().flatten()).max().item() / split.labels.numel()
    deviation = math.sqrt(frequent * (1 - frequent) / split.labels.numel())
    return 100 * (frequent + MARGIN_STDS * deviation)


def early_stop_reason(measured: Measures, epoch: int, epochs: int, least: float) -> str:
    """Why a training should stop, empty if it should not.

    It stops if its cross-entropy is no longer finite, or from a quarter of the epochs on if it is
    no better than chance; never after the last epoch, which leaves nothing to save.

    Args:
        measured: on the validation examples after ``epoch``.
        epoch: how many are done, from 1.
        epochs: of the full training.
        least: the accuracy of :func:`least_accuracy`.
    """
    if epoch >= epochs:
        return ""
    if not math.isfinite(measured.cross_entropy):
        return f"cross-entropy is not finite after epoch {epoch} of {epochs}"
    if epoch >= SHARE * epochs and measured.accuracy < least:
        return (
            f"accuracy is {measured.accuracy:.1f} % after epoch {epoch} of {epochs}, "
            f"not clearly above chance ({least:.1f} %)"
        )
    return ""
