"""A Gaussian process whose prior mean is learned on other tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from botorch.models.model import Model
from botorch.posteriors.gpytorch import GPyTorchPosterior
from gpytorch.distributions import MultivariateNormal
from torch import Tensor

from surrobench.base.process_state import standard_numerics
from surrobench.predictors.composed import MarginalModel
from surrobench.predictors.gp.gp import ExactGP
from surrobench.predictors.posterior import Kind
from surrobench.predictors.predictive import predict
from surrobench.predictors.protocol import Source
from surrobench.predictors.recipe import canonical_rows, option
from surrobench.predictors.transfer.source_models import SourceProcess, enough, source_processes
from surrobench.predictors.transforms import check_transform, fit_inner_transform


@dataclass(frozen=True, kw_only=True)
class TransferGP:
    """Gaussian processes stacked: those of other tasks are the prior mean of this task's.

    With standardised targets ``z`` and ``mu_k`` the posterior mean of an exact Gaussian process
    fitted to source ``k``,

    ``z(x) = a + sum_k b_k mu_k(x) + g(x)``,

    where ``a`` and ``b`` are fitted by ridge regression (``penalty`` on ``b``) and ``g`` is an
    exact Gaussian process fitted to what is left. After Golovin et al., "Google Vizier: A Service
    for Black-Box Optimization" (KDD 2017), section 3.3, who stack the processes of past studies
    one upon the other; here they stand side by side, so that their order means nothing. Without
    sources it is ``gp-matern52``.

    Args:
        kernel: of all processes.
        penalty: of the weights of the sources; 1 is worth one example of unit variance.
        transform: of the targets, those of each source by their own values.
    """

    transfer: ClassVar[bool] = True
    posterior_kind: ClassVar[Kind] = "moments"

    kernel: str = "matern-5/2"
    penalty: float = option(1.0, least=1e-6, most=1e6)
    transform: str = "standardise"

    def __post_init__(self) -> None:
        """Refuse options that are not valid."""
        check_transform(self.transform)
        self._process()

    def with_sources(self, sources: Sequence[Source], *, seed: int) -> _AfterSources:
        """What has learned of the sources and is fitted to targets."""
        known = enough(sources)
        most = max((len(source.y) for source in known), default=0)
        models = source_processes(known, self._process(), self.transform, most, seed)
        return _AfterSources(self, tuple(models))

    @standard_numerics()
    def fit(self, X: Tensor, y: Tensor, *, seed: int, sources: Sequence[Source] = ()) -> Model:
        """Fit to ``X`` (``n x d``) and ``y`` (``n x 1``), with what is known of other tasks."""
        return self.with_sources(sources, seed=seed).fit(X, y, seed=seed)

    def _process(self, transform: str = "standardise") -> ExactGP:
        kernel: Any = self.kernel  # which is checked there
        of_targets: Any = transform
        return ExactGP(kernel=kernel, transform=of_targets)


@dataclass(frozen=True)
class _AfterSources:
    """The stack but for the target's process and the weights."""

    recipe: TransferGP
    models: tuple[SourceProcess, ...]

    @standard_numerics()
    def fit(self, X: Tensor, y: Tensor, *, seed: int) -> Model:
        """Fit to ``X`` (``n x d``) and ``y`` (``n x 1``)."""
        recipe = self.recipe
        if not self.models:
            return recipe._process(recipe.transform).fit(X, y, seed=seed)
        X, y = canonical_rows(X, y)
        transform = fit_inner_transform(recipe.transform, y)
        targets = transform.forward(y)
        prior = SourceMeans(self.models)
        prior.weigh(X, targets, recipe.penalty)
        process = recipe._process().fit(X, targets - prior(X), seed=seed)
        return transform.wrap(ShiftedModel(process, prior))


class SourceMeans:
    """A line through the posterior means of other tasks.

    Args:
        models: the processes of the sources, with standardised targets.
    """

    def __init__(self, models: Sequence[SourceProcess]) -> None:
        self._models = list(models)
        self._weights = torch.zeros(len(models), 1, dtype=torch.float64)
        self._offset = torch.zeros(1, dtype=torch.float64)

    def weigh(self, X: Tensor, z: Tensor, penalty: float) -> None:
        """Choose the weights by ridge regression of ``z`` (``n x 1``)."""
        means = self._means(X)
        centre, level = means.mean(dim=0, keepdim=True), z.mean(dim=0)
        centred = means - centre
        gram = centred.T @ centred + penalty * torch.eye(centred.shape[1], dtype=torch.float64)
        self._weights = torch.linalg.solve(gram, centred.T @ (z - level))
        self._offset = level - (centre @ self._weights).squeeze(0)

    def __call__(self, X: Tensor) -> Tensor:
        """The prior mean at ``X`` (``m x d``), ``m x 1``."""
        return self._offset + self._means(X) @ self._weights

    def _means(self, X: Tensor) -> Tensor:
        return torch.stack([model.marginals(X)[0] for model in self._models], dim=-1)


class ShiftedModel(MarginalModel):
    """A Gaussian process with a known function added to its mean.

    Args:
        base: a model with one output.
        shift: from ``m x d`` inputs to ``m x 1``.
    """

    def __init__(self, base: Model, shift: SourceMeans) -> None:
        super().__init__()
        self.base = base
        self.shift = shift

    def marginals(self, X: Tensor, observation_noise: bool) -> tuple[Tensor, Tensor]:
        """Means and variances at ``X`` (``m x d``), each ``m``."""
        known = predict(self.base, X)
        mean = torch.from_numpy(known.mean) + self.shift(X).squeeze(-1)
        variance = torch.from_numpy(known.std).square()
        return mean, variance if observation_noise else (variance - self.noise).clamp_min(1e-12)

    @property
    def noise(self) -> float:
        """Variance of an observation around the function."""
        own: Any = self.base
        scale = own.outcome_transform.stdvs.detach().squeeze().square()
        return float(own.likelihood.noise.detach().reshape(()) * scale)

    def _posterior_at(self, X: Tensor, observation_noise: bool | Tensor) -> Any:
        with standard_numerics():
            found: Any = self.base.posterior(X, observation_noise=observation_noise)
            shift = self.shift(X.reshape(-1, X.shape[-1])).reshape(X.shape[:-1])
            normal = found.distribution
            moved = MultivariateNormal(normal.mean + shift, normal.lazy_covariance_matrix)
            return GPyTorchPosterior(moved)
