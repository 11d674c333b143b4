"""Decisions of a table that are a graph."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from surrobench.encodings.column_blocks import graph_layout
from surrobench.errors import UserError
from surrobench.tasks import load_task
from surrobench.testing.conformance import check_space

CARD = """
name = "graphs"
data = "graphs.json"
decisions = [{decision}, "ops"]
graph = {{ operations = "ops", {form} }}

[tasks.score]
target = "score"
direction = "maximize"
"""
# The input feeds the convolution, that the pooling and the output; then a chain.
MATRICES = """[
{"edges": ["0","1","0","0", "0","0","1","1", "0","0","0","1", "0","0","0","0"],
 "ops": ["in", "conv", "pool", "out"], "score": 1.5},
{"edges": ["0","1","0","0", "0","0","1","0", "0","0","0","1", "0","0","0","0"],
 "ops": ["in", "pool", "pool", "out"], "score": 2.5}]"""
# Both operations read the input; then the second reads the first.
SOURCES = """[
{"feeds": ["0", "0"], "ops": ["conv", "pool"], "score": 1.5},
{"feeds": ["0", "1"], "ops": ["pool", "pool"], "score": 2.5}]"""


def task_of(folder: Path, rows: str, column: str, form: str) -> Any:
    (folder / "graphs.json").write_text(rows, encoding="utf-8")
    decision = f'{{ column = "{column}", kind = "categorical" }}'
    card = CARD.format(decision=decision, form=form)
    (folder / "graphs.toml").write_text(card, encoding="utf-8")
    return load_task(f"{folder / 'graphs.toml'}:score")


def edges(graph: Any) -> list[tuple[int, int]]:
    return list(zip(*map(np.ndarray.tolist, np.nonzero(graph.adjacency)), strict=True))


def labels(graph: Any) -> list[str]:
    return [graph.labels[operation] for operation in graph.operations]


@pytest.mark.parametrize(
    ("rows", "column", "form", "first", "second"),
    [
        (
            MATRICES,
            "edges",
            'matrix = "edges"',
            [(0, 1), (1, 2), (1, 3), (2, 3)],
            [(0, 1), (1, 2), (2, 3)],
        ),
        (
            SOURCES,
            "feeds",
            'sources = "feeds"',
            [(0, 1), (0, 2), (1, 3), (2, 3)],
            [(0, 1), (1, 2), (2, 3)],
        ),
    ],
)
def test_decisions_are_read_as_graphs(
    tmp_path: Path, rows: str, column: str, form: str, first: Any, second: Any
) -> None:
    task = task_of(tmp_path, rows, column, form)
    one, other = graph_layout(task.space).graphs(task.encode("adjacency"))
    assert (edges(one), labels(one)) == (first, ["input", "conv", "pool", "output"])
    assert (edges(other), labels(other)) == (second, ["input", "pool", "pool", "output"])
    assert task.encode("graph:counts").tolist() == [[0.5, 0.5], [0.0, 1.0]]
    assert task.default_encoding == "one-hot"
    check_space(task.space)


@pytest.mark.parametrize(
    ("column", "form", "message"),
    [
        ("edges", 'matrix = "edge"', "'edge', which is no decision that holds lists"),
        ("edges", 'sources = "edges"', "have 16 elements, not 4"),
        ("edges", 'matrix = "ops"', "have 4 elements, not 16"),
        ("edges", 'matrix = "edges", sources = "edges"', "one of 'matrix' and 'sources'"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, column: str, form: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        task_of(tmp_path, MATRICES, column, form)


def test_sources_are_numbers_of_nodes(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="'start' is no number of a node"):
        task_of(tmp_path, SOURCES.replace('"0", "1"', '"start", "1"'), "feeds", 'sources = "feeds"')
    with pytest.raises(UserError, match="from a node to a later one"):
        task_of(tmp_path, SOURCES.replace('"0", "1"', '"0", "2"'), "feeds", 'sources = "feeds"')
