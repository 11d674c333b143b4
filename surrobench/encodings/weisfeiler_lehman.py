"""Weisfeiler–Lehman features: how often each neighbourhood occurs in a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from surrobench.arrays import FloatArray, IntArray
from surrobench.base.wording import counted
from surrobench.encodings.operation_graphs import OperationGraphs, operation_graphs
from surrobench.encodings.protocol import whole_number
from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch, SearchSpace

LARGEST_SPACE = 50_000
MOST_COLUMNS = 5_000
_ITERATIONS = 1

Signatures = npt.NDArray[np.int32]


@dataclass(frozen=True)
class WeisfeilerLehman:
    """Weisfeiler–Lehman subtree features (Shervashidze et al., JMLR 2011).

    NAS-BOWL (Ru et al., "Interpretable Neural Architecture Search via Bayesian Optimisation with
    Weisfeiler-Lehman Kernels", ICLR 2021) puts a Gaussian process on them. Every
    operation, the input and the output start with their own label, ``l_0(v)``; then

        ``l_{h+1}(v) = (l_h(v), {l_h(u) : u feeds v})``

    where the braces are a multiset. A column counts one label of one ``h`` from 0 to
    ``iterations``, divided by the most operations that a network can have. The scalar product of
    two rows is, up to that constant squared, the Weisfeiler–Lehman subtree kernel; the Gaussian
    processes here put a Matérn kernel of one lengthscale on the distance that belongs to it,
    ``k(a, a) - 2 k(a, b) + k(b, b)``.

    In cells with operations on edges, operations without effect (none, or on no path from input to
    output) are left out, and an operation behind a skip is fed by what the skip is fed by, so that
    isomorphic cells get equal rows. An operation that two others use stays one. The labels are
    those of all architectures of the space; NAS-Bench-201 has 120 columns after one iteration.

    Args:
        iterations: ``h``; ``"wl:2"`` asks for two.
    """

    isomorphism_invariant: ClassVar[bool] = False

    iterations: int = _ITERATIONS

    def narrowed(self, argument: str) -> WeisfeilerLehman:
        """With as many iterations as ``argument`` says."""
        what = "the number of iterations"
        return replace(self, iterations=whole_number("wl", argument, what, "wl:2"))

    def columns(self, space: SearchSpace, measured: Mapping[str, FloatArray]) -> list[str]:
        """Names such as ``"nor_conv_3x3(input)"``."""
        return [name for level in _vocabulary(space, self.iterations) for name in level.names]

    def __call__(
        self,
        archs: Sequence[Arch] | IntArray,
        space: SearchSpace,
        measured: Mapping[str, FloatArray],
    ) -> FloatArray:
        """Encode as ``n x d`` shares."""
        graphs = operation_graphs(archs, space)
        labels, counts = graphs.labels, []
        for level in _vocabulary(space, self.iterations):
            if level.signatures is not None:
                labels = _lookup(_signatures(graphs, labels), level.signatures)
            counts.append(_histogram(labels, len(level.names)))
        return np.hstack(counts) / (graphs.labels.shape[1] - 2)


@dataclass(frozen=True)
class _Level:
    """The labels of one iteration, and the rows that they stand for (None at the start)."""

    names: tuple[str, ...]
    signatures: dict[bytes, int] | None


@lru_cache(maxsize=8)
def _vocabulary(space: SearchSpace, iterations: int) -> tuple[_Level, ...]:
    """The labels that architectures of a space have, level by level."""
    if len(space) > LARGEST_SPACE:
        raise UserError(
            f"encoding 'wl' lists the labels of a whole space; {space.name!r} has "
            f"{counted(len(space), 'architecture')}, more than {LARGEST_SPACE:,}. "
            "Use 'graph' or 'one-hot'."
        )
    graphs = operation_graphs(np.array(list(space), dtype=np.int_), space)
    labels, levels = graphs.labels, [_Level(graphs.names, None)]
    for _ in range(iterations):
        rows, _ = _different(_signatures(graphs, labels))
        rows = rows[rows[:, 0] >= 0]
        known = sum(len(level.names) for level in levels) + len(rows)
        if known > MOST_COLUMNS:
            raise UserError(
                f"encoding 'wl:{iterations}' has {known:,} columns or more in the space "
                f"{space.name!r}; ask for fewer iterations."
            )
        names = tuple(_name(row, levels[-1].names) for row in rows.tolist())
        places = {row.tobytes(): place for place, row in enumerate(rows)}
        labels = _lookup(_signatures(graphs, labels), places)
        levels.append(_Level(names, places))
    return tuple(levels)


def _name(row: Sequence[int], names: Sequence[str]) -> str:
    fed = ",".join(names[label] for label in row[1:] if label >= 0)
    return f"{names[row[0]]}({fed})"


def _signatures(graphs: OperationGraphs, labels: IntArray) -> Signatures:
    """Each node's label and, descending, those of the nodes that feed it; ``m x nodes x k``."""
    m, nodes = labels.shape
    signatures = np.full((m, nodes, graphs.most_fed + 1), -1, dtype=np.int32)
    signatures[..., 0] = labels
    most = max(1, int(graphs.feeds.max(initial=0)))  # cells of nothing but zeros feed nothing
    for node in range(nodes):
        fed = graphs.feeds[:, :, node]
        copies = [np.where(fed > copy, labels, -1) for copy in range(most)]
        ordered = -np.sort(-np.hstack(copies), axis=1)
        kept = min(ordered.shape[1], graphs.most_fed)
        signatures[:, node, 1 : kept + 1] = ordered[:, :kept]
    signatures[labels < 0] = -1
    return signatures


def _lookup(signatures: Signatures, places: Mapping[bytes, int]) -> IntArray:
    """The label of each signature, -1 for nodes that are not there."""
    different, inverse = _different(signatures)
    labels = np.array([places.get(row.tobytes(), -1) for row in different], dtype=np.int_)
    return labels[inverse].reshape(signatures.shape[:-1])


def _different(signatures: Signatures) -> tuple[Signatures, IntArray]:
    """The different rows in ascending order, and which of them each row is.

    Column by column, since sorting whole rows takes ten times as long.
    """
    rows = signatures.reshape(-1, signatures.shape[-1])
    codes = np.zeros(len(rows), dtype=np.int64)
    for column in rows.T:
        base = int(column.max()) + 2
        _, codes = np.unique(codes * base + column + 1, return_inverse=True)
    _, first = np.unique(codes, return_index=True)
    return rows[first], codes


def _histogram(labels: IntArray, size: int) -> FloatArray:
    m = len(labels)
    rows, nodes = np.nonzero(labels >= 0)
    places = rows * size + labels[rows, nodes]
    return np.bincount(places, minlength=m * size).reshape(m, size).astype(np.float64)
