"""What the columns of a pool mean, and columns that are computed only if somebody asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class ColumnBlock:
    """Neighbouring columns that belong together.

    Attributes:
        name: of the encoding that made them.
        start: first column.
        stop: behind the last column.
        kind: ``"one-hot"`` for 0/1 columns whose patterns are the choices of variables, else
            ``"numeric"``.
        groups: for ``"one-hot"``, the variable of each column, numbered from 0; else empty.
    """

    name: str
    start: int
    stop: int
    kind: Literal["one-hot", "numeric"] = "numeric"
    groups: tuple[int, ...] = ()


class PoolColumns(dict[str, npt.NDArray[np.float64]]):
    """Measured columns of a pool, and beside them its learning curves.

    Attributes:
        epochs: behind the second axis of ``curve``, ascending; none where there are no curves.
        curve: values of the target, larger is better, ``n x epochs``; NaN where a training failed.
        others: what else was recorded, ``n x epochs`` each, as the table has it.
    """

    def __init__(
        self,
        measured: Mapping[str, npt.NDArray[np.float64]],
        epochs: Sequence[int] = (),
        curve: npt.NDArray[np.float64] | None = None,
        others: Mapping[str, npt.NDArray[np.float64]] | None = None,
    ) -> None:
        super().__init__(measured)
        self.epochs = tuple(epochs)
        self.curve = np.empty((0, 0)) if curve is None else curve
        self.others = dict(others or {})

    def head(self, n: int) -> PoolColumns:
        """Those of the first ``n`` architectures."""
        return PoolColumns(
            {name: column[:n] for name, column in self.items()},
            self.epochs,
            self.curve[:n],
            {name: values[:n] for name, values in self.others.items()},
        )


class LazyColumns(Mapping[str, npt.NDArray[np.float64]]):
    """Columns that are computed when somebody reads one of them; their names are known before.

    Args:
        names: of the columns.
        compute: gives all of them.
    """

    def __init__(
        self, names: Sequence[str], compute: Callable[[], Mapping[str, npt.NDArray[np.float64]]]
    ) -> None:
        self._names = tuple(names)
        self._compute = compute

    @cached_property
    def _columns(self) -> Mapping[str, npt.NDArray[np.float64]]:
        return self._compute()

    def __getitem__(self, name: str) -> npt.NDArray[np.float64]:
        """The column of that name."""
        if name not in self._names:
            raise KeyError(name)
        return self._columns[name]

    def __contains__(self, name: object) -> bool:
        """Whether there is such a column; computes nothing."""
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        """The names."""
        return iter(self._names)

    def __len__(self) -> int:
        """The number of columns."""
        return len(self._names)
