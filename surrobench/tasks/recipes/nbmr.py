"""NAS-Bench-MR: multi-resolution networks under eight training settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa

from surrobench.tasks.files.plain_pickles import read_plain_pickle

_PUBLISHED = {"embedding": "embedding", "flops": "flops_g", "params": "params_m"}
_METRICS = ("top1", "top5", "mIoU", "mAcc", "aAcc")


def convert(files: Mapping[str, Path]) -> pa.Table:
    """All settings below each other; sources are named for them."""
    parts = []
    for task in sorted(files):
        frame = pd.DataFrame(read_plain_pickle(files[task].read_bytes(), files[task].name))
        frame = frame.rename(columns=_PUBLISHED).reindex(columns=[*_PUBLISHED.values(), *_METRICS])
        frame.insert(0, "task", task)
        frame.insert(1, "code", ["-".join(map(str, code)) for code in frame["embedding"]])
        parts.append(frame)
    return pa.Table.from_pandas(pd.concat(parts, ignore_index=True), preserve_index=False)
