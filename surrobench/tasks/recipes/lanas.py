"""LaNAS: cells of the NASNet space in the order in which a search trained them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa


def convert(files: Mapping[str, Path]) -> pa.Table:
    """One row per cell: 14 operations, then 14 inputs, and its accuracy."""
    trace = json.loads(files["trace"].read_bytes())
    codes = [json.loads(text) for text in trace]
    frame = pd.DataFrame({"order": range(len(codes)), "code": codes})
    for i in range(len(codes[0])):
        frame[f"c{i:02d}"] = [code[i] for code in codes]
    frame["cifar10_acc"] = list(trace.values())
    return pa.Table.from_pandas(frame, preserve_index=False)
