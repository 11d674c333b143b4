"""A pool of which nothing is known but how similar its members are, or which are linked."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from surrobench.arrays import FloatArray
from surrobench.errors import UserError, did_you_mean
from surrobench.spaces.architecture import Arch, Variable
from surrobench.spaces.choices import Choices

GraphKernel = Literal["diffusion", "regularised-laplacian"]
GRAPH_KERNELS: tuple[GraphKernel, ...] = ("diffusion", "regularised-laplacian")

ROUNDING = 1e-6
"""Eigenvalues that are negative by less than this share of the largest count as zero."""
_SYMMETRIC = 1e-8


class SimilarityPool(Choices):
    """Members ``(0,) … (n-1,)``, whose similarities are a positive semi-definite matrix ``K``.

    The matrix is kept as features ``F`` (``n x r``, ``r`` its rank) with ``F F' = K``, from its
    eigenvectors. They are the encoding ``"similarity"``: inner products of rows are similarities,
    and Euclidean distances the distances of the kernel, ``|f_i - f_j|^2 = K_ii + K_jj - 2 K_ij``.

    Args:
        similarity: the matrix ``K``, ``n x n``.
        labels: names of the members, each once; by default their numbers.
        neighbours: so many of the nearest (by the distance of the kernel) are neighbours, and
            those that have a member for one of theirs.
        links: who is whose neighbour instead, ``n x n`` truth values, symmetric.

    Raises:
        UserError: for a matrix that is not square, finite, symmetric and positive semi-definite up
            to rounding (naming its least eigenvalue), or labels that do not fit.
    """

    def __init__(
        self,
        similarity: npt.ArrayLike,
        labels: Sequence[str] | None = None,
        *,
        neighbours: int = 10,
        links: npt.NDArray[np.bool_] | None = None,
    ) -> None:
        K = _checked_similarity(similarity)
        self._features = _features_of(K)
        self.digest = hashlib.sha256(np.ascontiguousarray(K, dtype="<f8").tobytes()).hexdigest()
        """SHA-256 of the matrix."""
        names = _checked_labels(labels, len(K))
        super().__init__(f"similarity-{self.digest[:8]}", [Variable("item", names)])
        near = _nearest(K, neighbours) if links is None else np.asarray(links, dtype=np.bool_)
        self._near = [np.flatnonzero(row).tolist() for row in near]

    @property
    def features(self) -> FloatArray:
        """``F`` with ``F F' = K``, ``n x r``; read-only."""
        return self._features

    def neighbours(self, arch: Arch) -> list[Arch]:
        """The nearest members, or those that are linked, by their number."""
        return [(other,) for other in self._near[self.check(arch)[0]]]


def graph_kernel(
    adjacency: FloatArray, kernel: str = "diffusion", scale: float = 1.0
) -> FloatArray:
    """Similarities of the nodes of a graph, ``n x n``.

    With the normalised Laplacian ``L = I - D^(-1/2) A D^(-1/2)`` (zero for a node without links):

    * ``"diffusion"``: ``exp(-scale L)`` (Kondor & Lafferty, "Diffusion Kernels on Graphs and Other
      Discrete Structures", ICML 2002);
    * ``"regularised-laplacian"``: ``(I + scale L)^(-1)`` (Smola & Kondor, "Kernels and
      Regularization on Graphs", COLT 2003).

    Args:
        adjacency: symmetric weights, none negative, ``n x n``; the diagonal is not looked at.
        kernel: one of the above.
        scale: how far similarity reaches along the links, above 0.

    Raises:
        UserError: for weights that are none, or an unknown kernel.
    """
    if kernel not in GRAPH_KERNELS:
        raise UserError(f"unknown kernel {kernel!r}. {did_you_mean(kernel, GRAPH_KERNELS)}")
    if not scale > 0:
        raise UserError(f"scale is {scale!r}; it must be a number above 0.")
    A = _square(adjacency, "the adjacency matrix")
    if (A < 0).any():
        raise UserError("the adjacency matrix has a negative weight; weights are 0 or more.")
    A = A - np.diag(np.diag(A))
    degrees = A.sum(axis=1)
    roots = np.divide(1.0, np.sqrt(degrees), out=np.zeros_like(degrees), where=degrees > 0)
    L = np.diag((degrees > 0).astype(np.float64)) - roots[:, None] * A * roots[None, :]
    values, vectors = np.linalg.eigh(L)
    values = np.maximum(values, 0.0)
    shrunk = np.exp(-scale * values) if kernel == "diffusion" else 1.0 / (1.0 + scale * values)
    K = (vectors * shrunk) @ vectors.T
    return np.asarray((K + K.T) / 2)


