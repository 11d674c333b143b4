"""surrobench: surrogate models for neural architecture search, compared on real tables.

The public names are imported on first use, so that ``import surrobench`` stays quick.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from surrobench.errors import UserError
    from surrobench.predictors import make_predictor
    from surrobench.reporting.reports import report
    from surrobench.spaces import SPACES
    from surrobench.spaces.named import Categorical, Integer, Ordinal, Real, Space
    from surrobench.strategies import make_strategy
    from surrobench.strategies.searching import search
    from surrobench.studies.runner import run_study
    from surrobench.tasks import load_task
    from surrobench.tasks.evaluation import Evaluation

__version__ = "0.1.0"

__all__ = [
    "SPACES",
    "Categorical",
    "Evaluation",
    "Integer",
    "Ordinal",
    "Real",
    "Space",
    "UserError",
    "__version__",
    "load_task",
    "make_predictor",
    "make_strategy",
    "report",
    "run_study",
    "search",
]

_HOMES = {
    "SPACES": "surrobench.spaces",
    "Categorical": "surrobench.spaces.named",
    "Integer": "surrobench.spaces.named",
    "Ordinal": "surrobench.spaces.named",
    "Real": "surrobench.spaces.named",
    "Space": "surrobench.spaces.named",
    "Evaluation": "surrobench.tasks.evaluation",
    "UserError": "surrobench.errors",
    "load_task": "surrobench.tasks",
    "make_predictor": "surrobench.predictors",
    "make_strategy": "surrobench.strategies",
    "run_study": "surrobench.studies.runner",
    "search": "surrobench.strategies.searching",
}


class _Report(ModuleType):
    """The package of tables and figures, called ``surrobench.report(run)`` to make them all."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """See :func:`surrobench.reporting.reports.report`."""
        return import_module("surrobench.reporting.reports").report(*args, **kwargs)


if not TYPE_CHECKING:  # the name of the function is that of a package, which imports nothing heavy
    report = import_module("surrobench.report")
    report.__class__ = _Report


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'surrobench' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
