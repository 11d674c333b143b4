"""BoTorch's additive Gaussian process, as a predictor beside ours: ``benchmarks/additive.toml``."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from botorch.fit import fit_gpytorch_mll
from botorch.models import SingleTaskGP
from botorch.models.additive_gp import OrthogonalAdditiveGP
from botorch.models.transforms import Normalize, Standardize
from gpytorch.mlls import ExactMarginalLogLikelihood
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class OrthogonalAdditive:
    """``OrthogonalAdditiveGP`` of BoTorch with its defaults: inputs in the unit cube.

    Args:
        second_order: with an interaction for every pair of columns.
    """

    second_order: bool = False

    def fit(self, X: Tensor, Y: Tensor, seed: int) -> SingleTaskGP:
        """A term for each column (``n x d``), orthogonal to the others (Lu et al., ICML 2022)."""
        torch.manual_seed(seed)
        model = OrthogonalAdditiveGP(
            X,
            Y,
            second_order=self.second_order,
            input_transform=Normalize(X.shape[1]),
            outcome_transform=Standardize(1),
        )
        fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
        return model