def adjacency_of(graph: Any) -> tuple[FloatArray, list[str] | None]:
    """Weights of a graph, and the names of its nodes where it has some.

    Args:
        graph: of networkx (undirected), or an ``n x n`` matrix, also a sparse one.

    Raises:
        UserError: for a directed graph.
    """
    if hasattr(graph, "adjacency") and hasattr(graph, "is_directed"):
        if graph.is_directed():
            raise UserError("the graph is directed; similarity has no direction: to_undirected().")
        nodes = list(graph)
        places = {node: place for place, node in enumerate(nodes)}
        A = np.zeros((len(nodes), len(nodes)))
        for source, target, weight in graph.edges(data="weight", default=1.0):
            A[places[source], places[target]] = A[places[target], places[source]] = float(weight)
        return A, list(map(str, nodes))
    dense = graph.toarray() if hasattr(graph, "toarray") else graph
    return _square(dense, "the adjacency matrix"), None


def _square(matrix: npt.ArrayLike, what: str) -> FloatArray:
    """A symmetric matrix of finite numbers."""
    try:
        M = np.array(matrix, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise UserError(f"{what} is no matrix of numbers: {error}.") from error
    if M.ndim != 2 or M.shape[0] != M.shape[1] or len(M) == 0:
        raise UserError(f"{what} has the shape {M.shape}; it must be n x n.")
    if not np.isfinite(M).all():
        row, column = np.argwhere(~np.isfinite(M))[0].tolist()
        raise UserError(f"{what} has the entry {M[row, column]} in row {row}, column {column}.")
    apart = np.abs(M - M.T)
    if apart.max() > _SYMMETRIC * max(float(np.abs(M).max()), 1e-300):
        row, column = (int(place) for place in np.unravel_index(apart.argmax(), M.shape))
        raise UserError(
            f"{what} is not symmetric: {M[row, column]:g} in row {row}, column {column}, but "
            f"{M[column, row]:g} the other way round. Use (K + K.T) / 2 if that is rounding."
        )
    return (M + M.T) / 2


def _checked_similarity(matrix: npt.ArrayLike) -> FloatArray:
    K = _square(matrix, "the similarity matrix")
    if not np.diag(K).max() > 0:
        raise UserError("the similarity matrix is zero on its diagonal: nothing is like itself.")
    return K


def _features_of(K: FloatArray) -> FloatArray:
    """``F`` with ``F F' = K``.

    Raises:
        UserError: if ``K`` is not positive semi-definite.
    """
    values, vectors = np.linalg.eigh(K)
    least, largest = float(values[0]), float(values[-1])
    if least < -ROUNDING * largest:
        raise UserError(
            f"the similarity matrix is not positive semi-definite: its least eigenvalue is "
            f"{least:.4g} (the largest {largest:.4g}). Distances are no similarities: try "
            f"exp(-distance**2), or add {-least:.4g} to the diagonal."
        )
    kept = values > 1e-12 * largest
    # Signs of eigenvectors differ between libraries: the largest entry of each is positive.
    F = vectors[:, kept] * np.sqrt(values[kept])
    F *= np.sign(F[np.abs(F).argmax(axis=0), np.arange(F.shape[1])])
    F = np.ascontiguousarray(F[:, ::-1])
    F.setflags(write=False)
    return F


def _checked_labels(labels: Sequence[str] | None, n: int) -> tuple[str, ...]:
    names = tuple(map(str, range(n) if labels is None else labels))
    if len(names) != n:
        raise UserError(f"{len(names)} labels are given for {n} members.")
    if len(set(names)) < n:
        twice = next(name for name in names if names.count(name) > 1)
        raise UserError(f"the label {twice!r} is given twice; every member needs its own.")
    return names


def _nearest(K: FloatArray, count: int) -> npt.NDArray[np.bool_]:
    """Who is among the ``count`` nearest of whom, in one direction or the other, ``n x n``."""
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise UserError(f"neighbours is {count!r}; it must be a whole number of at least 1.")
    diagonal = np.diag(K)
    distances = diagonal[:, None] + diagonal[None, :] - 2.0 * K
    np.fill_diagonal(distances, np.inf)
    order = np.argsort(distances, axis=1, kind="stable")[:, : min(count, len(K) - 1)]
    near = np.zeros(K.shape, dtype=np.bool_)
    near[np.arange(len(K))[:, None], order] = True
    return near | near.T
