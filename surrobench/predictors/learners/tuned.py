"""Predictors that choose their settings by cross-validation inside the training sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from botorch.models.model import Model
from scipy.stats import kendalltau
from torch import Tensor

from surrobench.base.columns import ColumnBlock
from surrobench.base.process_state import standard_numerics
from surrobench.errors import UserError
from surrobench.predictors import make_predictor
from surrobench.predictors.hyperparameters import Setting, Space, draw_settings, space_of
from surrobench.predictors.learners.resampling import fold_masks
from surrobench.predictors.predictive import predict
from surrobench.predictors.protocol import Predictor
from surrobench.predictors.recipe import canonical_rows
from surrobench.predictors.transforms import check_transform

FEWEST = 10
"""With fewer examples nothing is tuned: a rank correlation over their folds is all chance."""

TRIAL_OPTIONS: Mapping[str, Setting] = {
    "random-forest": {"trees": 100},
    "xgboost": {"members": 3},
    "mlp-ensemble": {"members": 5},
}
"""Trials are fitted with smaller ensembles: their size serves the uncertainty, which no trial asks
for, and would make up most of the cost."""


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """Another predictor with settings chosen on the training sample alone.

    The candidates are the default settings and random draws from the predictor's space
    (:data:`~.hyperparameters.SPACES`), ``trials`` in all. Each is fitted to all folds but one in
    turn; the setting whose left-out predictions have the highest mean Kendall tau within folds wins
    (the default one, where it ties), and is fitted to everything. A fit costs ``trials x folds``
    fits to ``(folds - 1) / folds`` of the examples, with smaller ensembles
    (:data:`TRIAL_OPTIONS`), and one to all of them. Labels of test architectures play no part.

    Args:
        predictor: name of the predictor inside.
        trials: settings that are tried, the default one among them.
        folds: of the cross-validation.
        transform: of the targets.
        options: of the predictor inside, the same in every trial; they are not tuned.
        blocks: set by :meth:`for_blocks`.

    Raises:
        UserError: for an option that is not valid, or a predictor without a space.
    """

    predictor: str
    trials: int = 20
    folds: int = 3
    transform: str = "standardise"
    options: dict[str, Any] = field(default_factory=dict)
    blocks: tuple[ColumnBlock, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        """Refuse options that are not valid."""
        check_transform(self.transform)
        for name, least in (("trials", 1), ("folds", 2)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise UserError(
                    f"Tuned: option {name!r} is {value!r}; "
                    f"it must be a whole number of at least {least}."
                )
        space_of(self.predictor)
        self._with({})

    def for_blocks(self, blocks: Sequence[ColumnBlock]) -> Tuned:
        """The same recipe for an encoding with these blocks of columns."""
        return replace(self, blocks=tuple(blocks))

    @standard_numerics()
    def fit(self, X: Tensor, y: Tensor, *, seed: int) -> Model:
        """Choose a setting, and fit with it to ``X`` (``n x d``) and ``y`` (``n x 1``)."""
        return self._with(self.choose(X, y, seed=seed)).fit(X, y, seed=seed)

    @standard_numerics()
    def choose(self, X: Tensor, y: Tensor, *, seed: int) -> Setting:
        """The setting that wins on a training sample; empty for the default one.

        Candidates and folds depend on ``seed`` alone, and not on the order of the rows.
        """
        X, y = canonical_rows(X, y)
        if len(y) < max(FEWEST, 2 * self.folds) or self.trials == 1:
            return {}
        candidates: list[Setting] = [{}]
        candidates += draw_settings(self._space(), self.trials - 1, seed)
        folds = fold_masks(len(y), self.folds, seed)
        scores = [self._score(setting, X, y, folds, seed) for setting in candidates]
        return candidates[int(np.argmax(np.round(scores, 9)))]

    def _space(self) -> Space:
        """What is left to be tuned when options are given."""
        space = space_of(self.predictor)
        return {name: values for name, values in space.items() if name not in self.options}

    def _score(self, setting: Setting, X: Tensor, y: Tensor, folds: Any, seed: int) -> float:
        """Mean Kendall tau of left-out predictions within folds; a constant scores 0."""
        predictor, taus = self._with({**TRIAL_OPTIONS.get(self.predictor, {}), **setting}), []
        for left_out in torch.from_numpy(folds):
            model = predictor.fit(X[~left_out], y[~left_out], seed=seed)
            median = predict(model, X[left_out]).median
            truth = y[left_out].squeeze(-1).numpy()
            varies = np.ptp(median) > 0 and np.ptp(truth) > 0
            taus.append(float(kendalltau(median, truth).statistic) if varies else 0.0)
        return float(np.mean(taus))

    def _with(self, setting: Setting) -> Predictor:
        """The predictor inside, with a setting."""
        options = {**setting, **self.options, "transform": self.transform}
        predictor: Any = make_predictor(self.predictor, **options)
        if self.blocks and hasattr(predictor, "for_blocks"):
            predictor = predictor.for_blocks(self.blocks)
        inside: Predictor = predictor
        return inside
