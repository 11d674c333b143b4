"""A tabular task: a pool of architectures, one number each, and what it cost to obtain it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from surrobench.arrays import BoolArray, FloatArray, IntArray
from surrobench.base.columns import PoolColumns
from surrobench.base.page_facts import facts_html
from surrobench.base.wording import counted
from surrobench.encodings.curves import mean_over_runs
from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch, SearchSpace
from surrobench.tasks.evaluation import Evaluation
from surrobench.tasks.stored_encodings import encoded
from surrobench.tasks.tables.table import CodeArray


@dataclass(frozen=True, eq=False, repr=False)
class TableTask:
    """A table's answer to "how good is this architecture?"; larger is better everywhere.

    Attributes:
        name: for example ``"nb201/cifar10-val"``.
        space: the search space.
        archs: the pool, ``n x d`` choice indices: architectures with a known target, each once.
        truth: mean over training runs, ``n``, rounded to ``resolution``.
        groups: class of equal networks, ``n``; split by it or equal networks leak.
        published_groups: the same by a key that others published, or None: for comparisons with
            their splits.
        measured: label-free columns, ``n`` each; missing values are NaN.
        subsets: named parts of the pool, ``n`` truth values each.
        values: single runs, ``n x seeds x fidelities``, rounded to what a run resolves.
        fidelities: epochs behind the last axis of ``values``; empty if the table does not say.
        seconds: training time up to each fidelity, ``n x fidelities``, or None.
        unlabelled: architectures of the table without a target, with the reason.
        unit: unit of ``truth``; ends in "(negated)" if smaller was better at the source.
        direction: which way was better at the source.
        missing: rows without a target (left out of the pool).
        dropped: rows left out because they were wrong.
        merged: rows that were averaged into another with the same decisions.
        runs_each: number of training runs behind each value of ``truth``, ``n``.
        resolution: step of ``truth``: equal values are equal floats, and others differ by it or
            more; None if the table does not say.
        noise: standard deviation of a single training run, or None if unknown.
        curves: what else was recorded in every epoch, ``n x seeds x fidelities`` in the units and
            with the sign of the table.
        useful: from which value on a network is of any use, larger is better; None if the card
            does not say.
    """

    name: str
    space: SearchSpace
    archs: CodeArray
    truth: FloatArray
    groups: IntArray
    published_groups: IntArray | None
    measured: Mapping[str, FloatArray]
    subsets: Mapping[str, BoolArray]
    values: FloatArray
    fidelities: tuple[int, ...]
    seconds: FloatArray | None
    unlabelled: Mapping[Arch, Literal["diverged", "failed"]]
    unit: str
    direction: Literal["maximize", "minimize"]
    description: str
    protocol: str
    missing: int
    dropped: int
    merged: int
    runs_each: IntArray
    resolution: float | None
    noise: float | None
    licence: str
    citation: str
    bibtex: str
    url: str
    default_encoding: str
    curves: Mapping[str, FloatArray] = field(default_factory=dict)
    useful: float | None = None

    def __len__(self) -> int:
        return len(self.truth)

    def __repr__(self) -> str:
        """Name, size and unit."""
        return f"TableTask({self.name!r}, {counted(len(self), 'architecture')}, {self.unit!r})"

    def _repr_html_(self) -> str:
        return facts_html(
            self.name,
            [
                ("measures", self.description),
                ("unit", f"{self.unit or 'not stated'} (larger is better here)"),
                ("space", self.space.name),
                ("pool", counted(len(self), "architecture")),
                ("different networks", f"{len(np.unique(self.groups)):,}"),
                ("values", f"best {self.optimum:.6g}, median {np.median(self.truth):.6g}"),
                ("runs behind a value", f"up to {self.runs}"),
                ("epochs", ", ".join(map(str, self.fidelities))),
                ("training time", "not known" if self.seconds is None else "known"),
                ("measured", ", ".join(self.measured)),
                ("default encoding", self.default_encoding),
                ("licence", self.licence),
                ("cite", self.citation),
            ],
        )

    @property
    def runs(self) -> int:
        """The most training runs behind a value; ``runs_each`` has them one by one."""
        return int(self.runs_each.max())

    @property
    def optimum(self) -> float:
        """The best value in the pool."""
        return float(self.truth.max())

    @cached_property
    def index(self) -> dict[Arch, int]:
        """Architecture -> its position in the pool."""
        return {arch: i for i, arch in enumerate(map(tuple, self.archs.tolist()))}

    def evaluate(self, arch: Arch, *, seed: int = 0, epochs: int | None = None) -> Evaluation:
        """Look one training run up.

        Where the table keeps single runs, ``seed`` picks one of those that there are of the
        architecture (modulo :meth:`runs_of`), so the value is as noisy as one training is;
        otherwise it is the published average.

        Args:
            arch: an architecture of the space.
            seed: which training run.
            epochs: after how many epochs (one of ``fidelities``); by default the full run.

        Raises:
            UserError: if the table has no such architecture or no such fidelity.
        """
        i = self.index.get(arch)
        if i is None:
            return self._without_target(arch)
        last = self._fidelity(epochs)
        seeds = self._seeds[i]
        run = self.values[i, seeds[seed % len(seeds)]]
        single = self.values.shape[2] == 1 and self.values.shape[1] == 1
        value = float(self.truth[i] if single else run[last])
        cost = None if self.seconds is None else float(self.seconds[i, last])
        if cost is not None and np.isnan(cost):
            cost = None
        return Evaluation(
            value=value,
            cost=cost,
            status="diverged" if np.isnan(value) else "ok",
            metrics={name: float(column[i]) for name, column in self.measured.items()},
            curve=tuple(run[: last + 1].tolist()),
        )

    def runs_of(self, arch: Arch) -> int:
        """How many training runs the table keeps of an architecture, at least 1."""
        return len(self._seeds[self.index[arch]])

    @cached_property
    def _seeds(self) -> list[list[int]]:
        """The seeds that each architecture was trained with: something of the run is known."""
        made = np.asarray(np.isfinite(self.values).any(axis=2)).tolist()
        every = list(range(self.values.shape[1]))
        return [[seed for seed in every if row[seed]] or every for row in made]

    def _without_target(self, arch: Arch) -> Evaluation:
        status = self.unlabelled.get(arch)
        if status is None:
            self.space.check(arch)
            raise UserError(f"the table of {self.name} has no row for {arch!r}.")
        return Evaluation(float("nan"), None, status)

    def _fidelity(self, epochs: int | None) -> int:
        if epochs is None:
            return self.values.shape[2] - 1
        if epochs not in self.fidelities:
            known = ", ".join(map(str, self.fidelities)) or "only the final one"
            raise UserError(
                f"{self.name} has no value after {counted(epochs, 'epoch')}; known: {known}."
            )
        return self.fidelities.index(epochs)

    def bound_text(self, value: float) -> str:
        """``value`` and better as the source would put it: ``">= 80 %"``, ``"<= 5 ms"``."""
        if self.direction == "maximize":
            return f">= {value:g} {self.unit}".rstrip()
        return f"<= {-value:g} {self.unit.removesuffix('(negated)').strip()}".rstrip()

    def encode(self, name: str) -> FloatArray:
        """The whole pool as a matrix, ``n x d``; ``name`` as in ``make_encoding``.

        Large pools are encoded once on a machine, and the matrix is to be read only.
        """
        return encoded(name, np.asarray(self.archs, dtype=np.int_), self.space, self.columns)

    @cached_property
    def columns(self) -> PoolColumns:
        """Measured columns with the learning curves beside them, for encodings."""
        if self.values.shape[2] < 2:
            return PoolColumns(self.measured)
        others = {name: mean_over_runs(curve) for name, curve in self.curves.items()}
        return PoolColumns(self.measured, self.fidelities, mean_over_runs(self.values), others)

    @cached_property
    def ranking(self) -> str:
        """Hash of which architectures there are and how the values rank them, ties included.

        Tasks with one ranking ask a predictor of ranks the same question.
        """
        _, ranks = np.unique(self.truth, return_inverse=True)
        rows = np.column_stack([self.archs, ranks]).astype("<i8")
        rows = rows[np.lexsort(rows[:, :-1].T[::-1])]
        return hashlib.sha256(np.ascontiguousarray(rows).tobytes()).hexdigest()[:16]

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of everything that enters the numbers of a study on this task."""
        digest = hashlib.sha256()
        arrays: dict[str, npt.NDArray[Any]] = {
            "archs": self.archs,
            "truth": self.truth,
            "groups": self.groups,
        }
        if self.published_groups is not None:
            arrays["published_groups"] = self.published_groups
        arrays |= {f"measured:{name}": values for name, values in self.measured.items()}
        arrays |= {f"subset:{name}": values for name, values in self.subsets.items()}
        labels = [
            f"{v.name}={v.choices}{v.values}{'log' if v.scale == 'log' else ''}"
            for v in self.space.variables
        ]
        digest.update("\n".join([self.unit, self.direction, *labels]).encode())
        _add_arrays(digest, arrays)
        return digest.hexdigest()

    @cached_property
    def curves_digest(self) -> str:
        """SHA-256 of the learning curves, which enter the numbers of some encodings only."""
        digest = hashlib.sha256(repr(tuple(self.fidelities)).encode())
        curves = {f"curve:{name}": values for name, values in self.curves.items()}
        _add_arrays(digest, {"values": self.values, **curves})
        return digest.hexdigest()


def _add_arrays(digest: Any, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Arrays by name, the same on machines of either byte order."""
    for name in sorted(arrays):
        values = np.ascontiguousarray(arrays[name])
        little = values.astype(values.dtype.newbyteorder("<"), copy=False)
        digest.update(f"{name}{values.shape}{values.dtype.kind}".encode())
        digest.update(little.tobytes())
