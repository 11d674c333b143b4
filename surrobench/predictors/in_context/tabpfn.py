"""TabPFN: means and variances of its distribution over bars."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import torch

from surrobench.arrays import FloatArray
from surrobench.predictors.in_context.checkpoints import Origin
from surrobench.predictors.in_context.recipe import Answer, InContextPredictor


@dataclass(frozen=True, kw_only=True)
class TabPFN(InContextPredictor):
    """TabPFN (Hollmann et al., Nature 2025), any version whose checkpoint its package reads.

    The answer is the package's distribution over bars, half normals at both ends, averaged over
    the estimators; its mean and variance are exact. Limits on the number of examples and columns
    that the package only advises are not kept. On a CPU it computes with 32 bits, also where the
    package would take 16, so that processors agree.

    The options are those of every in-context predictor: ``docs/how-to/in-context.md``.
    """

    module: ClassVar[str] = "tabpfn"
    package: ClassVar[str] = "TabPFN"
    origin: ClassVar[Origin] = Origin(
        "TabPFN",
        "SURROBENCH_TABPFN",
        "Prior-Labs/tabpfn_3_5",
        "tabpfn-v3.5-20260909.safetensors",
        "weights of version 2 under the Prior Labs License, Apache 2.0 with attribution, later "
        "ones non-commercial",
    )

    def answer(self, path: Path, X: FloatArray, y: FloatArray, seed: int) -> Answer:
        """The package gets a network that was read here, so that it has nothing to download."""
        package = self.load()
        with self.opening(path):
            loading = import_module("tabpfn.model_loading")
            (network,), criterion, (architecture,), config = loading.load_model_criterion_config(
                str(path),
                check_bar_distribution_criterion=True,
                estimator_type="regressor",
                version="v2",  # of the file to download, which is not done
                download_if_not_exists=False,
            )
        regressor = package.TabPFNRegressor(
            model_path=package.ModelSpecs(network, architecture, config, criterion),
            n_estimators=self.estimators,
            device=self.device,
            ignore_pretraining_limits=True,
            # Its default on a CPU is 16 bits where the processor has them, and 32 elsewhere.
            inference_precision=torch.float32 if self.device == "cpu" else "auto",
            random_state=seed,
        ).fit(X, y)

        def answer(Z: FloatArray) -> tuple[Any, Any]:
            told = regressor.predict(Z, output_type="full")
            return told["mean"], told["criterion"].variance(told["logits"]).cpu().numpy()

        return answer
