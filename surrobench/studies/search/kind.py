"""Search studies as a kind of study."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from surrobench.studies.kind import StudyKind
from surrobench.studies.run_folder.record import Record
from surrobench.studies.search.config import SearchStudy

if TYPE_CHECKING:
    import pandas as pd

    from surrobench.studies.expected_cost import Cost
    from surrobench.studies.kind import Framer
    from surrobench.studies.plan import Plan, Work
    from surrobench.studies.search.plan import SearchCell


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


SEARCH = SearchKind()
