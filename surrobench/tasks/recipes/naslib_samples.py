"""Samples of spaces with zero-cost proxies that NASLib publishes."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from surrobench.spaces.edge_cells import trans_nas_bench_101_micro
from surrobench.tasks.files.archives import members
from surrobench.tasks.recipes.nb201_cells import from_naslib, naslib_arch

NB101_OPERATIONS = ("input", "output", "maxpool3x3", "conv1x1-bn-relu", "conv3x3-bn-relu")
VERTICES = 7
TARGET = "val_accuracy"
MICRO_OPERATIONS = ("skip_connect", "none", "nor_conv_3x3", "nor_conv_1x1")
"""Of TransNAS cells in NASLib's own numbering, which the scores of the further data sets have.

Its files of all 4,096 cells number them as TransNAS-Bench-101 does. Read so, the parameters of the
192 cells rank as those of the same cells there (tau 0.999); with the other numbering not at all.
"""


def convert_nb101(files: Mapping[str, Path]) -> pa.Table:
    """500 cells of NAS-Bench-101: adjacency matrix, row by row, and operations."""
    content = json.loads(files["proxies"].read_bytes())["nasbench101"]["cifar10"]
    frame = pd.DataFrame([_flat(text, entry) for text, entry in content.items()])
    codes = [ast.literal_eval(text) for text in frame["arch"]]
    frame["num_vertices"] = VERTICES
    frame["matrix"] = [list(code[: VERTICES**2]) for code in codes]
    frame["ops"] = [[NB101_OPERATIONS[i] for i in code[VERTICES**2 :]] for code in codes]
    return pa.Table.from_pandas(frame, preserve_index=False)


def convert_nb301(files: Mapping[str, Path]) -> pa.Table:
    """1,218 DARTS genotypes with accuracies that the surrogate of NAS-Bench-301 predicts."""
    rows: dict[str, dict[str, Any]] = {}
    for name in ("first", "second"):
        content = json.loads(files[name].read_bytes())
        content = content.get("nasbench301", content)["cifar10"]
        for text, entry in content.items():
            row = _flat(_as_tuples(text), entry)
            rows.setdefault(row["arch"], row)
    return pa.Table.from_pandas(pd.DataFrame(list(rows.values())), preserve_index=False)


def convert_suite_zero(files: Mapping[str, Path]) -> pa.Table:
    """Architectures of three spaces on three more data sets, sorted: accuracy and proxies."""
    rows: dict[tuple[str, str, str], dict[str, Any]] = {}
    for name, content in members(files["scores"]):
        _, space, dataset, _ = name.rpartition("/")[2].split("--")
        for entry in json.loads(content):
            key = (space, dataset, entry["arch"])
            row = rows.setdefault(key, dict(zip(("space", "dataset", "arch"), key, strict=True)))
            row.update(_scores(entry))
    frame = pd.DataFrame([rows[key] for key in sorted(rows)])
    cells = frame["space"] == "nasbench201"
    frame.loc[cells, "nb201_str"] = from_naslib(frame.loc[cells, "arch"])
    frame["arch"] = [_as_tuples(text) for text in frame["arch"]]
    return pa.Table.from_pandas(frame, preserve_index=False)


def convert_suite_zero_micro(files: Mapping[str, Path]) -> pa.Table:
    """As :func:`convert_suite_zero`, with TransNAS cells as TransNAS-Bench-101 writes them."""
    frame = convert_suite_zero(files).to_pandas()
    cells = frame["space"] == "transbench101_micro"
    space = trans_nas_bench_101_micro()
    frame.loc[cells, "tnb101_str"] = [
        space.to_string(naslib_arch(space, MICRO_OPERATIONS, text))
        for text in frame.loc[cells, "arch"]
    ]
    return pa.Table.from_pandas(frame, preserve_index=False)


def _flat(arch: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    return {"arch": arch, **dict(_scores(entry))}


def _scores(entry: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """``zc_<proxy>`` and the target; a proxy is a number, or one with the time that it took."""
    for name, value in entry.items():
        if name == TARGET:
            yield name, float(value)
        elif isinstance(value, Mapping):
            yield f"zc_{name}", float(value["score"])
        elif isinstance(value, int | float):
            yield f"zc_{name}", float(value)


def _as_tuples(text: str) -> str:
    """``[[(0, 1)]]`` -> ``(((0, 1),),)``."""
    return str(_tuples(ast.literal_eval(text)))


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list | tuple) else value
