"""What a kind of study is: what it brings to the common way of running studies.

What a kind needs is imported on first use: a plan needs no torch, and a worker no report. How the
results of a kind are shown is said in :mod:`surrobench.reporting.kinds`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from surrobench.studies.run_folder.record import Record
from surrobench.studies.settings import StudySettings

if TYPE_CHECKING:
    import pandas as pd

    from surrobench.studies.expected_cost import Cost
    from surrobench.studies.plan import Plan, PlannedCell, Work

    Framer = Callable[[Iterable[Record], Sequence[str]], pd.DataFrame]

_TABLES = {"pandas"}  # which pyarrow imports when the first table is read
_SHAPES = {"torch.fx.experimental.symbolic_shapes"}  # which torch imports for a first broadcast
_PUT_OFF = {
    "surrobench.predictors.gp.gp": _SHAPES,
    "surrobench.strategies.bayesian.bayesian": _SHAPES,
}
S = TypeVar("S", bound=StudySettings)
C = TypeVar("C", bound="PlannedCell")


class StudyKind(ABC, Generic[S, C]):
    """One kind of study: its settings, its cells, and its results table.

    Attributes:
        name: value of the key ``kind``.
        model: the checked settings.
        columns: that every results table has; the first two are task and method.
        sign: the column that tells its results from those of the kinds behind it in
            :data:`~surrobench.studies.kinds.KINDS_BY_SIGN`.
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

    def build(self, content: Mapping[str, Any], text: str = "", source: str = "study") -> S:
        """Check the content of a study; ``text`` is searched for the lines of mistakes.

        Raises:
            UserError: listing every mistake.
        """
        return self.model.read(content, text, source)

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
        return f"{type(self).__module__}:{self.name.upper()}.run_cell"

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

    def keep_shown(
        self,
        compute: Callable[[str, C], Any],
        frame: pd.DataFrame,
        cells: Iterable[C],
        folder: Path,
    ) -> None:
        """Keep beside the results what a report of them would compute again.

        Args:
            compute: what a function, named as ``"module:function"``, returns of a cell in a process
                of its own; None if it cannot be had.
            frame: the results table.
            cells: of the plan.
            folder: of the run.
        """


Kind = StudyKind[Any, Any]
"""Any of the kinds, where only a file or a table says which."""
