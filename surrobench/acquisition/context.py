"""The moment of a choice: posteriors about the pool, what is allowed, what is pending."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor

from surrobench.predictors.posterior import SurrogatePosterior


@dataclass(frozen=True)
class LearnedConstraint:
    """A bound on a quantity that a surrogate predicts; ``margin >= 0`` is allowed.

    Attributes:
        posterior: about the constrained quantity.
        bound: the last allowed value, on the posterior's scale.
        sign: 1 if values up to the bound are allowed, -1 if values from the bound on.
    """

    posterior: SurrogatePosterior
    bound: float
    sign: int


@dataclass(frozen=True)
class AcquisitionContext:
    """Everything that an acquisition function may use.

    Attributes:
        posteriors: one per objective about the same ``m`` candidates; larger is better.
        allowed: which candidates may be chosen, ``m``; never those that were evaluated.
        pending: rows that are being evaluated.
        seed: for functions that draw; differs from step to step.
        step: how many choices were made before (for schedules).
        constraints: bounds that are learned; those known beforehand are in ``allowed``.
        feasible: which observed rows keep all constraints, ``n``; None if there are none.
    """

    posteriors: tuple[SurrogatePosterior, ...]
    allowed: Tensor
    pending: tuple[int, ...] = ()
    seed: int = 0
    step: int = 0
    constraints: tuple[LearnedConstraint, ...] = ()
    feasible: Tensor | None = field(default=None)

    @property
    def posterior(self) -> SurrogatePosterior:
        """The posterior about the first (or only) objective."""
        return self.posteriors[0]

    @property
    def best(self) -> float | None:
        """Best observed target (first objective) among the feasible; None if none is."""
        targets = self.posterior.targets
        if self.feasible is not None:
            targets = targets[self.feasible]
        return float(targets.max()) if targets.numel() else None

    def choices(self) -> Tensor:
        """Rows that may be chosen, ascending."""
        return self._choices

    @cached_property
    def _choices(self) -> Tensor:
        return torch.nonzero(self.allowed).squeeze(-1)
