"""How good cells should be by linear models that were fitted to tables of other spaces."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import ClassVar

import numpy as np

from surrobench.arrays import FloatArray, IntArray
from surrobench.base.sealed import published_bytes
from surrobench.encodings.kinds_of_operations import CellsByKind, cells_by_kind
from surrobench.encodings.measured import pool_ranks
from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch, SearchSpace

FILE = Path(__file__).with_name("other_spaces.json")
SHA256 = "67d85823b221cf577842387161e8c8a3601bd89ea9a265ec3865ccf77c6156bd"
"""Of the file that ``benchmarks/other_spaces.py`` made."""
_DIGITS = 9


@dataclass(frozen=True)
class LinearTask:
    """A linear model of one task.

    Attributes:
        name: of the task that it was fitted to.
        form: of its cells (:class:`~surrobench.encodings.kinds_of_operations.CellsByKind`).
        weights: of the features of cells that are not zero, by name.
    """

    name: str
    form: str
    weights: Mapping[str, float]

    def __call__(self, features: Mapping[str, FloatArray]) -> FloatArray:
        """What it says of ``n`` cells, up to a constant."""
        total = np.zeros(len(next(iter(features.values()))))
        for name, weight in self.weights.items():
            total += weight * features[name]
        return total.round(_DIGITS)


@dataclass(frozen=True)
class OtherSpaces:
    r"""Pool ranks of :math:`w_t \cdot f(x)`, one column for each task :math:`t` of other spaces.

    :math:`f` are graph features in the manner of GRAF
    (:class:`~surrobench.encodings.graph_features.GraphFeatures`) over kinds of operations that
    spaces share: skip, pooling, 1x1 and 3x3 convolution. :math:`w_t` was fitted by ridge regression
    to the normal scores of a task: seven of TransNAS-Bench-101 micro, 500 cells of NAS-Bench-101,
    and cells of NAS-Bench-201 on digits, NinaPro and Darcy flow.
    ``python benchmarks/other_spaces.py`` makes the weights, which lie in the package.

    Tasks of cells such as those that are encoded (operations on edges or nodes, how many nodes,
    which kinds) are left out, so that no table is ever told of itself. No label of the pool enters.

    Args:
        mean: one column, the pool rank of the mean over tasks, each scaled to unit variance in the
            pool (``"other-spaces:mean"``).
    """

    isomorphism_invariant: ClassVar[bool] = False

    mean: bool = False

    def narrowed(self, argument: str) -> OtherSpaces:
        """Only the mean over tasks.

        Raises:
            UserError: for an argument other than ``"mean"``.
        """
        if argument.strip() != "mean":
            raise UserError(
                f"encoding 'other-spaces:{argument}': write 'other-spaces', which has a column "
                "for each task, or 'other-spaces:mean'."
            )
        return replace(self, mean=True)

    def columns(self, space: SearchSpace, measured: Mapping[str, FloatArray]) -> list[str]:
        """Names such as ``"as in tnb101-micro/jigsaw"``."""
        tasks = tasks_elsewhere(cells_by_kind([next(iter(space))], space))
        return ["as in other spaces"] if self.mean else [f"as in {task.name}" for task in tasks]

    def __call__(
        self,
        archs: Sequence[Arch] | IntArray,
        space: SearchSpace,
        measured: Mapping[str, FloatArray],
    ) -> FloatArray:
        """Encode as ``n x d`` numbers between 0 and 1."""
        cells = cells_by_kind(archs, space)
        features = cells.features()
        said = np.stack([task(features) for task in tasks_elsewhere(cells)])
        if self.mean:
            spread = np.std(said, axis=1, keepdims=True)
            scaled = said / np.where(spread > 0.0, spread, 1.0)
            said = np.mean(scaled, axis=0, keepdims=True).round(_DIGITS)
        return np.stack([pool_ranks(values) for values in said], axis=1)


def tasks_elsewhere(cells: CellsByKind) -> list[LinearTask]:
    """The models of tasks whose cells are of another form."""
    return [task for task in published() if task.form != cells.form]


@cache
def published() -> tuple[LinearTask, ...]:
    """The models that come with the package.

    Raises:
        DamagedStoreError: if the file is not the one that was published.
    """
    return read(FILE, SHA256)


def read(file: Path, sha256: str | None = None) -> tuple[LinearTask, ...]:
    """Models from a file: for each form of cells names of features, and weights for each task.

    Args:
        file: JSON.
        sha256: what its content must hash to, if that is known.

    Raises:
        DamagedStoreError: if the content is another one.
    """
    content = published_bytes(file, sha256)
    return tuple(
        LinearTask(task, form, dict(zip(part["features"], weights, strict=True)))
        for form, part in json.loads(content).items()
        for task, weights in part["tasks"].items()
    )
