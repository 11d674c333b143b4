"""Curves of trainings as a table, and records that were written before there were all of them."""

from __future__ import annotations

import json
import math
from dataclasses import asdict

from surrobench.report.figures.learning import learning_curves
from surrobench.training.curves import ACCURACY, ERROR, LOSS, learning_frame
from surrobench.training.training_run import TrainingRun, run_from_json

RUN = TrainingRun(
    "ok", (50.0, 60.0), (1.2, 0.9), (1.5, 1.0), 61.0, 0.8, 3.0, validation_mae=(0.2, 0.1),
    train_mae=(0.25, math.nan), test_mae=0.1,
)  # fmt: skip


def test_every_point_is_a_row_and_nothing_else() -> None:
    frame = learning_frame({"a": [RUN, RUN], "b": [RUN]})
    assert len(frame) == 3 * (2 + 2 + 1 + 2 + 2)
    one = frame[(frame["name"] == "a") & (frame["seed"] == 1)]
    found = {
        (metric, split): dict(zip(part["epoch"], part["value"], strict=True))
        for (metric, split), part in one.groupby(["metric", "split"])
    }
    assert found == {
        (LOSS, "train"): {1: 1.5, 2: 1.0},
        (LOSS, "validation"): {1: 1.2, 2: 0.9},
        (ERROR, "train"): {1: 0.25},
        (ERROR, "validation"): {1: 0.2, 2: 0.1},
        (ACCURACY, "validation"): {1: 50.0, 2: 60.0},
    }


def test_the_frame_can_be_drawn() -> None:
    figure = learning_curves(learning_frame({"a": [RUN, RUN]}))
    assert [axes.get_ylabel() for axes in figure.axes] == [LOSS, ERROR, ACCURACY]


def test_records_go_through_json_and_older_ones_still_load() -> None:
    fields = json.loads(json.dumps(asdict(RUN)))
    again = run_from_json(fields)
    assert again.validation_mae == RUN.validation_mae
    assert again.test_mae == RUN.test_mae
    for name in ("train_mae", "validation_mae", "test_mae"):
        del fields[name]
    older = run_from_json(fields)
    assert older.train_mae == older.validation_mae == ()
    assert math.isnan(older.test_mae)
    assert older.train_loss == RUN.train_loss
    assert len(learning_frame({"a": [older]})) == 6
