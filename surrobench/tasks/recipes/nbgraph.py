"""NAS-Bench-Graph, light release: graph neural networks on nine graph data sets."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa

from surrobench.tasks.files.plain_pickles import read_plain_pickle

LINKS = (
    (0, 0, 0, 0),
    (0, 0, 0, 1),
    (0, 0, 1, 1),
    (0, 0, 1, 2),
    (0, 0, 1, 3),
    (0, 1, 1, 1),
    (0, 1, 1, 2),
    (0, 1, 2, 2),
    (0, 1, 2, 3),
)
"""Where each of the four nodes takes its input from, by the first digit of a key."""
OPERATIONS = ("gat", "gcn", "gin", "cheb", "sage", "arma", "graph", "fc", "skip")
"""What each of the four nodes does, by the other digits."""
_PUBLISHED = {"valid_perf": "val", "perf": "test", "latency": "latency_s", "para": "params_m"}


def convert(files: Mapping[str, Path]) -> pa.Table:
    """One row per architecture in the order of its key; sources are named for their data sets."""
    parts = []
    for dataset, path in files.items():
        content = read_plain_pickle(path.read_bytes(), path.name)
        frame = pd.DataFrame.from_dict(content, orient="index")[list(_PUBLISHED)]
        frame.columns = pd.Index([f"{dataset}_{ours}" for ours in _PUBLISHED.values()])
        parts.append(frame.astype(float))
    rows = pd.concat(parts, axis=1).sort_index()
    rows.insert(0, "key", rows.index)
    digits = [f"{key:05d}" for key in rows["key"]]
    rows.insert(1, "link_id", [int(key[0]) for key in digits])
    rows.insert(2, "link", [list(LINKS[int(key[0])]) for key in digits])
    rows.insert(3, "ops", [[OPERATIONS[int(digit)] for digit in key[1:]] for key in digits])
    return pa.Table.from_pandas(rows, preserve_index=False)
