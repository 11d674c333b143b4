"""Learning curves from frames of trainings: which column is drawn where."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from surrobench.errors import UserError
from surrobench.report.figures import learning_curves
from surrobench.report.figures.trainings import from_trainings


def trainings(**columns: float) -> pd.DataFrame:
    """Two architectures, three seeds, four epochs; every value is epoch + seed + an offset."""
    rows = [
        {"arch": arch, "seed": seed, "epoch": epoch}
        | {name: epoch + seed**2 + offset for name, offset in columns.items()}
        for arch in ("a", "$b$")
        for seed in range(3)
        for epoch in (1, 2, 3, 4)
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("column", "metric", "split"),
    [
        ("train_loss", "loss", "train"),
        ("training_loss", "loss", "train"),
        ("validation_mae", "MAE", "validation"),
        ("val_cross_entropy", "loss", "validation"),
        ("accuracy", "accuracy", "validation"),
        ("test_acc", "accuracy", "test"),
        ("loss_train", "loss", "train"),
        ("validation_macro_f1", "macro F1", "validation"),
        ("value (%)", "value (%)", "validation"),
    ],
)
def test_a_column_is_a_measure_of_a_split(column: str, metric: str, split: str) -> None:
    long = from_trainings(trainings(**{column: 0.5}))
    assert set(long["metric"]) == {metric}
    assert set(long["split"]) == {split}
    assert len(long) == 24
    first = long[(long["name"] == "a") & (long["seed"] == 2)].sort_values("epoch")
    assert first["value"].to_list() == [5.5, 6.5, 7.5, 8.5]


def test_cross_entropy_beside_a_loss_keeps_its_name() -> None:
    long = from_trainings(trainings(validation_loss=0, validation_cross_entropy=1, train_loss=2))
    assert list(long["metric"].unique()) == ["loss", "cross entropy"]


def test_loss_mae_and_accuracy_come_first_and_text_is_left_out() -> None:
    frame = trainings(recall=0, accuracy=0, train_mae=0, train_loss=0).assign(status="ok")
    assert list(from_trainings(frame)["metric"].unique()) == ["loss", "MAE", "accuracy", "recall"]


def test_what_was_not_recorded_is_not_drawn() -> None:
    frame = trainings(train_loss=0.0, validation_mae=0.0)
    frame.loc[frame["epoch"] > 2, "train_loss"] = np.nan
    long = from_trainings(frame)
    assert long.groupby("metric")["epoch"].max().to_dict() == {"loss": 2, "MAE": 4}


def test_lines_are_means_and_bands_are_deviations() -> None:
    frame = trainings(train_loss=0.0, validation_loss=1.0, accuracy=2.0)
    figure = learning_curves(frame)
    loss, accuracy = figure.axes
    assert (loss.get_ylabel(), accuracy.get_ylabel()) == ("loss", "accuracy")
    assert len(loss.lines) == 4  # two architectures, two splits
    assert len(accuracy.lines) == 2
    values = [1 + 2, 1 + 1 + 2, 1 + 4 + 2]
    mean = accuracy.lines[0].get_ydata()[0]
    assert mean == pytest.approx(np.mean(values))
    band = accuracy.collections[0].get_paths()[0].vertices[:, 1]
    assert band.min() == pytest.approx(mean - np.std(values, ddof=1))
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["a", r"\$b\$", "train", "validation"]


def test_one_seed_has_no_band() -> None:
    one = trainings(train_loss=0.0).query("seed == 1").drop(columns="seed")
    band = learning_curves(one).axes[0].collections[0].get_paths()
    assert not band or np.isnan(band[0].vertices[:, 1]).any()


def test_a_frame_without_measures_is_refused() -> None:
    with pytest.raises(UserError, match=r"lacks .* epoch"):
        from_trainings(pd.DataFrame({"arch": ["a"]}))
    with pytest.raises(UserError, match="no measure, such as train_loss"):
        from_trainings(trainings())
