"""How the results of every kind of study are checked, written and shown."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from surrobench.studies.pipeline.kind import PIPELINE
from surrobench.studies.prediction.kind import PREDICTION
from surrobench.studies.search.kind import SEARCH

if TYPE_CHECKING:
    import pandas as pd

    from surrobench.report.common.exhibit import Exhibit
    from surrobench.report.common.provenance import Provenance
    from surrobench.report.pipeline.results import PipelineResults
    from surrobench.report.pipeline.terminal import PipelineRanking
    from surrobench.report.prediction.terminal import Ranking
    from surrobench.report.results import Results
    from surrobench.report.search.results import SearchResults
    from surrobench.report.search.terminal import SearchRanking

    AnyRanking = Ranking | SearchRanking | PipelineRanking

R = TypeVar("R")


class StudyReport(ABC, Generic[R]):
    """What the report side brings for one kind of study."""

    @abstractmethod
    def results(self, frame: pd.DataFrame, **companions: pd.DataFrame) -> R:
        """Check a results table.

        Args:
            frame: rows of one kind of study.
            companions: further tables of the runs, by argument of the kind's ``companions``.

        Raises:
            UserError: if it cannot be read, naming what is wrong with it.
        """

    @abstractmethod
    def write(
        self,
        results: R,
        folder: Path,
        *,
        provenance: Provenance | None = None,
        extras: Sequence[Exhibit] = (),
        omitted: Sequence[str] = (),
        complete: bool = True,
    ) -> list[Path]:
        """Write tables and figures into ``folder`` and return their paths.

        Args:
            results: as checked.
            folder: made if it does not exist.
            provenance: where the numbers come from.
            extras: exhibits that are shown beside those of the results.
            omitted: sentences about what is not shown.
            complete: whether everything is made, or the essentials: tables of the means and the
                figure that one looks at first.
        """

    @abstractmethod
    def ranking(self, results: R) -> AnyRanking:
        """The table for the terminal."""


class PredictionReport(StudyReport["Results"]):
    """Reports of predictors."""

    def results(self, frame: pd.DataFrame, **companions: pd.DataFrame) -> Results:
        """One row per cell."""
        from surrobench.report import Results

        return Results.of(frame)

    def write(self, results: Results, folder: Path, **options: Any) -> list[Path]:
        """Scores by train size, comparisons and calibration."""
        from surrobench.report import write_report

        return write_report(results, folder, **options)

    def ranking(self, results: Results) -> Ranking:
        """Methods by Kendall's τ."""
        from surrobench.report import terminal_table

        return terminal_table(results)


class SearchReport(StudyReport["SearchResults"]):
    """Reports of search strategies."""

    def results(self, frame: pd.DataFrame, **companions: pd.DataFrame) -> SearchResults:
        """One row per evaluation, and the fronts of searches for several objectives."""
        from surrobench.report import SearchResults

        return SearchResults.of(frame, **companions)

    def write(self, results: SearchResults, folder: Path, **options: Any) -> list[Path]:
        """Curves of regret, final values and comparisons."""
        from surrobench.report import write_search_report

        return write_search_report(results, folder, **options)

    def ranking(self, results: SearchResults) -> SearchRanking:
        """Methods by regret after several budgets."""
        from surrobench.report import search_terminal_table

        return search_terminal_table(results)


class PipelineReport(StudyReport["PipelineResults"]):
    """Reports of pipelines."""

    def results(self, frame: pd.DataFrame, **companions: pd.DataFrame) -> PipelineResults:
        """One row per architecture that a cell looked at."""
        from surrobench.report import PipelineResults

        return PipelineResults.of(frame)

    def write(self, results: PipelineResults, folder: Path, **options: Any) -> list[Path]:
        """Picks, their regret, and predicted against full trainings."""
        from surrobench.report import write_pipeline_report

        return write_pipeline_report(results, folder, **options)

    def ranking(self, results: PipelineResults) -> PipelineRanking:
        """Methods by the regret of their best pick."""
        from surrobench.report import pipeline_terminal_table

        return pipeline_terminal_table(results)


REPORTS: dict[str, StudyReport[Any]] = {
    PREDICTION.name: PredictionReport(),
    SEARCH.name: SearchReport(),
    PIPELINE.name: PipelineReport(),
}
"""The reports by the name of the kind of study."""
