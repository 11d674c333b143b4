"""Device measurements and adversarial accuracy of the NAS-Bench-201 cells."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa

from surrobench.tasks.recipes.nb201_cells import all_cells, from_naslib, join

DATASETS = {"cifar10": "cifar10", "cifar100": "cifar100", "ImageNet16-120": "in16"}
NO_RESULT = -1.0


def convert_hardware(files: Mapping[str, Path]) -> pa.Table:
    """HW-NAS-Bench: latency and energy; the source's -1 (no EdgeTPU result) becomes null."""
    cells = all_cells()
    for dataset, short in DATASETS.items():
        measured = _by_cell(files[dataset]).add_prefix(f"{short}_").astype("float32")
        measured = measured.mask(measured == NO_RESULT)
        cells = join(cells, measured, f"hw_{dataset}.csv", complete=True)
    return _table(cells)


def convert_robustness(files: Mapping[str, Path]) -> pa.Table:
    """Accuracy under attack, %, and the accuracy of the NASLib run beside it."""
    attacked = _by_cell(files["targets"]).rename(columns={"val_accs": "cifar10_val_acc_run"})
    cells = join(all_cells(), attacked.astype("float32"), "robustness_targets.csv", complete=True)
    return _table(cells)


def _by_cell(path: Path) -> pd.DataFrame:
    frame = pd.read_csv(path)
    frame.index = pd.Index(from_naslib(frame["net"]), dtype=object)
    return frame.drop(columns="net")


def _table(cells: pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(cells.reset_index(), preserve_index=False)
