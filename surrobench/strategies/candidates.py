"""What a search may propose: a whole search space, or the part of it that a table holds."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from surrobench.encodings import make_encoding
from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch, SearchSpace

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.integer]

LISTED_UP_TO = 500_000
"""Spaces up to this size are listed; of larger ones, strategies see samples and neighbours."""
_LEAST_NEIGHBOURS = 10


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
            UserError: if there are none, one is listed twice, or columns have the wrong length.
        """
        self.space = space
        self.whole = archs is None
        if archs is None and len(space) <= LISTED_UP_TO:
            archs = list(space)
        self.archs = None if archs is None else np.asarray(archs, dtype=np.int64)
        self.measured = dict(measured or {})
        if len(self) == 0:
            raise UserError(f"there are no architectures of {space.name!r} to choose from.")
        if self.archs is not None and len(self.index) != len(self.archs):
            raise UserError("an architecture is listed twice among the candidates.")
        listed = 0 if self.archs is None else len(self.archs)
        for name, column in self.measured.items():
            if len(column) != listed:
                raise UserError(
                    f"the measured column {name!r} has {len(column)} values for {listed} "
                    "listed candidates."
                )

    def __len__(self) -> int:
        """Number of candidates, listed or not."""
        return len(self.space) if self.archs is None else len(self.archs)

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
                f"the space {self.space.name!r} has {len(self):.3g} architectures, too many to "
                "list; encode some of them instead."
            )
        if encoding not in self._features:
            self._features[encoding] = np.asarray(
                make_encoding(encoding)(self.archs, self.space, self.measured), dtype=np.float64
            )
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

        The order of the draws depends on ``rng`` alone.
        """
        if self.archs is None:
            return self._sample_unlisted(n, rng, exclude)
        if n == 0:
            return []
        found: list[Arch] = []
        # A few draws nearly always suffice; a permutation is the last resort.
        for row in rng.integers(len(self.archs), size=4 * n).tolist():
            arch = self.arch(row)
            if arch not in exclude and arch not in found:
                found.append(arch)
                if len(found) == n:
                    return found
        for row in rng.permutation(len(self.archs)).tolist():
            arch = self.arch(row)
            if arch not in exclude and arch not in found:
                found.append(arch)
                if len(found) == n:
                    break
        return found

    def _sample_unlisted(
        self, n: int, rng: np.random.Generator, exclude: Container[Arch]
    ) -> list[Arch]:
        found: list[Arch] = []
        while len(found) < n:  # unlisted spaces are far larger than what a search has seen
            drawn = self.space.sample(min(n, len(self.space)), rng)
            found += [arch for arch in drawn if arch not in exclude and arch not in found]
        return found[:n]

    def neighbours(self, arch: Arch) -> list[Arch]:
        """Candidates one change away, in a fixed order.

        Where a table holds only some of a space, an architecture may have few such neighbours in
        it; then the nearest others in Hamming distance join them, so that every architecture has
        at least ten (or all there are).
        """
        near = [other for other in self.space.neighbours(arch) if other in self]
        if self.whole or len(near) >= min(_LEAST_NEIGHBOURS, len(self) - 1):
            return near
        distances = self._hamming(arch)
        distances[self.index[arch]] = np.iinfo(np.int64).max
        known = set(near)
        for row in np.argsort(distances, kind="stable").tolist():
            if len(near) >= min(_LEAST_NEIGHBOURS, len(self) - 1):
                break
            other = self.arch(row)
            if other not in known and other != arch:
                near.append(other)
        return near

    def nearest(
        self, choices: Sequence[int], rng: np.random.Generator, exclude: Container[Arch] = ()
    ) -> Arch | None:
        """The candidate outside ``exclude`` nearest to some choices in Hamming distance.

        Turns what an operator or a controller made (perhaps no valid architecture, or none of the
        table's) into a candidate. Ties are broken at random. None if nothing is left. In a space
        too large to list, invalid choices become a uniform sample.
        """
        wanted = tuple(int(choice) for choice in choices)
        if wanted in self and wanted not in exclude:
            return wanted
        if self.archs is None:
            near = self.space.neighbours(wanted) if wanted in self.space else []
            free = [arch for arch in near if arch not in exclude]
            if free:
                return free[int(rng.integers(len(free)))]
            return self.sample(1, rng, exclude)[0]
        distances = self._hamming(wanted)
        tie_break = rng.random(len(distances))
        for row in np.lexsort((tie_break, distances)).tolist():
            if self.arch(row) not in exclude:
                return self.arch(row)
        return None

    def _hamming(self, choices: Iterable[int]) -> npt.NDArray[np.int64]:
        assert self.archs is not None
        return (self.archs != np.asarray(tuple(choices))).sum(axis=1)
