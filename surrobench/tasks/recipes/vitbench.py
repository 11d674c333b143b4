"""ViT-Bench (Auto-Prox): AutoFormer and PiT vision transformers on small data sets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa

from surrobench.tasks.files.plain_pickles import read_torch_file

ACCURACIES = (
    "c100_base_acc",
    "c100_kd_acc",
    "flower_base_acc",
    "flower_kd_acc",
    "chaoyang_base_acc",
    "chaoyang_kd_acc",
    "imagenet_super_acc",
)


def convert(files: Mapping[str, Path]) -> pa.Table:
    """One row per network in the order of the files; what is not published is missing."""
    parts = []
    for name, path in files.items():
        frame = pd.DataFrame(read_torch_file(path))
        archs = [json.dumps(arch, sort_keys=True) for arch in frame["arch"]]
        frame = frame.reindex(columns=list(ACCURACIES)).astype(float)
        frame.insert(0, "space", name.partition("-")[0])
        frame.insert(1, "file", path.stem)
        frame.insert(2, "i", range(len(frame)))
        frame.insert(3, "arch", archs)
        parts.append(frame)
    return pa.Table.from_pandas(pd.concat(parts, ignore_index=True), preserve_index=False)
