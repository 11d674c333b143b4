"""What an acquisition function is: a recipe that picks rows of a finite pool."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar, Literal, TypeVar

import numpy as np
from torch import Tensor

from surrobench.acquisition.context import AcquisitionContext
from surrobench.base.process_state import standard_numerics
from surrobench.base.wording import counted
from surrobench.predictors.posterior import Kind

T = TypeVar("T")


class Acquisition(ABC):
    """Scores every allowed candidate; subclasses are frozen dataclasses of their options.

    Attributes:
        serves: kinds of posterior that it works with.
        batch: whether scores account for pending candidates, so that a batch is chosen greedily;
            otherwise a batch is the best ``n`` by one scoring.
        objectives: ``"one"`` or ``"many"``.
    """

    serves: ClassVar[frozenset[Kind]] = frozenset({"gp", "ensemble", "moments"})
    batch: ClassVar[bool] = False
    objectives: ClassVar[Literal["one", "many"]] = "one"

    def __init_subclass__(cls, **options: Any) -> None:
        """Functions of our own score alike whatever is set in the process."""
        super().__init_subclass__(**options)
        if cls.__module__.startswith("surrobench."):
            for name in ("scores", "best", "select"):
                if name in vars(cls):
                    setattr(cls, name, _indifferent(vars(cls)[name]))

    @abstractmethod
    def scores(self, context: AcquisitionContext) -> Tensor:
        """Score of each allowed candidate (``context.choices()``), larger is better."""

    def select(self, context: AcquisitionContext, n: int) -> list[int]:
        """Up to ``n`` distinct allowed rows, best first; ties go to the lower row."""
        if not self.batch:
            return self.best(context, n)
        chosen: list[int] = []
        for _ in range(min(n, int(context.allowed.sum()))):
            allowed = context.allowed.clone()
            allowed[chosen] = False
            now = replace(context, allowed=allowed, pending=(*context.pending, *chosen))
            chosen += self.best(now, 1)
        return chosen

    def best(self, context: AcquisitionContext, n: int) -> list[int]:
        """Up to ``n`` rows with the highest scores, as :meth:`select` orders them.

        Functions that know which candidates cannot be among them need not score those.
        """
        return highest(context.choices(), self.scores(context), n)


def _indifferent(method: Callable[..., T]) -> Callable[..., T]:
    """The same by standard numerics, if all models that it looks at are ours as well."""

    @functools.wraps(method)
    def call(self: Acquisition, context: AcquisitionContext, *arguments: Any) -> T:
        posteriors = (*context.posteriors, *(bound.posterior for bound in context.constraints))
        if not all(getattr(posterior, "settled", False) for posterior in posteriors):
            return method(self, context, *arguments)
        with standard_numerics():
            return method(self, context, *arguments)

    return call


def highest(rows: Tensor, scores: Tensor, n: int) -> list[int]:
    """The ``n`` rows (of ascending ``m``) with the highest of ``m`` scores, best first.

    Ties go to the lower row; what is not a number comes last.
    """
    if scores.shape != rows.shape:
        raise ValueError(
            f"{tuple(scores.shape)} scores for {counted(len(rows), 'allowed candidate')}."
        )
    values = scores.detach().numpy()
    values = np.where(np.isnan(values), -np.inf, values)
    n = min(n, len(values))
    if n < 1:
        return []
    if n == 1:
        return [int(rows[int(values.argmax())])]
    least = np.partition(values, len(values) - n)[len(values) - n]
    among = np.flatnonzero(values >= least)
    order = among[np.argsort(-values[among], kind="stable")[:n]]
    return [int(row) for row in rows.numpy()[order]]
