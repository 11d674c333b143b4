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


def checked(frame: pd.DataFrame) -> pd.DataFrame:
    """Records with a ``method`` column, one for each cell and seed.

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
    return _distinct(_named(_typed(frame)))


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


def _named(records: pd.DataFrame) -> pd.DataFrame:
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
    tail = (" · " + records["encoding"]).where(several, "")
    records["method"] = records["predictor"] + suffix + tail
    if records["protocol"].nunique() > 1:
        records["task"] = records["task"] + " [" + records["protocol"] + "]"
    return records


def _distinct(records: pd.DataFrame) -> pd.DataFrame:
    """Drop repeated records of a cell; a record with numbers replaces one without."""
    cell = [*CELL, "seed"]
    measures = [column for column in records.columns if column in MEASURES]
    ordered = records.assign(bad=records["status"] != "ok").sort_values("bad", kind="stable")
    same = [*cell, "status", *[column for column in measures if column not in TIMES]]
    unique = ordered.drop_duplicates(same)
    clash = unique[unique["status"] == "ok"].duplicated(cell)
    if clash.any():
        first = unique[unique["status"] == "ok"][clash].iloc[0]
        raise UserError(
            f"{counted(int(clash.sum()), 'cell occurs', 'cells occur')} more than once in the "
            "results with different numbers "
            f"(first: task {first['task']!r}, method {first['method']!r}, train size "
            f"{first['train_size']}, seed {first['seed']}); report such runs one by one."
        )
    return unique.drop_duplicates(cell).drop(columns="bad").sort_index()
