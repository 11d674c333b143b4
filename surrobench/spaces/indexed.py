"""Spaces whose architectures are numbered, so that they can be drawn without being listed."""

from __future__ import annotations

import sys
from abc import abstractmethod
from collections.abc import Iterator, Sequence

import numpy as np

from surrobench.base.wording import counted
from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch, SearchSpace

_LARGEST_RANGE = 2**62  # beyond this NumPy cannot draw an index in one go


def unrank(index: int, cardinalities: Sequence[int]) -> Arch:
    """The ``index``-th tuple of a product of ranges in lexicographic order (last digit fastest)."""
    digits = []
    for cardinality in reversed(cardinalities):
        index, digit = divmod(index, cardinality)
        digits.append(digit)
    return tuple(reversed(digits))


def fits(arch: object, cardinalities: Sequence[int]) -> bool:
    """Whether ``arch`` is a tuple of one valid choice index per variable."""
    return (
        isinstance(arch, tuple)
        and len(arch) == len(cardinalities)
        and all(
            isinstance(choice, (int, np.integer))
            and not isinstance(choice, bool)
            and 0 <= choice < cardinality
            for choice, cardinality in zip(arch, cardinalities, strict=True)
        )
    )


def single_changes(arch: Arch, cardinalities: Sequence[int]) -> Iterator[Arch]:
    """Tuples that differ from ``arch`` in exactly one place, by place and then by choice."""
    for place, cardinality in enumerate(cardinalities):
        for choice in range(cardinality):
            if choice != arch[place]:
                yield (*arch[:place], choice, *arch[place + 1 :])


class IndexedSpace(SearchSpace):
    """A search space with a known size and a way from an index to its architecture.

    Iteration follows the index. Sampling draws indices, so it never lists the space.
    """

    @property
    @abstractmethod
    def size(self) -> int:
        """Number of valid architectures; unlike ``len`` it has no upper limit."""

    @abstractmethod
    def at(self, index: int) -> Arch:
        """The architecture number ``index``, from 0 to ``size - 1``."""

    def __len__(self) -> int:
        """Number of valid architectures.

        Raises:
            UserError: if Python cannot express it as a length; ``size`` always can.
        """
        if self.size > sys.maxsize:
            raise UserError(
                f"the space {self.name!r} holds {self.size:.3g} architectures, too many to list; "
                "draw from it with sample(), or give the list of architectures that exist."
            )
        return self.size

    def __bool__(self) -> bool:
        """True: asking must not count a space that is too large for ``len``."""
        return self.size > 0

    def __iter__(self) -> Iterator[Arch]:
        """Every valid architecture once, by index."""
        return (self.at(index) for index in range(self.size))

    def sample(self, n: int, rng: np.random.Generator) -> list[Arch]:
        """``n`` distinct valid architectures, uniformly without replacement."""
        if not 0 <= n <= self.size:
            raise UserError(
                f"cannot draw {counted(n, 'distinct architecture')} from the space {self.name!r}, "
                f"which holds {self.size:,}."
            )
        if self.size <= _LARGEST_RANGE:
            return [self.at(int(i)) for i in rng.choice(self.size, size=n, replace=False)]
        drawn: dict[int, None] = {}
        while len(drawn) < n:
            drawn[_large_index(self.size, rng)] = None
        return [self.at(index) for index in drawn]


def _large_index(size: int, rng: np.random.Generator) -> int:
    """A uniform integer in ``range(size)`` for a size beyond 64 bits, by rejection."""
    bits = size.bit_length()
    n_bytes = -(-bits // 8)
    while True:
        index = int.from_bytes(rng.bytes(n_bytes), "big") >> (8 * n_bytes - bits)
        if index < size:
            return index
