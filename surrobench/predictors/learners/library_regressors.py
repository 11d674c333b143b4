"""Regressors of optional packages: gradient boosting and forests of quantiles.

Without the package a recipe can be named and listed; fitting it says what to install.
"""

from __future__ import annotations

import importlib
import random
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from botorch.models.model import Model

from surrobench.arrays import FloatArray
from surrobench.errors import UserError
from surrobench.predictors.learners.baselines import Constant
from surrobench.predictors.recipe import TransformedPredictor, option
from surrobench.predictors.regressors import RegressorPredictor, as_predictor


@dataclass(frozen=True, kw_only=True)
class LibraryRegressor(TransformedPredictor):
    """A regressor of an optional package, with uncertainty as every regressor gets it.

    See :class:`~.regressors.RegressorPredictor`: what answers with a distribution or quantiles is
    believed, of what answers with numbers alone a bootstrap ensemble is made.
    """

    own: ClassVar[bool] = False
    module: ClassVar[str]
    """Of the package."""
    package: ClassVar[str]
    """What the user knows it as."""
    extra: ClassVar[str] = "boosting"
    """That installs it."""

    @abstractmethod
    def regressor(self, n: int, seed: int) -> Any:
        """The package's unfitted regressor for ``n`` examples."""

    @property
    def members(self) -> int:
        """Of the bootstrap; 0 for none."""
        return 0

    def fit_targets(self, X: FloatArray, y: FloatArray, seed: int) -> Model:
        """Fit clones of the regressor."""
        regressor = self.regressor(len(y), seed)
        if len(y) == 1 or not np.ptp(y):  # which some of the packages refuse
            return Constant().fit_targets(X, y, seed)
        bootstrap = {"bootstrap": self.members} if self.members else {}
        wrapped = as_predictor(regressor, transform="none", **bootstrap)
        assert isinstance(wrapped, RegressorPredictor)
        state = random.getstate()
        try:
            return wrapped.fit_targets(X, y, seed)
        finally:  # quantile-forest seeds the generator of the whole process
            random.setstate(state)

    def load(self) -> Any:
        """The package.

        Raises:
            UserError: if it is not installed, saying how to install it.
        """
        try:
            return importlib.import_module(self.module)
        except ModuleNotFoundError as error:
            raise UserError(
                f"this predictor needs {self.package}, which is not installed ({error.name} is "
                f"missing); run: pip install 'surrobench[{self.extra}]'"
            ) from error


