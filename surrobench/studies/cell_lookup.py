"""The cell of a study behind a row of its results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from surrobench.errors import UserError
from surrobench.studies.grid import Cell
from surrobench.studies.kinds import kind_of
from surrobench.studies.run_files import STUDY_FILE
from surrobench.studies.study_file import load_study


def cell_of(runs: Sequence[Path], row: Mapping[str, Any]) -> Cell:
    """Find the cell that a row of prediction results comes from, so as to compute it again.

    Studies are read without permission to name code: a results folder never runs any.

    Args:
        runs: folders, or their results; each is searched for its study file.
        row: of the results.

    Raises:
        UserError: if no folder has a study with this cell.
    """
    folders = [run if run.is_dir() else run.parent for run in runs]
    files = [folder / STUDY_FILE for folder in folders if (folder / STUDY_FILE).is_file()]
    if not files:
        names = ", ".join(map(str, folders))
        raise UserError(f"{names}: without {STUDY_FILE} no cell can be computed again.")
    for path in files:
        study, origin = load_study(str(path))
        for cell in kind_of(study).plan(study, origin.base).cells:
            identity = cell.identity()
            if all(str(row.get(name, "")) == str(value) for name, value in identity.items()):
                if not isinstance(cell, Cell):
                    raise UserError(f"{path} is no prediction study.")
                return cell
    raise UserError(
        f"{', '.join(map(str, files))}: no cell of task {row.get('task')!r}, predictor "
        f"{row.get('predictor')!r}, train size {row.get('train_size')}, seed {row.get('seed')}."
    )
