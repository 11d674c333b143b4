"""What makes architectures good, and where a predictor goes wrong.

:func:`explain` fits a predictor to training sets of one task and asks what it has learned: what it
loses when a feature is shuffled, which share of a prediction each feature has (SHAP values), what a
choice is worth, which features a Gaussian process finds relevant, and in which groups of
architectures its errors lie. Every answer is a data frame with a row per seed.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from surrobench.understanding.explanation import Explanation, explain

__all__ = ["Explanation", "explain"]


def __getattr__(name: str) -> Any:
    """Import predictors only when something is to be explained."""
    if name in __all__:
        return getattr(importlib.import_module(f"{__name__}.explanation"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
