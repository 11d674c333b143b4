"""Columns that were measured without training: parameters, FLOPs, zero-cost proxies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np

from surrobench.arrays import FloatArray, IntArray
from surrobench.base.wording import counted
from surrobench.encodings.shipped_proxies import shipped, ships
from surrobench.errors import UserError, did_you_mean
from surrobench.spaces.architecture import Arch, SearchSpace


@dataclass(frozen=True)
class Measured:
    """Pool ranks of measured columns, scaled to [0, 1].

    Proxies span up to 50 orders of magnitude, so only their order in the pool is used: no label
    enters, and any increasing transform of a column leaves the encoding as it is. Ties share their
    average rank, infinities are the extremes, and a missing value becomes 0.5; a column with
    missing values is followed by one that is 1 where they are missing.

    Four proxies of NAS-Bench-201 that its tables lack come with the package and may be named: the
    parts of AZ-NAS, and InTrain (:mod:`~surrobench.encodings.shipped_proxies`).

    Args:
        names: the columns to use, all of the pool's if empty.
    """

    isomorphism_invariant: ClassVar[bool] = False
    name: ClassVar[str] = "measured"

    names: tuple[str, ...] = ()

    def narrowed(self, argument: str) -> Self:
        """Only the comma-separated columns in ``argument``."""
        names = tuple(name.strip() for name in argument.split(","))
        if "" in names or len(set(names)) < len(names):
            raise UserError(
                f"encoding '{self.name}:{argument}': write different column names with commas "
                f"between, as in '{self.name}:params,flops'."
            )
        return replace(self, names=names)

    def _chosen(self, space: SearchSpace, measured: Mapping[str, FloatArray]) -> tuple[str, ...]:
        lacking = [n for n in self.names if n not in measured and not ships(n, space)]
        if not measured and (lacking or not self.names):
            raise UserError(
                f"this task of the space {space.name!r} has no measured columns (parameters, "
                f"FLOPs, proxies), which the encoding {self.name!r} needs."
            )
        for name in lacking:
            raise UserError(
                f"encoding {self.name!r}: this task has no column {name!r}. "
                + did_you_mean(name, measured)
            )
        return self.names or tuple(measured)

    def _values(
        self,
        archs: Sequence[Arch] | IntArray,
        space: SearchSpace,
        measured: Mapping[str, FloatArray],
    ) -> Iterator[FloatArray]:
        """The chosen columns, each with one value an architecture."""
        for name in self._chosen(space, measured):
            found = measured[name] if name in measured else shipped(name, archs)
            values = np.asarray(found, dtype=np.float64)
            if values.shape != (len(archs),):
                raise UserError(
                    f"measured column {name!r} has shape {values.shape}, but there are "
                    f"{counted(len(archs), 'architecture')}; a column has one value for each."
                )
            yield values

    def columns(self, space: SearchSpace, measured: Mapping[str, FloatArray]) -> list[str]:
        """The names of the columns, each with ``"… missing"`` after it where needed."""
        names = []
        for name in self._chosen(space, measured):
            names.append(name)
            if name in measured and np.isnan(measured[name]).any():
                names.append(f"{name} missing")
        return names

    def __call__(
        self,
        archs: Sequence[Arch] | IntArray,
        space: SearchSpace,
        measured: Mapping[str, FloatArray],
    ) -> FloatArray:
        """Encode as ``n x d`` numbers between 0 and 1."""
        columns = []
        for values in self._values(archs, space, measured):
            columns.append(pool_ranks(values))
            missing = np.isnan(values)
            if missing.any():
                columns.append(missing.astype(np.float64))
        return np.stack(columns, axis=1)


def pool_ranks(values: FloatArray) -> FloatArray:
    """Ranks of ``n`` values scaled to [0, 1]: ties averaged, 0.5 for NaN or a single value."""
    ranks = np.full(len(values), 0.5)
    known = ~np.isnan(values)
    n_known = int(known.sum())
    if n_known > 1:
        _, position, counts = np.unique(values[known], return_inverse=True, return_counts=True)
        average = np.cumsum(counts) - (counts + 1) / 2
        ranks[known] = average[position] / (n_known - 1)
    return ranks