@dataclass(frozen=True, kw_only=True)
class LightGBM(LibraryRegressor):
    """LightGBM (Ke et al., NeurIPS 2017), a bootstrap ensemble: trees that grow leaf by leaf.

    Args:
        ensemble: boosted models.
        rounds: trees of each.
        learning_rate: shrinkage of each tree.
        leaves: of a tree.
        min_child_samples: fewest training examples in a leaf, at most a tenth of all.
        subsample: share of the rows that each tree sees.
    """

    module: ClassVar[str] = "lightgbm"
    package: ClassVar[str] = "LightGBM"

    ensemble: int = option(8, least=2, most=10_000)
    rounds: int = option(200, least=1, most=1_000_000)
    learning_rate: float = option(0.05, least=1e-6, most=1.0)
    leaves: int = option(31, least=2, most=100_000)
    min_child_samples: int = option(5, least=1, most=1_000_000)
    subsample: float = option(0.8, least=1e-3, most=1.0)

    @property
    def members(self) -> int:
        """Boosted models."""
        return self.ensemble

    def regressor(self, n: int, seed: int) -> Any:
        """On one thread, with the same result whenever it is fitted."""
        return self.load().LGBMRegressor(
            n_estimators=self.rounds,
            learning_rate=self.learning_rate,
            num_leaves=self.leaves,
            min_child_samples=max(1, min(self.min_child_samples, n // 10)),
            min_data_in_bin=1,
            subsample=self.subsample,
            subsample_freq=1,
            n_jobs=1,
            deterministic=True,
            force_row_wise=True,
            random_state=0,
            verbosity=-1,
        )


@dataclass(frozen=True, kw_only=True)
class CatBoost(LibraryRegressor):
    """CatBoost (Prokhorenkova et al., NeurIPS 2018), a bootstrap ensemble: oblivious trees.

    Args:
        ensemble: boosted models.
        rounds: trees of each.
        learning_rate: shrinkage of each tree.
        max_depth: of the trees.
    """

    module: ClassVar[str] = "catboost"
    package: ClassVar[str] = "CatBoost"

    ensemble: int = option(8, least=2, most=10_000)
    rounds: int = option(200, least=1, most=1_000_000)
    learning_rate: float = option(0.05, least=1e-6, most=1.0)
    max_depth: int = option(6, least=1, most=16)

    @property
    def members(self) -> int:
        """Boosted models."""
        return self.ensemble

    def regressor(self, n: int, seed: int) -> Any:
        """On one thread; it writes no files."""
        return _Varied(
            self.load().CatBoostRegressor,
            {
                "iterations": self.rounds,
                "learning_rate": self.learning_rate,
                "depth": self.max_depth,
                "thread_count": 1,
                "allow_writing_files": False,
                "verbose": False,
            },
        )


class _Varied:
    """A regressor that is built when it is fitted; CatBoost refuses equal targets."""

    def __init__(self, kind: Any, options: Mapping[str, Any]) -> None:
        self.kind, self.options, self.random_state = kind, dict(options), 0
        self._fitted: Any = None
        self._constant = 0.0

    def fit(self, X: FloatArray, y: FloatArray) -> _Varied:
        """Fit to ``X`` (``n x d``) and ``y`` (``n``)."""
        self._fitted, self._constant = None, float(y[0])
        if bool(np.ptp(y)) and bool(np.ptp(X, axis=0).any()):
            self._fitted = self.kind(random_seed=self.random_state % 2**31, **self.options)
            self._fitted.fit(X.copy(), y.copy())
        elif len(y):
            self._constant = float(y.mean())
        return self

    def predict(self, X: FloatArray) -> FloatArray:
        """Values, ``m``."""
        if self._fitted is None:
            return np.full(len(X), self._constant)
        values: FloatArray = self._fitted.predict(X.copy())
        return values


@dataclass(frozen=True, kw_only=True)
class NGBoost(LibraryRegressor):
    """NGBoost (Duan et al., ICML 2020): trees boosted on a normal's mean and deviation at once.

    Args:
        rounds: pairs of trees.
        learning_rate: shrinkage of each.
        max_depth: of the trees.
    """

    module: ClassVar[str] = "ngboost"
    package: ClassVar[str] = "NGBoost"

    rounds: int = option(300, least=1, most=1_000_000)
    learning_rate: float = option(0.03, least=1e-6, most=1.0)
    max_depth: int = option(4, least=1, most=64)

    def regressor(self, n: int, seed: int) -> Any:
        """With trees of scikit-learn."""
        from sklearn.tree import DecisionTreeRegressor

        return self.load().NGBRegressor(
            # NGBoost's own trees ask for "friedman_mse", which scikit-learn 1.9 calls by this name.
            Base=DecisionTreeRegressor(max_depth=self.max_depth, random_state=0),
            n_estimators=self.rounds,
            learning_rate=self.learning_rate,
            validation_fraction=0.0,
            verbose=False,
            random_state=0,
        )


@dataclass(frozen=True, kw_only=True)
class QuantileForest(LibraryRegressor):
    """Quantile regression forest (Meinshausen, JMLR 2006).

    Args:
        trees: number of trees.
        min_samples_leaf: fewest training examples in a leaf.
        max_features: share of the features that a split may choose from.
    """

    module: ClassVar[str] = "quantile_forest"
    package: ClassVar[str] = "quantile-forest"

    trees: int = option(300, least=2, most=100_000)
    min_samples_leaf: int = option(1, least=1, most=1_000_000)
    max_features: float = option(1.0, least=1e-9, most=1.0)

    def regressor(self, n: int, seed: int) -> Any:
        """On one thread."""
        return self.load().RandomForestQuantileRegressor(
            n_estimators=self.trees,
            min_samples_leaf=self.min_samples_leaf,
            max_features=self.max_features,
            n_jobs=1,
            random_state=0,
        )
