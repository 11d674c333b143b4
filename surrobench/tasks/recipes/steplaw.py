"""Step Law: language models trained over grids of learning rate and batch size."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

_RENAMED = {
    "D": "tokens",
    "N": "params",
    "Na": "active_params",
    "M": "flops_per_token",
    "bs": "batch_size",
    "lr": "learning_rate_as_published",
    "ti": "iterations",
    "smooth loss": "smooth_loss",
    "total_time": "total_time_s",
    "average_iter_time": "average_iteration_s",
}


def convert(files: Mapping[str, Path]) -> pa.Table:
    """Dense models, then mixtures of experts, in the order of the files.

    Learning rates lie on a grid of powers of the square root of two, but are written with three or
    four digits, so that one rate has two spellings: ``learning_rate`` is the rate of the grid.
    """
    parts = []
    for kind in ("dense", "moe"):
        frame = pd.read_csv(files[kind]).rename(columns=_RENAMED)
        frame.insert(0, "kind", kind)
        parts.append(frame)
    rows = pd.concat(parts, ignore_index=True)
    halves = np.rint(2 * np.log2(rows["learning_rate_as_published"]))
    rows["learning_rate"] = 2.0 ** (halves / 2)
    return pa.Table.from_pandas(rows, preserve_index=False)
