"""A pool behind BoTorch's model interface: inputs are row numbers, answers are looked up.

Every acquisition function of BoTorch asks its model for the joint posterior of small sets of
points, again and again. Over a finite pool these are entries of what is known already, so the
surrogate is never evaluated again.
"""

from __future__ import annotations

from typing import Any

import torch
from botorch.models.model import Model
from botorch.posteriors.gpytorch import GPyTorchPosterior
from botorch.posteriors.posterior import Posterior
from botorch.sampling.base import MCSampler
from gpytorch.distributions import MultivariateNormal
from linear_operator.utils.cholesky import psd_safe_cholesky
from torch import Tensor

from surrobench.predictors.model_posterior import ModelPosterior
from surrobench.predictors.models import MembersPosterior, OneOutput
from surrobench.predictors.posterior import SurrogatePosterior

_JITTER = 1e-9
_CHUNK = 8192


class PoolModel(OneOutput):
    """A surrogate as a model with inputs ``batch x q x 1`` of row numbers.

    Sets of a batch that have all but one row in common (a candidate beside what is pending) need
    the covariances of the pool with the common rows alone; these are worked out once.

    Args:
        surrogate: about a pool.
        normal: answer with a normal of the surrogate's means and covariances even for an ensemble.
    """

    def __init__(self, surrogate: SurrogatePosterior, *, normal: bool = False) -> None:
        super().__init__()
        self.surrogate = surrogate
        self.normal = normal or surrogate.kind != "ensemble"
        self._cross: dict[tuple[int, ...], Tensor] = {}

    def _posterior_at(self, X: Tensor, observation_noise: bool | Tensor) -> Posterior:
        rows = as_rows(X)
        if self.normal:
            return GPyTorchPosterior(self._normal(rows, observation_noise is True))
        return self._mixture(rows)

    def forward(self, X: Tensor) -> MultivariateNormal:
        """Joint normal of the function at the rows ``X`` (``batch x q x 1``)."""
        return self._normal(as_rows(X), False)

    def condition_on_observations(self, X: Tensor, Y: Tensor, **kwargs: Any) -> Model:
        """A batch of models, each of which has seen other values.

        Args:
            X: row numbers, ``batch x k x 1`` or ``k x 1``.
            Y: values at these, ``batch x k x 1``.
            kwargs: ``noise``, the variance of each value, of the shape of ``Y`` (the surrogate's
                noise if there is none).

        Raises:
            TypeError: for a posterior that cannot be conditioned (not a GP).
        """
        if self.surrogate.kind != "gp":
            raise TypeError(f"a posterior of kind {self.surrogate.kind!r} cannot be conditioned.")
        values = Y.squeeze(-1)
        noise = kwargs.get("noise")
        variances = (
            torch.full_like(values, self.surrogate.noise) if noise is None else noise[..., 0]
        )
        return ConditionedPoolModel(self, as_rows(X).expand(values.shape), values, variances)

    def fantasize(self, X: Tensor, sampler: MCSampler) -> Model:
        """A batch of models, each of which has seen sampled noisy values at the rows ``X``.

        Args:
            X: row numbers, ``k x 1``.
            sampler: of the values; its number of samples is the size of the batch.

        Raises:
            TypeError: for a posterior that cannot be conditioned (not a GP).
        """
        return self.condition_on_observations(X, sampler(self.posterior(X, observation_noise=True)))

    def _mixture(self, rows: Tensor) -> MembersPosterior:
        members = self.surrogate.members()
        assert members is not None
        within = None
        if isinstance(self.surrogate, ModelPosterior):
            within = self.surrogate.member_variances()
        # s x batch x q -> batch x s x q x 1
        values = members[:, rows].movedim(0, -2).unsqueeze(-1)
        if within is None:
            return MembersPosterior(values)
        return MembersPosterior(values, within[:, rows].movedim(0, -2).unsqueeze(-1))

    def _normal(self, rows: Tensor, noisy: bool) -> MultivariateNormal:
        return safe_normal(
            self.surrogate.mean[rows],
            self.covariance(rows),
            self.surrogate.noise if noisy else 0.0,
        )

    def covariance(self, rows: Tensor) -> Tensor:
        """Covariances within sets of rows, ``batch x q`` to ``batch x q x q``."""
        q = rows.shape[-1]
        if q == 1:
            return self.surrogate.variance[rows].unsqueeze(-1)
        sets = rows.reshape(-1, q)
        common = (sets == sets[:1]).all(dim=0)
        free = torch.nonzero(~common).squeeze(-1)
        if len(free) > 1:
            return _symmetric(self.surrogate.covariance(rows, rows))
        shared = torch.nonzero(common).squeeze(-1)
        others = sets[0, shared]
        covariance = self.surrogate.mean.new_empty(len(sets), q, q)
        among = _symmetric(self.surrogate.covariance(others, others))
        covariance[:, shared.unsqueeze(-1), shared] = among
        if len(free):
            place, own = int(free[0]), sets[:, free[0]]
            cross = self.cross(others)[own]
            covariance[:, place, shared] = cross
            covariance[:, shared, place] = cross
            covariance[:, place, place] = self.surrogate.variance[own]
        return covariance.reshape(*rows.shape, q)

    def cross(self, rows: Tensor) -> Tensor:
        """Covariances of the whole pool with some rows, ``m x k``; kept."""
        key = tuple(rows.tolist())
        if key not in self._cross:
            pool = torch.arange(len(self.surrogate.mean))
            parts = [self.surrogate.covariance(part, rows) for part in pool.split(_CHUNK)]
            self._cross[key] = torch.cat(parts)
        return self._cross[key]


