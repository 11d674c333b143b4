"""The posterior of any fitted model of the registry over a pool."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import torch
from botorch.models.model import Model
from torch import Tensor

from surrobench.base.process_state import if_settled
from surrobench.predictors.composed import MappedInputs, MarginalModel
from surrobench.predictors.gp.dense_posterior import (
    DensePosterior,
    bare_model,
    inner_transform,
    is_plain,
)
from surrobench.predictors.models import EnsembleModel, spread_scores
from surrobench.predictors.posterior import Kind
from surrobench.predictors.sparse_gp.model import SparseModel
from surrobench.predictors.transforms import AffineModel, WarpedModel

_LEAST_VARIANCE = 1e-12
_CHUNK = 2048
JOINT_ROWS = 512
"""A joint sample over more candidates than this is drawn over the most promising of them."""


class ModelPosterior:
    """A model's posterior of the function at ``m`` candidates, on the model's own scale.

    A model behind a target transform is taken without it, and a Gaussian process without the
    standardisation inside it: ``to_scale`` moves values to where the posterior is normal.
    Ensembles answer with their members; exact Gaussian processes by linear algebra over the pool
    (:class:`~.dense_posterior.DensePosterior`, ``n x m`` numbers), other Gaussian processes are
    asked for covariances as they are needed; of everything else only the moments are used.

    Args:
        model: a fitted model with one output.
        X: the candidates, ``m x d``.
        rows: positions of the observed candidates, ``n``.
        y: their values in units of the task, ``n x 1``.
    """

    def __init__(self, model: Model, X: Tensor, rows: Sequence[int], y: Tensor) -> None:
        self._transforms: list[Any] = []
        self._mapped: list[MappedInputs] = []
        self._asked_about = X
        while isinstance(model, WarpedModel | AffineModel | MappedInputs):
            if isinstance(model, MappedInputs):
                self._mapped.append(model)
                X = model.inputs(X)
            else:
                self._transforms.append(model.transform)
            model = model.base
        self._dense: DensePosterior | None = None
        if is_plain(model):
            inner = inner_transform(model)
            self._transforms += [] if inner is None else [inner]
            self._dense = DensePosterior.of(model, X)
        self._model = model
        self._added = 0
        self._pool = X
        self._rows = torch.as_tensor(list(rows), dtype=torch.long, device="cpu")
        self._targets = self.to_scale(y.reshape(-1))
        self.kind: Kind = posterior_kind_of(model)

    @property
    def settled(self) -> bool:
        """Whether it answers alike whatever is set in the process that asks."""
        return self._dense is not None or bool(getattr(self._model, "settled", False))

    @property
    def X(self) -> Tensor:  # noqa: N802
        """Candidates, ``m x d``."""
        return self._asked_about

    @property
    def rows(self) -> Tensor:
        """Positions of the observed candidates, ``n``."""
        return self._rows

    @property
    def targets(self) -> Tensor:
        """Observed values on the model's scale, ``n``."""
        return self._targets

    @property
    def noise(self) -> float:
        """Variance of an observation around the function."""
        if self._dense is not None:
            return self._dense.noise
        likelihood = getattr(self._model, "likelihood", None)
        if likelihood is None:
            return float(getattr(self._model, "noise", 0.0))
        noise = likelihood.noise.detach().mean()
        outcome = getattr(self._model, "outcome_transform", None)
        return float(noise if outcome is None else noise * outcome.stdvs.squeeze() ** 2)

    @cached_property
    @if_settled
    def _moments(self) -> tuple[Tensor, Tensor]:
        if self._dense is not None:
            return self._dense.mean, self._dense.variance.clamp_min(_LEAST_VARIANCE)
        least = max(float(getattr(self._model, "floor", 0.0)), _LEAST_VARIANCE)
        with torch.no_grad():
            if isinstance(self._model, EnsembleModel):
                means, within = self._members
                variance = means.var(dim=0, unbiased=False)
                variance = variance if within is None else variance + within.mean(dim=0)
                return means.mean(dim=0), variance.clamp_min(least)
            asked: Callable[[Tensor], tuple[Tensor, Tensor]] = self._asked
            if isinstance(self._model, SparseModel):
                asked = self._model.marginals()
            parts = [asked(chunk) for chunk in self._pool.split(_CHUNK)]
        means_, variances = zip(*parts, strict=True)
        return torch.cat(means_), torch.cat(variances).clamp_min(least)

    def _asked(self, X: Tensor) -> tuple[Tensor, Tensor]:
        if isinstance(self._model, MarginalModel):
            return self._model.marginals(X, observation_noise=False)
        # One point a batch: GPyTorch would otherwise build the joint covariance of all points.
        posterior: Any = self._model.posterior(X.unsqueeze(1))
        return posterior.mean.reshape(-1), posterior.variance.reshape(-1)

    @cached_property
    @if_settled
    def _members(self) -> tuple[Tensor, Tensor | None]:
        assert isinstance(self._model, EnsembleModel)
        chunks = self._pool.split(self._model.rows_at_once)
        answers = [self._model.members(chunk) for chunk in chunks]
        pairs = [a if isinstance(a, tuple) else (a, None) for a in answers]
        means = torch.cat([mean for mean, _ in pairs], dim=1).to(self._pool)
        within = [variance for _, variance in pairs if variance is not None]
        return means, torch.cat(within, dim=1).to(self._pool) if within else None

    @property
    def mean(self) -> Tensor:
        """Means, ``m``."""
        return self._moments[0]

    @property
    def variance(self) -> Tensor:
        """Marginal variances, ``m``, positive."""
        return self._moments[1]

    def to_scale(self, y: Tensor) -> Tensor:
        """Values in units of the task (any shape), moved to the model's scale."""
        moved = y.reshape(-1, 1)
        for transform in self._transforms:
            moved = transform.forward(moved)
        return moved.reshape(y.shape)

    def members(self) -> Tensor | None:
        """Means of the ensemble's members, ``s x m``; None for other models."""
        return self._members[0] if self.kind == "ensemble" else None

    def member_variances(self) -> Tensor | None:
        """Variances within the ensemble's members, ``s x m``; None if they have none."""
        return self._members[1] if self.kind == "ensemble" else None

    @if_settled
    def covariance(self, a: Tensor, b: Tensor) -> Tensor:
        """Covariance between candidates ``a`` (``... x k``) and ``b`` (``... x l``)."""
        if self.kind == "moments":
            same = a.unsqueeze(-1) == b.unsqueeze(-2)
            return same * self.variance[a].unsqueeze(-1)
        if self.kind == "ensemble":
            means, within = self._members
            centred = (means - means.mean(dim=0)).T  # m x s
            shared = centred[a] @ centred[b].transpose(-1, -2) / len(means)
            if within is not None:
                std = within.sqrt().T
                shared = shared + std[a] @ std[b].transpose(-1, -2) / len(means)
            return shared
        if self._dense is not None:
            return self._dense.covariance(a, b)
        both = torch.cat([a, b], dim=-1)
        with torch.no_grad():
            posterior: Any = self._model.posterior(self._pool[both])
            joint = posterior.distribution.covariance_matrix
        return joint[..., : a.shape[-1], a.shape[-1] :]

    @if_settled
    def sample(self, count: int, *, seed: int, rows: Tensor | None = None) -> Tensor:
        """Joint samples of the function, ``count x m``, or at ``rows`` ``count x k``.

        A Gaussian process over more than :data:`JOINT_ROWS` candidates samples jointly over those
        with the highest upper bounds; the others get minus infinity.
        """
        generator = torch.Generator().manual_seed(seed % 2**63)
        wanted = torch.arange(len(self._pool)) if rows is None else rows
        if self.kind == "ensemble":
            means, within = self._members
            picked = torch.randint(len(means), (count,), generator=generator)
            values = means[picked][:, wanted]
            if within is not None:
                scores = spread_scores(len(means)).to(values)[picked]
                values = values + scores[:, None] * within[picked][:, wanted].sqrt()
            return values
        if self.kind == "moments":
            normal = torch.randn(count, len(wanted), generator=generator, dtype=self.mean.dtype)
            return self.mean[wanted] + normal * self.variance[wanted].sqrt()
        return joint_samples(self, count, wanted, generator)

    @if_settled
    def condition(self, rows: Sequence[int], values: Tensor) -> ModelPosterior:
        """The posterior after values (on the model's scale) at further candidates.

        Raises:
            TypeError: unless the model is a Gaussian process.
        """
        if self.kind != "gp":
            raise TypeError(f"a posterior of kind {self.kind!r} cannot be conditioned.")
        new = torch.as_tensor(list(rows), dtype=torch.long, device="cpu")
        values = values.reshape(-1).to(self._targets)
        other = copy.copy(self)
        other.__dict__.pop("_moments", None)
        other._rows = torch.cat([self._rows, new])
        other._targets = torch.cat([self._targets, values])
        if self._dense is not None:
            other._dense = self._dense.appended(new, values)
            other._added += len(new)
        else:
            other._model = _conditioned(self._model, self._pool[new], values)
        return other

    @if_settled
    def model(self) -> Model:
        """The model on its own scale with what it was conditioned on; of a process, a copy."""
        model = self._bare()
        for mapped in reversed(self._mapped):
            model = MappedInputs(model, mapped.inputs)
        return model

    def _bare(self) -> Model:
        if self._dense is None:
            return self._model
        model: Model = bare_model(self._model)
        if not self._added:
            return model
        new, values = self._rows[-self._added :], self._targets[-self._added :]
        return _conditioned(model, self._pool[new], values)


