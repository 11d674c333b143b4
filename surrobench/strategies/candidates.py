"""What a search may propose: a whole search space, or the part of it that a table holds."""

from __future__ import annotations

import sys
from collections.abc import Container, Mapping, Sequence
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from surrobench.arrays import FloatArray, IntArray
from surrobench.base.columns import LazyColumns
from surrobench.base.wording import counted
from surrobench.encodings import make_encoding
from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch, SearchSpace
from surrobench.spaces.indexed import IndexedSpace
from surrobench.spaces.similarity import GraphKernel, SimilarityPool, adjacency_of, graph_kernel
from surrobench.strategies.distances import PoolDistances, has_numbers
from surrobench.tasks.stored_encodings import encoded

LISTED_UP_TO = 500_000
"""Spaces up to this size are listed; of larger ones, strategies see samples and neighbours."""
_LEAST_NEIGHBOURS = 10
_ROUNDS = 8


class Candidates:
    """The architectures that a search may propose, and what is known of them without training.

    Attributes:
        space: the search space.
        archs: the listed candidates, ``n x variables``, or None if there are too many to list.
        measured: label-free columns of the listed candidates, ``n`` each; NaN where missing.
    """

    def __init__(
        self,
        space: SearchSpace,
        archs: IntArray | Sequence[Arch] | None = None,
        measured: Mapping[str, FloatArray] | None = None,
    ) -> None:
        """Take a space, or those of its architectures that can be evaluated.

        Raises:
            UserError: if there are none, one is listed twice or has choices that the space does
                not know, or columns have the wrong length.
        """
        self.space = space
        self._whole = archs is None
        self.archs = self._listed(archs)
        self.measured: Mapping[str, FloatArray] = {} if measured is None else measured
        if isinstance(measured, LazyColumns):
            return  # whoever makes these knows the candidates
        self.measured = dict(self.measured)
        listed = 0 if self.archs is None else len(self.archs)
        for name, column in self.measured.items():
            if len(column) != listed:
                raise UserError(
                    f"the measured column {name!r} has {counted(len(column), 'value')} for "
                    f"{listed} "
                    "listed candidates."
                )

    @classmethod
    def from_similarity(
        cls,
        similarity: npt.ArrayLike,
        labels: Sequence[str] | None = None,
        *,
        neighbours: int = 10,
        measured: Mapping[str, FloatArray] | None = None,
    ) -> Candidates:
        """A pool of which nothing is known but how similar its ``n`` members are.

        Members are ``(0,) … (n-1,)`` in the order of the matrix; training functions are called
        with ``item=label``. The predictors ``"gp-similarity"`` (which ``"bayesian"`` takes by
        default) and ``"knn-similarity"`` use the similarities, local search and evolution go to
        the most similar.

        Args:
            similarity: symmetric and positive semi-definite, ``n x n``.
            labels: names of the members, each once; by default their numbers.
            neighbours: of a member: so many of the nearest, and those whose nearest it is among.
            measured: what else is known of each member, ``n`` each.

        Raises:
            UserError: for a matrix that is not square, symmetric or positive semi-definite (naming
                its least eigenvalue), or labels that do not fit.

        Example:
            >>> import numpy as np
            >>> place = np.linspace(0, 1, 30)
            >>> pool = Candidates.from_similarity(np.exp(-30 * (place[:, None] - place) ** 2))
            >>> len(pool), pool.features("similarity").shape[0], (14,) in pool.neighbours((15,))
            (30, 30, True)
        """
        space = SimilarityPool(similarity, labels, neighbours=neighbours)
        return cls(space, measured=measured)

    @classmethod
    def from_graph(
        cls,
        graph: Any,
        labels: Sequence[str] | None = None,
        *,
        kernel: GraphKernel = "diffusion",
        scale: float = 1.0,
        measured: Mapping[str, FloatArray] | None = None,
    ) -> Candidates:
        """A pool of which nothing is known but which of its members are linked.

        Similarities are those of :func:`~surrobench.spaces.similarity.graph_kernel`; neighbours are
        the members that are linked.

        Args:
            graph: an undirected graph of networkx, perhaps with weights, or an adjacency matrix.
            labels: names of the members; by default those of the graph's nodes, or numbers.
            kernel: ``"diffusion"`` or ``"regularised-laplacian"``.
            scale: how far similarity reaches along the links.
            measured: what else is known of each member, ``n`` each.

        Raises:
            UserError: for a directed graph, an adjacency matrix that is none, or labels that do
                not fit.
        """
        adjacency, names = adjacency_of(graph)
        similarity = graph_kernel(adjacency, kernel, scale)
        linked = (adjacency > 0) & ~np.eye(len(adjacency), dtype=np.bool_)
        chosen = names if labels is None else labels
        return cls(SimilarityPool(similarity, chosen, links=linked), measured=measured)

    def _listed(self, archs: IntArray | Sequence[Arch] | None) -> IntArray | None:
        if archs is None:
            if _size(self.space) > LISTED_UP_TO:
                return None
            return np.asarray(list(self.space), dtype=np.int_)
        if len(archs) == 0:
            raise UserError(f"there are no architectures of {self.space.name!r} to choose from.")
        rows = np.asarray(archs, dtype=np.int_)
        limits = np.array(self.space.cardinalities)
        if rows.shape != (len(rows), len(limits)):
            raise UserError(
                f"the candidates have the shape {rows.shape}, but architectures of "
                f"{self.space.name!r} have {counted(len(limits), 'variable')}."
            )
        wrong = ((rows < 0) | (rows >= limits)).any(axis=1)
        if wrong.any():
            raise UserError(
                f"the candidate {tuple(rows[wrong][0].tolist())} has a choice that the space "
                f"{self.space.name!r} does not know."
            )
        if len(np.unique(rows, axis=0)) != len(rows):
            raise UserError("an architecture is listed twice among the candidates.")
        return rows

    @property
    def size(self) -> int:
        """Number of candidates, listed or not, exact at any magnitude."""
        return _size(self.space) if self.archs is None else len(self.archs)

    def __len__(self) -> int:
        """Number of candidates, at most ``sys.maxsize``, which is all that ``len`` can say."""
        return min(self.size, sys.maxsize)

    @cached_property
    def complete(self) -> bool:
        """Whether every combination of choices is a candidate."""
        return self.size == prod(self.space.cardinalities)

    def __contains__(self, arch: object) -> bool:
        """Whether ``arch`` may be proposed."""
        return arch in self.space if self.archs is None else arch in self.index

    @property
    def listed(self) -> bool:
        """Whether the candidates can be gone through one by one."""
        return self.archs is not None

    @cached_property
    def index(self) -> dict[Arch, int]:
        """Listed architecture -> its row."""
        assert self.archs is not None
        return {arch: row for row, arch in enumerate(map(tuple, self.archs.tolist()))}

    def arch(self, row: int) -> Arch:
        """The listed architecture of a row."""
        assert self.archs is not None
        return tuple(self.archs[row].tolist())

    def features(self, encoding: str) -> FloatArray:
        """All listed candidates encoded, ``n x d``; computed once for each encoding.

        Raises:
            UserError: if the candidates are not listed or have no such encoding.
        """
        if self.archs is None:
            raise UserError(
                f"the space {self.space.name!r} has {self.size:.3g} architectures, too many to "
                "list; encode some of them instead."
            )
        if encoding not in self._features:
            self._features[encoding] = encoded(encoding, self.archs, self.space, self.measured)
        return self._features[encoding]

    @cached_property
    def _features(self) -> dict[str, FloatArray]:
        return {}

    def encode(self, encoding: str, archs: Sequence[Arch]) -> FloatArray:
        """Some candidates encoded, ``len(archs) x d``."""
        if self.archs is not None:
            return self.features(encoding)[[self.index[arch] for arch in archs]]
        return np.asarray(make_encoding(encoding)(archs, self.space, {}), dtype=np.float64)

    def sample(self, n: int, rng: np.random.Generator, exclude: Container[Arch] = ()) -> list[Arch]:
        """Up to ``n`` distinct candidates outside ``exclude``, uniformly; fewer if there are fewer.

        The same ``rng`` and ``exclude`` give the same draws in the same order.
        """
        if self.archs is None:
            return self._sample_unlisted(n, rng, exclude)
        if self._whole and getattr(self.space, "drawn_by_decision", False):
            return self._sample_by_decision(n, rng, exclude)
        found: dict[Arch, None] = {}
        # A few draws nearly always suffice; a permutation is the last resort.
        for row in rng.integers(len(self.archs), size=4 * n).tolist():
            if len(found) == n:
                return list(found)
            arch = self.arch(row)
            if arch not in exclude:
                found.setdefault(arch)
        if len(found) < n:
            for row in rng.permutation(len(self.archs)).tolist():
                arch = self.arch(row)
                if arch not in exclude:
                    found.setdefault(arch)
                if len(found) == n:
                    break
        return list(found)

    def _sample_by_decision(
        self, n: int, rng: np.random.Generator, exclude: Container[Arch]
    ) -> list[Arch]:
        """As the space draws; from all that are left where that finds too few."""
        found: dict[Arch, None] = {}
        for _ in range(_ROUNDS):
            drawn = self.space.sample(min(n, len(self)), rng)
            found.update((arch, None) for arch in drawn if arch not in exclude)
            if len(found) >= n:
                return list(found)[:n]
        for row in rng.permutation(len(self)).tolist():
            arch = self.arch(row)
            if len(found) >= n:
                break
            if arch not in exclude:
                found.setdefault(arch)
        return list(found)[:n]

    def _sample_unlisted(
        self, n: int, rng: np.random.Generator, exclude: Container[Arch]
    ) -> list[Arch]:
        found: dict[Arch, None] = {}
        while len(found) < n:  # unlisted spaces are far larger than what a search has seen
            drawn = self.space.sample(min(n, LISTED_UP_TO), rng)
            found.update((arch, None) for arch in drawn if arch not in exclude)
        return list(found)[:n]

    def neighbours(self, arch: Arch) -> list[Arch]:
        """Candidates one change away, in a fixed order.

        Where only some of all combinations are candidates, an architecture may have few such
        neighbours; then the nearest others in Hamming distance join them, so that every
        architecture has at least ten (or all there are). In a pool with numbers of many values,
        neighbours are the ten nearest (:class:`~surrobench.strategies.distances.PoolDistances`).
        """
        if self._whole and self.archs is None:
            return self.space.neighbours(arch)
        if self._distances is not None:
            by_distance = np.argsort(self._distances.to(arch), kind="stable")
            nearest = (self.arch(row) for row in by_distance[: _LEAST_NEIGHBOURS + 1].tolist())
            return [other for other in nearest if other != arch][:_LEAST_NEIGHBOURS]
        near = [other for other in self.space.neighbours(arch) if other in self]
        missing = min(_LEAST_NEIGHBOURS, len(self) - 1) - len(near)
        if self.archs is None or self.complete or missing <= 0:
            return near
        known = {arch, *near}
        by_distance = np.argsort(self._hamming(arch), kind="stable").tolist()
        # No more rows than this can be known already.
        others = (self.arch(row) for row in by_distance[: missing + len(known)])
        return near + [other for other in others if other not in known][:missing]

    def mended(self, choices: Arch, rng: np.random.Generator) -> Arch:
        """What the space makes of choices that do not go together; as they are if it does not."""
        mend = getattr(self.space, "mended", None)
        return choices if mend is None else tuple(mend(choices, rng))

    def nearest(
        self, choices: Sequence[int], rng: np.random.Generator, exclude: Container[Arch] = ()
    ) -> Arch | None:
        """The candidate outside ``exclude`` nearest to some choices.

        By Hamming distance; in a pool with numbers of many values, by
        :class:`~surrobench.strategies.distances.PoolDistances`.

        Turns what an operator or a controller made (perhaps no valid architecture, or none of the
        table's) into a candidate. Ties are broken at random. None if nothing is left. In a space
        too large to list, invalid choices become a uniform sample.
        """
        wanted = self.mended(tuple(int(choice) for choice in choices), rng)
        if wanted in self and wanted not in exclude:
            return wanted
        if self.archs is None:
            near = self.space.neighbours(wanted) if wanted in self.space else []
            free = [arch for arch in near if arch not in exclude]
            if free:
                return free[int(rng.integers(len(free)))]
            return self.sample(1, rng, exclude)[0]
        if self._distances is None:
            distances: FloatArray | IntArray = self._hamming(wanted)
        else:
            distances = self._distances.to(wanted)
        for distance in np.unique(distances).tolist():
            for row in rng.permutation(np.flatnonzero(distances == distance)).tolist():
                if self.arch(row) not in exclude:
                    return self.arch(row)
        return None

    @cached_property
    def _distances(self) -> PoolDistances | None:
        """Of a pool that is part of a space with numbers; None where steps in the space will do."""
        if self.archs is None or self._whole or self.complete or not has_numbers(self.space):
            return None
        return PoolDistances(self.archs, self.space)

    def _hamming(self, choices: Sequence[int]) -> IntArray:
        assert self.archs is not None
        return (self.archs != np.asarray(choices)).sum(axis=1)


def _size(space: SearchSpace) -> int:
    """Size of a space, also of one beyond what ``len`` can express."""
    return space.size if isinstance(space, IndexedSpace) else len(space)
