"""The curves of trainings as a table, one row a point, for figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from surrobench.training.training_run import TrainingRun

if TYPE_CHECKING:
    import pandas as pd

LOSS, ERROR, ACCURACY = "loss (nats)", "mean absolute error", "accuracy (%)"


def learning_frame(runs: Mapping[str, Sequence[TrainingRun]]) -> pd.DataFrame:
    """What :func:`~surrobench.report.figures.learning.learning_curves` draws.

    For example::

        task = live_task("live:transformer")
        runs = {task.space.to_string(a): task.training_runs([Job(a)]) for a in archs}
        learning_curves(learning_frame(runs)).savefig("curves.pdf")

    Args:
        runs: of each name; the trainings of one name count as its seeds.

    Returns:
        A frame with the columns ``name``, ``metric``, ``split``, ``epoch`` (from 1), ``seed`` (the
        place among the trainings) and ``value``. The training curves are means over the batches of
        an epoch, as seen while training; what was not measured is left out.
    """
    import pandas as pd

    rows = [
        (name, metric, split, epoch, seed, value)
        for name, some in runs.items()
        for seed, run in enumerate(some)
        for metric, split, curve in _curves(run)
        for epoch, value in enumerate(curve, start=1)
    ]
    columns = ["name", "metric", "split", "epoch", "seed", "value"]
    return pd.DataFrame(rows, columns=columns).dropna()


def _curves(run: TrainingRun) -> list[tuple[str, str, tuple[float, ...]]]:
    return [
        (LOSS, "train", run.train_loss),
        (LOSS, "validation", run.validation_cross_entropy),
        (ERROR, "train", run.train_mae),
        (ERROR, "validation", run.validation_mae),
        (ACCURACY, "validation", run.validation_accuracy),
    ]
