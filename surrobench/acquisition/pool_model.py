"""A pool behind BoTorch's model interface: inputs are row numbers, answers are looked up.

Every Monte-Carlo acquisition function of BoTorch asks its model for the joint posterior of small
sets of points, again and again. Over a finite pool these are entries of what the belief knows
already, so the surrogate is never evaluated again.
"""

from __future__ import annotations

from typing import Any

import torch
from botorch.models.model import Model
from botorch.posteriors.gpytorch import GPyTorchPosterior
from botorch.posteriors.posterior import Posterior
from gpytorch.distributions import MultivariateNormal
from torch import Tensor

from surrobench.predictors.belief import Belief
from surrobench.predictors.models import MembersPosterior

_JITTER = 1e-9


class PoolModel(Model):
    """A belief as a model with inputs ``batch x q x 1`` of row numbers.

    Args:
        belief: about a pool.
    """

    def __init__(self, belief: Belief) -> None:
        super().__init__()
        self.belief = belief

    @property
    def num_outputs(self) -> int:
        """Always 1."""
        return 1

    @property
    def batch_shape(self) -> torch.Size:
        """Always empty."""
        return torch.Size([])

    def posterior(
        self,
        X: Tensor,
        output_indices: list[int] | None = None,
        observation_noise: bool | Tensor = False,
        posterior_transform: Any = None,
    ) -> Posterior:
        """Joint posterior of the function at the rows ``X``, with values ``batch x q x 1``.

        Args:
            X: row numbers, ``batch x q x 1``.
            output_indices: nothing or ``[0]``.
            observation_noise: whether to add the variance of an observation.
            posterior_transform: applied last.
        """
        rows = X.squeeze(-1).round().long()
        members = self.belief.members()
        posterior: Posterior
        if members is not None:
            # s x batch x q -> batch x s x q x 1
            posterior = MembersPosterior(members[:, rows].movedim(0, -2).unsqueeze(-1))
        else:
            covariance = self.belief.covariance(rows, rows)
            covariance = 0.5 * (covariance + covariance.transpose(-1, -2))
            added = self.belief.noise if observation_noise is True else 0.0
            diagonal = covariance.diagonal(dim1=-2, dim2=-1)
            diagonal.add_(added + _JITTER * diagonal.abs().amax().clamp_min(1e-12))
            posterior = GPyTorchPosterior(MultivariateNormal(self.belief.mean[rows], covariance))
        return posterior if posterior_transform is None else posterior_transform(posterior)


def as_inputs(rows: Tensor) -> Tensor:
    """Row numbers as BoTorch's inputs, ``k`` to ``k x 1``."""
    return rows.to(torch.float64).unsqueeze(-1)
