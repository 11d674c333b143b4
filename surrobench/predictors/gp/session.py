"""A Gaussian process at work on one pool, from observation to observation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from surrobench.arrays import FloatArray
from surrobench.base.process_state import standard_numerics
from surrobench.base.wording import counted
from surrobench.predictors.gp.covariance import PoolCovariance
from surrobench.predictors.gp.factor import PoolFactor
from surrobench.predictors.gp.fitted_gp import unit_variance
from surrobench.predictors.gp.gp_fit import FitReport
from surrobench.predictors.gp.posterior import PoolPosterior
from surrobench.predictors.gp.process import Process
from surrobench.predictors.transforms import fit_inner_transform

IntArray = npt.NDArray[np.integer[Any]]


class PoolGPSession:
    """Keeps hyperparameters and the factor between updates.

    Targets are transformed anew at each update and the prior mean is profiled out each time, which
    takes ``O(n²)``; hyperparameters change only when asked for.

    Args:
        X: the pool, ``m x d``.
        covariance: its blocks.
        transform: name of the target transform.
        max_evaluations: likelihood evaluations of the first fit.
        warm_evaluations: of later fits, which start from the last one.
        fitted_examples: the most examples that a fit looks at.
    """

    def __init__(
        self,
        X: Tensor,
        covariance: PoolCovariance,
        transform: str,
        max_evaluations: int,
        warm_evaluations: int,
        fitted_examples: int = 100_000,
    ) -> None:
        self.X, self.covariance, self.transform = X, covariance, transform
        self.max_evaluations, self.warm_evaluations = max_evaluations, warm_evaluations
        self.fitted_examples = fitted_examples
        self._process: Process | None = None
        self._log_parameters: FloatArray | None = None
        self._factor = PoolFactor(len(X))
        self._begun = 0
        self._replay: list[int] = []

    @property
    def report(self) -> FitReport | None:
        """What the last fit did; None before the first."""
        return None if self._process is None else self._process.report

    @standard_numerics()
    def update(
        self, rows: Sequence[int], y: Tensor, *, seed: int, refit: bool = True
    ) -> PoolPosterior:
        """The posterior after ``y`` (``n x 1``) at ``rows``; deterministic, ``seed`` is not used.

        Raises:
            ValueError: for wrong shapes, rows outside the pool or values that are not finite.
        """
        rows = list(map(int, rows))
        y = y.detach().to(dtype=torch.float64, device="cpu")
        if not rows or y.shape != (len(rows), 1):
            raise ValueError(
                f"expected one value for each of at least one row; got {counted(len(rows), 'row')} "
                "and values "
                f"of shape {tuple(y.shape)}."
            )
        if min(rows) < 0 or max(rows) >= len(self.X):
            raise ValueError(f"rows must lie between 0 and {len(self.X) - 1}; got {rows}.")
        transform = fit_inner_transform(self.transform, y)
        targets = transform.forward(y).reshape(-1).numpy().copy()
        if refit or self._process is None:
            self._fit(rows, targets)
        else:
            self._grow_to(rows)
        assert self._process is not None
        return PoolPosterior(self._process, self._factor, targets, transform)

    def _fit(self, rows: list[int], targets: FloatArray) -> None:
        unit, start = unit_variance(torch.from_numpy(targets)), self._log_parameters
        budget = self.max_evaluations
        if start is not None:
            budget = min(budget, self.warm_evaluations)
        seen = self._looked_at(len(rows))
        chosen, report = self.covariance.fit(
            np.array(rows)[seen], targets[seen], unit, start, budget
        )
        self._adopt(chosen, unit, report)
        self._begin(rows)

    def _looked_at(self, n: int) -> IntArray:
        """The examples that hyperparameters are chosen on, the same for the same number."""
        if n <= self.fitted_examples:
            return np.arange(n)
        return np.sort(np.random.default_rng(n).permutation(n)[: self.fitted_examples])

    def _adopt(self, log_parameters: FloatArray, unit: float, report: FitReport) -> None:
        parameters = self.covariance.parameters(log_parameters, report.jitter)
        kernel = self.covariance.bind(parameters)
        self._log_parameters = log_parameters
        self._process = Process(self.X, self.covariance, parameters, kernel, unit, report)

    def _begin(self, rows: list[int]) -> None:
        assert self._process is not None
        self._factor.begin(self._process.kernel, self._process.parameters.noise, rows)
        self._begun, self._replay = len(rows), []

    def _grow_to(self, rows: list[int]) -> None:
        assert self._process is not None
        if self._replay:
            # As the session that was saved did it, so that not a bit differs.
            known, begun = self._replay, self._begun
            self._begin(known[:begun])
            self._append(known[begun:])
        known = self._factor.rows
        if not known or rows[: len(known)] != known:
            self._begin(rows)
        self._append(rows[self._factor.n :])

    def _append(self, rows: list[int]) -> None:
        assert self._process is not None
        for row in rows:
            self._factor.append(self._process.kernel, self._process.parameters.noise, row)

    def state(self) -> dict[str, object]:
        """Hyperparameters, and in which order observations came in since the last factorisation."""
        if self._process is None or self._log_parameters is None:
            return {}
        return {
            "log_parameters": self._log_parameters.tolist(),
            "unit": self._process.unit,
            "report": asdict(self._process.report),
            "rows": self._replay or self._factor.rows,
            "begun": self._begun,
        }

    @standard_numerics()
    def restore(self, state: Mapping[str, object]) -> None:
        """Continue as the session that gave ``state``; the factor is built when it is needed."""
        if not state:
            return
        content = cast(Mapping[str, Any], state)
        log_parameters = np.array(content["log_parameters"], dtype=np.float64)
        self._adopt(log_parameters, float(content["unit"]), FitReport(**content["report"]))
        self._replay = [int(row) for row in content["rows"]]
        self._begun = int(content["begun"])
