"""All questions asked of one task: :func:`explain`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from surrobench.errors import UserError
from surrobench.metrics.ranking import kendall_tau
from surrobench.predictors import make_predictor
from surrobench.studies.prediction.protocols import check_size
from surrobench.tasks import load_task
from surrobench.understanding.contributions import contribution_sizes, shap_values
from surrobench.understanding.effects import choice_effects
from surrobench.understanding.fitting import draw, fit
from surrobench.understanding.importance import permutation_importance
from surrobench.understanding.relevance import block_relevance
from surrobench.understanding.residuals import residuals_by_group

PROTOCOL = "grouped-2000"


@dataclass(frozen=True)
class Explanation:
    """What was learned, a row per seed in every frame.

    Attributes:
        task: its name.
        unit: of its values.
        predictor: that was asked.
        encoding: that it saw.
        train_size: architectures that it learned from.
        seeds: number of training sets.
        frames: ``quality``, ``importance``, ``contributions``, ``effects``, ``relevance`` and
            ``residuals``; see the modules of these names.
    """

    task: str
    unit: str
    predictor: str
    encoding: str
    train_size: int
    seeds: int
    frames: dict[str, pd.DataFrame]


def explain(
    spec: str,
    predictor: str = "xgboost",
    *,
    encoding: str | None = None,
    train_size: int = 200,
    seeds: int = 5,
    protocol: str = PROTOCOL,
    base: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Explanation:
    """Fit a predictor to training sets of a task and ask what it has learned.

    Importance, effects and residuals are those of ``predictor``; SHAP values are those of
    ``xgboost`` and relevances those of ``gp-blocks`` on the same training sets.

    Args:
        spec: a task.
        predictor: name, perhaps with ``+transform``.
        encoding: of the architectures, by default what the predictor insists on, else the task's.
        train_size: architectures to learn from.
        seeds: training sets, drawn as a study draws them (seeds 0, 1, …).
        protocol: how training and test architectures are split.
        base: folder that relative paths start from.
        progress: called with the number of finished seeds and of all.

    Raises:
        UserError: for an unknown task, predictor or encoding, one that the predictor does not read,
            or a task that is too small.
    """
    if seeds < 1:
        raise UserError(f"seeds is {seeds}; at least one training set is needed.")
    task = load_task(spec, base)
    check_size(task, protocol, train_size, "Give at most {most} with --train-size.")
    chosen = _encoding(predictor, encoding) or task.default_encoding
    parts: dict[str, list[pd.DataFrame]] = {}
    for seed in range(seeds):
        sample = draw(task, chosen, protocol, train_size, seed)
        fitted = fit(sample, predictor)
        shap = shap_values(sample)
        tau = kendall_tau(sample.truth, fitted.predictive.median)
        answers = {
            "quality": pd.DataFrame({"kendall_tau": [tau]}),
            "importance": permutation_importance(fitted),
            "contributions": contribution_sizes(sample, shap),
            "effects": choice_effects(fitted, shap),
            "relevance": block_relevance(sample),
            "residuals": residuals_by_group(fitted),
        }
        for name, frame in answers.items():
            frame.insert(0, "seed", seed)
            parts.setdefault(name, []).append(frame)
        if progress is not None:
            progress(seed + 1, seeds)
    frames = {name: pd.concat(tables, ignore_index=True) for name, tables in parts.items()}
    return Explanation(task.name, task.unit, predictor, chosen, train_size, seeds, frames)


def _encoding(predictor: str, asked: str | None) -> str | None:
    """The encoding that a predictor insists on, else what is asked for."""
    own = getattr(make_predictor(predictor), "encoding", None)
    if own is not None and asked not in (None, own):
        raise UserError(
            f"predictor {predictor!r} reads the encoding {own!r} and no other; leave out the "
            f"encoding {asked!r}."
        )
    return own or asked
