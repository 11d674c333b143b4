"""Which sequences of operations lead from the input to the output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, product
from typing import Protocol, runtime_checkable

import numpy as np

from surrobench.arrays import FloatArray, IntArray
from surrobench.encodings.protocol import choice_matrix, whole_number
from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch, SearchSpace


@runtime_checkable
class HasPaths(Protocol):
    """A space of cells with operations on the edges.

    Attributes:
        operations: labels of the operations, of which ``none`` and ``skip`` are positions.
        paths: every path from input to output as positions of variables.
    """

    operations: tuple[str, ...]
    none: int
    skip: int

    @property
    def paths(self) -> tuple[tuple[int, ...], ...]:
        """Every path from input to output."""
        ...


@dataclass(frozen=True)
class Paths:
    """The path encoding of White et al., "A Study on Encodings for NAS" (NeurIPS 2020).

    One 0/1 column per sequence of operations: 1 if some path from input to output carries it.
    Paths through none do not exist, and two paths of equal operations share a column, so that
    NAS-Bench-201 has 4 + 4^2 + 4^3 = 84 columns. Columns are sorted by length, then in the order
    of the operations.

    Args:
        keep: keep this many columns, the shortest paths (the truncated encoding); all if None.
        contract: leave skips out of the sequences, as they change nothing. Equal cells then get
            equal rows; NAS-Bench-201 has 1 + 3 + 3^2 + 3^3 = 40 columns.
    """

    keep: int | None = None
    contract: bool = False

    def __post_init__(self) -> None:
        if self.keep is not None and self.keep < 1:
            raise UserError(f"encoding 'path:{self.keep}': keep at least 1 path.")

    @property
    def isomorphism_invariant(self) -> bool:
        """Only without skips: a skip put before or after an operation changes the sequence."""
        return self.contract

    def narrowed(self, argument: str) -> Paths:
        """Truncated to the number of columns in ``argument``."""
        what = "the number of columns to keep"
        return replace(self, keep=whole_number("path", argument, what, "path:40"))

    def columns(self, space: SearchSpace, measured: Mapping[str, FloatArray]) -> list[str]:
        """Names such as ``"path nor_conv_3x3>skip_connect"``."""
        cells = _with_paths(space)
        return ["path " + (">".join(word) or "(identity)") for word in self._words(cells)]

    def _letters(self, cells: HasPaths) -> list[int]:
        """The operations that sequences are made of."""
        dropped = {cells.none, cells.skip} if self.contract else {cells.none}
        return [op for op in range(len(cells.operations)) if op not in dropped]

    def _lengths(self, cells: HasPaths) -> list[int]:
        """The lengths that a sequence can have, ascending."""
        lengths = sorted({len(path) for path in cells.paths})
        return list(range(lengths[-1] + 1)) if self.contract else lengths

    def _words(self, cells: HasPaths) -> list[tuple[str, ...]]:
        """The kept sequences of operations."""
        letters = [cells.operations[operation] for operation in self._letters(cells)]
        words = (
            word for length in self._lengths(cells) for word in product(letters, repeat=length)
        )
        return list(islice(words, self.keep))

    def _starts(self, cells: HasPaths) -> IntArray:
        """The first column of each length of sequence, and the number of columns at the end."""
        lengths, n_letters = self._lengths(cells), len(self._letters(cells))
        counts = np.zeros(lengths[-1] + 2, dtype=np.int_)
        for length in lengths:
            counts[length + 1] = n_letters**length
        return np.cumsum(counts)

    def __call__(
        self,
        archs: Sequence[Arch] | IntArray,
        space: SearchSpace,
        measured: Mapping[str, FloatArray],
    ) -> FloatArray:
        """Encode as ``n x d`` zeros and ones."""
        cells = _with_paths(space)
        choices = choice_matrix(archs, space)
        letters = self._letters(cells)
        digit = np.full(len(cells.operations), -1)
        digit[letters] = np.arange(len(letters))
        starts = self._starts(cells)
        features = np.zeros((len(choices), starts[-1]))
        for path in cells.paths:
            operations = choices[:, path]
            rows = np.flatnonzero((operations != cells.none).all(axis=1))
            word, length = np.zeros_like(rows), np.zeros_like(rows)
            for letter in digit[operations[rows]].T:
                word = np.where(letter >= 0, word * len(letters) + letter, word)
                length += letter >= 0
            features[rows, starts[length] + word] = 1.0
        return features[:, : self.keep]


def _with_paths(space: SearchSpace) -> HasPaths:
    if not isinstance(space, HasPaths):
        raise UserError(
            f"the path encoding needs cells with operations on their edges, which the space "
            f"{space.name!r} does not have; use 'one-hot', 'ordinal' or 'adjacency'."
        )
    return space