class ConditionedPoolModel(Model):
    """A batch of pool models, each conditioned on values of its own.

    Args:
        prior: before these values.
        rows: where the values are, ``s x k``.
        values: ``s x k``.
        noise: their variances, ``s x k``.
    """

    def __init__(self, prior: PoolModel, rows: Tensor, values: Tensor, noise: Tensor) -> None:
        super().__init__()
        self.prior, self.surrogate = prior, prior.surrogate
        distinct, self._places = torch.unique(rows, return_inverse=True)
        self._columns = prior.cross(distinct)
        among = _symmetric(self._columns[rows.unsqueeze(-1), self._places.unsqueeze(-2)])
        self._factor = psd_safe_cholesky(among + torch.diag_embed(noise))
        residual = (values - self.surrogate.mean[rows]).unsqueeze(-1)
        self._weights = torch.cholesky_solve(residual, self._factor).squeeze(-1)

    @property
    def num_outputs(self) -> int:
        """Always 1."""
        return 1

    @property
    def batch_shape(self) -> torch.Size:
        """The number of models, ``s``."""
        return self._weights.shape[:-1]

    def posterior(
        self,
        X: Tensor,
        output_indices: list[int] | None = None,
        observation_noise: bool | Tensor = False,
        posterior_transform: Any = None,
    ) -> Posterior:
        """Posteriors of all models at the rows ``X`` (``batch x 1 x q x 1``).

        Args:
            X: row numbers, with a dimension of size 1 or ``s`` for the models.
            output_indices: nothing or ``[0]``.
            observation_noise: whether to add the variance of an observation.
            posterior_transform: applied last.

        Returns:
            Values of shape ``batch x s x q x 1``.
        """
        rows = as_rows(X)
        # batch x s x q x k: covariances of the points with those that were conditioned on
        cross = self._columns[rows.unsqueeze(-1), self._places.unsqueeze(-2)]
        mean = self.surrogate.mean[rows] + (cross @ self._weights.unsqueeze(-1)).squeeze(-1)
        factor = self._factor.expand(*cross.shape[:-2], *self._factor.shape[-2:])
        loads = torch.linalg.solve_triangular(factor, cross.mT, upper=False)
        covariance = self.prior.covariance(rows) - loads.mT @ loads
        normal = safe_normal(
            mean, covariance, self.surrogate.noise if observation_noise is True else 0.0
        )
        posterior = GPyTorchPosterior(normal)
        return posterior if posterior_transform is None else posterior_transform(posterior)


def safe_normal(mean: Tensor, covariance: Tensor, noise: float) -> MultivariateNormal:
    """A joint normal with noise, and with what rounding needs, on the diagonal."""
    covariance = _symmetric(covariance)
    diagonal = covariance.diagonal(dim1=-2, dim2=-1)
    added = jitter(diagonal)
    diagonal.clamp_min_(0.0).add_(noise + added)
    return MultivariateNormal(mean, covariance)


def jitter(variances: Tensor) -> Tensor:
    """What rounding needs on the diagonal of covariance matrices with these variances."""
    return _JITTER * variances.abs().amax().clamp_min(1e-12)


def as_inputs(rows: Tensor) -> Tensor:
    """Row numbers as BoTorch's inputs, ``k`` to ``k x 1``."""
    return rows.to(torch.float64).unsqueeze(-1)


def as_rows(X: Tensor) -> Tensor:
    """BoTorch's inputs as row numbers, ``batch x q x 1`` to ``batch x q``."""
    return X.squeeze(-1).round().long()


def _symmetric(covariance: Tensor) -> Tensor:
    return 0.5 * (covariance + covariance.mT)
