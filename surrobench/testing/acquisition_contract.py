"""What every acquisition function promises, one sentence and one check each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from surrobench.acquisition import make_acquisition
from surrobench.acquisition.acquisition import Acquisition
from surrobench.acquisition.context import AcquisitionContext
from surrobench.errors import UserError
from surrobench.predictors import make_predictor
from surrobench.predictors.pool_session import open_pool
from surrobench.predictors.posterior import Kind, SurrogatePosterior
from surrobench.testing.checks import Contract
from surrobench.testing.predictor_contract import global_states, same_states

SIZE = 30
OBSERVED = tuple(range(12))
PENDING = 20
TWINS = (13, 25)
"""Two candidates that are the same."""

_PREDICTORS: dict[Kind, Any] = {
    "gp": "gp-matern52",
    "ensemble": {"use": "random-forest", "trees": 10},
    "moments": "svr",
}


def _function(given: Any) -> Acquisition:
    made = make_acquisition(given) if isinstance(given, str | dict) else given
    if isinstance(made, type):
        made = made()
    if not isinstance(made, Acquisition):
        raise UserError(f"{given!r} is no acquisition function: derive it from Acquisition.")
    return made


ACQUISITION_CONTRACT = Contract(_function)
promise = ACQUISITION_CONTRACT.promise


def _pool() -> Tensor:
    X = torch.rand(SIZE, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    X[TWINS[1]] = X[TWINS[0]]
    return X


@cache
def _posterior(kind: Kind, objective: int) -> SurrogatePosterior:
    X = _pool()
    first = torch.sin(4 * X[:, :1]) + X[:, 1:2]
    y = first if objective == 0 else torch.cos(3 * X[:, 2:]) - first
    session = open_pool(make_predictor(_PREDICTORS[kind]), X)
    return session.update(OBSERVED, y[list(OBSERVED)], seed=0)


def contexts(function: Acquisition) -> Iterator[AcquisitionContext]:
    """Choices to make, one for each kind of posterior that it serves."""
    objectives = 1 if function.objectives == "one" else 2
    for kind in sorted(function.serves):
        posteriors = tuple(_posterior(kind, objective) for objective in range(objectives))
        allowed = torch.ones(SIZE, dtype=torch.bool)
        allowed[[*OBSERVED, PENDING]] = False
        yield AcquisitionContext(posteriors, allowed=allowed, pending=(PENDING,))


@promise
def there_is_a_score_for_each_choice(function: Acquisition) -> None:
    """Scores are as many as candidates that are allowed, in their order, and none is NaN.

    Score ``context.choices()`` and nothing else; minus infinity is a score.
    """
    for context in contexts(function):
        scores = function.scores(context)
        allowed = int(context.allowed.sum())
        assert tuple(scores.shape) == (allowed,), f"{tuple(scores.shape)} scores for {allowed}"
        assert not torch.isnan(scores).any(), "a score is not a number"


@promise
def only_allowed_rows_are_chosen(function: Acquisition) -> None:
    """What is chosen is allowed, and chosen once, alone and in a batch."""
    for context in contexts(function):
        for n in (1, 3):
            chosen = function.select(context, n)
            assert len(chosen) == len(set(chosen)) == n, f"{chosen} for {n} choices"
            wrong = [row for row in chosen if not bool(context.allowed[row])]
            assert not wrong, f"row {wrong[0] if wrong else ''} is not allowed"


@promise
def no_more_is_chosen_than_there_is(function: Acquisition) -> None:
    """If fewer candidates are left than are asked for, all of them are chosen."""
    for context in contexts(function):
        allowed = torch.zeros(SIZE, dtype=torch.bool)
        allowed[[14, 27]] = True
        chosen = function.select(replace(context, allowed=allowed), 5)
        assert sorted(chosen) == [14, 27], f"{chosen} of the two that are left"


@promise
def same_seed_same_choice(function: Acquisition) -> None:
    """The same posterior and seed give the same scores.

    Draw from ``torch.Generator().manual_seed(context.seed)`` alone.
    """
    for context in contexts(function):
        assert torch.equal(function.scores(context), function.scores(context)), "scores differ"
        assert function.select(context, 3) == function.select(context, 3), "choices differ"


@promise
def global_random_state_is_untouched(function: Acquisition) -> None:
    """Choosing neither reads nor advances the global generators."""
    for context in contexts(function):
        before = global_states()
        function.select(context, 2)
        changed = same_states(before, global_states())
        assert not changed, f"{changed} global generator was used"


@promise
def twins_tie(function: Acquisition) -> None:
    """Two candidates that are the same have the same score, unless it draws.

    Let no score depend on the place of a candidate in the pool.
    """
    for context in contexts(function):
        scores = function.scores(context)
        if not torch.equal(scores, function.scores(replace(context, seed=1))):
            continue
        rows = context.choices().tolist()
        one, other = (float(scores[rows.index(twin)]) for twin in TWINS)
        size = max(abs(one), abs(other), 1.0)
        assert one == other or abs(one - other) < 1e-6 * size, f"{one} and {other}"


@promise
def better_candidates_are_preferred(function: Acquisition) -> None:
    """Of candidates with known outcomes it prefers better ones than the average.

    Larger is better: look at the sign of the scores.
    """
    for context in contexts(function):
        if function.objectives != "one":
            continue
        means = context.posterior.mean
        picks = [
            float(means[row])
            for seed in range(8)
            for row in function.select(replace(context, seed=seed), 1)
        ]
        average = float(means[context.choices()].mean())
        assert np.mean(picks) > average, f"{np.mean(picks):.3g} against {average:.3g} on average"
