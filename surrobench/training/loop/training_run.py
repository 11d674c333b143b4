"""What one training gave."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from surrobench.training.loop.measures import Measures

Status = Literal["ok", "diverged", "failed", "stopped"]


@dataclass(frozen=True)
class TrainingRun:
    """What one training gave; the tuples hold one entry per epoch.

    Attributes:
        status: ``"diverged"`` if a loss stopped being finite, from then on everything is NaN;
            ``"stopped"`` if it was ended before its time, what was not measured is NaN;
            ``"failed"`` if the training raised an error, and everything is NaN.
        validation_accuracy: percent.
        validation_cross_entropy: nats.
        train_loss: mean cross-entropy over the batches of the epoch, as seen while training, nats.
        test_accuracy: percent, after the last epoch.
        test_cross_entropy: nats, after the last epoch.
        train_seconds: seconds of the optimisation without evaluation (CPU seconds, or of the wall
            on a GPU), shared equally by the networks that were trained together.
        reason: why the training failed or was stopped.
        validation_macro_recall: mean recall of the classes, percent.
        validation_macro_f1: mean F1 of the classes, percent.
        test_macro_recall: percent, after the last epoch.
        test_macro_f1: percent, after the last epoch.
        train_mae: mean absolute error of the probabilities over the batches of the epoch, as seen
            while training (see :class:`~surrobench.training.loop.measures.Measures`).
        validation_mae: of the probabilities.
        test_mae: of the probabilities, after the last epoch.
        peak_memory: most bytes in use while training, of all networks that were trained together
            (see :func:`~surrobench.training.loop.devices.peak_memory`).
        note: what was asked for and could not be had, such as a CUDA graph.
    """

    status: Status
    validation_accuracy: tuple[float, ...]
    validation_cross_entropy: tuple[float, ...]
    train_loss: tuple[float, ...]
    test_accuracy: float
    test_cross_entropy: float
    train_seconds: float
    reason: str = ""
    validation_macro_recall: tuple[float, ...] = ()
    validation_macro_f1: tuple[float, ...] = ()
    test_macro_recall: float = math.nan
    test_macro_f1: float = math.nan
    peak_memory: float = field(default=math.nan, compare=False)
    note: str = ""
    train_mae: tuple[float, ...] = ()
    validation_mae: tuple[float, ...] = ()
    test_mae: float = math.nan

    @property
    def summed_train_loss(self) -> float:
        """Sum of training losses: a predictor of the final rank (Ru et al., NeurIPS 2021)."""
        return sum(self.train_loss)


@dataclass
class TrainingLog:
    """A training as it goes.

    Attributes:
        loss: of each epoch so far.
        validation: after each epoch so far.
        mae: of the probabilities while training, of each epoch so far.
        seconds: the share of the training time so far.
        stopped: why it was ended before its time.
    """

    loss: list[float] = field(default_factory=list)
    validation: list[Measures] = field(default_factory=list)
    mae: list[float] = field(default_factory=list)
    seconds: float = 0.0
    stopped: str = ""

    def add(self, loss: float, mae: float, validation: Measures, seconds: float) -> None:
        """What one epoch gave."""
        self.loss.append(loss)
        self.mae.append(mae)
        self.validation.append(validation)
        self.seconds += seconds

    def run(self, epochs: int, test: Measures | None) -> TrainingRun:
        """The record; epochs that did not take place are NaN.

        Args:
            epochs: that the training was to have.
            test: after the last epoch, None if it was stopped.
        """
        missing = epochs - len(self.loss)
        return finished_run(
            loss=[*self.loss, *(math.nan,) * missing],
            mae=[*self.mae, *(math.nan,) * missing],
            validation=[*self.validation, *(UNKNOWN,) * missing],
            test=UNKNOWN if test is None else test,
            seconds=self.seconds,
            stopped=self.stopped,
        )


UNKNOWN = Measures(*(math.nan,) * len(Measures._fields))


def finished_run(
    loss: Sequence[float],
    mae: Sequence[float],
    validation: Sequence[Measures],
    test: Measures,
    seconds: float,
    stopped: str = "",
) -> TrainingRun:
    """The record of a training; nothing after its first loss that is not finite counts.

    Args:
        loss: of each epoch.
        mae: of each epoch, while training.
        validation: after each epoch.
        test: after the last epoch.
        seconds: the share of the training time.
        stopped: why it was ended before its time, empty if it was not.
    """
    pairs = list(zip(loss, validation, strict=True))
    finite = [math.isfinite(value + measured.cross_entropy) for value, measured in pairs]
    sound = finite.index(False) if False in finite else len(finite)
    finished = sound == len(loss) and math.isfinite(test.cross_entropy)
    # What was stopped because it diverged has a last epoch that is not finite, and is diverged.
    took_place = sum(measured is not UNKNOWN for measured in validation)
    early = bool(stopped) and sound == took_place
    accuracy, entropy, recall, f1, errors = (
        _until(sound, column) for column in zip(*validation, strict=True)
    )
    final = test if finished else UNKNOWN
    return TrainingRun(
        status="ok" if finished else "stopped" if early else "diverged",
        validation_accuracy=accuracy,
        validation_cross_entropy=entropy,
        train_loss=_until(sound, loss),
        test_accuracy=final.accuracy,
        test_cross_entropy=final.cross_entropy,
        train_seconds=seconds,
        reason=stopped,
        validation_macro_recall=recall,
        validation_macro_f1=f1,
        test_macro_recall=final.macro_recall,
        test_macro_f1=final.macro_f1,
        train_mae=_until(sound, mae),
        validation_mae=errors,
        test_mae=final.mae,
    )


def _until(sound: int, values: Sequence[float]) -> tuple[float, ...]:
    return tuple(value if i < sound else math.nan for i, value in enumerate(values))


def failed_run(epochs: int, reason: str) -> TrainingRun:
    """The record of a training that raised an error."""
    unknown = (math.nan,) * epochs
    return TrainingRun(
        status="failed",
        validation_accuracy=unknown,
        validation_cross_entropy=unknown,
        train_loss=unknown,
        test_accuracy=math.nan,
        test_cross_entropy=math.nan,
        train_seconds=math.nan,
        reason=reason,
        validation_macro_recall=unknown,
        validation_macro_f1=unknown,
        train_mae=unknown,
        validation_mae=unknown,
    )


def run_from_json(fields: Mapping[str, Any]) -> TrainingRun:
    """The record whose ``dataclasses.asdict`` went through JSON."""
    curves = {name: tuple(value) for name, value in fields.items() if isinstance(value, list)}
    return TrainingRun(**{**fields, **curves})
