"""surrobench: surrogate models for neural architecture search, compared on real tables.

Which performance predictor should choose the networks that you train? Five ways in::

    import surrobench as sb

1. **One predictor on one table**: a tidy frame, a row for each sample that it learned from.

   >>> import surrobench as sb
   >>> frame = sb.evaluate("knn", "live/digits-chain", n=50, seeds=2)
   >>> frame["status"].tolist()
   ['ok', 'ok']

   The predictor may be a name, a mapping with options, or a class of your own with ``fit`` and
   ``predict``; the task a name, the path of a card, or what ``sb.load_task`` returns.

2. **Several predictors**: ``sb.compare([...], tasks)`` gives mean ranks, the board (Elo, win rate,
   improvability, seconds) and a verdict in plain words; where no test can tell, it says so.

3. **A figure**: ``sb.plot(frame, "curves")`` for a frame, a comparison, or a run folder.

4. **A search** on a space and a training function of your own: ``sb.search(space, train)``. The
   space is ``sb.Space(depth=sb.Integer(1, 8), lr=sb.Real(1e-4, 1e-1, log=True), ...)``, or one of
   the registered ones:

   >>> sb.SPACES.names()[:2]
   ['nb201', 'tnb101-micro']

5. **A whole study**, resumable and in parallel: ``sb.run_study("quickstart")`` returns its frame,
   ``sb.report("runs/quickstart")`` writes every table and figure of it. On a command line::

       surrobench run quickstart
       surrobench list tasks

Tasks and parts are named by ``surrobench list``; names that do not exist raise a ``UserError``
that suggests the nearest ones. Larger values are better everywhere.

>>> sb.__version__.count(".")
2

The public names are imported on first use, so that ``import surrobench`` stays quick.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from surrobench.errors import UserError
    from surrobench.predictors import make_predictor
    from surrobench.reporting.comparing import compare
    from surrobench.reporting.drawing import plot
    from surrobench.reporting.reports import report
    from surrobench.spaces import SPACES
    from surrobench.spaces.named import Categorical, Integer, Ordinal, Real, Space
    from surrobench.strategies import make_strategy
    from surrobench.strategies.running.searching import search
    from surrobench.studies.evaluating import evaluate
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
    "compare",
    "evaluate",
    "load_task",
    "make_predictor",
    "make_strategy",
    "plot",
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
    "compare": "surrobench.reporting.comparing",
    "evaluate": "surrobench.studies.evaluating",
    "load_task": "surrobench.tasks",
    "make_predictor": "surrobench.predictors",
    "make_strategy": "surrobench.strategies",
    "plot": "surrobench.reporting.drawing",
    "run_study": "surrobench.studies.runner",
    "search": "surrobench.strategies.running.searching",
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
