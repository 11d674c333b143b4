"""What a predictor costs: seconds of a fit and of its answers, against their numbers."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from surrobench.base.process_state import restored
from surrobench.predictors.predictive import predict
from surrobench.testing.problems import Subject

PATIENCE = 30.0
"""Seconds of a fit after which no larger one is tried."""


@dataclass(frozen=True)
class Cost:
    """Of one training set.

    Attributes:
        examples: that it was fitted to.
        fit_seconds: of the fit.
        query_seconds: of predictions for so many architectures at once, by their number.
    """

    examples: int
    fit_seconds: float
    query_seconds: dict[int, float]


def cost_profile(
    subject: Subject, examples: Sequence[int] = (25, 100, 400), pools: Sequence[int] = (1000, 10000)
) -> Iterator[Cost]:
    """Measure, smallest training set first, on one thread.

    After a fit of more than :data:`PATIENCE` seconds, larger ones are left out.

    Args:
        subject: the predictor, with the problem that suits it.
        examples: numbers of training examples.
        pools: numbers of architectures that are asked about at once.
    """
    threads = torch.get_num_threads()
    for n in examples:
        problem = subject.make_problem(n)
        with restored():
            torch.set_num_threads(1)
            started = time.perf_counter()
            model = subject.predictor.fit(problem.X.clone(), problem.y.clone(), seed=0)
            fitted = time.perf_counter() - started
            seconds = {}
            for m in pools:
                X = problem.pool.repeat(-(-m // len(problem.pool)), 1)[:m]
                started = time.perf_counter()
                predict(model, X)
                seconds[m] = time.perf_counter() - started
        yield Cost(n, fitted, seconds)
        if fitted > PATIENCE:
            break
    torch.set_num_threads(threads)
