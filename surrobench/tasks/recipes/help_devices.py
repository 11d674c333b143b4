"""HELP: measured latency on many devices, in milliseconds; one file of torch.save for each."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from surrobench.errors import UserError
from surrobench.tasks.files.plain_pickles import read_torch_file

DEVICE = "help-"
"""What the name of a source with the latencies on a device begins with."""


def convert_fbnet(files: Mapping[str, Path]) -> pa.Table:
    """FBNet: 5,000 networks of 22 blocks."""
    archs = read_torch_file(files["archs"])
    frame = pd.DataFrame({"arch_id": range(len(archs)), "arch": archs})
    frame = frame.join(latencies(files, len(archs)))
    return pa.Table.from_pandas(frame, preserve_index=False)


def latencies(files: Mapping[str, Path], rows: int) -> pd.DataFrame:
    """``help_<device>``, ``N`` numbers each, in the order of the networks.

    Raises:
        UserError: if a file has another number of them.
    """
    columns = {}
    for name, path in files.items():
        if name.startswith(DEVICE):
            values = read_torch_file(path)
            if len(values) != rows:
                raise UserError(f"{path.name} holds {len(values):,} latencies, expected {rows:,}.")
            columns[name.replace("-", "_")] = np.asarray(values, dtype=np.float32)
    return pd.DataFrame(columns)
