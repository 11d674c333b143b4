"""TabICL: means and variances of its quantiles."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from surrobench.arrays import FloatArray
from surrobench.predictors.in_context.checkpoints import Origin
from surrobench.predictors.in_context.recipe import Answer, InContextPredictor


@dataclass(frozen=True, kw_only=True)
class TabICL(InContextPredictor):
    """TabICL (Qu et al., ICML 2025 and 2026), from version 2, which is the first for regression.

    The answer is the package's quantiles at equally spaced levels (999 in its own checkpoint),
    each averaged over the estimators: their mean and variance. What lies beyond the outermost
    level counts for neither.

    The options are those of every in-context predictor: ``docs/how-to/in-context.md``.
    """

    module: ClassVar[str] = "tabicl"
    package: ClassVar[str] = "TabICL"
    origin: ClassVar[Origin] = Origin(
        "TabICL",
        "SURROBENCH_TABICL",
        "jingang/TabICL",
        "tabicl-regressor-v2-20260212.ckpt",
        "the package is under the BSD 3-Clause License and says no other of the weights",
    )

    def answer(self, path: Path, X: FloatArray, y: FloatArray, seed: int) -> Answer:
        """Quantiles, since the variance that the package offers is not in squared units."""
        with self.opening(path):
            regressor = self.load().TabICLRegressor(
                n_estimators=self.estimators,
                # On a CPU copies side by side are no quicker and take that much more memory.
                batch_size=1 if self.device == "cpu" else 8,
                model_path=str(path),
                allow_auto_download=False,
                device=self.device,
                random_state=seed,
            )
            regressor.fit(X, y)

        def answer(Z: FloatArray) -> tuple[Any, Any]:
            quantiles = regressor.predict(Z, output_type="raw_quantiles").astype(float)
            return quantiles.mean(axis=1), quantiles.var(axis=1)

        return answer
