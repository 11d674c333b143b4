"""What an acquisition function is: a recipe that picks rows of a finite pool."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import ClassVar, Literal

import torch
from torch import Tensor

from surrobench.acquisition.situation import Situation
from surrobench.predictors.belief import Kind


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

    @abstractmethod
    def scores(self, situation: Situation) -> Tensor:
        """Score of each allowed candidate (``situation.choices()``), larger is better."""

    def select(self, situation: Situation, n: int) -> list[int]:
        """Up to ``n`` distinct allowed rows, best first; ties go to the lower row."""
        if not self.batch:
            return _top(situation, self.scores(situation), n)
        chosen: list[int] = []
        for _ in range(min(n, int(situation.allowed.sum()))):
            allowed = situation.allowed.clone()
            allowed[chosen] = False
            now = replace(situation, allowed=allowed, pending=(*situation.pending, *chosen))
            chosen += _top(now, self.scores(now), 1)
        return chosen


def _top(situation: Situation, scores: Tensor, n: int) -> list[int]:
    rows = situation.choices()
    if scores.shape != rows.shape:
        raise ValueError(f"{tuple(scores.shape)} scores for {len(rows)} allowed candidates.")
    scores = torch.nan_to_num(scores, nan=-torch.inf)
    order = torch.argsort(scores, descending=True, stable=True)
    return [int(row) for row in rows[order[:n]]]
