"""One cell of a prediction study: fit to ``n`` examples, score on the rest.

Whatever a predictor does wrong becomes the status of its cell with a reason, never a number:

* ``ok``: scored.
* ``failed``: it raised.
* ``invalid``: it answered, but not with a finite predictive distribution of the right shape.
* ``oom``: it ran out of memory.
* ``unavailable``: the task lacks a column that the encoding needs, or the split is impossible.

(``timeout``, and ``failed`` for a dead worker, are recorded by the driver.)

The predictor sees copies of the training rows and of the test inputs; test targets stay here. One
that transfers also sees what :mod:`surrobench.studies.prediction.source_tasks` lets it know of
other tasks.
"""

from __future__ import annotations

import random
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from surrobench.arrays import FloatArray, IntArray
from surrobench.base.wording import counted
from surrobench.encodings.column_blocks import with_blocks
from surrobench.errors import UserError, text_of
from surrobench.metrics import prediction_scores
from surrobench.predictors import answers as regressor_checks
from surrobench.predictors import make_predictor
from surrobench.predictors import predictive as predictive_checks
from surrobench.predictors.predictive import Predictive, predict
from surrobench.predictors.protocol import Predictor, Source
from surrobench.studies.prediction.plan import Cell
from surrobench.studies.prediction.protocols import split
from surrobench.studies.prediction.source_tasks import draw_sources
from surrobench.studies.run_folder.record import Record, Status, make_record, one_line
from surrobench.tasks import load_task, loading  # noqa: F401  (imported before any clock runs)
from surrobench.tasks.task import TableTask

_CHECKS = {Path(module.__file__ or "") for module in (predictive_checks, regressor_checks)}
"""Where answers of predictors are checked: a ValueError raised there is an invalid answer."""


class InvalidPredictionError(ValueError):
    """A predictor's answer that is no predictive distribution."""


@lru_cache(maxsize=8)
def _inputs(task: TableTask, encoding: str) -> FloatArray:
    """The encoded pool of a task (tasks are kept by their loader, so they compare by identity)."""
    return np.asarray(task.encode(encoding), dtype=np.float64)


def run_cell(cell: Cell) -> Record:
    """Compute one cell; any mistake of the predictor is in the record, not raised."""
    torch.set_num_threads(1)
    try:
        task = load_task(cell.spec, Path(cell.base))
        X = _inputs(task, cell.encoding)
        train, test = split(task, cell.protocol, cell.train_size, cell.seed)
        sources = _sources(cell, task, test)
    except UserError as error:
        return _record(cell, "unavailable", str(error))
    try:
        with seeded(cell.key):
            predictor = _predictor(cell, task)
            predictive, timing = _fit_and_predict(
                predictor, cell.seed, X[train], task.truth[train], X[test], sources
            )
        scores = _score(task.truth[test], predictive)
    except InvalidPredictionError as error:
        return _record(cell, "invalid", str(error))
    except Exception as error:
        return _record(cell, _status(error), reason_of(error), trace=traceback.format_exc())
    payload = {"n_test": len(test), "train_seconds": _train_seconds(task, train), **scores}
    if cell.sources:
        payload["n_sources"] = sum(len(source.y) for source in sources)
    return _record(cell, "ok", "", payload, timing)


def predictions(cell: Cell) -> dict[str, FloatArray]:
    """What the predictor of a cell says of its test architectures, beside the truth.

    The same numbers that :func:`run_cell` scores. ``truth``, ``prediction`` (the predictive
    median, which ranks), ``mean`` and ``std``, one value each per test architecture.

    Raises:
        UserError: if the cell cannot be computed, with the reason.
    """
    torch.set_num_threads(1)
    task = load_task(cell.spec, Path(cell.base))
    X = _inputs(task, cell.encoding)
    train, test = split(task, cell.protocol, cell.train_size, cell.seed)
    try:
        with seeded(cell.key):
            predictive, _ = _fit_and_predict(
                _predictor(cell, task),
                cell.seed,
                X[train],
                task.truth[train],
                X[test],
                _sources(cell, task, test),
            )
    except Exception as error:
        raise UserError(f"{cell.method()} gives no predictions: {reason_of(error)}") from error
    return {
        "truth": task.truth[test],
        "prediction": np.asarray(predictive.median),
        "mean": np.asarray(predictive.mean),
        "std": np.asarray(predictive.std),
    }


def _train_seconds(task: TableTask, train: IntArray) -> float:
    """What training the training architectures cost; NaN if the table does not say."""
    return float("nan") if task.seconds is None else float(np.sum(task.seconds[train, -1]))


