"""The tidy view of a run folder: ``results.parquet``, rebuilt from the cells."""

from __future__ import annotations

import hashlib
import inspect
import io
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from surrobench import __version__
from surrobench.base.sealed import fits_beside, write_beside
from surrobench.errors import UserError, did_you_mean, near_path
from surrobench.studies.kind import Kind
from surrobench.studies.kinds import KINDS, kind_of_columns
from surrobench.studies.run_folder.plan_file import Name, PlannedCells, read_plan_file
from surrobench.studies.run_folder.record import Record, canonical_json
from surrobench.studies.run_folder.store import ResultStore

RESULTS_FILE = "results.parquet"
_MADE_OF = b"surrobench.made-of"


def kind_of_records(records: Iterable[Record]) -> Kind:
    """The kind of study that made some records."""
    first = next(iter(records), None)
    return (first and kind_of_columns(first.payload)) or KINDS["prediction"]


def kind_of_frame(frame: pd.DataFrame) -> Kind:
    """The kind of study that a results table comes from.

    Raises:
        UserError: if it is none.
    """
    kind = kind_of_columns(frame.columns)
    if kind is None:
        subjects = " or ".join(repr(kind.subject) for kind in KINDS.values())
        raise UserError(f"these are no results of a study: there is no column {subjects}.")
    return kind


def make_view(store: ResultStore, planned: PlannedCells, keys: Collection[str]) -> pd.DataFrame:
    """The results of the cells that a plan names (of all, without one), and ``results.parquet``.

    The file is made anew unless it was made of the same records.

    Args:
        store: the run folder; records in files of their own were not packed, so they are fresh.
        planned: its plan.
        keys: cells with an intact record.
    """
    frame, digest = _current(store, planned, keys)
    if digest is not None:
        save_frame(frame, store.folder, digest)
    return frame


def _current(
    store: ResultStore, planned: PlannedCells, keys: Collection[str]
) -> tuple[pd.DataFrame, str | None]:
    """The results, and what they are made of if the saved view was made of something else."""
    order = list(planned.keys.values())
    chosen = [key for key in order if key in keys] if planned.is_known else sorted(keys)
    kind = KINDS[planned.kind]
    if not planned.is_known:
        kind = kind_of_records(store.records(chosen[:1]))
    digest = _made_of(kind, chosen, planned.rankings, store.fingerprint())
    path = store.folder / RESULTS_FILE
    if _was_made_of(path) == digest and fits_beside(path):
        return _read_parquet(path), None
    frame = kind.frame(store.records(chosen), order)
    return with_rankings(frame, planned.rankings), digest


def _made_of(kind: Kind, keys: Sequence[str], rankings: Mapping[str, str], records: str) -> str:
    """A digest of all that a view depends on, the code that makes it among it."""
    code = inspect.getsource(inspect.getmodule(kind.framer()) or pd)
    told = (__version__, pd.__version__, code, records, canonical_json(rankings), *keys)
    return hashlib.sha256("\n".join(told).encode()).hexdigest()


def _was_made_of(path: Path) -> str:
    """What a saved view says that it was made of; "" if it does not, or is none."""
    try:
        return (pq.read_schema(path).metadata or {}).get(_MADE_OF, b"").decode()
    except (OSError, ValueError):
        return ""


def with_rankings(frame: pd.DataFrame, rankings: Mapping[str, str]) -> pd.DataFrame:
    """A frame with a column ``ranking`` where two of its tasks rank all architectures alike."""
    known = pd.Series({task: rankings.get(task) for task in frame["task"].unique()}, dtype=object)
    if not known.dropna().duplicated().any():
        return frame
    return frame.assign(ranking=frame["task"].map(known))


def ranked_alike(frame: pd.DataFrame) -> dict[str, list[str]]:
    """Tasks that rank all architectures as an earlier one does, by that one."""
    if "ranking" not in frame:
        return {}
    first = frame.drop_duplicates("task").dropna(subset="ranking")
    groups = (tasks.astype(str).tolist() for _, tasks in first.groupby("ranking")["task"])
    return {tasks[0]: tasks[1:] for tasks in groups if len(tasks) > 1}


def save_frame(frame: pd.DataFrame, folder: Path, made_of: str = "") -> Path:
    """Write ``results.parquet`` atomically; the same records give the same bytes.

    Args:
        frame: the results.
        folder: where it is written.
        made_of: is noted in the file, to see later whether it is still what it should be.

    Repeated values are written once; numbers that hardly repeat, as scores and seconds, are small
    when their bytes are sorted by place.
    """
    scattered = [
        str(name)
        for name in frame.columns
        if frame[name].dtype.kind == "f" and 2 * frame[name].nunique() > len(frame)
    ]
    table = pa.Table.from_pandas(frame, preserve_index=False)
    if made_of:
        table = table.replace_schema_metadata({**table.schema.metadata, _MADE_OF: made_of})
    buffer = io.BytesIO()
    pq.write_table(
        table,
        buffer,
        compression="zstd",
        compression_level=9,
        use_dictionary=[str(name) for name in frame.columns if name not in scattered],
        column_encoding=dict.fromkeys(scattered, "BYTE_STREAM_SPLIT") or None,
    )
    path = folder / RESULTS_FILE
    write_beside(path, buffer.getvalue())
    return path


