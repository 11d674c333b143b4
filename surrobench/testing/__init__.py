"""The conformance kit: contracts that a plug-in author can run against their own parts.

The public names are imported on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from surrobench.testing.conformance import (
        check_predictor,
        check_strategy,
        predictor_checks,
        strategy_checks,
    )

__all__ = ["check_predictor", "check_strategy", "predictor_checks", "strategy_checks"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'surrobench.testing' has no attribute {name!r}")
    return getattr(import_module("surrobench.testing.conformance"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
