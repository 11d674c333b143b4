"""What one training gave."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class TrainingRun:
    """What one training gave; the tuples hold one entry per epoch.

    Attributes:
        status: ``"diverged"`` if a loss stopped being finite, from then on everything is NaN;
            ``"failed"`` if the training raised an error, and everything is NaN.
        validation_accuracy: percent.
        validation_cross_entropy: nats.
        train_loss: mean cross-entropy over the batches of the epoch, as seen while training, nats.
        test_accuracy: percent, after the last epoch.
        test_cross_entropy: nats, after the last epoch.
        train_seconds: seconds of the optimisation without evaluation (CPU seconds, or of the wall
            on a GPU), shared equally by the networks that were trained together.
        reason: why the training failed.
    """

    status: Literal["ok", "diverged", "failed"]
    validation_accuracy: tuple[float, ...]
    validation_cross_entropy: tuple[float, ...]
    train_loss: tuple[float, ...]
    test_accuracy: float
    test_cross_entropy: float
    train_seconds: float
    reason: str = ""

    @property
    def summed_train_loss(self) -> float:
        """Sum of training losses: a predictor of the final rank (Ru et al., NeurIPS 2021)."""
        return sum(self.train_loss)


def finished_run(
    loss: Sequence[float],
    accuracy: Sequence[float],
    entropy: Sequence[float],
    test: tuple[float, float],
    seconds: float,
) -> TrainingRun:
    """The record of a training; nothing after its first loss that is not finite counts.

    Args:
        loss: of each epoch.
        accuracy: validation accuracy after each epoch, percent.
        entropy: validation cross-entropy after each epoch.
        test: accuracy and cross-entropy on the test images.
        seconds: the share of the training time.
    """
    epochs = range(len(loss))
    sound = next((i for i in epochs if not math.isfinite(loss[i] + entropy[i])), len(loss))
    finished = sound == len(loss) and math.isfinite(test[1])
    accuracy, entropy, loss = (
        [value if i < sound else math.nan for i, value in enumerate(values)]
        for values in (accuracy, entropy, loss)
    )
    return TrainingRun(
        status="ok" if finished else "diverged",
        validation_accuracy=tuple(accuracy),
        validation_cross_entropy=tuple(entropy),
        train_loss=tuple(loss),
        test_accuracy=test[0] if finished else math.nan,
        test_cross_entropy=test[1] if finished else math.nan,
        train_seconds=seconds,
    )


def failed_run(epochs: int, reason: str) -> TrainingRun:
    """The record of a training that raised an error."""
    unknown = (math.nan,) * epochs
    return TrainingRun("failed", unknown, unknown, unknown, math.nan, math.nan, math.nan, reason)


def run_from_json(fields: Mapping[str, Any]) -> TrainingRun:
    """The record whose ``dataclasses.asdict`` went through JSON."""
    curves = {name: tuple(value) for name, value in fields.items() if isinstance(value, list)}
    return TrainingRun(**{**fields, **curves})
