"""Which features a Gaussian process finds relevant: its fitted scales, made comparable."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch

from surrobench.arrays import FloatArray
from surrobench.encodings.column_blocks import with_blocks
from surrobench.predictors import make_predictor
from surrobench.predictors.gp.correlations import PROFILES
from surrobench.predictors.gp.kernels import BlockKernel
from surrobench.predictors.gp.recipe import PoolGP
from surrobench.understanding.features import Feature
from surrobench.understanding.fitting import Sample

PREDICTOR = "gp-blocks+quantile-normal"


def block_relevance(sample: Sample) -> pd.DataFrame:
    """Relevance of the blocks of an encoding and of their features to ``gp-blocks``.

    Targets are made normal by their ranks first, so that a few failures do not pass for noise.

    The kernel is a sum over blocks; a block's ``share`` is its part of the prior variance of an
    observation (signal and noise). A feature's ``relevance`` is the correlation that two
    architectures lose, within the block, if they differ in this feature alone: by another choice of
    a variable, or by the whole range of a numeric column. It lies in [0, 1] and does not depend on
    units. Numeric columns of a block share a lengthscale and so a relevance.

    Returns:
        ``block``, ``share``, ``feature``, ``relevance``; noise is a block without features.
    """
    task = sample.task
    recipe = with_blocks(make_predictor(PREDICTOR), sample.encoding, task.space, task.columns)
    assert isinstance(recipe, PoolGP)
    y = torch.tensor(sample.y).unsqueeze(-1)
    posterior = recipe.on_pool(torch.tensor(sample.X)).update(range(len(y)), y, seed=sample.seed)
    parameters, blocks = posterior.process.parameters, posterior.process.covariance.blocks
    whole = float(parameters.outputscales.sum() + parameters.noise)
    rows: list[tuple[str, float, str, float]] = []
    for block, scales, size in zip(
        blocks, parameters.lengthscales, parameters.outputscales, strict=True
    ):
        names = _names(block, sample.features, len(scales))
        for name, lost in zip(names, _losses(block, scales), strict=True):
            rows.append((block.block.name, float(size) / whole, name, float(lost)))
    rows.append(("noise", float(parameters.noise) / whole, "", float("nan")))
    return pd.DataFrame(rows, columns=["block", "share", "feature", "relevance"])


def _names(block: BlockKernel, features: tuple[Feature, ...], count: int) -> list[str]:
    """Names for the lengthscales of a block."""
    own = [feature.name for feature in features if feature.block == block.block.name]
    return own if len(own) == count else [block.block.name] * count


def _losses(block: BlockKernel, lengthscales: FloatArray) -> FloatArray:
    """One less the correlation across a change of each feature.

    Another choice moves two 0/1 columns by 1 each; a numeric column moves by 1, its range.
    """
    moved = 2.0 if block.block.kind == "one-hot" else 1.0
    kept, _ = PROFILES[block.kernel](moved / np.square(lengthscales))
    return 1.0 - kept
