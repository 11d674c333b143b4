"""From the records of a study to the tables and figures of a paper.

Numbers first: every figure and table is an :class:`~surrobench.report.common.exhibit.Exhibit` whose
data stand beside it as CSV. Everything here takes a data frame of records (one row per task,
predictor, encoding, train size and seed, one per evaluation of a search, or one per architecture of
a pipeline) and knows nothing of how they were made.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from surrobench.report.common.exhibit import Exhibit
    from surrobench.report.pipeline.results import PipelineResults
    from surrobench.report.pipeline.terminal import pipeline_terminal_table
    from surrobench.report.pipeline.writer import write_pipeline_report
    from surrobench.report.prediction.terminal import terminal_table
    from surrobench.report.prediction.writer import write_report
    from surrobench.report.results import Results
    from surrobench.report.search.results import SearchResults
    from surrobench.report.search.terminal import search_terminal_table
    from surrobench.report.search.writer import write_search_report

__all__ = [
    "Exhibit",
    "PipelineResults",
    "Results",
    "SearchResults",
    "pipeline_terminal_table",
    "search_terminal_table",
    "terminal_table",
    "write_pipeline_report",
    "write_report",
    "write_search_report",
]

_HOMES = {
    "Exhibit": "common.exhibit",
    "PipelineResults": "pipeline.results",
    "Results": "results",
    "SearchResults": "search.results",
    "pipeline_terminal_table": "pipeline.terminal",
    "search_terminal_table": "search.terminal",
    "terminal_table": "prediction.terminal",
    "write_pipeline_report": "pipeline.writer",
    "write_report": "prediction.writer",
    "write_search_report": "search.writer",
}


def __getattr__(name: str) -> Any:
    """Import pandas and matplotlib only when something is to be reported."""
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
