"""One cell of a pipeline study: from short trainings to fully trained picks.

What depends on the cell's predictor is computed here; trainings that cells have in common are done
once. Whatever a predictor does wrong becomes the status of its cell with a reason. A training that
diverges or fails is a candidate without a value, and the cell goes on.
"""

from __future__ import annotations

import math
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from surrobench.arrays import FloatArray
from surrobench.errors import UserError
from surrobench.metrics import ranking
from surrobench.studies.pipeline.choice import (
    Picks,
    pick_at_random,
    pick_best_trained,
    pick_by_predictor,
    pick_largest,
)
from surrobench.studies.pipeline.plan import PipelineCell
from surrobench.studies.pipeline.task import (
    CandidatePool,
    PipelineTask,
    load_pipeline_task,
    mean_value,
)
from surrobench.studies.prediction.cell import is_out_of_memory, reason_of, seeded
from surrobench.studies.run_folder.record import Record, Status, make_record, one_line
from surrobench.studies.search.cell import packed, strategy_seed
from surrobench.tasks.evaluation import Evaluation

UNTRAINED = ("random", "largest")
"""Baselines that need no short trainings."""
_LEAST_RANKED = 3  # fewer have no rank correlation worth the name


def run_pipeline(cell: PipelineCell) -> Record:
    """Compute one cell; any mistake of the predictor is in the record, not raised."""
    torch.set_num_threads(1)
    try:
        task = load_pipeline_task(
            cell.spec,
            Path(cell.base),
            cell.live,
            cell.proxy_epochs,
            cell.proxy_share,
            cell.judging,
        )
        pool = task.pool(cell.candidates, cell.seed)
        needs_training = cell.predictor not in UNTRAINED
        brief = task.brief(pool.archs[: cell.train], cell.seed) if needs_training else []
    except UserError as error:
        return _record(cell, "unavailable", str(error))
    try:
        with seeded(cell.key):
            picks = _picks(cell, pool, np.array([one.value for one in brief]))
        content, timing = _judged(cell, task, pool, picks, brief)
    except Exception as error:
        status: Status = "oom" if is_out_of_memory(error) else "failed"
        return _record(cell, status, reason_of(error), trace=traceback.format_exc())
    return _record(cell, "ok", "", content, timing)


def _picks(cell: PipelineCell, pool: CandidatePool, brief: FloatArray) -> Picks:
    if cell.predictor == "random":
        return pick_at_random(pool, cell.train, cell.picks)
    if cell.predictor == "largest":
        return pick_largest(pool, cell.picks)
    if cell.predictor == "best-trained":
        return pick_best_trained(pool, brief, cell.picks)
    return pick_by_predictor(
        pool,
        brief,
        cell.picks,
        predictor=cell.use,
        encoding=cell.encoding,
        acquisition=cell.acquire,
        seed=strategy_seed(cell.task, cell.seed),
    )


def _judged(
    cell: PipelineCell,
    task: PipelineTask,
    pool: CandidatePool,
    picks: Picks,
    brief: Sequence[Evaluation],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Payload and timing: full trainings of the picks and of the reference, and scores."""
    reference = _reference(cell, pool)
    rows = list(dict.fromkeys([*picks.rows, *reference]))
    trained = [row for row in rows if pool.judged is None or row in set(picks.rows)]
    runs = dict(
        zip(
            trained,
            task.full([pool.archs[row] for row in trained], cell.runs, cell.seed),
            strict=True,
        )
    )
    values = {row: mean_value(runs[row]) for row in trained}
    judge = {
        row: float(pool.judged[row]) if pool.judged is not None else values[row][0] for row in rows
    }
    columns = _columns(pool, picks, rows, set(reference), brief, values, judge)
    content = {
        "unit": task.unit,
        "data": task.data,
        "judge": task.judge,
        "without_judge": task.without_judge,
        "optimum": math.nan if pool.judged is None else float(np.nanmax(pool.judged)),
        "pool": len(pool.archs),
        **_scores(picks, reference, judge),
        "rows": {name: packed(column) for name, column in columns.items()},
    }
    timing: dict[str, Any] = {
        "row_seconds": [_seconds(runs.get(row, ())) for row in rows],
        "train_seconds": _seconds(brief),
        **picks.timing,
        "full_seconds": _seconds([run for row in picks.rows for run in runs[row]]),
    }
    return content, timing


def _reference(cell: PipelineCell, pool: CandidatePool) -> list[int]:
    """Rows that predictions are compared with judgements on: candidates that nobody trained.

    A uniform sample of a live task; all of a table. Picks alone would be a biased sample. For the
    best of the trained ones it is these themselves, where a table can judge them.
    """
    if cell.predictor in UNTRAINED:
        return []
    if cell.predictor == "best-trained":
        return [] if pool.judged is None else list(range(cell.train))
    stop = len(pool.archs) if pool.judged is not None else cell.train + cell.reference
    return list(range(cell.train, min(stop, len(pool.archs))))


def _columns(
    pool: CandidatePool,
    picks: Picks,
    rows: Sequence[int],
    reference: set[int],
    brief: Sequence[Evaluation],
    values: Mapping[int, tuple[float, float, int]],
    judge: Mapping[int, float],
) -> dict[str, list[Any]]:
    """One array per column of the results, an element per architecture."""
    place = {row: rank for rank, row in enumerate(picks.rows, start=1)}
    unknown = (math.nan, math.nan, 0)
    return {
        "arch": [pool.space.to_string(pool.archs[row]) for row in rows],
        "pick": [place.get(row, 0) for row in rows],
        "reference": [row in reference for row in rows],
        "predicted": [float(picks.predicted[row]) for row in rows],
        "predicted_std": [float(picks.std[row]) for row in rows],
        "brief_value": [brief[row].value if row < len(brief) else math.nan for row in rows],
        "value": [values.get(row, unknown)[0] for row in rows],
        "value_std": [values.get(row, unknown)[1] for row in rows],
        "runs": [values.get(row, unknown)[2] for row in rows],
        "judged": [judge[row] for row in rows],
        **{
            name: [float(pool.measured[name][row]) for row in rows]
            for name in pool.measured
            if name in ("params", "flops")
        },
    }


def _scores(picks: Picks, reference: Sequence[int], judge: Mapping[int, float]) -> dict[str, Any]:
    """Rank correlations of predictions with judgements on the reference."""
    known = [
        row
        for row in reference
        if math.isfinite(judge[row]) and math.isfinite(picks.predicted[row])
    ]
    truth = [judge[row] for row in known]
    predicted = [float(picks.predicted[row]) for row in known]
    enough = len(known) >= _LEAST_RANKED
    return {
        "ranked": len(known),
        "kendall_tau": ranking.kendall_tau(truth, predicted) if enough else math.nan,
        "kendall_tau_top_half": (
            ranking.kendall_tau_top_half(truth, predicted)
            if len(known) >= 2 * _LEAST_RANKED
            else math.nan
        ),
    }


def _seconds(evaluations: Sequence[Evaluation]) -> float:
    """Seconds of the trainings that state them."""
    return float(sum(one.cost for one in evaluations if one.cost is not None))


def _record(
    cell: PipelineCell,
    status: Status,
    reason: str,
    content: Mapping[str, Any] | None = None,
    timing: Mapping[str, float] | None = None,
    trace: str = "",
) -> Record:
    payload = {**cell.identity(), "status": status, "reason": one_line(reason), **(content or {})}
    return make_record(cell.key, payload, timing, trace)
