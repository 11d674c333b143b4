"""A Gaussian process on a pool whose hyperparameters are chosen."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from surrobench.predictors.gp.covariance import BoundCovariance, Parameters, PoolCovariance
from surrobench.predictors.gp.gp_fit import FitReport


@dataclass(frozen=True)
class Process:
    """What a posterior needs to know besides the observations.

    Attributes:
        X: the pool as the predictor was given it, ``m x d``.
        covariance: the blocks of the pool.
        parameters: hyperparameters.
        kernel: the covariance with these hyperparameters.
        unit: variance of the targets that the priors were scaled to.
        report: what the fit did.
    """

    X: Tensor
    covariance: PoolCovariance
    parameters: Parameters
    kernel: BoundCovariance
    unit: float
    report: FitReport
