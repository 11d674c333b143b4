"""The kinds of study, and what each brings to the common way of running and reporting them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from surrobench.errors import UserError, did_you_mean
from surrobench.studies.config import Study, build_study
from surrobench.studies.pipeline_config import PipelineStudy, build_pipeline
from surrobench.studies.record import Record
from surrobench.studies.search_config import SearchStudy, build_search

if TYPE_CHECKING:
    import pandas as pd

    from surrobench.studies.expected_cost import Cost
    from surrobench.studies.grid import Plan, PlannedCell, Work

AnyStudy = Study | SearchStudy | PipelineStudy


@dataclass(frozen=True)
class Kind:
    """One kind of study. Parts that import much are named as ``"module:function"``.

    Attributes:
        name: value of the key ``kind``.
        model: the checked settings.
        build: checks the content of a file.
        planner: lays out the cells.
        run_cell: computes a cell in a worker.
        expected: says what a cell may cost.
        framer: turns records into the results table.
        ends: turns that into one row per cell.
        columns: that every results table has; the first two are task and method.
        sign: the column that tells its results from those of the kinds behind it in
            :data:`KINDS_BY_SIGN`.
        row: columns that tell the rows of a results table apart.
        subject: what is compared: the singular of the study's key.
        parts: columns that tell methods apart; the first one is the subject.
        methods: that key.
        caption: what the progress says of a finished record.
        results: checks a results table for the report.
        report: writes tables and figures of that.
        ranking: makes the table for the terminal.
        companions: files of a run folder that ``results`` takes too: argument -> file name.
        remains: payload and timing of a cell whose worker was lost, if something is kept.
        finish: called with study, base and folder when the cells are done, if anything.
    """

    name: str
    model: type[Study] | type[SearchStudy] | type[PipelineStudy]
    build: Callable[[Mapping[str, Any], str, str], Any]
    planner: str
    run_cell: str
    expected: str
    framer: str
    ends: str
    columns: tuple[str, ...]
    sign: str
    row: tuple[str, ...]
    subject: str
    parts: tuple[str, ...]
    methods: str
    caption: str
    results: str
    report: str
    ranking: str
    companions: Mapping[str, str]
    remains: str | None = None
    finish: str | None = None

    def plan(self, study: Any, base: Path) -> Plan:
        """The cells of a study."""
        plan: Plan = imported(self.planner)(study, base)
        return plan

    @property
    def cost(self) -> Callable[[Any, Work], Cost]:
        """Says what a cell may cost, of the work that its task asks for."""
        cost: Callable[[Any, Work], Cost] = imported(self.expected)
        return cost

    def frame(self, records: Iterable[Record], order: Sequence[str] = ()) -> pd.DataFrame:
        """The results table of records."""
        frame: pd.DataFrame = imported(self.framer)(records, order)
        return frame

    def cells(self, frame: pd.DataFrame) -> pd.DataFrame:
        """One row per cell of a results table: ``key``, ``method``, ``status`` and ``reason``."""
        cells: pd.DataFrame = imported(self.ends)(frame)
        return cells.rename(columns={self.subject: "method"})

    def salvage(self, cell: PlannedCell) -> tuple[dict[str, Any], dict[str, Any]]:
        """Payload and timing that a lost worker has left of a cell."""
        if self.remains is None:
            return {}, {}
        left: tuple[dict[str, Any], dict[str, Any]] = imported(self.remains)(cell)
        return left

    def close(self, study: AnyStudy, base: Path, folder: Path) -> None:
        """What is written once the cells are done."""
        if self.finish is not None:
            imported(self.finish)(study, base, folder)


def imported(target: str) -> Any:
    """What ``"module:name"`` names."""
    module, _, name = target.partition(":")
    return attrgetter(name)(importlib.import_module(module))


PREDICTION = Kind(
    name="prediction",
    model=Study,
    build=build_study,
    planner="surrobench.studies.grid:make_plan",
    run_cell="surrobench.studies.prediction:run_cell",
    expected="surrobench.studies.expected_cost:prediction_cost",
    framer="surrobench.studies.prediction_frame:make_frame",
    ends="surrobench.studies.prediction_frame:ends",
    columns=("task", "predictor", "transform", "encoding", "train_size", "seed", "status"),
    sign="predictor",
    row=("key",),
    subject="predictor",
    parts=("predictor", "transform", "encoding"),
    methods="predictors",
    caption="{predictor} n={train_size}",
    results="surrobench.report.results:Results.of",
    report="surrobench.report:write_report",
    ranking="surrobench.report:terminal_table",
    companions={},
)
SEARCH = Kind(
    name="search",
    model=SearchStudy,
    build=build_search,
    planner="surrobench.studies.search_grid:make_search_plan",
    run_cell="surrobench.studies.search:run_search",
    expected="surrobench.studies.expected_cost:search_cost",
    framer="surrobench.studies.search_frame:make_search_frame",
    ends="surrobench.studies.search_frame:ends",
    columns=("task", "strategy", "seed", "evaluation", "best_value", "status"),
    sign="strategy",
    row=("key", "evaluation"),
    subject="strategy",
    parts=("strategy", "predictor", "encoding", "acquisition"),
    methods="strategies",
    caption="{strategy}, seed {seed}",
    results="surrobench.report.search.results:SearchResults.of",
    report="surrobench.report:write_search_report",
    ranking="surrobench.report:search_terminal_table",
    companions={"fronts": "fronts.csv"},
    remains="surrobench.studies.search:remains",
    finish="surrobench.studies.search_fronts:write_fronts",
)
PIPELINE = Kind(
    name="pipeline",
    model=PipelineStudy,
    build=build_pipeline,
    planner="surrobench.studies.pipeline_grid:make_pipeline_plan",
    run_cell="surrobench.studies.pipeline:run_pipeline",
    expected="surrobench.studies.expected_cost:pipeline_cost",
    framer="surrobench.studies.pipeline_frame:make_pipeline_frame",
    ends="surrobench.studies.pipeline_frame:ends",
    columns=("task", "predictor", "seed", "candidates", "arch", "pick", "value", "status"),
    sign="candidates",
    row=("key", "arch"),
    subject="predictor",
    parts=("predictor", "encoding", "acquisition"),
    methods="predictors",
    caption="{predictor}, seed {seed}",
    results="surrobench.report.pipeline.results:PipelineResults.of",
    report="surrobench.report:write_pipeline_report",
    ranking="surrobench.report:pipeline_terminal_table",
    companions={},
)
KINDS = {kind.name: kind for kind in (PREDICTION, SEARCH, PIPELINE)}
KINDS_BY_SIGN = (PIPELINE, SEARCH, PREDICTION)  # the former two have predictors too


def kind_of(content: Mapping[str, Any] | AnyStudy, source: str = "study") -> Kind:
    """The kind of a study, or of the content of a study file.

    Raises:
        UserError: for an unknown kind.
    """
    name = content.get("kind") if isinstance(content, Mapping) else content.kind
    if name is None:
        return PREDICTION  # whose check says that the key is missing
    if not isinstance(name, str) or name not in KINDS:
        raise UserError(
            f"{source}: unknown kind of study {name!r}. " + did_you_mean(str(name), KINDS)
        )
    return KINDS[name]


def kind_of_columns(columns: Iterable[str]) -> Kind | None:
    """The kind of study that a results table (or the payload of a record) comes from."""
    present = set(columns)
    return next((kind for kind in KINDS_BY_SIGN if kind.sign in present), None)