def _sources(cell: Cell, task: TableTask, test: IntArray) -> tuple[Source, ...]:
    """What the predictor of a cell is told of other tasks."""
    if not cell.sources:
        return ()
    return draw_sources(
        task, cell.sources, Path(cell.base), cell.encoding, cell.source_size, test, cell.seed
    )


def _predictor(cell: Cell, task: TableTask) -> Predictor:
    """The recipe of a cell; one that asks is told which columns belong together."""
    predictor = make_predictor(cell.use, **dict(cell.options))
    return with_blocks(predictor, cell.encoding, task.space, task.columns)


def _fit_and_predict(
    predictor: Predictor,
    seed: int,
    X: FloatArray,
    y: FloatArray,
    X_test: FloatArray,
    sources: Sequence[Source] = (),
) -> tuple[Predictive, dict[str, float]]:
    """Fit to copies of ``X`` (``n x d``) and ``y`` (``n``); predict at ``X_test`` (``m x d``)."""
    inputs, targets = torch.tensor(X), torch.tensor(y).unsqueeze(-1)
    queries = torch.tensor(X_test)
    told: dict[str, Any] = {"sources": sources} if sources else {}
    started, cpu_started = time.perf_counter(), time.process_time()
    model = predictor.fit(inputs, targets, seed=seed, **told)
    fitted = time.perf_counter()
    if not hasattr(model, "posterior"):
        raise InvalidPredictionError(
            f"fit returned {type(model).__name__}, which has no posterior; it must return a "
            "BoTorch model."
        )
    predictive = _checked(predict(model, queries), len(X_test))
    answered = time.perf_counter()
    return predictive, {
        "fit_seconds": fitted - started,
        "query_seconds_per_arch": (answered - fitted) / len(X_test),
        "cpu_seconds": time.process_time() - cpu_started,
    }


def _checked(predictive: Predictive, m: int) -> Predictive:
    for name in ("mean", "std", "median"):
        values = np.asarray(getattr(predictive, name))
        if values.shape != (m,):
            raise InvalidPredictionError(
                f"the predictive {name} has the shape {values.shape}; expected ({m},)."
            )
        wrong = int(np.sum(~np.isfinite(values)))
        if wrong:
            raise InvalidPredictionError(
                f"the predictive {name} is not finite at {wrong} of {counted(m, 'point')}."
            )
    if np.any(predictive.std < 0):
        raise InvalidPredictionError("the predictive standard deviation is negative.")
    return predictive


def _score(truth: FloatArray, predictive: Predictive) -> dict[str, float]:
    try:
        return prediction_scores(
            truth,
            predictive.median,
            predictive.mean,
            predictive.std,
            predictive.cdf(truth),
            predictive.log_density(truth),
            predictive.crps(truth),
        )
    except ValueError as error:
        raise InvalidPredictionError(f"the prediction cannot be scored: {error}") from error


def _record(
    cell: Cell,
    status: Status,
    reason: str,
    scores: dict[str, float] | None = None,
    timing: dict[str, float] | None = None,
    trace: str = "",
) -> Record:
    payload = {**cell.identity(), "status": status, "reason": one_line(reason), **(scores or {})}
    return make_record(cell.key, payload, timing, trace)


def reason_of(error: Exception) -> str:
    """What was raised and where, without folders or addresses, which differ between machines."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" [{Path(frames[-1].filename).name}:{frames[-1].lineno}]" if frames else ""
    return f"{type(error).__name__}: {one_line(text_of(error))}{where}"


def is_out_of_memory(error: Exception) -> bool:
    """Whether memory was lacking, as Python says it or torch's allocator."""
    return isinstance(error, MemoryError) or "can't allocate memory" in text_of(error)


def _status(error: Exception) -> Status:
    """Out of memory, an answer that our checks refused, or a failure of the predictor itself."""
    if is_out_of_memory(error):
        return "oom"
    frames = traceback.extract_tb(error.__traceback__)
    refused = isinstance(error, ValueError) and Path(frames[-1].filename) in _CHECKS
    return "invalid" if refused else "failed"


@contextmanager
def seeded(key: str) -> Iterator[None]:
    """Fix the global generators for the predictors of others that draw from them.

    Ours never do; but without this a foreign predictor's numbers would depend on the order of the
    cells. The states are put back afterwards.
    """
    seed = int(key[:8], 16)
    before = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    if torch.accelerator.is_available():
        torch.manual_seed(seed)
    else:  # which would queue a call, with its stack, for each device that is not there
        torch.default_generator.manual_seed(seed)
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])  # noqa: NPY002
        torch.set_rng_state(before[2])
