"""TransNAS-Bench-101: final-epoch validation metrics, proxies and costs for seven vision tasks."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from surrobench.errors import UserError
from surrobench.spaces.architecture import SearchSpace
from surrobench.spaces.edge_cells import trans_nas_bench_101_micro
from surrobench.spaces.stages import trans_nas_bench_101_macro
from surrobench.tasks.files.archives import members
from surrobench.tasks.recipes.tnb101_costs import cell_features, extend, stage_features

TASKS = (
    "autoencoder",
    "class_object",
    "class_scene",
    "jigsaw",
    "normal",
    "room_layout",
    "segmentsemantic",
)
Features = Callable[[np.ndarray, str], np.ndarray]


def convert_micro(files: Mapping[str, Path]) -> pa.Table:
    """All 4,096 cells in the order of the space."""
    return _convert(files, trans_nas_bench_101_micro(), cell_features)


def convert_macro(files: Mapping[str, Path]) -> pa.Table:
    """All 3,256 skeletons in the order of the space."""
    return _convert(files, trans_nas_bench_101_macro(), stage_features)


def _convert(files: Mapping[str, Path], space: SearchSpace, features: Features) -> pa.Table:
    archs = list(space)
    names = [space.to_string(arch) for arch in archs]
    frame = pd.DataFrame({"arch": names}, index=pd.Index(names, dtype=object))
    codes = np.array(archs)
    for i in range(codes.shape[1]):
        frame[f"x{i}"] = codes[:, i].astype(np.int8)
    frame["iso_class"] = space.groups(archs).astype(np.int32)
    name_of = _Names(space)
    archives = [path for name, path in files.items() if name != "subset"]
    scores = _scores(archives, space.name.removeprefix("tnb101-"), name_of)
    subset = _subset(files["subset"], name_of)
    counts = {task: extend(archs, subset[task], features) for task in TASKS}
    for task in TASKS:
        columns = scores[task].reindex(columns=sorted(scores[task].columns))
        if len(columns.index.symmetric_difference(frame.index)):
            raise UserError(f"the files of {task!r} do not hold every architecture of the space.")
        frame = frame.join(columns.add_prefix(f"{task}_"))
    for task in TASKS:
        frame[f"{task}_val_best"] = subset[task]["val_accuracy"]
        frame[f"{task}_params_m"] = counts[task]["params"]
        frame[f"{task}_flops_m"] = counts[task]["flops"]
    return pa.Table.from_pandas(frame, preserve_index=False)


class _Names(dict[str, str]):
    """Text of NASLib -> text of the space, with the absent modules that some files leave out."""

    def __init__(self, space: SearchSpace) -> None:
        super().__init__()
        self._space = space

    def __missing__(self, text: str) -> str:
        self[text] = self._space.to_string(self._space.parse(text))
        return self[text]


def _scores(paths: Sequence[Path], level: str, name_of: _Names) -> dict[str, pd.DataFrame]:
    """Per task: ``val`` and one ``zc_<proxy>`` column per archive, for every architecture."""
    records: dict[str, dict[str, dict[str, float]]] = {task: {} for task in TASKS}
    for path in paths:
        for name, content in members(path):
            kind, _, rest = name.partition("/")
            _, benchmark, task, _ = rest.split("--")
            if benchmark != f"transbench101_{level}":
                continue
            for entry in json.loads(content):
                record = records[task].setdefault(name_of[entry["arch"]], {})
                record[f"zc_{kind}"] = entry[kind]["score"]
                if "val_accuracy" in entry:
                    record["val"] = entry["val_accuracy"]
    return {task: pd.DataFrame.from_dict(rows, orient="index") for task, rows in records.items()}


def _subset(path: Path, name_of: _Names) -> dict[str, pd.DataFrame]:
    """Per task: best-epoch metric, parameters and FLOPs (millions) of a random subset."""
    content = json.loads(path.read_bytes())
    return {
        task: pd.DataFrame.from_dict(
            {
                name_of[text]: {
                    "val_accuracy": entry["val_accuracy"],
                    "params": entry["params"]["score"],
                    "flops": entry["flops"]["score"],
                }
                for text, entry in content[task].items()
            },
            orient="index",
        )
        for task in TASKS
    }
