"""Predictions of the cells that a report shows, kept in the run folder beside the records.

A report shows the predictions of one typical cell of the first tasks. To compute a cell again takes
torch and its relatives, whose import takes longer than the rest of a small report. A run has them
in memory, so it computes these cells again as soon as it knows which they are, in a fork of its
template, and keeps the predictions. They are no part of the results: without them (in a run that
was not finished, was computed on a cluster, or is older) a report computes the cells itself.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd

from surrobench.arrays import FloatArray
from surrobench.base.sealed import fits_beside, write_beside
from surrobench.errors import UserError
from surrobench.studies.prediction.plan import Cell
from surrobench.studies.prediction.typical_cell import MOST_SECONDS, MOST_TASKS, typical_cell

FOLDER = "predictions"
MOST_ROWS = 100_000
"""Predictions of more architectures are not kept."""


def keep_predictions(
    compute: Callable[[Cell], Mapping[str, FloatArray] | None],
    frame: pd.DataFrame,
    cells: Iterable[Any],
    folder: Path,
) -> None:
    """Keep the predictions of the cells that a report of these results shows.

    Args:
        compute: the predictions of a cell; None if they cannot be had.
        frame: results of a prediction study.
        cells: of its plan.
        folder: of the run; if it cannot be written to nothing is kept.
    """
    shown = _shown(frame)
    with suppress(OSError):  # the results are safe, and a report does without
        for path in (folder / FOLDER).glob("*.parquet*"):
            if path.name.partition(".")[0] not in shown:
                path.unlink()
        for cell in cells:
            if cell.key in shown and not _path(folder, cell.key).exists():
                _keep(compute(cell), _path(folder, cell.key))


def _keep(found: Mapping[str, FloatArray] | None, path: Path) -> None:
    if found is not None and len(found["truth"]) <= MOST_ROWS:
        content = io.BytesIO()
        pd.DataFrame(dict(found)).to_parquet(content, index=False)
        path.parent.mkdir(exist_ok=True)
        write_beside(path, content.getvalue())


def read_predictions(folders: Sequence[Path], key: str) -> pd.DataFrame | None:
    """The predictions of a cell as :func:`surrobench.studies.prediction.cell.predictions` has them.

    Args:
        folders: of runs.
        key: of the cell.

    Returns:
        One row per test architecture; None if no folder has the bytes that were written.
    """
    for folder in folders:
        path = _path(folder, key)
        try:
            if fits_beside(path):
                return pd.read_parquet(path)
        except OSError:
            continue
    return None


def _path(folder: Path, key: str) -> Path:
    return folder / FOLDER / f"{key}.parquet"


def _shown(frame: pd.DataFrame) -> set[str]:
    """Keys of the cells that a report shows."""
    shown = set()
    for task in frame["task"].dropna().unique()[:MOST_TASKS]:
        try:
            row = typical_cell(frame[frame["task"] == task], seconds=MOST_SECONDS)
        except (UserError, ValueError, KeyError):  # no score, or not the one that ranks
            continue
        shown.add(str(row["key"]))
    return shown


def computed(cell: Cell) -> dict[str, FloatArray]:
    """What a fork does: the predictions of a cell."""
    from surrobench.studies.prediction.cell import predictions

    return predictions(cell)


COMPUTED = f"{__name__}:{computed.__name__}"
"""Where a fork finds :func:`computed`."""
