"""Learning curves that tables and live trainings keep."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from surrobench.arrays import FloatArray
from surrobench.errors import UserError
from surrobench.report.figures import learning_curves
from surrobench.studies.kinds import kind_of
from surrobench.tasks import load_task
from surrobench.training.loop.training_run import TrainingRun, run_from_json
from surrobench.training.training_frame import training_frame

CARD = """
name = "curved"
data = "curved.parquet"
decisions = ["a"]

[tasks.score]
target = "score"
direction = "minimize"
layout = "seeds-epochs"
seeds = 2
curves = { train_loss = "loss", validation_mae = "score" }
"""


def card(folder: Path, loss: list[float], text: str = CARD) -> str:
    scores = [[4.0, 3.0, 5.0, 2.0], [9.0, 8.0, 7.0, 6.0]]
    frame = pd.DataFrame({"a": [1, 2], "score": scores, "loss": [loss, loss]})
    frame.to_parquet(folder / "curved.parquet")
    (folder / "curved.toml").write_text(text, encoding="utf-8")
    return str(folder / "curved.toml")


def test_curves_keep_the_sign_of_the_table(tmp_path: Path) -> None:
    task = load_task(card(tmp_path, [1.0, 2.0, 3.0, 4.0]))
    assert task.curves["train_loss"][0].tolist() == [[1, 2], [3, 4]]
    np.testing.assert_array_equal(task.curves["validation_mae"], -task.values)
    assert task.fidelities == (1, 2)


def test_curves_change_no_number_of_a_study(tmp_path: Path) -> None:
    first = load_task(card(tmp_path, [1.0, 2.0, 3.0, 4.0])).fingerprint
    bare = CARD.replace(CARD[CARD.index("curves =") :], "")
    assert load_task(card(tmp_path, [1.0, 2.0, 3.0, 4.0], bare)).fingerprint == first


def keys(folder: Path, last: float, encoding: str) -> list[str]:
    """Of the cells of a study on a table whose training losses end so."""
    (folder / "curved.toml").write_text(CARD, encoding="utf-8")
    scores = [[a + 4.0, a + 3.0, a + 5.0, a + 2.0] for a in range(12)]
    frame = pd.DataFrame({"a": range(12), "score": scores, "loss": [[1.0, 2.0, 3.0, last]] * 12})
    frame.to_parquet(folder / "curved.parquet")
    content = {
        "kind": "prediction",
        "name": "one",
        "tasks": ["curved.toml"],
        "predictors": ["constant"],
        "encodings": [encoding],
        "train_sizes": [4],
        "seeds": 1,
    }
    study = kind_of(content).build(content)
    return [cell.key for cell in kind_of(content).plan(study, folder).cells]


class Own:
    """An encoding of somebody else."""

    isomorphism_invariant = False

    def columns(self, space: Any, measured: Any) -> list[str]:
        return ["a"]

    def __call__(self, archs: Any, space: Any, measured: Any) -> FloatArray:
        return np.asarray(archs, dtype=np.float64)


@pytest.mark.parametrize(
    ("encoding", "looks"),
    [("one-hot", False), ("curve-sum:0.5", True), ("one-hot+curve:0.5", True), ("own:Own", True)],
)
def test_curves_are_part_of_a_cell_whose_encoding_may_look_at_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str, looks: bool
) -> None:
    monkeypatch.setitem(sys.modules, "own", ModuleType("own"))
    sys.modules["own"].Own = Own  # type: ignore[attr-defined]
    first, again, other = (keys(tmp_path, last, encoding) for last in (4.0, 4.0, 5.0))
    assert first == again
    assert (first != other) is looks


def test_curves_of_another_length_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="curve 'loss' holds 2 values a row, but the target"):
        load_task(card(tmp_path, [1.0, 2.0]))


def test_curves_need_a_layout(tmp_path: Path) -> None:
    text = CARD.replace('layout = "seeds-epochs"\nseeds = 2\n', "")
    with pytest.raises(UserError, match="'curves' needs layout"):
        load_task(card(tmp_path, [1.0], text))


def test_the_embedded_table_keeps_losses_and_accuracies() -> None:
    task = load_task("live/digits-chain")
    assert set(task.curves) == {"train_loss", "validation_loss", "validation_accuracy"}
    np.testing.assert_allclose(task.curves["validation_accuracy"], task.values)
    file = Path(load_task.__code__.co_filename).parent / "data" / "digits_chain.parquet"
    losses = np.array(pq.read_table(file)["train_loss"].to_pylist()).reshape(-1, 3, 3)
    np.testing.assert_array_equal(task.curves["train_loss"], losses)


def test_trainings_become_a_frame() -> None:
    nan = float("nan")
    run = TrainingRun("ok", (50.0, 60.0), (1.5, 1.0), (2.0, 1.2), 61.0, 0.9, 3.0)
    lost = TrainingRun("diverged", (10.0, nan), (2.0, nan), (9.0, nan), nan, nan, 3.0)
    frame = training_frame([("a", 0, run), ("b", 7, lost)])
    assert frame["epoch"].to_list() == [1, 2, 1, 2]
    assert frame.loc[1, ["arch", "seed", "train_loss"]].to_list() == ["a", 0, 1.2]
    assert frame["validation_loss"].to_list()[:3] == [1.5, 1.0, 2.0]
    assert frame["validation_accuracy"].isna().to_list() == [False, False, False, True]
    assert frame["validation_macro_f1"].isna().all()
    assert training_frame([]).empty


def test_errors_of_probabilities_are_columns_and_older_records_have_none() -> None:
    run = TrainingRun(
        "ok", (50.0, 60.0), (1.2, 0.9), (1.5, 1.0), 61.0, 0.8, 3.0,
        train_mae=(0.25, 0.2), validation_mae=(0.2, 0.1), test_mae=0.1,
    )  # fmt: skip
    fields = json.loads(json.dumps(asdict(run)))
    assert run_from_json(fields).validation_mae == run.validation_mae
    frame = training_frame([("a", 0, run)])
    assert frame["train_mae"].to_list() == [0.25, 0.2]
    assert frame["validation_mae"].to_list() == [0.2, 0.1]
    labels = [axes.get_ylabel() for axes in learning_curves(frame).axes]
    assert any("MAE" in label or "absolute error" in label for label in labels)
    for name in ("train_mae", "validation_mae", "test_mae"):
        del fields[name]
    older = run_from_json(fields)
    assert older.train_loss == run.train_loss
    assert training_frame([("a", 0, older)])["train_mae"].isna().all()
