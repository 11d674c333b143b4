"""Growing all trees of a forest at once, level by level, with sums between bins of each feature.

The split of a node is looked for among the same thresholds everywhere, so that what is left of
every threshold in every node of a level is a product: drawn examples by node (sparse, with their
weights) times examples by threshold (zeros and ones). Two such products, of weights and of weighted
targets, give the reduction of variance of all candidates of all nodes of all trees.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import scipy.sparse

from surrobench.arrays import BoolArray, FloatArray, IntArray
from surrobench.predictors.learners.forest import Forest

Float32Array = npt.NDArray[np.float32]

_PURE = float(np.finfo(np.float64).eps)
"""Nodes with at most this variance are not split, as in scikit-learn."""
_TIE = 2e-5
"""Gains that differ by this share of themselves count as equal: they are in single precision."""
_CANDIDATES_AT_ONCE = 2**16


class GrowthOptions(Protocol):
    """What a recipe says of its forest."""

    @property
    def trees(self) -> int:
        """How many."""

    @property
    def min_samples_leaf(self) -> int:
        """Fewest distinct examples in a leaf."""

    @property
    def min_samples_split(self) -> int:
        """Fewest distinct examples in a node that is split."""

    @property
    def max_features(self) -> float:
        """Share of the features that a split may choose from."""

    @property
    def max_depth(self) -> int:
        """Of the trees."""


def grow(
    X: Float32Array,
    y: FloatArray,
    counts: IntArray,
    options: GrowthOptions,
    bins: int,
    rng: np.random.Generator,
) -> Forest:
    """Grow trees until nodes are pure or the options forbid it.

    The criterion is the reduction of variance; ties are broken at random.

    Args:
        X: inputs, ``n x d``.
        y: targets, ``n``.
        counts: how often each tree draws each example, ``trees x n``.
        options: of the trees.
        bins: of each feature, at most.
        rng: for ties, and for shares of features.
    """
    candidates = Candidates.between_bins(X, bins)
    splitter = _Splitter(candidates, options, rng)
    level = _Level.of_roots(counts)
    made, depth = len(level.sizes), 0
    parts = []
    while len(level.sizes):
        found = _Statistics.of(level, y)
        best = np.full(len(level.sizes), -1)
        kinds = splitter.kinds(level, found) if depth < options.max_depth else ()
        level, narrowed, nodes = _narrowed(level, found, kinds)
        best[nodes] = chosen = splitter.best(level, narrowed)
        split = nodes[chosen >= 0]
        children = made + np.arange(2 * len(split)).reshape(2, -1)
        left, right = np.full((2, len(best)), -1)
        left[split], right[split] = children
        parts.append((left, right, best, found.mean, found.variance))
        level = level.children(chosen >= 0, candidates.lies_below(level, chosen))
        made, depth = made + children.size, depth + 1
    left, right, best, mean, variance = (np.concatenate(p) for p in zip(*parts, strict=True))
    feature, threshold = np.full(len(left), -2), np.full(len(left), -2.0)
    inner = left >= 0
    feature[inner] = candidates.feature[best[inner]]
    threshold[inner] = candidates.threshold[best[inner]]
    return Forest(np.arange(len(counts)), left, right, feature, threshold, mean, variance)


@dataclass(frozen=True)
class Candidates:
    """Where splits may be.

    Attributes:
        feature: ascending, ``t``.
        threshold: between two values of the feature, ``t``.
        below: which examples are at most at each threshold, ``n x t``.
        features: how many there are.
    """

    feature: IntArray
    threshold: FloatArray
    below: BoolArray
    features: int

    @classmethod
    def between_bins(cls, X: Float32Array, bins: int) -> Candidates:
        """Midpoints between neighbouring values; of many, those between bins of alike size."""
        found = [_midpoints(column, bins) for column in X.T]
        feature = np.repeat(np.arange(X.shape[1]), [len(part) for part in found])
        threshold = np.concatenate(found)
        return cls(feature, threshold, X[:, feature] <= threshold, X.shape[1])

    def lies_below(self, level: _Level, best: IntArray) -> BoolArray:
        """Whether the examples of a level are below the candidates of their nodes."""
        if not self.below.size:
            return np.zeros(len(level.rows), dtype=bool)
        places = level.rows.astype(np.intp) * self.below.shape[1] + np.repeat(best, level.sizes)
        return self.below.ravel().take(places, mode="clip")


def _midpoints(column: Float32Array, bins: int) -> FloatArray:
    values, counts = np.unique(column, return_counts=True)
    wide = values.astype(np.float64)
    middle: FloatArray = 0.5 * (wide[:-1] + wide[1:])
    if len(values) <= bins:
        return middle
    shares = np.cumsum(counts[:-1]) / len(column)
    chosen = np.searchsorted(shares, np.arange(1, bins) / bins)
    return middle[np.unique(np.minimum(chosen, len(middle) - 1))]


@dataclass(frozen=True)
class _Level:
    """The drawn examples of the nodes of one depth, node by node.

    Attributes:
        sizes: distinct examples in each node, ``k``.
        rows: the examples.
        weights: how often each was drawn.
    """

    sizes: IntArray
    rows: IntArray
    weights: FloatArray

    @classmethod
    def of_roots(cls, counts: IntArray) -> _Level:
        """One node for each tree."""
        tree, rows = np.nonzero(counts)
        sizes = np.bincount(tree, minlength=len(counts))
        return cls(sizes, rows.astype(np.int32), counts[tree, rows].astype(np.float64))

    def children(self, split: BoolArray, below: BoolArray) -> _Level:
        """All left children of the nodes that are split, then all right ones."""
        parted = np.repeat(split, self.sizes)
        left, right = np.flatnonzero(parted & below), np.flatnonzero(parted & ~below)
        ends = np.cumsum(self.sizes)
        lefts = np.diff(np.searchsorted(left, ends), prepend=0)[split]
        return _Level(
            np.concatenate([lefts, self.sizes[split] - lefts]),
            np.concatenate([self.rows.take(left), self.rows.take(right)]),
            np.concatenate([self.weights.take(left), self.weights.take(right)]),
        )


@dataclass(frozen=True)
class _Statistics:
    """Of the targets in the nodes of a level.

    Attributes:
        total: weight of each node, ``k``.
        mean: of each node, ``k``.
        variance: of each node, ``k``.
        residuals: of the examples from the means of their nodes, times their weights.
    """

    total: FloatArray
    mean: FloatArray
    variance: FloatArray
    residuals: FloatArray

    @classmethod
    def of(cls, level: _Level, y: FloatArray) -> _Statistics:
        """In two passes."""
        starts = np.cumsum(level.sizes) - level.sizes
        total = np.add.reduceat(level.weights, starts)
        targets = y[level.rows]
        residuals = level.weights * targets
        mean = np.add.reduceat(residuals, starts) / total
        targets -= np.repeat(mean, level.sizes)
        np.multiply(level.weights, targets, out=residuals)
        targets *= residuals
        return cls(total, mean, np.add.reduceat(targets, starts) / total, residuals)


def _narrowed(
    level: _Level, found: _Statistics, kinds: Sequence[BoolArray]
) -> tuple[_Level, _Statistics, IntArray]:
    """Nodes of these kinds, one kind behind the other, and which they are."""
    none = [np.zeros(0, dtype=np.intp)]
    nodes = np.concatenate([np.flatnonzero(kind) for kind in kinds] or none)
    kept = np.concatenate([np.flatnonzero(np.repeat(kind, level.sizes)) for kind in kinds] or none)
    return (
        _Level(level.sizes[nodes], level.rows.take(kept), level.weights.take(kept)),
        _Statistics(
            found.total[nodes], found.mean[nodes], found.variance[nodes], found.residuals.take(kept)
        ),
        nodes,
    )


class _Splitter:
    """Finds the best candidates of many nodes."""

    def __init__(
        self, candidates: Candidates, options: GrowthOptions, rng: np.random.Generator
    ) -> None:
        self._candidates = candidates
        self._below = candidates.below.astype(np.float32)
        self._options = options
        self._rng = rng
        self._width = len(candidates.feature)
        self._at_once = max(1, _CANDIDATES_AT_ONCE // max(1, self._width))
        self._every_pair_alike = options.min_samples_leaf == 1 and options.max_features == 1.0
        # Features are alike in a tie, however many thresholds they have; then those of a feature.
        rows = 2 * self._at_once
        lots = rng.random((rows, candidates.features))[:, candidates.feature]
        lots += rng.random(lots.shape) / 16.0
        self._ties = (1.0 + _TIE * lots).astype(np.float32)

    def kinds(self, level: _Level, found: _Statistics) -> tuple[BoolArray, BoolArray]:
        """Which nodes are large and varied enough: those with more than two examples, and pairs."""
        least = max(2, self._options.min_samples_split, 2 * self._options.min_samples_leaf)
        splittable = (level.sizes >= least) & (found.variance > _PURE) & (self._width > 0)
        pairs = splittable & (level.sizes == 2) & self._every_pair_alike
        return splittable & ~pairs, pairs

    def best(self, level: _Level, found: _Statistics) -> IntArray:
        """The candidate of each node, pairs being last; -1 where none parts its examples."""
        larger = len(level.sizes)
        if self._every_pair_alike:
            larger -= int(np.count_nonzero(level.sizes == 2))
        best = np.empty(len(level.sizes), dtype=np.intp)
        ends = np.concatenate([[0], np.cumsum(level.sizes)]).astype(np.int32)
        weights = level.weights.astype(np.float32)
        residuals = found.residuals.astype(np.float32)
        total = found.total.astype(np.float32)
        for low in range(0, larger, self._at_once):
            nodes = slice(low, min(low + self._at_once, larger))
            starts = ends[nodes.start : nodes.stop + 1]
            examples = slice(starts[0], starts[-1])
            drawn = scipy.sparse.csr_array(
                (weights[examples], level.rows[examples], starts - starts[0]),
                shape=(len(starts) - 1, len(self._below)),
            )
            best[nodes] = self._best(drawn, total[nodes], residuals[examples])
        for low in range(larger, len(best), self._at_once):
            nodes = slice(low, min(low + self._at_once, len(best)))
            pairs = level.rows[ends[nodes.start] : ends[nodes.stop]].reshape(-1, 2)
            best[nodes] = self._parting(pairs)
        return best

    def _parting(self, pairs: IntArray) -> IntArray:
        """For nodes of two examples (``k x 2``), whom all that part them part as well."""
        below = self._candidates.below
        parted = below[pairs[:, 0]] != below[pairs[:, 1]]
        best = (parted * self._tie_breaks(len(pairs))).argmax(axis=1)
        return np.where(parted[np.arange(len(best)), best], best, -1)

    def _best(
        self, drawn: scipy.sparse.csr_array, total: Float32Array, residuals: Float32Array
    ) -> IntArray:
        """For nodes (``k``) with their drawn examples as weights, ``k x n``."""
        left = drawn @ self._below
        sides = total[:, None] - left
        sides *= left  # at least 1 where neither side is empty, else 0
        self._forbid(sides, drawn)
        drawn.data = residuals
        gain = drawn @ self._below
        np.square(gain, out=gain)
        gain /= np.maximum(sides, 0.5, out=left)
        gain *= self._tie_breaks(len(total))
        best = gain.argmax(axis=1)
        taken = sides[np.arange(len(best)), best]
        for node in np.flatnonzero((taken == 0.0) | (taken == np.inf)):
            possible = (sides[node] > 0.0) & (sides[node] < np.inf)
            best[node] = possible.argmax() if possible.any() else -1
        return best

    def _forbid(self, sides: Float32Array, drawn: scipy.sparse.csr_array) -> None:
        """Make ``sides`` infinite at candidates that the options forbid."""
        least = self._options.min_samples_leaf
        if least > 1:
            counted = scipy.sparse.csr_array(
                (np.ones(len(drawn.data)), drawn.indices, drawn.indptr), shape=drawn.shape
            )
            left = counted @ self._below
            right = np.diff(drawn.indptr)[:, None] - left
            sides[np.minimum(left, right) < least] = np.inf
        if self._options.max_features < 1.0:
            sides[~self._offered((sides > 0.0) & (sides < np.inf))] = np.inf

    def _offered(self, possible: BoolArray) -> BoolArray:
        """Candidates of features drawn for each node: more than its share if none of it parts."""
        feature, count = self._candidates.feature, self._candidates.features
        share = max(1, int(self._options.max_features * count))
        order = self._rng.random((len(possible), count))
        last = np.partition(order, share - 1, axis=1)[:, share - 1]
        first = np.where(possible, order[:, feature], np.inf).min(axis=1)
        return order[:, feature] <= np.maximum(last, first)[:, None]

    def _tie_breaks(self, nodes: int) -> Float32Array:
        """Factors next to one, ``nodes x t``: other rows of the same table each time."""
        start = int(self._rng.integers(len(self._ties) - nodes + 1))
        return self._ties[start : start + nodes]
