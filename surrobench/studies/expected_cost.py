"""What a cell is expected to cost, from what is known before it runs.

A coarse model: it has to tell a network ensemble on 800 examples from a line on 25, so that shards
of a study take about as long as each other. Only ratios matter. The constants are seconds on one
core, rounded, from the timings of ``results/nb201-predictors``, ``results/nb201-search*`` and
``results/pipeline-live-cells``
(networks over graphs: of ``results/graph-networks``):

* prediction: fitting to ``n`` examples and answering for the ``m`` architectures of the test, each
  with a term for the kind of predictor (:data:`PREDICTORS`);
* search: for every evaluation a step of the strategy (:data:`STEPS`), or of its predictor over all
  candidates, and on a live task a training;
* pipeline: one fit, answers for all candidates, and on a live task the trainings.

Trainings that the cells of a task and seed have in common are counted apart, as ``shared``.

Nothing but sums and products of doubles enters, so every machine comes to the same costs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from surrobench.studies.parts import use_of

if TYPE_CHECKING:
    from surrobench.studies.pipeline.plan import PipelineCell
    from surrobench.studies.plan import Work
    from surrobench.studies.prediction.plan import Cell
    from surrobench.studies.search.plan import SearchCell

ANY_CELL = 0.02
"""Seconds that the engine takes for a cell, whatever is in it."""
TRAINING_EXAMPLE = 1.5e-4
"""Seconds of training on one example, once: small networks on small images."""
POOL_STEP = 1e-6
"""Seconds per candidate of a step whose Gaussian process lives on the pool of candidates."""
FRONT_STEP = 7e-6
"""The same where the hypervolume of several objectives is scored."""
_TUNING_FITS = 30
"""Fits of a predictor that tunes itself, in fits of the plain one with all examples."""
_TEST_SIZES = {"grouped-2000": 2000, "white2021": 200}


@dataclass(frozen=True)
class Cost:
    """What a cell is expected to cost, in seconds.

    Attributes:
        own: what no other cell does for it.
        shared: what is done once for all cells of its group.
        group: cells that have something in common; None if nothing is.
    """

    own: float
    shared: float = 0.0
    group: tuple[str, int] | None = None


@dataclass(frozen=True)
class Seconds:
    """Of a predictor: ``fixed + linear n + cubic n³`` to fit, ``answer + kernel n`` per answer."""

    fixed: float
    linear: float = 0.0
    cubic: float = 0.0
    answer: float = 1e-6
    kernel: float = 0.0

    def of(self, n: int, m: int) -> float:
        """Seconds of fitting to ``n`` examples and answering for ``m`` architectures."""
        fit = self.fixed + self.linear * n + self.cubic * n * n * n
        return fit + m * (self.answer + self.kernel * n)


PREDICTORS: Mapping[str, Seconds] = {
    "constant": Seconds(0.002),
    "bayesian-ridge": Seconds(0.006, answer=2e-6),
    "knn": Seconds(0.003, linear=2e-5, answer=3e-6, kernel=5e-8),
    "svr": Seconds(0.015, linear=4e-5, cubic=5e-10, answer=3e-6, kernel=2e-8),
    "gp-": Seconds(0.02, linear=5e-5, cubic=1.5e-9, answer=3e-6, kernel=4e-8),
    "mlp-ensemble": Seconds(0.07, linear=1.2e-3, answer=5e-6),
    "mlp-hinge": Seconds(0.07, linear=1.2e-3, answer=5e-6),
    "mlp-listmle": Seconds(0.07, linear=1.2e-3, answer=5e-6),
    "gcn": Seconds(0.2, linear=1.2e-2, answer=4e-5),
    "graph-transformer": Seconds(0.5, linear=1.8e-2, answer=1.5e-4),
    "random-forest": Seconds(0.4, linear=1.4e-3, answer=2e-5),
    "random-forest-hist": Seconds(0.02, linear=2e-4, answer=7e-6),
    "tabpfn": Seconds(0.8, linear=0.08, answer=0.08),
    "tabicl": Seconds(0.5, linear=0.03, answer=0.03),
    "tabdpt": Seconds(0.5, linear=0.03, answer=0.03),
    "xgboost": Seconds(0.2, linear=8e-4, answer=2e-5),
    "xgboost-hist": Seconds(0.2, linear=2.5e-4, answer=2e-5),
}
"""By the beginning of the name; the longest that fits holds. In-context models by
``benchmarks/in_context.py``, with eight estimators (TabDPT, whose size is not known, as TabICL)."""
_MEASURED_COLUMN = Seconds(0.005)
_FOREIGN = Seconds(0.1, linear=1e-3, answer=1e-5)
"""Code from outside: ten fits of something cheap, as a bootstrap asks for."""

STEPS: Mapping[str, float] = {
    "optuna-gp": 0.09,
    "optuna-tpe": 0.008,
    "smac": 0.3,
    "ppo": 0.006,
    "reinforce": 0.004,
    "reinforce-transformer": 0.006,
    "q-learning": 0.0012,
    "bohb": 6e-4,
}
"""Seconds per evaluation of strategies without a predictor of ours."""
_ANY_STEP = 2e-4


def prediction_cost(cell: Cell, work: Work) -> Cost:
    """One fit, and answers for the test architectures."""
    m = min(_TEST_SIZES.get(cell.protocol, work.pool), work.pool)
    return Cost(ANY_CELL + predictor_seconds(cell.use, cell.train_size, m))


def search_cost(cell: SearchCell, work: Work) -> Cost:
    """A step per evaluation behind the initial ones, and the trainings of a live task."""
    chosen = max(0, cell.evaluations - cell.initial)
    own = ANY_CELL + (chosen / cell.batch) * _step(cell, work.pool)
    if not work.examples:
        return Cost(own)
    training = TRAINING_EXAMPLE * work.examples
    return Cost(own + chosen * training, cell.initial * training, (cell.task, cell.seed))


def pipeline_cost(cell: PipelineCell, work: Work) -> Cost:
    """A fit to the short trainings, answers for all candidates, and trainings of a live task."""
    own = ANY_CELL + (predictor_seconds(use_of(cell.use), cell.train, cell.candidates))
    if not work.examples:
        return Cost(own)
    full = TRAINING_EXAMPLE * work.examples
    length = 1.0 if cell.proxy_epochs is None else cell.proxy_epochs / work.epochs
    brief = full * length * cell.proxy_share
    shared = cell.train * brief + cell.reference * cell.runs * full
    return Cost(own + cell.picks * cell.runs * full, shared, (cell.task, cell.seed))


@lru_cache(maxsize=4096)
def predictor_seconds(use: str, n: int, m: int) -> float:
    """Of a predictor by name: fitting to ``n`` examples and answering for ``m`` architectures."""
    from surrobench.predictors import PREDICTORS as REGISTERED

    name = str(use).partition("+")[0].strip()
    if not name:
        return 0.0
    plain = name.removesuffix("-tuned")
    heads = [head for head in PREDICTORS if plain.startswith(head)]
    if heads:
        seconds = PREDICTORS[max(heads, key=len)]
    else:
        seconds = _MEASURED_COLUMN if name in REGISTERED.names() else _FOREIGN
    fits = 1 if plain == name else _TUNING_FITS
    return fits * seconds.of(n, 0) + seconds.of(n, m) if fits > 1 else seconds.of(n, m)


def _step(cell: SearchCell, pool: int) -> float:
    """Seconds of the strategy to choose architectures once."""
    predictor = use_of(cell.options.get("predictor"))
    if cell.objectives and predictor:
        return pool * FRONT_STEP
    if not predictor:
        return STEPS.get(cell.use, _ANY_STEP)
    if predictor == "default" or predictor.startswith("gp-"):
        return pool * POOL_STEP
    return predictor_seconds(predictor, cell.evaluations // 2, pool) / _refits(cell.options)


def _refits(options: Mapping[str, Any]) -> int:
    """Every how many steps the predictor is fitted again."""
    every = options.get("refit_every", 1)
    return every if isinstance(every, int) and every > 0 else 1
