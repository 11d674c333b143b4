"""Cells with one operation on each edge of a complete directed acyclic graph."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from math import prod
from typing import Literal

import numpy as np

from surrobench.arrays import BoolArray, FloatArray, IntArray
from surrobench.base.wording import counted
from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch, ArchGraph, Variable
from surrobench.spaces.indexed import IndexedSpace, fits, single_changes, unrank
from surrobench.spaces.node_form import NodeForm

_ZERO = "#"
Sums = Literal["nested", "flat"]


class EdgeCells(IndexedSpace):
    """Every way to put one of a few operations on each edge of a cell.

    A node is the sum of its incoming edges; node 0 is the input, the last node the output.
    Iteration is lexicographic in the tuple of operation indices.

    Args:
        name: name of the space.
        operations: labels of the operations.
        edges: ``(source, target)`` of each edge, ``source < target``, in the order of the tuple.
        none: the operation that stands for a missing edge.
        skip: the operation that passes its input on unchanged.
        notation: ``"nodes"`` writes NAS-Bench-201 strings (``|op~0|+|op~0|op~1|+…``), which need
            edges sorted by target; ``"indices"`` writes the tuple of operation indices.
        sums: how :meth:`expression` writes a sum that a skip passes on: ``"nested"`` keeps it as
            one term with its zeros, which is the key published for NAS-Bench-201; ``"flat"``
            merges its terms and drops zeros, so that it finds more equal cells. :meth:`canonical`
            goes by this key, :meth:`groups` always by the flat one.
        strided: the cell also occurs with stride 2, where a skip from the input is a learned
            reduction: two cells are then equal only if these skips agree.
    """

    node_form: NodeForm

    def __init__(
        self,
        name: str,
        operations: Sequence[str],
        edges: Sequence[tuple[int, int]],
        none: str,
        skip: str,
        notation: Literal["nodes", "indices"] = "indices",
        sums: Sums = "flat",
        strided: bool = False,
    ) -> None:
        self.name = name
        self.operations = tuple(operations)
        self.edges = tuple(edges)
        self.n_nodes = max(target for _, target in edges) + 1
        self.none = self.operations.index(none)
        self.skip = self.operations.index(skip)
        self.notation, self.sums, self.strided = notation, sums, strided
        self.variables = tuple(Variable(f"{s}>{t}", self.operations) for s, t in self.edges)
        self.node_form = self._node_form()

    @property
    def size(self) -> int:
        """Number of cells."""
        return prod(self.cardinalities)

    def at(self, index: int) -> Arch:
        """The cell number ``index`` in lexicographic order."""
        return unrank(index, self.cardinalities)

    def __contains__(self, arch: object) -> bool:
        """Whether ``arch`` has one known operation per edge."""
        return fits(arch, self.cardinalities)

    def neighbours(self, arch: Arch) -> list[Arch]:
        """Cells that differ in the operation of one edge, by edge and then by operation."""
        return list(single_changes(self.check(arch), self.cardinalities))

    @cached_property
    def paths(self) -> tuple[tuple[int, ...], ...]:
        """Every path from input to output as edge positions, short ones first."""
        complete: list[tuple[int, ...]] = []
        frontier: list[tuple[int, tuple[int, ...]]] = [(0, ())]
        while frontier:
            node, path = frontier.pop(0)
            if node == self.n_nodes - 1:
                complete.append(path)
            frontier += [
                (target, (*path, edge))
                for edge, (source, target) in enumerate(self.edges)
                if source == node
            ]
        return tuple(sorted(complete, key=lambda path: (len(path), path)))

    def used_edges(self, archs: Sequence[Arch] | IntArray) -> BoolArray:
        """Which edges lie on a path from input to output free of none (``n x edges``)."""
        present = np.asarray(archs, dtype=np.int_).reshape(-1, len(self.edges)) != self.none
        used = np.zeros_like(present)
        for path in self.paths:
            used[:, path] |= present[:, path].all(axis=1, keepdims=True)
        return used

    def trained_layers(self, choices: IntArray) -> FloatArray:
        """Convolutions on paths from input to output, of one cell."""
        convolutions = [i for i, name in enumerate(self.operations) if "conv" in name.split("_")]
        trained: FloatArray = (
            (np.isin(choices, convolutions) & self.used_edges(choices)).sum(axis=1).astype(float)
        )
        return trained

    def unreachable(self, arch: Arch) -> bool:
        """Whether some operation other than none lies on no path from input to output."""
        present = np.asarray(arch) != self.none
        return bool((present & ~self.used_edges([arch])[0]).any())

    def disconnected(self, arch: Arch) -> bool:
        """Whether no path leads from the input to the output."""
        return not self.used_edges([arch]).any()

    def expression(self, arch: Arch, sums: Sums | None = None) -> str:
        """The isomorphism key of Dong & Yang (NAS-Bench-201, ICLR 2020): equal keys, equal cells.

        The output as a formula of the input ``0``: a node is the sorted sum of its terms, an
        operation wraps its node, a skip passes it on, and none is ``#``, as is every operation on
        a node that is ``#``.

        Args:
            arch: a cell.
            sums: how nested sums are written; by default as this space does.
        """
        kind = sums or self.sums
        nodes: list[tuple[str, ...]] = [("0",)]
        for incoming in self._incoming:
            terms = [term for e, s in incoming for term in self._terms(arch[e], s, nodes[s], kind)]
            if kind == "flat":
                terms = [term for term in terms if term != _ZERO] or [_ZERO]
            nodes.append(tuple(sorted(terms)))
        return "+".join(nodes[-1])

    @cached_property
    def _incoming(self) -> tuple[tuple[tuple[int, int], ...], ...]:
        """For nodes 1, 2, …: (edge position, source) of each incoming edge."""
        return tuple(
            tuple((e, s) for e, (s, t) in enumerate(self.edges) if t == node)
            for node in range(1, self.n_nodes)
        )

    def _terms(
        self, operation: int, source: int, node: tuple[str, ...], sums: Sums
    ) -> tuple[str, ...]:
        """What one edge adds to its target's sum, given the terms of its source node."""
        if operation == self.none or node == (_ZERO,):
            return (_ZERO,)
        if operation == self.skip and not (self.strided and source == 0):
            return node if sums == "flat" else ("+".join(node),)
        return (f"({'+'.join(node)})@{self.operations[operation]}",)

    @cached_property
    def _representatives(self) -> dict[str, Arch]:
        """The first cell, in iteration order, of each isomorphism class."""
        first: dict[str, Arch] = {}
        for arch in self:
            first.setdefault(self.expression(arch), arch)
        return first

    def canonical(self, arch: Arch) -> Arch:
        """The first cell in iteration order that is the same network.

        The first call lists the whole space (a fraction of a second for 15,625 cells).
        """
        return self._representatives[self.expression(arch)]

    def groups(self, archs: Sequence[Arch]) -> IntArray:
        """Class of equal cells of each, numbered from 0 by first appearance.

        By the flat key, to which the order and the nesting of sums do not matter: 4,930 classes of
        the 15,625 cells of NAS-Bench-201.
        """
        return self._classes(archs, "flat")

    def published_groups(self, archs: Sequence[Arch]) -> IntArray | None:
        """Isomorphism class by the key published for NAS-Bench-201: 6,466 of its 15,625 cells."""
        return self._classes(archs, "nested") if self.sums == "nested" else None

    def _classes(self, archs: Sequence[Arch], sums: Sums) -> IntArray:
        classes: dict[str, int] = {}
        keys = (self.expression(arch, sums) for arch in archs)
        return np.array([classes.setdefault(key, len(classes)) for key in keys], dtype=np.int_)

    def _node_form(self) -> NodeForm:
        """Operations on nodes: node ``e + 1`` is edge ``e``, and signal flows along the cell."""
        output = len(self.edges) + 1
        links = [(0, e + 1) for e, (s, _) in enumerate(self.edges) if s == 0]
        links += [
            (a + 1, b + 1)
            for a, (_, target) in enumerate(self.edges)
            for b, (source, _) in enumerate(self.edges)
            if target == source
        ]
        last = self.n_nodes - 1
        links += [(e + 1, output) for e, (_, t) in enumerate(self.edges) if t == last]
        kept = tuple(name for i, name in enumerate(self.operations) if i != self.none)
        return NodeForm((kept,) * len(self.edges), tuple(links))

    def node_choices(self, archs: IntArray) -> IntArray:
        """Label index of each edge's operation in ``node_form``, -1 for none (``n x edges``)."""
        return np.where(archs == self.none, -1, archs - (archs > self.none))

    def node_edges(self, archs: IntArray) -> BoolArray:
        """Which links of ``node_form`` exist: those between operations other than none."""
        present = np.pad(archs != self.none, ((0, 0), (1, 1)), constant_values=True)
        sources, targets = np.array(self.node_form.edges).T
        return present[:, sources] & present[:, targets]

    def graph(self, arch: Arch) -> ArchGraph:
        """The cell with its operations on the edges; none edges are left out."""
        inner = (str(node) for node in range(1, self.n_nodes - 1))
        edges = tuple(
            (source, target, self.operations[operation])
            for (source, target), operation in zip(self.edges, arch, strict=True)
            if operation != self.none
        )
        return ArchGraph(("input", *inner, "output"), edges)

    def to_string(self, arch: Arch) -> str:
        """The cell in the notation of its benchmark."""
        if self.notation == "indices":
            return str(tuple(int(operation) for operation in arch))
        return "+".join(
            "|" + "|".join(f"{self.operations[arch[e]]}~{s}" for e, s in incoming) + "|"
            for incoming in self._incoming
        )

    def parse(self, text: str) -> Arch:
        """The cell that :meth:`to_string` wrote; indices may also be bare digits (``"013203"``).

        Raises:
            UserError: naming what is wrong with ``text``.
        """
        if self.notation == "indices":
            return self._parse_indices(text)
        arch = [-1] * len(self.edges)
        nodes = text.strip().split("+")
        if len(nodes) != len(self._incoming):
            raise UserError(
                f"{text!r}: {counted(len(nodes), 'node')}, expected {len(self._incoming)}."
            )
        for node, incoming in zip(nodes, self._incoming, strict=True):
            terms = node.strip("|").split("|")
            if len(terms) != len(incoming):
                raise UserError(
                    f"{text!r}: {node!r} has {counted(len(terms), 'operation')}, expected "
                    f"{len(incoming)}."
                )
            for term, (edge, source) in zip(terms, incoming, strict=True):
                operation, _, origin = term.partition("~")
                if origin != str(source) or operation not in self.operations:
                    raise UserError(
                        f"{text!r}: {term!r} is not 'operation~{source}' with an operation of "
                        f"{', '.join(self.operations)}."
                    )
                arch[edge] = self.operations.index(operation)
        return tuple(arch)

    def _parse_indices(self, text: str) -> Arch:
        arch = tuple_of_indices(text)
        if arch not in self:
            raise UserError(
                f"{text!r} is not a cell of {self.name!r}: expected "
                f"{counted(len(self.edges), 'index', 'indices')} "
                f"from 0 to {len(self.operations) - 1}."
            )
        return arch


