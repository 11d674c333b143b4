"""Synthetic pools as large as one likes: random cells of seven nodes.

Like NAS-Bench-101's: a directed acyclic graph of an input, five inner nodes with one of three
operations each and an output, of at most nine edges, the output within reach of the input. Cells
are drawn at random, each once; equal networks are not merged, and nothing was ever trained.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.typing as npt

from surrobench.base.columns import ColumnBlock
from surrobench.encodings import make_encoding
from surrobench.encodings.column_blocks import column_blocks
from surrobench.spaces.architecture import Variable
from surrobench.spaces.choices import Choices

NODES, MOST_EDGES, OPERATIONS = 7, 9, ("conv1x1", "conv3x3", "pool3x3")
EDGES = tuple(combinations(range(NODES), 2))

IntArray = npt.NDArray[np.int64]


def space() -> Choices:
    """21 edges, there or not, and five operations."""
    edges = [Variable(f"edge {s}>{t}", ("absent", "present")) for s, t in EDGES]
    nodes = [Variable(f"node {node}", OPERATIONS) for node in range(1, NODES - 1)]
    return Choices("seven-node cells", (*edges, *nodes))


def cells(count: int, seed: int = 0) -> IntArray:
    """Distinct random cells, ``count x 26`` choices."""
    rng = np.random.default_rng(seed)
    found = np.empty((0, len(EDGES) + NODES - 2), dtype=np.int64)
    while len(found) < count:
        drawn = _draw(2 * count, rng)
        everything = np.concatenate([found, drawn])
        _, first = np.unique(_numbers(everything), return_index=True)
        found = everything[np.sort(first)]
    return found[:count]


def _draw(count: int, rng: np.random.Generator) -> IntArray:
    edges = rng.random((count, len(EDGES))) < 0.35
    edges = edges[(edges.sum(axis=1) <= MOST_EDGES) & _connected(edges)]
    nodes = rng.integers(len(OPERATIONS), size=(len(edges), NODES - 2))
    return np.concatenate([edges.astype(np.int64), nodes], axis=1)


def _connected(edges: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    reached = np.zeros((len(edges), NODES), dtype=bool)
    reached[:, 0] = True
    for column, (source, target) in enumerate(EDGES):  # in topological order
        reached[:, target] |= reached[:, source] & edges[:, column]
    return reached[:, -1]


def _numbers(archs: IntArray) -> IntArray:
    """One number for each cell."""
    return archs @ 3 ** np.arange(archs.shape[1], dtype=np.int64)


def encoded(count: int) -> tuple[npt.NDArray[np.float64], tuple[ColumnBlock, ...]]:
    """One-hot, ``count x 57``, with what the columns mean."""
    X = make_encoding("one-hot")(cells(count), space(), {})
    return X, column_blocks("one-hot", space(), {})
