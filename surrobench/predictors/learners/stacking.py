"""A Gaussian process and a forest under one distribution, weighed by their left-out errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from botorch.models.model import Model
from scipy.optimize import nnls
from torch import Tensor

from surrobench.arrays import FloatArray
from surrobench.base.columns import ColumnBlock
from surrobench.predictors.composed import MappedInputs
from surrobench.predictors.gp.recipe import PoolGP
from surrobench.predictors.learners.resampling import fold_masks
from surrobench.predictors.learners.trees import RandomForest
from surrobench.predictors.models import MomentsModel
from surrobench.predictors.predictive import predict
from surrobench.predictors.protocol import Predictor
from surrobench.predictors.recipe import TransformedPredictor, option, smallest_variance

OTHER_SPACES = "other-spaces"
"""The encoding that only the process sees: with few examples a forest splits on it too often."""
FEWEST = 10
"""With fewer examples nothing is left out: the members weigh equally and are believed."""
_HEAVY = 1e3
"""Weight of the equation that makes the weights sum to 1."""


@dataclass(frozen=True, kw_only=True)
class Stacking(TransformedPredictor):
    """Stacked regressions (Wolpert 1992; Breiman 1996) of two unlike members.

    * a Gaussian process with the product of one kernel for each part of the encoding: Matérn-3/2
      with one lengthscale, for proxies (``measured``) and for what models of other spaces say
      (``other-spaces``) RBF with one for each column;
    * a random forest whose splits choose from a share of the columns but those of
      ``other-spaces``.

    With the members' means ``m_k`` and variances ``v_k`` of an observation, the answer is normal:

    ``mean = sum_k w_k m_k``, ``variance = c sum_k w_k (v_k + (m_k - mean)²)``.

    The weights ``w`` are not negative, sum to 1 and minimise the squared error of predictions for
    left-out folds plus ``penalty`` times their squared distance from equal weights; ``c`` is the
    mean over left-out examples of squared error over variance, ``prior_examples`` of which are
    taken to be 1. Below :data:`FEWEST` examples weights are equal and ``c`` is 1.

    It is for ``measured+graph+wl``, for few examples of cells ``measured+graph+wl+other-spaces``,
    and takes any encoding; without blocks of columns the process has one kernel. Members, kernels,
    the share of columns and who sees which were chosen on the tasks of TransNAS-Bench-101 micro
    (``results/literature``).

    Args:
        trees: of the forest.
        max_features: share of the columns that a split may choose from.
        fold_trees: of the forests that predict left-out folds, at most ``trees``.
        fitted_examples: the Gaussian process chooses hyperparameters on so many examples at most;
            its posterior is of all.
        folds: of the cross-validation.
        penalty: of weights that are not equal, in units of one example's squared error.
        prior_examples: for which the members' variances are believed beforehand.
        blocks: set by :meth:`for_blocks`.
    """

    transform: str = "quantile-normal"
    trees: int = option(300, least=2, most=100_000)
    max_features: float = option(0.33, least=1e-9, most=1.0)
    fold_trees: int = option(50, least=2, most=100_000)
    fitted_examples: int = option(400, least=1, most=1_000_000)
    folds: int = option(5, least=2, most=1000)
    penalty: float = option(100.0, least=0.0, most=1e9)
    prior_examples: float = option(10.0, least=0.0, most=1e9)
    blocks: tuple[ColumnBlock, ...] = field(default=(), repr=False)

    def for_blocks(self, blocks: Sequence[ColumnBlock]) -> Stacking:
        """The same recipe for an encoding with these blocks of columns."""
        return replace(self, blocks=tuple(blocks))

    def fit_targets(self, X: FloatArray, y: FloatArray, seed: int) -> MomentsModel:
        """Weigh the members by what they predict for left-out folds, and fit them to all."""
        inputs, targets, members = torch.tensor(X), torch.tensor(y).unsqueeze(-1), self._members()
        weights, factor = np.full(len(members), 1.0 / len(members)), 1.0
        if len(y) >= FEWEST:
            means, variances = self._left_out(inputs, targets, seed)
            weights = stacking_weights(means, y, self.penalty)
            mean, variance = mixture(means, variances, weights)
            ratios = np.square(mean - y) / np.maximum(variance, smallest_variance(y))
            factor = (ratios.sum() + self.prior_examples) / (len(y) + self.prior_examples)
        used = np.flatnonzero(weights)
        fitted = [members[k].fit(inputs, targets, seed=seed) for k in used]
        shares = weights[used]

        def moments(Z: Tensor) -> tuple[Tensor, Tensor]:
            mean, variance = mixture(*_answers(fitted, Z.detach()), shares)
            return torch.from_numpy(mean), torch.from_numpy(np.sqrt(factor * variance))

        return MomentsModel(moments, floor=smallest_variance(y))

    def _members(self, trees: int | None = None) -> list[Predictor]:
        process = PoolGP(
            "matern-3/2",
            "shared",
            "product",
            ard=("measured", OTHER_SPACES),
            fitted_examples=self.fitted_examples,
            blocks=self.blocks,
        )
        forest = RandomForest(trees=trees or self.trees, max_features=self.max_features)
        unseen = [block for block in self.blocks if block.name.partition(":")[0] == OTHER_SPACES]
        if not unseen or len(unseen) == len(self.blocks):
            return [process, forest]
        hidden = {column for block in unseen for column in range(block.start, block.stop)}
        seen = tuple(column for column in range(self.blocks[-1].stop) if column not in hidden)
        return [process, SomeColumns(forest, seen)]

    def _left_out(self, X: Tensor, y: Tensor, seed: int) -> tuple[FloatArray, FloatArray]:
        """Means and variances of every member for each example by fits without its fold."""
        members, n = self._members(min(self.fold_trees, self.trees)), len(y)
        means, variances = np.empty((len(members), n)), np.empty((len(members), n))
        for left_out in torch.from_numpy(fold_masks(n, min(self.folds, n), seed)):
            fitted = [member.fit(X[~left_out], y[~left_out], seed=seed) for member in members]
            means[:, left_out], variances[:, left_out] = _answers(fitted, X[left_out])
        return means, variances


@dataclass(frozen=True)
class SomeColumns:
    """A predictor that sees some of the columns.

    Args:
        predictor: that sees them.
        columns: their numbers.
    """

    predictor: Predictor
    columns: tuple[int, ...]

    def fit(self, X: Tensor, y: Tensor, *, seed: int) -> Model:
        """Fit to those columns of ``X`` (``n x d``) and to ``y`` (``n x 1``)."""
        columns = list(self.columns)
        model = self.predictor.fit(X[:, columns], y, seed=seed)
        return MappedInputs(model, lambda Z: Z[..., columns])


def _answers(models: Sequence[Model], X: Tensor) -> tuple[FloatArray, FloatArray]:
    """Means and variances of observations at ``X`` (``m x d``), each ``models x m``."""
    answers = [predict(model, X) for model in models]
    means = np.stack([answer.mean for answer in answers])
    return means, np.stack([np.square(answer.std) for answer in answers])


def mixture(
    means: FloatArray, variances: FloatArray, weights: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Mean and variance, each ``m``, of a mixture of members (``k x m`` each, weights ``k``)."""
    mean: FloatArray = weights @ means
    return mean, weights @ (variances + np.square(means - mean))


def stacking_weights(means: FloatArray, y: FloatArray, penalty: float) -> FloatArray:
    """Weights ``k`` of members by their left-out predictions ``k x n`` of targets ``n``.

    They minimise ``sum_i (y_i - sum_k w_k m_ki)² + penalty var(y) sum_k (w_k - 1/k)²``, are not
    negative and sum to 1.
    """
    k, spread = len(means), float(np.std(y))
    centre = float(np.mean(y))
    heavy, ridge = _HEAVY * spread * np.sqrt(len(y)), spread * np.sqrt(penalty)
    rows = np.vstack([(means - centre).T, ridge * np.eye(k), np.full((1, k), heavy)])
    targets = np.concatenate([y - centre, np.full(k, ridge / k), [heavy]])
    if not spread:
        return np.full(k, 1.0 / k)
    weights, _ = nnls(rows, targets)
    shares: FloatArray = weights / weights.sum()
    return shares
