"""OnceNAS-Bench: DARTS genotypes trained for 10 and for 50 epochs."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

INPUTS = 2
EDGES_PER_NODE = 2
_CELLS = re.compile(r"(normal|reduce)=(\[[^\]]*\])")


def convert(files: Mapping[str, Path]) -> pa.Table:
    """One row per genotype in the order of the file; equal networks share a ``network_class``."""
    rows = pd.read_csv(files["trained"])
    keys = [network_key(text) for text in rows["architecture"]]
    rows["network_class"] = pd.factorize(pd.Series(keys))[0]
    return pa.Table.from_pandas(rows, preserve_index=False)


def network_key(genotype: str) -> str:
    """The same text for genotypes of the same network.

    The two edges of a node may be written in any order, and nodes may be numbered in any order in
    which each follows its inputs. So a node is known by what it computes from the inputs of the
    cell, and a cell by its nodes, which all go to its output.
    """
    cells = {name: ast.literal_eval(edges) for name, edges in _CELLS.findall(genotype)}
    return "; ".join(f"{name}: {_cell_key(cells[name])}" for name in ("normal", "reduce"))


def _cell_key(edges: Sequence[tuple[str, int]]) -> str:
    nodes: list[Any] = [f"input {i}" for i in range(INPUTS)]
    for start in range(0, len(edges), EDGES_PER_NODE):
        pair = edges[start : start + EDGES_PER_NODE]
        nodes.append(" + ".join(sorted(f"{name}({nodes[source]})" for name, source in pair)))
    return " | ".join(sorted(nodes[INPUTS:]))
