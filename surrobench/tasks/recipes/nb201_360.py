"""HW-NAS-Bench-360: the NAS-Bench-201 cells on NinaPro and Darcy flow, and on two devices."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from surrobench.errors import UserError
from surrobench.tasks.recipes.nb201_cells import all_cells, join
from surrobench.tasks.recipes.nb201_extras import official_order

SCORES = {"cifar100": "cifar100_acc", "ninapro": "ninapro_acc", "darcy": "darcy_score"}
MEASURED = {
    "lat_ms_median": "latency_ms",
    "lat_ms_var": "latency_ms_var",
    "energy_mj": "energy_mj",
}


def convert(files: Mapping[str, Path]) -> pa.Table:
    """One row per cell in the order of the space.

    ``<device>_<framework>_<task>_latency_ms`` and so on; columns without a number are left out.

    Raises:
        UserError: if a measurement failed, or a score differs between devices.
    """
    rows = pq.read_table(files["measurements"]).to_pandas()
    if (
        set(rows["status"]) != {"ok"}
        or rows.groupby(["arch_idx", "task"])["accuracy"].nunique().gt(1).any()
    ):
        raise UserError("dataset.parquet holds failed measurements or contradicts itself.")
    cells = official_order(files["index"])
    by_task = rows.drop_duplicates(["arch_idx", "task"]).pivot(
        index="arch_idx", columns="task", values="accuracy"
    )
    frame = by_task.rename(columns=SCORES)[list(SCORES.values())]
    frame.insert(0, "representative", rows.groupby("arch_idx")["rep_arch_idx"].first())
    for (device, framework, task), part in rows.groupby(["device", "framework", "task"]):
        measured = part.set_index("arch_idx")[list(MEASURED)].dropna(axis=1, how="all")
        names = {name: f"{device}_{framework}_{task}_{MEASURED[name]}" for name in MEASURED}
        frame = frame.join(measured.rename(columns=names))
    frame.insert(0, "arch_index", frame.index)
    frame = frame.set_index(cells[frame.index.to_numpy()])
    cells_with = join(all_cells(), frame, "dataset.parquet", complete=True)
    return pa.Table.from_pandas(cells_with.reset_index(), preserve_index=False)
