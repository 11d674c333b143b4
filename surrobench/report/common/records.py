"""Records checked before anything is computed from them: types, names of methods, repetitions."""

from __future__ import annotations

import pandas as pd

from surrobench.base.wording import counted
from surrobench.errors import UserError
from surrobench.report.common.measures import MEASURES

REQUIRED = ("task", "predictor", "train_size", "seed", "status")
TEXT = ("task", "predictor", "transform", "encoding", "protocol", "status", "reason")
CELL = ["task", "train_size", "method"]
TIMES = {"fit_seconds", "query_seconds_per_arch"}
ROUNDING = 1e-9
"""Scores of one cell that are no further apart, relative to the larger of them and 1, are equal."""


def checked(frame: pd.DataFrame, usual: bool = False) -> pd.DataFrame:
    """Records with a ``method`` column, one for each cell and seed.

    Args:
        frame: records.
        usual: a method on the usual encoding of a task goes without the name of it, whatever other
            encodings it was tried with: runs of many kinds together stay comparable.

    Raises:
        UserError: if there are no records, a column is missing, or two records of the same cell
            disagree.
    """
    missing = [column for column in REQUIRED if column not in frame.columns]
    if missing:
        raise UserError(
            f"the results lack the column(s) {', '.join(missing)}; a report needs "
            f"{', '.join(REQUIRED)} and at least one measure such as kendall_tau."
        )
    if frame.empty:
        raise UserError("the results hold no records: run the study first.")
    return _distinct(_named(_typed(frame), usual))


def split_spec(predictor: str, transform: str = "") -> tuple[str, str]:
    """Name and target transform of a predictor, which may be written ``name+transform``."""
    name, plus, suffix = predictor.rpartition("+")
    if plus and suffix.replace("-", "").isalnum():
        return name, suffix
    return predictor, transform


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    """A copy with text as text, sizes and seeds as integers and measures as numbers."""
    records = frame.reset_index(drop=True)
    for column in TEXT:
        values = records[column] if column in records else pd.Series("", index=records.index)
        records[column] = values.astype(object).where(values.notna(), "").astype(str)
    for column in ("train_size", "seed"):
        numbers = pd.to_numeric(records[column], errors="coerce")
        if numbers.isna().any():
            raise UserError(
                f"the column {column} of the results holds values that are no integers."
            )
        records[column] = numbers.astype(int)
    for column in MEASURES.keys() & set(records.columns):
        records[column] = pd.to_numeric(records[column], errors="coerce").astype(float)
    return records


def _named(records: pd.DataFrame, usual: bool = False) -> pd.DataFrame:
    """Add ``method``, split off transforms written into the predictor, merge in the protocol."""
    specs = [
        split_spec(*pair) for pair in zip(records["predictor"], records["transform"], strict=True)
    ]
    records["predictor"], records["transform"] = ([s[0] for s in specs], [s[1] for s in specs])
    plain = records["transform"].isin(["", "standardise"])
    suffix = ("+" + records["transform"]).where(~plain, "")
    # An encoding that changes with the task alone (each task's own default) is no other method.
    here = records.groupby(["predictor", "task"])["encoding"].transform("nunique")
    several = here.groupby(records["predictor"]).transform("max") > 1
    if usual:
        several &= records["encoding"] != records["task"].map(_usual_encodings(records))
    tail = (" · " + records["encoding"]).where(several, "")
    records["method"] = records["predictor"] + suffix + tail
    if records["protocol"].nunique() > 1:
        records["task"] = records["task"] + " [" + records["protocol"] + "]"
    return records


def _usual_encodings(records: pd.DataFrame) -> pd.Series:
    """By task the encoding that more predictors have than any other; none where two are level."""
    users = records.groupby(["task", "encoding"])["predictor"].nunique().reset_index()
    most = users[users["predictor"] == users.groupby("task")["predictor"].transform("max")]
    return most.drop_duplicates("task", keep=False).set_index("task")["encoding"]


def _distinct(records: pd.DataFrame) -> pd.DataFrame:
    """Drop repeated records of a cell; a record with numbers replaces one without."""
    cell = [*CELL, "seed"]
    measures = [column for column in records.columns if column in MEASURES]
    ordered = records.assign(bad=records["status"] != "ok").sort_values("bad", kind="stable")
    told = [column for column in measures if column not in TIMES]
    unique = ordered.drop_duplicates([*cell, "status", *told])
    clash = _contradict(unique[unique["status"] == "ok"], cell, told)
    if clash.any():
        first = unique[unique["status"] == "ok"][clash].iloc[0]
        raise UserError(
            f"{counted(int(clash.sum()), 'cell occurs', 'cells occur')} more than once in the "
            "results with different numbers "
            f"(first: task {first['task']!r}, method {first['method']!r}, train size "
            f"{first['train_size']}, seed {first['seed']}); report such runs one by one."
        )
    return unique.drop_duplicates(cell).drop(columns="bad").sort_index()


def _contradict(records: pd.DataFrame, cell: list[str], measures: list[str]) -> pd.Series:
    """Which records repeat a cell with other numbers; rounding, of another day's code, is none."""
    again = records.duplicated(cell)
    if not again.any():
        return again
    groups = records[records.duplicated(cell, keep=False)].groupby(cell, sort=False)[measures]
    spread, size = groups.max() - groups.min(), groups.max().abs()
    counts = groups.count()
    differ = (spread > ROUNDING * size.clip(lower=1.0)) | (counts > 0) & counts.lt(groups.size(), 0)
    found = set(differ.index[differ.any(axis=1)])
    return again & pd.Series(
        [key in found for key in records[cell].itertuples(index=False, name=None)],
        index=records.index,
    )
