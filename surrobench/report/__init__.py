"""From the records of a study to the tables and figures of a paper.

Numbers first: every figure and table is an :class:`~surrobench.report.exhibit.Exhibit` whose data
stand beside it as CSV. Everything here takes a data frame of records (one row per task,
predictor, encoding, train size and seed) and knows nothing of how they were made.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from surrobench.report.exhibit import Exhibit
    from surrobench.report.results import Results
    from surrobench.report.terminal import terminal_table
    from surrobench.report.writer import write_report

__all__ = ["Exhibit", "Results", "terminal_table", "write_report"]

_HOMES = {
    "Exhibit": "exhibit",
    "Results": "results",
    "terminal_table": "terminal",
    "write_report": "writer",
}


def __getattr__(name: str) -> Any:
    """Import pandas and matplotlib only when something is to be reported."""
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
