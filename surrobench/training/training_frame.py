"""Trainings as a table: a row per architecture, seed and epoch, as learning curves are drawn."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from surrobench.training.loop.training_run import TrainingRun

COLUMNS = {
    "train_loss": "train_loss",
    "validation_cross_entropy": "validation_loss",
    "validation_accuracy": "validation_accuracy",
    "validation_macro_recall": "validation_macro_recall",
    "validation_macro_f1": "validation_macro_f1",
    "train_mae": "train_mae",
    "validation_mae": "validation_mae",
}
"""Attributes of a training run, with the columns that they become."""


def training_frame(runs: Iterable[tuple[str, int, TrainingRun]]) -> pd.DataFrame:
    """The curves of trainings.

    Args:
        runs: name of the architecture, seed, and what its training gave.

    Returns:
        ``arch``, ``seed``, ``epoch`` (from 1), ``train_loss`` and ``validation_loss`` (nats),
        ``validation_accuracy``, ``validation_macro_recall`` and ``validation_macro_f1`` (percent),
        ``train_mae`` and ``validation_mae`` (mean absolute errors of the probabilities of classes);
        NaN where nothing was recorded, as after a loss that was not finite.
    """
    rows = [
        {"arch": name, "seed": seed, "epoch": epoch + 1, **_recorded(run, epoch)}
        for name, seed, run in runs
        for epoch in range(len(run.train_loss))
    ]
    return pd.DataFrame(rows, columns=["arch", "seed", "epoch", *COLUMNS.values()])


def _recorded(run: TrainingRun, epoch: int) -> dict[str, float]:
    curves = {column: getattr(run, name) for name, column in COLUMNS.items()}
    return {column: curve[epoch] for column, curve in curves.items() if epoch < len(curve)}
