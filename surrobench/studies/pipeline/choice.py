"""What a predictor makes of short trainings: predictions for all candidates, and picks."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from surrobench.acquisition import make_acquisition
from surrobench.acquisition.context import AcquisitionContext
from surrobench.arrays import FloatArray
from surrobench.base.wording import counted
from surrobench.encodings.column_blocks import with_blocks
from surrobench.predictors import make_predictor
from surrobench.predictors.model_posterior import ModelPosterior
from surrobench.predictors.predictive import predict
from surrobench.strategies.bayesian.batches import select_batch
from surrobench.studies.pipeline.task import CandidatePool


@dataclass(frozen=True)
class Picks:
    """Which candidates are to be trained fully, and why.

    Attributes:
        rows: positions in the pool, best first.
        predicted: predictive medians of all candidates, ``n``; NaN without a prediction.
        deviation: predictive standard deviations, ``n``.
        timing: seconds of fitting, of scoring, and of the processor for both.
    """

    rows: list[int]
    predicted: FloatArray
    std: FloatArray
    timing: Mapping[str, float] = field(default_factory=dict)


def pick_by_predictor(
    pool: CandidatePool,
    brief: FloatArray,
    n: int,
    *,
    predictor: Any,
    encoding: str,
    acquisition: Any,
    seed: int,
) -> Picks:
    """Fit to the short trainings and let an acquisition function pick among all candidates.

    Trainings without a value count as the worst of the others. A candidate that was trained
    briefly may be picked like any other: what it lacks is a full training.

    Args:
        pool: the candidates.
        brief: values of the first candidates after short trainings; NaN where one failed.
        n: how many to pick.
        predictor: as for :func:`~surrobench.predictors.make_predictor`.
        encoding: as for :func:`~surrobench.encodings.make_encoding`.
        acquisition: as for :func:`~surrobench.acquisition.make_acquisition`.
        seed: of fits and functions that draw.

    Raises:
        ValueError: if fewer than two short trainings have a value, or a prediction is not finite.
    """
    y = _targets(brief)
    recipe = with_blocks(make_predictor(predictor), encoding, pool.space, pool.measured)
    X = torch.tensor(pool.encode(encoding))
    started, cpu_started = time.perf_counter(), time.process_time()
    model = recipe.fit(X[: len(y)].clone(), y.clone(), seed=seed)
    fitted = time.perf_counter()
    predictive = predict(model, X)
    posterior = ModelPosterior(model, X, range(len(y)), y)
    allowed = torch.ones(len(X), dtype=torch.bool)
    function = make_acquisition(acquisition)
    rows = select_batch(function, AcquisitionContext((posterior,), allowed, seed=seed), n)
    ended, cpu_ended = time.perf_counter(), time.process_time()
    predicted, std = np.asarray(predictive.median), np.asarray(predictive.std)
    if not (np.isfinite(predicted).all() and np.isfinite(std).all()):
        raise ValueError("the predictions are not finite.")
    timing = {
        "fit_seconds": fitted - started,
        "score_seconds": ended - fitted,
        "cpu_seconds": cpu_ended - cpu_started,
    }
    return Picks(rows, predicted, std, timing)


def _targets(brief: FloatArray) -> torch.Tensor:
    known = np.isfinite(brief)
    if known.sum() < 2:
        raise ValueError(
            f"{int(known.sum())} of {counted(len(brief), 'short training')} have a value; a "
            "predictor needs 2."
        )
    filled = np.where(known, brief, brief[known].min())
    return torch.tensor(filled, dtype=torch.float64).unsqueeze(-1)


def pick_best_trained(pool: CandidatePool, brief: FloatArray, n: int) -> Picks:
    """The best of the short trainings themselves; there is no prediction for the others."""
    order = np.argsort(-np.nan_to_num(brief, nan=-np.inf), kind="stable")[:n]
    predicted = np.full(len(pool.archs), np.nan)
    predicted[: len(brief)] = brief
    return Picks(order.tolist(), predicted, np.full(len(predicted), np.nan))


def pick_largest(pool: CandidatePool, n: int) -> Picks:
    """Candidates of most parameters; of equally many, those of most operations."""
    params = pool.measured["params"]
    flops = pool.measured.get("flops", np.zeros_like(params))
    unknown = np.full(len(pool.archs), np.nan)
    return Picks(np.lexsort((-flops, -params))[:n].tolist(), unknown, unknown)


def pick_at_random(pool: CandidatePool, trained: int, n: int) -> Picks:
    """Candidates in the order of the pool, which is random; those trained briefly come last."""
    rows = [(trained + place) % len(pool.archs) for place in range(n)]
    unknown = np.full(len(pool.archs), np.nan)
    return Picks(rows, unknown, unknown)
