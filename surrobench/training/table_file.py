"""The Parquet file of a table that our own training produced."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from surrobench.spaces.architecture import Arch, SearchSpace
from surrobench.training.loop.training_run import TrainingRun

METADATA_KEY = b"surrobench"
WHOLE = ("params", "flops")

PER_EPOCH: Mapping[str, Callable[[TrainingRun], tuple[float, ...]]] = {
    "val_accuracy": lambda run: run.validation_accuracy,
    "val_cross_entropy": lambda run: run.validation_cross_entropy,
    "train_loss": lambda run: run.train_loss,
    "val_mae": lambda run: run.validation_mae,
    "train_mae": lambda run: run.train_mae,
}
PER_SEED: Mapping[str, Callable[[TrainingRun], float]] = {
    "test_accuracy": lambda run: run.test_accuracy,
    "test_cross_entropy": lambda run: run.test_cross_entropy,
    "train_seconds": lambda run: run.train_seconds,
}


@dataclass(frozen=True)
class Row:
    """One architecture, its trainings and what was measured without training.

    Attributes:
        arch: choice indices.
        runs: one per seed, from seed 0 on.
        measured: zero-cost proxies.
    """

    arch: Arch
    runs: tuple[TrainingRun, ...]
    measured: Mapping[str, float]


def write_table(
    file: Path, space: SearchSpace, rows: Sequence[Row], *, metadata: Mapping[str, Any]
) -> None:
    """Write one line per row, atomically.

    Columns: ``x0``, ``x1`` … the choice of each variable of ``space`` (int8); ``arch`` its readable
    form; ``val_accuracy``, ``val_cross_entropy``, ``train_loss`` and (if recorded) ``val_mae`` and
    ``train_mae`` as lists of seeds x epochs (seed by seed); ``test_accuracy``,
    ``test_cross_entropy`` and ``train_seconds`` as lists of seeds; the zero-cost proxies,
    ``params`` and ``flops`` as whole numbers. Seeds that an architecture was not trained with are
    NaN, and so are proxies that are not finite.

    Args:
        file: where to write.
        space: the space of the architectures.
        rows: at least one; all have the same epochs and proxies.
        metadata: stored as JSON under the key ``surrobench`` of the file.
    """
    columns: dict[str, pa.Array] = {
        f"x{i}": pa.array([row.arch[i] for row in rows], pa.int8())
        for i in range(len(space.variables))
    }
    columns["arch"] = pa.array([space.to_string(row.arch) for row in rows])
    for name, curve in PER_EPOCH.items():
        if not all(curve(run) for row in rows for run in row.runs):
            continue  # not recorded
        columns[name] = _lists([[v for run in row.runs for v in curve(run)] for row in rows])
    for name, final in PER_SEED.items():
        columns[name] = _lists([[final(run) for run in row.runs] for row in rows])
    for name in rows[0].measured:
        kind = pa.int64() if name in WHOLE else pa.float32()
        values = [row.measured[name] for row in rows]
        values = [value if math.isfinite(value) else math.nan for value in values]
        columns[name] = pa.array([int(v) for v in values] if name in WHOLE else values, kind)
    table = pa.table(columns).replace_schema_metadata(
        {METADATA_KEY: json.dumps(metadata, sort_keys=True).encode()}
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(file.name + ".tmp-write")
    pq.write_table(table, temporary, compression="zstd", compression_level=19)
    temporary.replace(file)


def _lists(values: list[list[float]]) -> pa.Array:
    """Lists of equal length; shorter ones are filled up with NaN."""
    length = max(map(len, values))
    filled = [row + [math.nan] * (length - len(row)) for row in values]
    return pa.array(filled, pa.list_(pa.float32(), length))
