"""The kinds of study, and what each brings to the common way of running them.

What a kind needs is imported on first use: a plan needs no torch, and a worker no report. How the
results of a kind are shown is said in :mod:`surrobench.reporting.kinds`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from surrobench.errors import UserError, did_you_mean
from surrobench.studies.pipeline.config import PipelineStudy, build_pipeline
from surrobench.studies.prediction.config import Study, build_study
from surrobench.studies.run_folder.record import Record
from surrobench.studies.search.config import SearchStudy, build_search

if TYPE_CHECKING:
    import pandas as pd

    from surrobench.studies.expected_cost import Cost
    from surrobench.studies.pipeline.plan import PipelineCell
    from surrobench.studies.plan import Plan, PlannedCell, Work
    from surrobench.studies.prediction.plan import Cell
    from surrobench.studies.search.plan import SearchCell

    Framer = Callable[[Iterable[Record], Sequence[str]], pd.DataFrame]

AnyStudy = Study | SearchStudy | PipelineStudy
_TABLES = {"pandas"}  # which pyarrow imports when the first table is read
_SHAPES = {"torch.fx.experimental.symbolic_shapes"}  # which torch imports for a first broadcast
_PUT_OFF = {
    "surrobench.predictors.gp.gp": _SHAPES,
    "surrobench.strategies.bayesian.bayesian": _SHAPES,
}
S = TypeVar("S", Study, SearchStudy, PipelineStudy)
C = TypeVar("C", bound="PlannedCell")


class StudyKind(ABC, Generic[S, C]):
    """One kind of study: its settings, its cells, and its results table.

    Attributes:
        name: value of the key ``kind``.
        model: the checked settings.
        columns: that every results table has; the first two are task and method.
        sign: the column that tells its results from those of the kinds behind it in
            :data:`KINDS_BY_SIGN`.
        row: columns that tell the rows of a results table apart.
        subject: what is compared: the singular of the study's key.
        parts: columns that tell methods apart; the first one is the subject.
        methods: that key.
        caption: what the progress says of a finished record.
        companions: files of a run folder that belong to its results: argument -> file name.
    """

    name: ClassVar[str]
    model: type[S]
    columns: ClassVar[tuple[str, ...]]
    sign: ClassVar[str]
    row: ClassVar[tuple[str, ...]]
    subject: ClassVar[str]
    parts: ClassVar[tuple[str, ...]]
    methods: ClassVar[str]
    caption: ClassVar[str]
    companions: ClassVar[Mapping[str, str]] = {}

    @abstractmethod
    def build(self, content: Mapping[str, Any], text: str = "", source: str = "study") -> S:
        """Check the content of a study; ``text`` is searched for the lines of mistakes.

        Raises:
            UserError: listing every mistake.
        """

    @abstractmethod
    def plan(self, study: S, base: Path) -> Plan:
        """Resolve the parts of a study and lay out its cells.

        Args:
            study: what to run.
            base: folder that relative card paths start from.

        Raises:
            UserError: for unknown names and parts that do not go together.
        """

    @property
    @abstractmethod
    def run_cell(self) -> Callable[[C], Record]:
        """Computes a cell; asking for it imports all that a worker needs, so that no cell does."""

    @property
    def worker_target(self) -> str:
        """Where another process, which has not imported anything yet, finds :attr:`run_cell`."""
        return f"{__name__}:{self.name.upper()}.run_cell"

    def modules(self, cells: Iterable[C]) -> set[str]:
        """What cells import beyond :attr:`run_cell`: our methods, and what libraries put off.

        Code of others, such as that of plug-ins, is not among them.
        """
        from surrobench.predictors import PREDICTORS
        from surrobench.strategies import STRATEGIES
        from surrobench.studies.parts import use_of

        used = {use_of(use) for cell in cells for use in self._uses(cell)}
        used = {name.partition("+")[0] for name in used}  # without the target transform
        found = PREDICTORS.own_modules(used) | STRATEGIES.own_modules(used)
        return found.union(*(late for module, late in _PUT_OFF.items() if module in found), _TABLES)

    def _uses(self, cell: C) -> tuple[Any, ...]:
        """Specifications of the methods of a cell."""
        return (cell.use,)  # type: ignore[attr-defined]

    @abstractmethod
    def cost(self, cell: C, work: Work) -> Cost:
        """What a cell may cost, of the work that its task asks for."""

    @abstractmethod
    def framer(self) -> Framer:
        """What turns records into the results table, in the order of the given keys."""

    def frame(self, records: Iterable[Record], order: Sequence[str] = ()) -> pd.DataFrame:
        """The results table of records, in the order of the keys of ``order``."""
        return self.framer()(records, order)

    @abstractmethod
    def _ends(self, frame: pd.DataFrame) -> pd.DataFrame:
        """How every cell ended: ``key``, the subject, ``status`` and ``reason``."""

    def cells(self, frame: pd.DataFrame) -> pd.DataFrame:
        """One row per cell of a results table: ``key``, ``method``, ``status`` and ``reason``."""
        return self._ends(frame).rename(columns={self.subject: "method"})

    def salvage(self, cell: C) -> tuple[dict[str, Any], dict[str, Any]]:
        """Payload and timing that a lost worker has left of a cell."""
        return {}, {}

    def close(self, study: S, base: Path, folder: Path) -> None:
        """Write what belongs beside the results once the cells are done."""


class PredictionKind(StudyKind[Study, "Cell"]):
    """Predictors that are fitted to some architectures of a table and judged on others."""

    name = "prediction"
    model = Study
    columns = ("task", "predictor", "transform", "encoding", "train_size", "seed", "status")
    sign = "predictor"
    row = ("key",)
    subject = "predictor"
    parts = ("predictor", "transform", "encoding")
    methods = "predictors"
    caption = "{predictor} n={train_size}"

    def build(self, content: Mapping[str, Any], text: str = "", source: str = "study") -> Study:
        """The settings of a prediction study."""
        return build_study(content, text, source)

    def plan(self, study: Study, base: Path) -> Plan:
        """By task, train size, seed, predictor and encoding."""
        from surrobench.studies.prediction.plan import make_plan

        return make_plan(study, base)

    @property
    def run_cell(self) -> Callable[[Cell], Record]:
        """One fit and its scores."""
        from surrobench.studies.prediction.cell import run_cell

        return run_cell

    def cost(self, cell: Cell, work: Work) -> Cost:
        """One fit, and answers for the test architectures."""
        from surrobench.studies.expected_cost import prediction_cost

        return prediction_cost(cell, work)

    def framer(self) -> Framer:
        """One row per cell."""
        from surrobench.studies.prediction.frame import make_frame

        return make_frame

    def _ends(self, frame: pd.DataFrame) -> pd.DataFrame:
        from surrobench.studies.prediction.frame import ends

        return ends(frame)


class SearchKind(StudyKind[SearchStudy, "SearchCell"]):
    """Strategies that choose one architecture after another, by a table or by live training."""

    name = "search"
    model = SearchStudy
    columns = ("task", "strategy", "seed", "evaluation", "best_value", "status")
    sign = "strategy"
    row = ("key", "evaluation")
    subject = "strategy"
    parts = ("strategy", "predictor", "encoding", "acquisition")
    methods = "strategies"
    caption = "{strategy}, seed {seed}"
    companions: ClassVar[Mapping[str, str]] = {"fronts": "fronts.csv"}

    def build(
        self, content: Mapping[str, Any], text: str = "", source: str = "study"
    ) -> SearchStudy:
        """The settings of a search study."""
        return build_search(content, text, source)

    def plan(self, study: SearchStudy, base: Path) -> Plan:
        """By task, seed and strategy."""
        from surrobench.studies.search.plan import make_search_plan

        return make_search_plan(study, base)

    @property
    def run_cell(self) -> Callable[[SearchCell], Record]:
        """One search, step by step."""
        from surrobench.studies.search.cell import run_search

        return run_search

    def _uses(self, cell: SearchCell) -> tuple[Any, ...]:
        return cell.use, cell.options.get("predictor")

    def cost(self, cell: SearchCell, work: Work) -> Cost:
        """A step per evaluation, and the trainings of a live task."""
        from surrobench.studies.expected_cost import search_cost

        return search_cost(cell, work)

    def framer(self) -> Framer:
        """One row per evaluation."""
        from surrobench.studies.search.frame import make_search_frame

        return make_search_frame

    def _ends(self, frame: pd.DataFrame) -> pd.DataFrame:
        from surrobench.studies.search.frame import ends

        return ends(frame)

    def salvage(self, cell: SearchCell) -> tuple[dict[str, Any], dict[str, Any]]:
        """What the checkpoint of a search holds that was cut off."""
        from surrobench.studies.search.cell import remains

        return remains(cell)

    def close(self, study: SearchStudy, base: Path, folder: Path) -> None:
        """Write the non-dominated sets of searches for several objectives."""
        from surrobench.studies.search.fronts import write_fronts

        write_fronts(study, base, folder)


class PipelineKind(StudyKind[PipelineStudy, "PipelineCell"]):
    """Predictors that learn from short trainings and choose which candidates to train in full."""

    name = "pipeline"
    model = PipelineStudy
    columns = ("task", "predictor", "seed", "candidates", "arch", "pick", "value", "status")
    sign = "candidates"
    row = ("key", "arch")
    subject = "predictor"
    parts = ("predictor", "encoding", "acquisition")
    methods = "predictors"
    caption = "{predictor}, seed {seed}"

    def build(
        self, content: Mapping[str, Any], text: str = "", source: str = "study"
    ) -> PipelineStudy:
        """The settings of a pipeline study."""
        return build_pipeline(content, text, source)

    def plan(self, study: PipelineStudy, base: Path) -> Plan:
        """By task, with the cells of one seed together."""
        from surrobench.studies.pipeline.plan import make_pipeline_plan

        return make_pipeline_plan(study, base)

    @property
    def run_cell(self) -> Callable[[PipelineCell], Record]:
        """One choice among candidates, and full trainings that judge it."""
        from surrobench.studies.pipeline.cell import run_pipeline

        return run_pipeline

    def cost(self, cell: PipelineCell, work: Work) -> Cost:
        """A fit to short trainings, answers for all candidates, and trainings."""
        from surrobench.studies.expected_cost import pipeline_cost

        return pipeline_cost(cell, work)

    def framer(self) -> Framer:
        """One row per architecture that a cell looked at."""
        from surrobench.studies.pipeline.frame import make_pipeline_frame

        return make_pipeline_frame

    def _ends(self, frame: pd.DataFrame) -> pd.DataFrame:
        from surrobench.studies.pipeline.frame import ends

        return ends(frame)


Kind = StudyKind[Any, Any]
"""Any of the kinds, where only a file or a table says which."""
PREDICTION = PredictionKind()
SEARCH = SearchKind()
PIPELINE = PipelineKind()
KINDS: dict[str, Kind] = {kind.name: kind for kind in (PREDICTION, SEARCH, PIPELINE)}
# The former two have predictors too.
KINDS_BY_SIGN: tuple[Kind, ...] = (PIPELINE, SEARCH, PREDICTION)


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
