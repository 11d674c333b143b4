"""The tidy view of a run folder: ``results.parquet``, one row per cell, rebuilt from the cells."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from surrobench.errors import UserError
from surrobench.studies.kinds import kind_of_records
from surrobench.studies.plan_file import read_plan_file
from surrobench.studies.record import IDENTITY, Record
from surrobench.studies.store import ResultStore, write_atomically

RESULTS_FILE = "results.parquet"
_FIRST = ("task", "predictor", "transform", "encoding", "train_size", "seed", "status", "reason")
_SCORES = (
    "kendall_tau",
    "spearman",
    "pearson",
    "mae",
    "rmse",
    "precision_at_10",
    "precision_at_50",
    "best_of_top_1",
    "best_of_top_10",
    "regret_at_1",
    "regret_at_10",
    "kendall_tau_top_half",
    "nll",
    "crps",
    "coverage_50",
    "coverage_90",
    "coverage_95",
    "calibration_error",
    "sharpness",
)
_LAST = (
    "constant",
    "fit_seconds",
    "query_seconds_per_arch",
    "cpu_seconds",
    "train_seconds",
    "protocol",
    "n_test",
    "key",
    "version",
    "host",
)
_SECONDS = ("fit_seconds", "query_seconds_per_arch", "cpu_seconds", "train_seconds")


def make_frame(records: Iterable[Record], order: Sequence[str] = ()) -> pd.DataFrame:
    """One row per record; in the order of the keys of ``order``, others behind, by name."""
    rank = {key: position for position, key in enumerate(order)}
    ordered = sorted(
        records,
        key=lambda record: (
            rank.get(record.key, len(rank)),
            *(record.payload[name] for name in IDENTITY),
            record.key,
        ),
    )
    frame = pd.DataFrame([record.row() for record in ordered])
    others = sorted(set(frame.columns) - {*_FIRST, *_SCORES, *_LAST})
    frame = frame.reindex(columns=[*_FIRST, *_SCORES, *others, *_LAST])
    for name in (*_SCORES, *others, *_SECONDS):
        frame[name] = pd.to_numeric(frame[name], errors="coerce").astype("float64")
    frame["constant"] = frame["constant"].eq(True)  # False where there is no prediction
    return frame.astype({"n_test": "Int64"})


def current_records(store: ResultStore, records: Iterable[Record]) -> pd.DataFrame:
    """The frame of those records that the folder's plan names (all, if it has no plan)."""
    order = list(read_plan_file(store.folder).keys.values())
    wanted = set(order)
    chosen = [record for record in records if not wanted or record.key in wanted]
    return kind_of_records(chosen).frame(chosen, order)


def save_frame(frame: pd.DataFrame, folder: Path) -> Path:
    """Write ``results.parquet`` atomically; the same records give the same bytes."""
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False, compression="zstd")
    path = folder / RESULTS_FILE
    write_atomically(path, buffer.getvalue())
    return path


def load_results(place: Path) -> pd.DataFrame:
    """The results in a run folder, a folder that holds ``results.parquet``, or such a file.

    Raises:
        UserError: if there are none.
    """
    if place.is_file():
        return _read_parquet(place)
    store = ResultStore(place)
    if store.cells.is_dir():
        frame = current_records(store, store.scan().records.values())
        if not frame.empty:
            return frame
    if (place / RESULTS_FILE).is_file():
        return _read_parquet(place / RESULTS_FILE)
    what = "no finished cells yet" if store.cells.is_dir() else "not a run folder"
    if not place.exists():
        what = "there is no such folder"
    raise UserError(f"{place}: {what}. Run folders are made by: surrobench run STUDY --out FOLDER")


def latest_results(folder: Path) -> pd.DataFrame:
    """The results of a run folder, reading only the cells that are newer than the saved view.

    Quick for large runs, but it does not verify what the view holds already.
    """
    store, path = ResultStore(folder), folder / RESULTS_FILE
    if not path.is_file():
        return load_results(folder)
    seen = _read_parquet(path)
    planned = set(read_plan_file(folder).keys.values())
    fresh = store.scan((store.finished_keys() & planned) - set(seen["key"])).records
    if not fresh:
        return seen
    return pd.concat([seen, kind_of_records(fresh.values()).frame(fresh.values())])


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        frame = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise UserError(f"{path} is not a readable Parquet file: {error}") from error
    wanted = ("task", "strategy", "seed", "evaluation") if "strategy" in frame else _FIRST
    missing = [name for name in wanted if name not in frame.columns]
    if missing:
        raise UserError(f"{path} holds no study results: it lacks {', '.join(missing)}.")
    return frame


def merge_results(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The rows of several runs; a cell that stands in more than one is kept once."""
    merged = pd.concat(frames, ignore_index=True)
    if "key" not in merged:
        return merged
    cell = [name for name in ("key", "evaluation") if name in merged]
    return merged.drop_duplicates(cell, ignore_index=True)
