"""The conformance kit: contracts that a plug-in author can run against their own parts.

The public names are imported on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from surrobench.testing.conformance import (
        acquisition_checks,
        check_acquisition,
        check_encoding,
        check_predictor,
        check_space,
        check_strategy,
        check_task,
        encoding_checks,
        predictor_checks,
        space_checks,
        strategy_checks,
        task_checks,
    )

__all__ = [
    "acquisition_checks",
    "check_acquisition",
    "check_encoding",
    "check_predictor",
    "check_space",
    "check_strategy",
    "check_task",
    "encoding_checks",
    "predictor_checks",
    "space_checks",
    "strategy_checks",
    "task_checks",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'surrobench.testing' has no attribute {name!r}")
    return getattr(import_module("surrobench.testing.conformance"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
