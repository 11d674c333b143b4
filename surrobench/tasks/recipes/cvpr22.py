"""CVPR 2022 NAS challenge, track 2: ranks of vision transformers on eight retrieval tasks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa

DEPTHS = {"j": 10, "k": 11, "l": 12}


def convert(files: Mapping[str, Path]) -> pa.Table:
    """One row per network in the order of the file."""
    content = json.loads(files["ranks"].read_bytes())
    frame = pd.DataFrame.from_dict(content, orient="index")
    frame.insert(0, "id", frame.index)
    frame.insert(1, "depth", [DEPTHS[arch[0]] for arch in frame["arch"]])
    return pa.Table.from_pandas(frame, preserve_index=False)
