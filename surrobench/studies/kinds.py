"""The kinds of study, and what each brings to the common way of running them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from surrobench.errors import UserError, did_you_mean
from surrobench.studies.config import Study, build_study
from surrobench.studies.record import IDENTITY, Record
from surrobench.studies.search_config import SearchStudy, build_search

if TYPE_CHECKING:
    import pandas as pd

    from surrobench.studies.grid import Plan

AnyStudy = Study | SearchStudy


@dataclass(frozen=True)
class Kind:
    """One kind of study.

    Attributes:
        name: value of the key ``kind``.
        model: the checked settings.
        build: checks the content of a file.
        run_cell: ``"module:function"`` that computes a cell in a worker.
        planner: ``"module:function"`` that lays out the cells.
        framer: ``"module:function"`` that turns records into the results table.
        identity: columns that name a cell.
        methods: key of the list of methods (predictors, strategies).
    """

    name: str
    model: type[Study] | type[SearchStudy]
    build: Callable[[Mapping[str, Any], str, str], Any]
    run_cell: str
    planner: str
    framer: str
    identity: tuple[str, ...]
    methods: str

    def plan(self, study: Any, base: Path) -> Plan:
        """The cells of a study."""
        plan: Plan = _imported(self.planner)(study, base)
        return plan

    def frame(self, records: Iterable[Record], order: Sequence[str] = ()) -> pd.DataFrame:
        """The results table of records."""
        frame: pd.DataFrame = _imported(self.framer)(records, order)
        return frame


def _imported(target: str) -> Any:
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)


PREDICTION = Kind(
    "prediction",
    Study,
    build_study,
    "surrobench.studies.prediction:run_cell",
    "surrobench.studies.grid:make_plan",
    "surrobench.studies.view:make_frame",
    IDENTITY,
    "predictors",
)
SEARCH = Kind(
    "search",
    SearchStudy,
    build_search,
    "surrobench.studies.search:run_search",
    "surrobench.studies.search_grid:make_search_plan",
    "surrobench.studies.search_view:make_search_frame",
    ("task", "strategy", "seed"),
    "strategies",
)
KINDS = {kind.name: kind for kind in (PREDICTION, SEARCH)}


def kind_of(content: Mapping[str, Any] | AnyStudy, source: str = "study") -> Kind:
    """The kind of a study, or of the content of a study file.

    Raises:
        UserError: for an unknown kind.
    """
    name = content.get("kind") if isinstance(content, Mapping) else content.kind
    if name is None:
        return PREDICTION  # whose check says that the key is missing
    if name not in KINDS:
        raise UserError(
            f"{source}: unknown kind of study {name!r}. " + did_you_mean(str(name), KINDS)
        )
    return KINDS[name]


def kind_of_records(records: Iterable[Record]) -> Kind:
    """The kind of study that made some records."""
    first = next(iter(records), None)
    return SEARCH if first is not None and "strategy" in first.payload else PREDICTION
