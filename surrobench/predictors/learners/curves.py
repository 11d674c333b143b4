"""Predictors that look at learning curves of partial trainings, and at nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from surrobench.predictors.learners.kernel_machines import SVR
from surrobench.predictors.learners.linear import BayesianRidge
from surrobench.predictors.recipe import option

_CLOSE_TO_ALL = 0.999


@dataclass(frozen=True, kw_only=True)
class CurveColumn(BayesianRidge):
    """A Bayesian line through the pool rank of one number of a partial learning curve.

    Which number: see :class:`~surrobench.encodings.curves.Curve`.

    Args:
        part: ``"last"``, ``"sum"`` or ``"extrapolated"``.
        fraction: of the epochs that have been seen.
    """

    part: str = "last"
    fraction: float = option(0.2, least=1e-6, most=_CLOSE_TO_ALL)

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The encoding that this predictor insists on."""
        return f"curve-{self.part}:{self.fraction:g}"


@dataclass(frozen=True, kw_only=True)
class CurveSVR(SVR):
    """Support vectors on a partial learning curve, its first and its second differences.

    LC-SVR of Baker et al., "Accelerating Neural Architecture Search using Performance Prediction"
    (2017), on pool ranks. With features of the architecture beside the curve it is ``svr`` on an
    encoding such as ``"one-hot+curve:0.2"``.

    Args:
        fraction: of the epochs that have been seen.
    """

    fraction: float = option(0.2, least=1e-6, most=_CLOSE_TO_ALL)

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The encoding that this predictor insists on."""
        return f"curve:{self.fraction:g}"
