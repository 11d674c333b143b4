"""Frames of trainings, a row per epoch, as the long frames that learning curves are drawn from."""

from __future__ import annotations

import pandas as pd

from surrobench.errors import UserError

NAMES = ("name", "arch", "architecture")
"""Columns that may say which architecture was trained; the first that is there does."""
SPLITS = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "test": "test",
}
_SAME = {"cross_entropy": "loss", "acc": "accuracy"}
_LABELS = {"loss": "loss", "mae": "MAE", "mse": "MSE", "rmse": "RMSE", "macro_f1": "macro F1"}
_FIRST = ("loss", "mae", "accuracy")
_KEYS = ("seed", "epoch")


def from_trainings(frame: pd.DataFrame) -> pd.DataFrame:
    """A long frame of trainings.

    Args:
        frame: a row per architecture, seed and epoch: ``arch`` (or ``name``), ``epoch``, perhaps
            ``seed``, and whatever was recorded. A column such as ``train_loss``,
            ``validation_mae`` or ``test_accuracy`` is a measure of one split (``val`` and
            ``valid`` are short for validation); a number without a split, such as ``accuracy``, is
            of the validation set. Cross-entropy stands for the loss of a split that has no other.
            Text is left out.

    Returns:
        ``name``, ``metric``, ``split``, ``seed``, ``epoch`` and ``value``: loss, MAE and accuracy
        first, then other measures in their order.

    Raises:
        UserError: if a column is missing, or nothing but the epoch was recorded.
    """
    name = next((column for column in NAMES if column in frame), None)
    missing = ([] if name else ["arch"]) + ([] if "epoch" in frame else ["epoch"])
    if missing:
        raise UserError(f"a frame of trainings lacks the column(s) {', '.join(missing)}.")
    measured = _measures(frame)
    if not measured:
        raise UserError(
            "the frame of trainings holds no measure, such as train_loss or validation_accuracy."
        )
    keys = {"name": frame[name].astype(str), "epoch": frame["epoch"]}
    keys["seed"] = frame.get("seed", pd.Series(0, index=frame.index))
    parts = [
        pd.DataFrame({**keys, "metric": _label(measure), "split": split, "value": frame[column]})
        for column, (split, measure) in sorted(measured.items(), key=lambda item: _place(*item))
    ]
    return pd.concat(parts, ignore_index=True).dropna(subset=["value"])


def _measures(frame: pd.DataFrame) -> dict[str, tuple[str, str]]:
    """Columns with their split and measure."""
    numbers = [str(name) for name in frame.select_dtypes("number") if name not in (*NAMES, *_KEYS)]
    found = {name: _parts(name) for name in numbers}
    taken = set(found.values())
    same = {name: (split, _SAME.get(measure, measure)) for name, (split, measure) in found.items()}
    return {name: found[name] if same[name] in taken else same[name] for name in numbers}


def _parts(column: str) -> tuple[str, str]:
    """Split and measure of a column; of the validation set if its name says nothing."""
    first, _, rest = column.partition("_")
    if first.lower() in SPLITS and rest:
        return SPLITS[first.lower()], rest
    last, _, ending = column.rpartition("_")
    if ending.lower() in SPLITS and last:
        return SPLITS[ending.lower()], last
    return "validation", column


def _place(column: str, part: tuple[str, str]) -> tuple[int, str]:
    measure = part[1]
    return (_FIRST.index(measure) if measure in _FIRST else len(_FIRST), measure)


def _label(measure: str) -> str:
    return _LABELS.get(measure, measure.replace("_", " "))