def _conditioned(model: Any, X: Tensor, values: Tensor) -> Model:
    with torch.no_grad():
        model.posterior(X[:1])  # conditioning needs GPyTorch's caches
        return model.condition_on_observations(X, values.unsqueeze(-1))


def posterior_kind_of(model: Model) -> Kind:
    """What sort of posterior a model gives (target transforms aside)."""
    if isinstance(model, WarpedModel | AffineModel | MappedInputs):
        return posterior_kind_of(model.base)
    if isinstance(model, EnsembleModel):
        return "ensemble"
    return "gp" if hasattr(model, "covar_module") else "moments"


def joint_samples(posterior: Any, count: int, rows: Tensor, generator: torch.Generator) -> Tensor:
    """Exact joint normal samples over at most :data:`JOINT_ROWS` promising rows, ``count x k``."""
    chosen = torch.arange(len(rows))
    if len(rows) > JOINT_ROWS:
        bound = posterior.mean[rows] + 2.0 * posterior.variance[rows].sqrt()
        chosen = torch.topk(bound, JOINT_ROWS).indices.sort().values
    picked = rows[chosen]
    covariance = posterior.covariance(picked, picked)
    covariance = 0.5 * (covariance + covariance.T)
    scale = float(covariance.diagonal().mean().clamp_min(_LEAST_VARIANCE))
    for jitter in (1e-10, 1e-8, 1e-6, 1e-4):
        factor, failed = torch.linalg.cholesky_ex(
            covariance + jitter * scale * torch.eye(len(picked), dtype=covariance.dtype)
        )
        if not bool(failed):
            break
    normal = torch.randn(count, len(picked), generator=generator, dtype=covariance.dtype)
    values = torch.full((count, len(rows)), -torch.inf, dtype=covariance.dtype)
    values[:, chosen] = posterior.mean[picked] + normal @ factor.T
    return values
