"""Neural graph features: what operations a network has and how they lie on its paths."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import ClassVar

import numpy as np

from surrobench.arrays import FloatArray, IntArray
from surrobench.encodings.pool_graphs import FAR, PoolGraphs, pool_graphs
from surrobench.errors import UserError, did_you_mean
from surrobench.spaces.architecture import Arch, SearchSpace

PARTS = ("counts", "shortest", "longest", "degrees", "states")
MOST_OPERATIONS = 5
"""Up to so many operations, every set of them is asked about."""

_PUBLISHED = "published"
_DEGREES = ("input degree", "output degree", "mean out-degree", "mean in-degree")


@dataclass(frozen=True)
class GraphFeatures:
    """Features in the manner of GRAF (Kadlecová et al., ICML 2024).

    The paper is "Surprisingly Strong Performance Prediction with Neural Graph Features". For each
    operation ``o`` and each set ``S`` of operations:

    * ``counts``: how often ``o`` occurs;
    * ``shortest``: ``min_p |p|`` over the paths ``p`` from input to output all of whose operations
      are in ``S``; one more than a path can have where there is none;
    * ``longest``: ``max_p |{o in p : o in S}|`` over all paths, 0 without a path;
    * ``degrees``: edges of operations in ``S`` at the input, at the output, and out of and into a
      node on average (with operations on edges, these two are one);
    * ``states``, of spaces without branches (chains, skeletons): how often each operation has
      occurred up to each position, 0 behind the last.

    Counts and lengths are divided by the largest that the space allows. Missing edges (none) and
    absent layers are no operations. Sets are all that are not empty of up
    to five operations; of more, those that share a word between hyphens (``conv3``, ``max``), and
    all. NAS-Bench-201 has 4 + 15 + 15 + 45 = 79 columns. No label enters.

    Args:
        parts: which of the above; ``"graph:counts,longest"`` picks some.
        published: as the authors' code computes them for cells with operations on edges
            (``"graph:published"``): none counts as an operation, whose edges are there; ``longest``
            takes the path with most operations of ``S`` beyond the others; the edges into a node
            are taken for those out of it, so that the degree of the output is always 0. 191 columns
            for NAS-Bench-201.
    """

    isomorphism_invariant: ClassVar[bool] = False

    parts: tuple[str, ...] = PARTS
    published: bool = False

    def narrowed(self, argument: str) -> GraphFeatures:
        """Only the comma-separated parts in ``argument``, or as published."""
        names = tuple(name.strip() for name in argument.split(","))
        published = _PUBLISHED in names
        chosen = tuple(name for name in names if name != _PUBLISHED)
        for name in chosen:
            if name not in PARTS:
                raise UserError(
                    f"encoding 'graph:{argument}': there is no part {name!r}. "
                    + did_you_mean(name, (*PARTS, _PUBLISHED))
                )
        if len(set(names)) < len(names):
            raise UserError(f"encoding 'graph:{argument}': write each part once.")
        kept = tuple(part for part in PARTS if part in chosen) or PARTS
        return replace(self, parts=kept, published=published)

    def columns(self, space: SearchSpace, measured: Mapping[str, FloatArray]) -> list[str]:
        """Names such as ``"shortest nor_conv_1x1|nor_conv_3x3"``."""
        graphs = self._graphs([next(iter(space))], space)
        return [name for name, _ in self.features(graphs)]

    def __call__(
        self,
        archs: Sequence[Arch] | IntArray,
        space: SearchSpace,
        measured: Mapping[str, FloatArray],
    ) -> FloatArray:
        """Encode as ``n x d`` numbers between 0 and 1."""
        features = self.features(self._graphs(archs, space))
        return np.stack([values for _, values in features], axis=1).astype(np.float64)

    def _graphs(self, archs: Sequence[Arch] | IntArray, space: SearchSpace) -> PoolGraphs:
        graphs = pool_graphs(archs, space, with_none=self.published)
        if self.published and not graphs.edge_labelled:
            raise UserError(
                f"encoding 'graph:published' is for cells with operations on their edges, which "
                f"the space {space.name!r} does not have; use 'graph'."
            )
        return graphs

    def features(self, graphs: PoolGraphs) -> Iterator[tuple[str, FloatArray]]:
        """The columns of a pool of graphs with their names, ``n`` values each."""
        sets = operation_sets(graphs.operations)
        for part in self.parts:
            if part == "counts":
                counts = graphs.counts() / graphs.most_operations
                yield from zip(_named(graphs, "count"), counts.T, strict=True)
            elif part == "states":
                yield from _states(graphs)
            else:
                for allowed in sets:
                    words = "|".join(graphs.operations[o] for o in allowed)
                    yield from self._of_set(graphs, part, allowed, words)

    def _of_set(
        self, graphs: PoolGraphs, part: str, allowed: tuple[int, ...], words: str
    ) -> Iterator[tuple[str, FloatArray]]:
        if part == "shortest":
            length = graphs.shortest_within(allowed)
            # The authors' default is the number of the last node, counted from 1, plus one.
            missing = graphs.longest + (2 if self.published else 1)
            yield f"shortest {words}", np.where(length < FAR, length, missing) / missing
        elif part == "longest":
            most = graphs.on_path_of_most if self.published else graphs.most_of
            yield f"longest {words}", most(allowed) / graphs.longest
        else:
            yield from self._degrees(graphs, allowed, words)

    def _degrees(
        self, graphs: PoolGraphs, allowed: tuple[int, ...], words: str
    ) -> Iterator[tuple[str, FloatArray]]:
        sources, targets = np.array(graphs.edges).T
        at_input, at_output = (sources == 0).sum(), (targets == graphs.nodes - 1).sum()
        most = np.array([at_input, at_output, len(sources), len(sources)])
        degrees = graphs.degrees(allowed) / most
        if self.published:
            degrees[:, 1] = 0.0
        kept = 3 if graphs.edge_labelled and not self.published else 4
        for name, values in zip(_DEGREES[:kept], degrees.T[:kept], strict=True):
            yield f"{name} {words}", values


def operation_sets(operations: Sequence[str]) -> list[tuple[int, ...]]:
    """Which sets of operations are asked about, as indices."""
    every = range(len(operations))
    if len(operations) <= MOST_OPERATIONS:
        return [chosen for size in every for chosen in combinations(every, size + 1)]
    sharing: dict[str, list[int]] = {}
    for number, label in enumerate(operations):
        for word in dict.fromkeys(label.split("-")):
            sharing.setdefault(word, []).append(number)
    return list(dict.fromkeys([*map(tuple, sharing.values()), tuple(every)]))


def _named(graphs: PoolGraphs, what: str) -> list[str]:
    return [f"{what} {operation}" for operation in graphs.operations]


def _states(graphs: PoolGraphs) -> Iterator[tuple[str, FloatArray]]:
    """Counts so far at each position of a network without branches; else nothing."""
    if graphs.edge_labelled or not graphs.sequential:
        return
    for number, operation in enumerate(graphs.operations):
        so_far = np.cumsum(graphs.on_nodes == number, axis=1) * (graphs.on_nodes >= 0)
        for position in range(1, graphs.nodes - 1):
            yield f"{operation} up to {position}", so_far[:, position] / position