def load_results(place: Path, damaged: list[Path] | None = None) -> pd.DataFrame:
    """The results in a run folder, a folder that holds ``results.parquet``, or such a file.

    Args:
        place: folder or file.
        damaged: gets the files that are left out because they are not what was written.

    Raises:
        UserError: if there are none.
    """
    if place.is_file():
        return _read_parquet(place)
    store = ResultStore(place)
    if store.exists:
        found = store.check()
        if damaged is not None:
            damaged += found.corrupt
        frame, _ = _current(store, read_plan_file(place), found.statuses)
        if not frame.empty:
            return frame
    if (place / RESULTS_FILE).is_file():
        return _read_parquet(place / RESULTS_FILE)
    what = "no finished cells yet" if store.exists else "not a run folder"
    if not place.exists():
        what = "there is no such folder"
    raise UserError(
        f"{place}: {what}. {near_path(place)}Run folders are made by: surrobench run STUDY --out "
        "FOLDER"
    )


def of_methods(frame: pd.DataFrame, methods: Iterable[Name]) -> tuple[pd.DataFrame, list[str]]:
    """The rows of some methods, and the names of the methods whose rows are left out.

    Args:
        frame: results of one kind of study.
        methods: to keep, each by its parts, or the first few of them; all methods, if there are
            none or no row is of them.
    """
    kind = kind_of_frame(frame)
    parts = [name for name in kind.parts if name in frame]
    rows = pd.MultiIndex.from_frame(frame[parts].astype(object).fillna("").astype(str))
    wanted = {tuple(str("" if part is None else part) for part in method) for method in methods}
    kept_methods = {
        row: any(row[: len(method)] == method for method in wanted) for row in rows.unique()
    }
    kept = rows.map(kept_methods).to_numpy(dtype=bool)
    if not kept.any():
        return frame, []
    here = {row[0] for row, is_kept in kept_methods.items() if is_kept}
    gone = [row for row, is_kept in kept_methods.items() if not is_kept]
    names = [f"{row[0]} [{', '.join(filter(None, row[1:]))}]" if row[0] in here else row[0]
             for row in gone]  # fmt: skip
    return frame[kept].reset_index(drop=True), list(dict.fromkeys(names))


def load_current(place: Path, damaged: list[Path] | None = None) -> tuple[pd.DataFrame, list[str]]:
    """The results of the methods that the latest study in a run folder has.

    Args:
        place: as in :func:`load_results`; the plan of a file is that beside it.
        damaged: gets the files that are left out because they are not what was written.

    Returns:
        These rows (all, without a plan), and the names of the methods that are left out.

    Raises:
        UserError: if there are no results.
    """
    folder = place if place.is_dir() else place.parent
    return of_methods(load_results(place, damaged), read_plan_file(folder).methods)


def load_methods(
    runs: Sequence[Path],
    methods: Sequence[str] = (),
    every: bool = False,
    damaged: list[Path] | None = None,
) -> tuple[pd.DataFrame, list[str]]:
    """The results of several runs: of named methods, or of those that each study still has.

    Args:
        runs: as in :func:`load_results`.
        methods: only these, wherever they are; all current ones by default.
        every: also those that the latest study of a folder no longer has.
        damaged: gets the files that are left out because they are not what was written.

    Returns:
        The rows, and the names of the methods that no run has any longer.

    Raises:
        UserError: if there are no results, or none of a method that is named.
    """
    if methods or every:
        merged = merge_results([load_results(place, damaged) for place in runs])
        return (named_methods(merged, methods) if methods else merged), []
    loaded = [load_current(place, damaged) for place in runs]
    merged = merge_results([frame for frame, _ in loaded])
    shown = set(merged[kind_of_frame(merged).subject])
    left_out = dict.fromkeys(name for _, names in loaded for name in names)
    return merged, [name for name in left_out if name not in shown]


def named_methods(frame: pd.DataFrame, wanted: Sequence[str]) -> pd.DataFrame:
    """The rows of the methods that a user names.

    Raises:
        UserError: for a name that no row has.
    """
    known = set(frame[kind_of_frame(frame).subject].astype(str))
    for name in wanted:
        if name not in known:
            raise UserError(f"no results of the method {name!r}. " + did_you_mean(name, known))
    return of_methods(frame, [(name,) for name in wanted])[0]


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        _refuse_damaged(path, "run the study again: finished cells are kept, and it is made anew")
        frame = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise UserError(f"{path} is not a readable Parquet file: {error}") from error
    kind = kind_of_columns(frame.columns)
    missing = [name for name in (kind or KINDS["prediction"]).columns if name not in frame.columns]
    if missing:
        raise UserError(f"{path} holds no study results: it lacks {', '.join(missing)}.")
    return frame


def _refuse_damaged(path: Path, remedy: str) -> None:
    if fits_beside(path) is False:
        raise UserError(
            f"{path} is damaged: its checksum is not that in {path.name}.sha256. Delete both and "
            f"{remedy}. (If you changed it on purpose, delete {path.name}.sha256 alone.)"
        )


def merge_results(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The rows of several runs; what stands in more than one is kept once.

    Raises:
        UserError: if they come from different kinds of study.
    """
    kinds = {kind_of_frame(frame).name: kind_of_frame(frame) for frame in frames}
    if len(kinds) > 1:
        raise UserError(
            f"results of {' and '.join(kinds)} studies cannot be put together; report them apart."
        )
    merged = pd.concat(frames, ignore_index=True)
    row = [name for kind in kinds.values() for name in kind.row]
    return merged.drop_duplicates(row, ignore_index=True) if "key" in merged else merged


def companions(kind: Kind, runs: Iterable[Path]) -> dict[str, pd.DataFrame]:
    """What lies beside the results of runs and belongs to their report, by argument."""
    found = {}
    for argument, name in kind.companions.items():
        folders = [run if run.is_dir() else run.parent for run in runs]
        paths = [folder / name for folder in folders if (folder / name).is_file()]
        if paths:
            for path in paths:
                _refuse_damaged(path, "run the study again: finished cells are kept")
            tables = [pd.read_csv(path) for path in paths]
            found[argument] = pd.concat(tables, ignore_index=True).drop_duplicates()
    return found
