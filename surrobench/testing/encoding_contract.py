"""What every encoding promises, one sentence and one check each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from surrobench.arrays import FloatArray, IntArray
from surrobench.base.columns import PoolColumns
from surrobench.base.wording import counted
from surrobench.encodings import make_encoding
from surrobench.encodings.protocol import Encoding
from surrobench.errors import UserError
from surrobench.spaces.architecture import SearchSpace
from surrobench.spaces.named import Categorical, Integer, Space
from surrobench.spaces.similarity import SimilarityPool
from surrobench.testing.checks import Contract
from surrobench.testing.problems import TOY_CELLS

_EPOCHS = (1, 2, 4, 8, 16)
_PROXIES = ("jacov", "expressivity", "progressivity", "trainability", "vkdnw_single")
"""Columns that rank sums ask for by name."""


@dataclass(frozen=True)
class EncodedPool:
    """A pool of a space, with measured columns and learning curves."""

    space: SearchSpace
    archs: IntArray
    measured: PoolColumns

    def part(self, rows: IntArray) -> EncodedPool:
        """Some of the pool, in another order."""
        columns = {name: values[rows] for name, values in self.measured.items()}
        others = {name: values[rows] for name, values in self.measured.others.items()}
        measured = PoolColumns(columns, _EPOCHS, self.measured.curve[rows], others)
        return EncodedPool(self.space, self.archs[rows], measured)


class EncodingSubject:
    """An encoding under test, and the pools of toy spaces that it takes.

    Args:
        encoding: one, a class of one, or a name for
            :func:`~surrobench.encodings.make_encoding`.
    """

    def __init__(self, encoding: Any) -> None:
        if isinstance(encoding, str):
            encoding = make_encoding(encoding)
        self.encoding: Encoding = encoding() if isinstance(encoding, type) else encoding
        if not callable(self.encoding) or not hasattr(self.encoding, "columns"):
            raise UserError(f"{encoding!r} is no encoding: it lacks columns or cannot be called.")

    @classmethod
    def of(cls, encoding: Any) -> EncodingSubject:
        """The same subject, or one around an encoding."""
        return encoding if isinstance(encoding, cls) else cls(encoding)

    @property
    def pools(self) -> list[EncodedPool]:
        """Those that it does not refuse, made anew each time."""
        return [pool for pool in _pools() if self._takes(pool)]

    def _takes(self, pool: EncodedPool) -> bool:
        try:
            self.encoding.columns(pool.space, pool.measured)
        except UserError:
            return False
        return True

    def rows(self, pool: EncodedPool) -> FloatArray:
        """The pool encoded."""
        return self.encoding(pool.archs, pool.space, pool.measured)


def _pools() -> Iterator[EncodedPool]:
    named = Space(
        depth=Integer(1, 4),
        op=Categorical("conv", "pool", "attention"),
        kernel=Integer(1, 5, when={"op": "conv"}),
    )
    numbers = Space(width=Integer(1, 9), depth=Integer(1, 8))
    place = np.linspace(0.0, 1.0, 50)
    alike = SimilarityPool(np.exp(-20.0 * (place[:, None] - place) ** 2))
    for space in (TOY_CELLS, named, numbers, alike):
        rng = np.random.default_rng(3)
        drawn = space.sample(min(60, len(space)), rng)
        archs = list(dict.fromkeys([*drawn, *map(space.canonical, drawn)]))
        n = len(archs)
        params = rng.integers(1, 50, n).astype(np.float64)
        params[::7] = np.nan
        curve = np.sort(rng.random((n, len(_EPOCHS))), axis=1)
        losses = {"train_loss": 1.0 - curve}
        columns = {"params": params, "flops": params**2}
        columns |= {name: rng.normal(size=n) for name in _PROXIES}
        measured = PoolColumns(columns, _EPOCHS, curve, losses)
        yield EncodedPool(space, np.array(archs), measured)


ENCODING_CONTRACT = Contract(EncodingSubject.of)
promise = ENCODING_CONTRACT.promise


@promise
def some_space_is_taken(subject: EncodingSubject) -> None:
    """Cells, decisions of words and numbers, numbers alone or similarities can be encoded.

    ``columns`` raises ``UserError`` for a space that has no such encoding; see that it does not do
    so for all of them.
    """
    assert subject.pools, "all toy spaces are refused"


@promise
def columns_are_named(subject: EncodingSubject) -> None:
    """There is a name for each column of the matrix, and no name twice.

    Compute the names in ``columns`` from the space alone, in the order of the columns.
    """
    for pool in subject.pools:
        names, X = subject.encoding.columns(pool.space, pool.measured), subject.rows(pool)
        assert X.ndim == 2, f"the answer has the shape {X.shape}"
        size = f"{counted(len(pool.archs), 'architecture')} and {counted(len(names), 'name')}"
        assert X.shape == (len(pool.archs), len(names)), f"{X.shape} for {size}"
        twice = [name for name in names if names.count(name) > 1]
        assert not twice, f"the name {twice[0]!r} stands for two columns"


@promise
def values_are_finite(subject: EncodingSubject) -> None:
    """All values are finite numbers, also where a measured column has gaps.

    Put a rank, a mean or a column of its own in place of what is missing.
    """
    for pool in subject.pools:
        X = subject.rows(pool)
        assert np.asarray(X).dtype.kind == "f", f"values of type {np.asarray(X).dtype}"
        assert np.isfinite(X).all(), "a value is not finite"


@promise
def same_pool_same_rows(subject: EncodingSubject) -> None:
    """Called twice, with tuples or with an array, it answers alike.

    Keep no state between calls, and draw nothing.
    """
    for pool in subject.pools:
        first = subject.rows(pool)
        tuples = [tuple(arch) for arch in pool.archs.tolist()]
        assert np.array_equal(first, subject.rows(pool), equal_nan=True), "a second call differs"
        again = subject.encoding(tuples, pool.space, pool.measured)
        assert np.array_equal(first, again, equal_nan=True), (
            "tuples are encoded otherwise than an array"
        )


@promise
def rows_follow_their_architectures(subject: EncodingSubject) -> None:
    """In another order of the pool, each architecture keeps its row.

    Take care that no column depends on the place of an architecture in the pool.
    """
    for pool in subject.pools:
        order = np.random.default_rng(5).permutation(len(pool.archs))
        shuffled = subject.rows(pool.part(order))
        assert np.allclose(shuffled, subject.rows(pool)[order], equal_nan=True), (
            "rows depend on their order"
        )


@promise
def the_pool_is_left_alone(subject: EncodingSubject) -> None:
    """Architectures and measured columns are not changed.

    Work on copies.
    """
    for pool in subject.pools:
        archs = pool.archs.copy()
        columns = {name: values.copy() for name, values in pool.measured.items()}
        subject.rows(pool)
        assert np.array_equal(pool.archs, archs), "it changed the architectures"
        for name, values in columns.items():
            same = np.array_equal(pool.measured[name], values, equal_nan=True)
            assert same, f"it changed the measured column {name!r}"


@promise
def equal_networks_have_equal_rows_if_it_says_so(subject: EncodingSubject) -> None:
    """With ``isomorphism_invariant = True``, networks that a space calls equal have equal rows.

    Encode ``space.canonical(arch)``, or say ``isomorphism_invariant = False``.
    """
    if not subject.encoding.isomorphism_invariant:
        return
    for pool in subject.pools:
        X = subject.rows(pool)
        groups = pool.space.groups([tuple(arch) for arch in pool.archs.tolist()])
        _, first = np.unique(groups, return_index=True)
        assert np.array_equal(X, X[first[groups]]), "equal networks have different rows"
