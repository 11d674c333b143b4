"""TabDPT: means and variances of its histograms."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch

from surrobench.arrays import FloatArray
from surrobench.predictors.in_context.checkpoints import Origin
from surrobench.predictors.in_context.recipe import Answer, InContextPredictor


@dataclass(frozen=True, kw_only=True)
class TabDPT(InContextPredictor):
    """TabDPT (Ma et al., NeurIPS 2025), from version 1.3, which is the first with distributions.

    Each estimator sees the columns in another order and answers with a histogram. The answer is
    their mixture: its mean is the package's, its variance that within the histograms and that
    between their means. All examples are the context, none is left out.

    The options are those of every in-context predictor: ``docs/how-to/in-context.md``.
    """

    module: ClassVar[str] = "tabdpt"
    package: ClassVar[str] = "TabDPT"
    extra: ClassVar[str] = "tabdpt"
    origin: ClassVar[Origin] = Origin(
        "TabDPT",
        "SURROBENCH_TABDPT",
        "Layer6/TabDPT",
        "tabdpt1_3.safetensors",
        "the package is under Apache 2.0 and says no other licence of the weights",
    )

    def answer(self, path: Path, X: FloatArray, y: FloatArray, seed: int) -> Answer:
        """Asked for one estimator at a time: together they answer with averaged logits."""
        with self.opening(path):
            regressor = self.load().TabDPTRegressor(
                model_weight_path=str(path), device=self.device, compile=False, verbose=False
            )
        regressor.fit(X, y)
        seeds = [seed]
        if self.estimators > 1:
            seeds = [int(s) for s in np.random.SeedSequence(seed).generate_state(self.estimators)]

        def answer(Z: FloatArray) -> tuple[Any, Any]:
            told = [
                _moments(
                    regressor.predict(
                        Z, n_ensembles=1, batch_size=len(Z), seed=s, output_type="full"
                    )
                )
                for s in seeds
            ]
            means, variances = (np.stack(part) for part in zip(*told, strict=True))
            return means.mean(axis=0), variances.mean(axis=0) + means.var(axis=0)

        return answer


def _moments(histograms: Any) -> tuple[FloatArray, FloatArray]:
    """Mean and variance of histograms with uniform bins, each ``m``."""
    shares = torch.softmax(histograms["logits"].cpu().double(), dim=-1).numpy()
    borders = histograms["borders"].cpu().double().numpy()
    centres, widths = (borders[1:] + borders[:-1]) / 2, np.diff(borders)
    mean = shares @ centres
    within = shares @ (widths**2 / 12)
    return mean, within + np.einsum("mb,mb->m", shares, (centres - mean[:, None]) ** 2)
