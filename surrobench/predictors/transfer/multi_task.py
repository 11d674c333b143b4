"""A Gaussian process over the target and the sources at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from botorch.models.model import Model
from gpytorch.kernels import IndexKernel, ProductKernel
from gpytorch.means import ConstantMean
from torch import Tensor

from surrobench.base.options import check_counts, check_whole
from surrobench.base.process_state import standard_numerics
from surrobench.predictors.composed import MappedInputs
from surrobench.predictors.gp.correlations import Kernel
from surrobench.predictors.gp.fitted_gp import (
    FittedGP,
    bounded,
    exact,
    likelihood,
    prior,
    stationary,
    unit_cube,
)
from surrobench.predictors.gp.gp import ExactGP
from surrobench.predictors.gp.gp_fit import LOWEST_LENGTHSCALE, Priors
from surrobench.predictors.protocol import Source
from surrobench.predictors.recipe import canonical_rows
from surrobench.predictors.transfer.coregionalisation import Coregionalised, fit_coregionalisation
from surrobench.predictors.transfer.source_models import FEWEST, enough, some_of
from surrobench.predictors.transforms import check_transform, fit_inner_transform


@dataclass(frozen=True, kw_only=True)
class MultiTaskGP:
    """Intrinsic coregionalisation: one kernel over inputs, times a covariance between tasks.

    ``cov((x, t), (x', t')) = k(x, x') B[t, t']`` with ``B = W W' + diag(v)`` of low rank but for
    its diagonal (Bonilla, Chai and Williams, "Multi-task Gaussian Process Prediction", 2008); the
    values of each task are standardised by themselves. The cost grows with the cube of all examples
    together, so the sources share ``source_examples`` evenly, drawn at random where there are more
    (2 of each at least). Without sources, or where all values are equal, it is ``gp-matern52``.

    Args:
        kernel: over inputs, with one lengthscale.
        rank: columns of ``W``.
        source_examples: of all sources together.
        max_evaluations: budget of likelihood evaluations.
        transform: of the targets, those of each source by their own values.
    """

    transfer: ClassVar[bool] = True

    kernel: Kernel = "matern-5/2"
    rank: int = 1
    source_examples: int = 200
    max_evaluations: int = 100
    transform: str = "standardise"

    def __post_init__(self) -> None:
        """Refuse options that are not valid."""
        check_transform(self.transform)
        check_counts(self, "max_evaluations")
        check_whole(self, "rank", self.rank, 1, 20)
        check_whole(self, "source_examples", self.source_examples, FEWEST, 5_000)
        ExactGP(kernel=self.kernel)

    @standard_numerics()
    def fit(self, X: Tensor, y: Tensor, *, seed: int, sources: Sequence[Source] = ()) -> Model:
        """Fit to ``X`` (``n x d``) and ``y`` (``n x 1``), with what is known of other tasks."""
        known = enough(sources)
        if not known or bool((y == y[0]).all()):
            of_targets: Any = self.transform
            return ExactGP(kernel=self.kernel, transform=of_targets).fit(X, y, seed=seed)
        X, y = canonical_rows(X, y)
        transform = fit_inner_transform(self.transform, y)
        each = max(FEWEST, self.source_examples // len(known))
        told = [some_of(source, each, seed) for source in known]
        inputs = [X, *(source.X for source in told)]
        values = [transform.forward(y)]
        for source in told:
            values.append(fit_inner_transform(self.transform, source.y).forward(source.y))
        return transform.wrap(self._joint(inputs, values))

    def _joint(self, inputs: Sequence[Tensor], values: Sequence[Tensor]) -> Model:
        """The process over all tasks, asked about the first."""
        stacked, targets = torch.cat(list(inputs)), torch.cat(list(values))
        tasks = np.repeat(np.arange(len(inputs)), [len(part) for part in inputs])
        scaling = unit_cube(stacked)
        priors = Priors.scaled_to(stacked.shape[1])
        fitted = fit_coregionalisation(
            scaling(stacked).numpy(),
            tasks,
            targets.squeeze(-1).numpy(),
            self.kernel,
            rank=self.rank,
            priors=priors,
            max_evaluations=self.max_evaluations,
        )
        indexed = torch.cat([scaling(stacked), torch.from_numpy(tasks)[:, None]], dim=-1)
        process = joint_process(indexed, targets, fitted, self.kernel, priors)

        def of_target(Z: Tensor) -> Tensor:
            scaled = scaling(Z)
            return torch.cat([scaled, scaled.new_zeros(*scaled.shape[:-1], 1)], dim=-1)

        return MappedInputs(process, of_target)


def joint_process(
    indexed: Tensor, y: Tensor, fitted: Coregionalised, kernel: Kernel, priors: Priors
) -> FittedGP:
    """BoTorch's exact process with fitted hyperparameters.

    Args:
        indexed: scaled inputs with the index of the task in a last column, ``n x (d + 1)``.
        y: values, ``n x 1``.
        fitted: the hyperparameters.
        kernel: over inputs.
        priors: for GPyTorch's modules.
    """
    columns = indexed.shape[-1] - 1
    over_inputs: Any = stationary(
        kernel,
        active_dims=list(range(columns)),
        lengthscale_prior=prior(priors.lengthscale),
        lengthscale_constraint=bounded(LOWEST_LENGTHSCALE, 1.0),
    )
    tasks, rank = fitted.factors.shape
    between: Any = IndexKernel(num_tasks=tasks, rank=rank, active_dims=[columns]).double()
    mean = ConstantMean().double()
    model = FittedGP(
        indexed,
        y,
        likelihood=likelihood(priors.noise, priors.unit),
        covar_module=ProductKernel(over_inputs, between),
        mean_module=mean,
        outcome_transform=None,
    )
    over_inputs.lengthscale = exact(fitted.lengthscale).reshape(over_inputs.lengthscale.shape)
    between.covar_factor.data = torch.from_numpy(fitted.factors.copy())
    between.var = torch.from_numpy(fitted.variances.copy())
    model.likelihood.noise = exact(fitted.noise)
    mean.constant = exact(0.0)
    model.fit_report = fitted.report
    return model.eval()