def tuple_of_indices(text: str) -> Arch:
    """The integers in ``"(0, 1, 3)"`` or, one digit each, in ``"013"``; empty if neither.

    The benchmark's own string (``"64-41414-1_02_333"``) counts as the digits of its last part.
    """
    if match := re.fullmatch(r"\s*64-41414-(\d)_(\d\d)_(\d\d\d)\s*", text):
        text = "".join(match.groups())
    if re.fullmatch(r"\s*\d+\s*", text):
        return tuple(int(digit) for digit in text.strip())
    if re.fullmatch(r"\s*[(\[]?\s*\d+\s*(,\s*\d+\s*)*,?\s*[)\]]?\s*", text):
        return tuple(int(number) for number in re.findall(r"\d+", text))
    return ()


def nas_bench_201(sums: Sums = "nested") -> EdgeCells:
    """The topology space of NAS-Bench-201 (Dong & Yang, ICLR 2020): 15,625 cells.

    Args:
        sums: the key of :meth:`~EdgeCells.canonical`: ``"nested"`` for the 6,466 classes of the
            benchmark's published key; ``"flat"`` merges them further into the 4,930 classes of
            :meth:`~EdgeCells.groups`, since the order of a sum does not matter.
    """
    return EdgeCells(
        "nb201",
        ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"),
        ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3)),
        none="none",
        skip="skip_connect",
        notation="nodes",
        sums=sums,
    )


def trans_nas_bench_101_micro() -> EdgeCells:
    """The cell space of TransNAS-Bench-101 (Duan et al., CVPR 2021): 4,096 cells.

    Operation indices and edge order are those of the benchmark's own strings
    (``64-41414-1_02_333`` is ``(1, 0, 2, 3, 3, 3)``). NASLib names the same indices differently
    (0 identity, 1 zero, …, edges sorted by source) but queries the benchmark with them unchanged.
    Cells whose published results agree on all seven tasks are always in one class.
    """
    return EdgeCells(
        "tnb101-micro",
        ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3"),
        ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3)),
        none="none",
        skip="skip_connect",
        strided=True,
    )
