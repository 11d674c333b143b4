"""Samples of spaces with zero-cost proxies that NASLib publishes."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from surrobench.tasks.files.archives import members
from surrobench.tasks.recipes.nb201_cells import from_naslib

NB101_OPERATIONS = ("input", "output", "maxpool3x3", "conv1x1-bn-relu", "conv3x3-bn-relu")
VERTICES = 7
TARGET = "val_accuracy"


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
