"""HAT: measured latency of encoder-decoder Transformers on eight task-device pairs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa


def convert(files: Mapping[str, Path]) -> pa.Table:
    """All pairs below each other; ``task`` and ``device`` come from the names of the files."""
    parts = []
    for pair in sorted(files):
        task, _, device = pair.partition("-")
        frame = pd.read_csv(files[pair])
        frame.insert(0, "task", task)
        frame.insert(1, "device", device.replace("-", "_"))
        parts.append(frame)
    rows = pd.concat(parts, ignore_index=True)
    rows["latency_mean_total"] = rows["latency_mean_encoder"] + rows["latency_mean_decoder"]
    return pa.Table.from_pandas(rows, preserve_index=False)
