"""Mean and variance of a forest over a pool that is nearly a grid, without walking its trees.

A leaf is a box: a product of conditions on single features. Let the columns of a pool be split into
two groups ``a`` and ``b`` that have few distinct rows each, ``u`` and ``v`` (of the 15,625 one-hot
cells of NAS-Bench-201, 125 and 125). A leaf holds the cell ``(i, j)`` if its box holds the ``i``-th
row of ``a`` and the ``j``-th of ``b``, so that a sum over the leaves of all trees is ``Aᵀ W B``:
``A`` (``k x u``) and ``B`` (``l x v``) say which rows the distinct halves of boxes hold, and the
sparse ``W`` (``k x l``) adds up the leaves that have both halves in common. Each tree has exactly
one leaf for an input; the mean over trees of the leaves' means, and of their squares and variances,
are such sums, and the law of total variance needs no others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse

from surrobench.arrays import BoolArray, FloatArray, IntArray
from surrobench.predictors.learners.forest import Forest

Float32Array = npt.NDArray[np.float32]
Masks = npt.NDArray[np.uint64]

_WORD = 64
_SPARSEST = 2
"""A grid may have so many times as many places as there are rows."""
_LONGEST = 1024
"""A half may have so many distinct rows: every node has a bit for each."""
_MEAN_BITS = 44


@dataclass(frozen=True)
class Half:
    """A group of columns of a pool.

    Attributes:
        columns: which.
        place: the distinct row of each row of the pool, ``m``.
        rows: the distinct rows, with all columns, ``u x d``.
    """

    columns: IntArray
    place: IntArray
    rows: Float32Array


def halves(X: Float32Array) -> tuple[Half, Half] | None:
    """Two groups of the columns of ``X`` (``m x d``) with few distinct rows each.

    Column by column into the group where it makes the grid of both grow least.

    Returns:
        The groups, without columns that are constant; ``None`` if one of them would have more than
        1,024 distinct rows, or their grid more than twice as many places as ``X`` has rows.
    """
    groups = _Codes(len(X)), _Codes(len(X))
    for column, values in enumerate(np.ascontiguousarray(X.T)):
        codes, kinds = _coded(values)
        if kinds == 1:
            continue
        grown = [group.grown(codes, kinds) for group in groups]
        sizes = [grown[0][1] * groups[1].kinds, groups[0].kinds * grown[1][1]]
        # Between equals, the smaller group: halves of about one size.
        chosen = min((0, 1), key=lambda g: (sizes[g], groups[g].kinds))
        if sizes[chosen] > _SPARSEST * len(X) or grown[chosen][1] > _LONGEST:
            return None
        groups[chosen].take(column, *grown[chosen])
    return groups[0].half(X), groups[1].half(X)


def _coded(values: Float32Array) -> tuple[IntArray, int]:
    """Values as numbers from 0 on, and how many differ."""
    low, high = values.min(), values.max()
    above = values > low
    if ((values == high) == above).all():
        return above, 1 + int(high > low)
    different, codes = np.unique(values, return_inverse=True)
    return codes, len(different)


class _Codes:
    """The distinct rows of columns that are added one by one."""

    def __init__(self, m: int) -> None:
        self.columns: list[int] = []
        self.place = np.zeros(m, dtype=np.intp)
        self.kinds = 1

    def grown(self, codes: IntArray, kinds: int) -> tuple[IntArray, int, BoolArray]:
        """With another column of so many values: codes of rows, how many differ, which exist."""
        both = self.place * kinds + codes
        seen = np.bincount(both, minlength=self.kinds * kinds) > 0
        return both, int(np.count_nonzero(seen)), seen

    def take(self, column: int, both: IntArray, kinds: int, seen: BoolArray) -> None:
        """Add the column."""
        self.columns.append(column)
        self.place, self.kinds = (np.cumsum(seen) - 1)[both], kinds

    def half(self, X: Float32Array) -> Half:
        """The group, with a row of ``X`` for each of its distinct rows."""
        first = np.empty(self.kinds, dtype=np.intp)
        first[self.place] = np.arange(len(X))
        return Half(np.array(self.columns, dtype=np.intp), self.place, X[first])


def box_moments(forest: Forest, grid: tuple[Half, Half]) -> tuple[FloatArray, FloatArray]:
    """Mean and variance of the forest at every row of the pool, each ``m``.

    The variance is that of the leaves' means plus the mean of the leaves' variances. Means of
    leaves are rounded to ``2**-44`` of the largest, so that their sums are exact in any order and
    rows that are in the same leaves have the same mean, as when trees are walked. Rounding takes
    from the variance at most about 1e-15 of the mean square; it can come out negative by that.
    """
    (masks_a, a), (masks_b, b), leaves = _boxes(forest, *grid)
    if len(masks_a) > len(masks_b):  # the dense product is over the fewer halves
        masks_a, a, masks_b, b, grid = masks_b, b, masks_a, a, grid[::-1]
    order = np.argsort(a)
    starts = np.searchsorted(a[order], np.arange(len(masks_a) + 1))
    held_a, held_b = _bits(masks_a, len(grid[0].rows)), _bits(masks_b, len(grid[1].rows))
    mean = _exactly_summable(forest.mean[leaves], len(forest.roots))
    # Real parts are means, imaginary parts second moments: one pass over the leaves for both.
    values = mean + 1j * (mean**2 + forest.variance[leaves])
    shared = scipy.sparse.csr_array(
        (values[order], b[order], starts), shape=(len(masks_a), len(masks_b))
    )
    halfway = (shared @ _sparse(held_b)).toarray()
    dense = held_a.T.astype(np.float64)
    sums = [dense @ np.ascontiguousarray(part) for part in (halfway.real, halfway.imag)]
    first, second = (total[grid[0].place, grid[1].place] / len(forest.roots) for total in sums)
    return first, second - first**2


def _exactly_summable(values: FloatArray, count: int) -> FloatArray:
    """``values`` rounded so that a sum of ``count`` of them is exact in double precision."""
    largest = float(np.abs(values).max(initial=0.0))
    if largest == 0.0:
        return values
    bits = min(_MEAN_BITS, 52 - int(np.ceil(np.log2(count))))
    quantum = 2.0 ** (np.ceil(np.log2(largest)) - bits)
    rounded: FloatArray = np.round(values / quantum) * quantum
    return rounded


def _boxes(
    forest: Forest, one: Half, other: Half
) -> tuple[tuple[Masks, IntArray], tuple[Masks, IntArray], IntArray]:
    """The distinct halves of boxes with the number of that of each leaf, and the leaves."""
    words = -(-len(one.rows) // _WORD)
    whole = _whole(one, other)
    stays, goes, condition = _conditions(forest, one, other)
    nodes, masks = forest.roots, np.tile(whole, (len(forest.roots), 1))
    leaves, boxes = [], []
    while len(nodes):
        inner = forest.left[nodes] >= 0
        leaves.append(nodes[~inner])
        boxes.append(masks[~inner])
        nodes, masks = nodes[inner], masks[inner]
        asked = condition[nodes]
        masks = np.concatenate([masks & stays[asked], masks & goes[asked]])
        nodes = np.concatenate([forest.left[nodes], forest.right[nodes]])
    masks = np.concatenate(boxes)
    return _distinct(masks[:, :words]), _distinct(masks[:, words:]), np.concatenate(leaves)


def _whole(one: Half, other: Half) -> Masks:
    """All rows of both halves, each half from a word of its own on."""
    return np.concatenate([_packed(np.ones((1, len(half.rows)), bool)) for half in (one, other)], 1)


def _conditions(forest: Forest, one: Half, other: Half) -> tuple[Masks, Masks, IntArray]:
    """Rows that go left and right under each distinct condition, and the condition of each node."""
    whole, words = _whole(one, other), -(-len(one.rows) // _WORD)
    inner = np.flatnonzero(~forest.leaves)
    inner = inner[np.argsort(forest.feature[inner].astype(np.int32))]
    columns, starts = np.unique(forest.feature[inner], return_index=True)
    condition = np.full(len(forest.left), -1, dtype=np.intp)
    lefts, rights = [whole], [whole]  # a condition that no node has, lest there be none
    count = 1
    for i, column in enumerate(columns):
        nodes = inner[starts[i] : starts[i + 1] if i + 1 < len(starts) else None]
        late = column in other.columns
        values, places = np.unique((other if late else one).rows[:, column], return_inverse=True)
        condition[nodes] = count + np.searchsorted(values, forest.threshold[nodes], side="right")
        below = places[None, :] < np.arange(len(values) + 1)[:, None]
        part = slice(words, None) if late else slice(words)
        for sides, held in ((lefts, below), (rights, ~below)):
            masks = np.tile(whole, (len(held), 1))
            masks[:, part] = _packed(held)
            sides.append(masks)
        count += len(below)
    return np.concatenate(lefts), np.concatenate(rights), condition


def _packed(held: BoolArray) -> Masks:
    """Rows of a half that are held (``k x u``) as bits of words."""
    padded = np.zeros((len(held), -(-held.shape[1] // _WORD) * _WORD), dtype=bool)
    padded[:, : held.shape[1]] = held
    return np.packbits(padded, axis=1, bitorder="little").view(np.uint64)


def _bits(masks: Masks, count: int) -> BoolArray:
    """Words as truth values, ``k x count``."""
    octets = np.ascontiguousarray(masks).view(np.uint8)
    return np.unpackbits(octets, axis=1, count=count, bitorder="little").view(np.bool_)


def _sparse(held: BoolArray) -> scipy.sparse.csr_array:
    """Truth values as a sparse matrix of ones."""
    places = np.flatnonzero(held)
    counts = np.bincount(places // held.shape[1], minlength=len(held))
    ends = np.concatenate([[0], np.cumsum(counts)])
    ones = np.ones(len(places), dtype=np.complex128)
    return scipy.sparse.csr_array((ones, places % held.shape[1], ends), shape=held.shape)


_FACTORS = np.random.default_rng(0).integers(0, 2**63, 64, dtype=np.uint64) | np.uint64(1)


def _distinct(masks: Masks) -> tuple[Masks, IntArray]:
    """The different rows of ``masks``, and which of them each row is."""
    # Sorting one number a row is many times as fast as sorting rows; equal rows are told from rows
    # that have the same number by chance.
    words = np.ascontiguousarray(masks.T)
    keys = np.zeros(len(masks), dtype=np.uint64)
    for word, factor in zip(words, np.resize(_FACTORS, len(words)), strict=True):
        keys ^= (word ^ (word >> np.uint64(31))) * factor
    order = np.argsort(keys)
    new = np.diff(keys[order], prepend=~keys[order[:1]]) != 0
    which = np.empty(len(masks), dtype=np.int32)
    which[order] = np.cumsum(new, dtype=np.int32) - np.int32(1)
    first = order[new]
    if all(np.array_equal(word[first][which], word) for word in words):
        return masks[first], which
    return np.unique(masks, axis=0, return_inverse=True)
