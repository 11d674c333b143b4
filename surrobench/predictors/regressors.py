"""Predictors from users' regressors, which only need scikit-learn's shape."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
import sklearn.base
import torch
from botorch.models.model import Model
from torch import Tensor

from surrobench.arrays import FloatArray
from surrobench.base.registry import built
from surrobench.errors import UserError, did_you_mean
from surrobench.graphs import GraphLayout
from surrobench.predictors.answers import (
    FORMS,
    METHODS,
    FittedRegressor,
    form_of,
    parameters_of,
    read_only,
)
from surrobench.predictors.learners.resampling import bootstrap_counts, left_out_noise
from surrobench.predictors.models import EnsembleModel, MomentsModel
from surrobench.predictors.protocol import Predictor, Source
from surrobench.predictors.recipe import TransformedPredictor, option, smallest_variance
from surrobench.predictors.transforms import FittedTransform, fit_transform

INPUTS = ("matrix", "graphs")
"""What a regressor may ask for as inputs."""


def is_predictor(value: object) -> bool:
    """Whether ``value`` (a class or an instance) has a predictor's ``fit(X, y, *, seed)``."""
    return "seed" in parameters_of(getattr(value, "fit", None)) and not _predicts(value)


def is_regressor(value: object) -> bool:
    """Whether ``value`` (a class or an instance) has scikit-learn's shape."""
    return callable(getattr(value, "fit", None)) and _predicts(value)


def _predicts(value: object) -> bool:
    return any(callable(getattr(value, name, None)) for name in METHODS)


def as_predictor(
    obj: Any, *, transform: str = "standardise", members: int = 10, bootstrap: int | None = None
) -> Predictor:
    """Make a predictor of a regressor; a predictor is returned as it is.

    Args:
        obj: an instance, a class, or a function without arguments that makes an instance.
        transform: of the targets.
        members: bootstrap members, for a regressor that predicts nothing but a value; 0 for none.
        bootstrap: the same, for a regressor that has to be one of those.

    Raises:
        UserError: if ``obj`` has no ``fit`` or no way to predict, cannot be made, or takes no
            ``bootstrap`` because it tells its own uncertainty.
    """
    if is_predictor(obj) and not isinstance(obj, type):
        predictor: Predictor = obj
        return predictor
    sample = obj
    if isinstance(obj, type) or not is_regressor(obj):
        if not callable(obj):
            raise not_a_regressor(obj)
        sample = built("predictor", _name(obj), "", obj, {})
        if is_predictor(sample):
            made: Predictor = sample
            return made
    if not is_regressor(sample):
        raise not_a_regressor(sample)
    form = form_of(sample)
    if bootstrap is not None:
        if form != "values":
            raise UserError(
                f"{_name(sample)} tells its own uncertainty ({FORMS[form]}), so it takes no "
                "option 'bootstrap'."
            )
        members = bootstrap
    if asks_for_more(sample):
        return InformedPredictor(regressor=sample, transform=transform, members=members)
    passed_on = form == "moments" and "return_std" not in parameters_of(sample.predict)
    plain = form in ("members", "moments", "values") and not passed_on
    kind = RegressorPredictor if plain else DistributionPredictor
    return kind(regressor=sample, transform=transform, members=members)


def not_a_regressor(obj: object, name: str = "") -> UserError:
    """What something lacks that was given for a predictor."""
    ways = ", ".join(form for form in FORMS.values() if form != FORMS["values"])
    lacks = [] if callable(getattr(obj, "fit", None)) else ["no fit(X, y)"]
    lacks += [] if _predicts(obj) else [f"no predict(X) or other way to predict ({ways})"]
    return UserError(f"{name or _name(obj)} is no regressor: it has {' and '.join(lacks)}.")


def _name(obj: object) -> str:
    return getattr(obj, "__name__", None) or type(obj).__name__


@dataclass(frozen=True, kw_only=True)
class RegressorPredictor(TransformedPredictor):
    """A user's regressor as a predictor; the regressor itself is only ever cloned.

    Its uncertainty comes from what it offers, in this order: ``predict_members(X)`` is an
    ensemble; ``predict(X, return_std=True)`` a mean and a standard deviation; for distributions
    and quantiles see :class:`DistributionPredictor`; from a plain ``predict`` a bootstrap ensemble
    is made (so a cell costs ``members`` fits), whose errors on examples that a member has not
    drawn give the observation noise. Without a bootstrap, one fit is made, and nothing is known of
    its errors: their deviation is taken to be that of the targets.

    A parameter ``random_state`` is set from the seed. Arrays are handed over read-only, and every
    answer is checked. An attribute ``encoding`` of the regressor names the encoding that it wants.

    Args:
        regressor: the recipe, with ``fit`` and a way to predict.
        members: of the bootstrap, 2 or more, or 0 for none.
    """

    regressor: Any
    members: int = option(10, least=0, most=10_000)
    own: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Refuse options of the wrong type or outside their bounds."""
        super().__post_init__()
        if self.members == 1:
            raise UserError("a bootstrap needs two members or more; 0 is for none.")

    @property
    def encoding(self) -> str | None:  # type: ignore[override]
        """The encoding that the regressor asks for by an attribute of this name."""
        wanted = getattr(self.regressor, "encoding", None)
        return wanted if isinstance(wanted, str) and wanted else None

    def fitted_transform(self, y: Tensor) -> FittedTransform:
        """A user's regressor gets its targets as they are, if that is asked for."""
        return fit_transform(self.transform, y)

    def fit_targets(self, X: FloatArray, y: FloatArray, seed: int) -> Model:
        """Fit clones of the regressor."""
        floor = smallest_variance(y)
        form = form_of(self.regressor)
        if form == "values" and self.members:
            return self._bootstrap(X, y, seed, floor)
        fitted = self._fitted(X, y, seed)
        if form == "members":
            return EnsembleModel(lambda Z: torch.from_numpy(fitted.members(_array(Z))), 0.0, floor)
        if form == "values":
            ignorance = max(float(np.std(y)), floor**0.5)
            return MomentsModel(lambda Z: _with_std(fitted, Z, ignorance), 0.0, floor)
        answer = fitted.by_form(form)
        return MomentsModel(lambda Z: answer(_array(Z)), 0.0, floor)

    def _fitted(self, X: FloatArray, y: FloatArray, seed: int) -> FittedRegressor:
        """A clone, fitted."""
        return FittedRegressor(_clone(self.regressor, seed), X, y)

    def _bootstrap(self, X: FloatArray, y: FloatArray, seed: int, floor: float) -> EnsembleModel:
        """An ensemble of clones, each fitted to rows drawn with replacement."""
        counts = bootstrap_counts(len(y), self.members, seed)
        drawn = [np.repeat(np.arange(len(y)), count) for count in counts]
        fitted = [
            self._fitted(X[rows], y[rows], seed * self.members + i) for i, rows in enumerate(drawn)
        ]
        seen = np.stack([member.values(X) for member in fitted])
        noise = left_out_noise(y, seen, counts == 0)

        def members(Z: Tensor) -> Tensor:
            inputs = _array(Z)
            return torch.from_numpy(np.stack([member.values(inputs) for member in fitted]))

        return EnsembleModel(members, noise, floor)


class DistributionPredictor(RegressorPredictor):
    """A regressor that answers with distributions or quantiles, or a pipeline around moments.

    ``pred_dist(X)`` returns an object with ``mean()`` and ``std()`` (NGBoost's shape). Quantiles
    are asked for at twenty levels, by ``predict_quantiles(X, levels)``,
    ``predict(X, output_type="quantiles", quantiles=levels)`` or ``predict(X, quantiles=levels)``,
    and come as ``n x levels``, or as a list of one vector of ``n`` for each level. They are put in
    ascending order; their mean is the mean, and the slope of the line through them over the
    quantiles of a standard normal is the standard deviation.
    """


def asks_for_more(regressor: object) -> bool:
    """Whether a regressor declares that it wants graphs, or what is known of other tasks.

    Raises:
        UserError: if it asks for inputs that there are not, or its ``fit`` takes no ``sources``.
    """
    inputs, transfer = getattr(regressor, "inputs", None), getattr(regressor, "transfer", None)
    if isinstance(inputs, str) and inputs not in INPUTS:
        raise UserError(
            f"{_name(regressor)} asks for inputs = {inputs!r}. {did_you_mean(inputs, INPUTS)}"
        )
    if transfer is True and "sources" not in parameters_of(getattr(regressor, "fit", None)):
        raise UserError(
            f"{_name(regressor)} has transfer = True, but its fit takes no keyword 'sources'."
        )
    return inputs == "graphs" or transfer is True


@dataclass(frozen=True, kw_only=True)
class InformedPredictor(RegressorPredictor):
    """A regressor that asks for graphs in place of a matrix, or for other tasks beside its own.

    Args:
        layout: how inputs are read as graphs, set by :meth:`for_graphs`.
        sources: what is known of other tasks, set by :meth:`fit`.
    """

    layout: GraphLayout | None = field(default=None, repr=False)
    sources: tuple[Source, ...] = field(default=(), repr=False)

    @property
    def inputs(self) -> str:
        """``"graphs"`` or ``"matrix"``, as the regressor declares."""
        return str(getattr(self.regressor, "inputs", None) or "matrix")

    @property
    def transfer(self) -> bool:
        """Whether the regressor wants other tasks."""
        return getattr(self.regressor, "transfer", None) is True

    @property
    def encoding(self) -> str | None:  # type: ignore[override]
        """Graphs are read from the encoding ``"adjacency"``."""
        return "adjacency" if self.inputs == "graphs" else super().encoding

    def for_graphs(self, layout: GraphLayout) -> InformedPredictor:
        """The same recipe for architectures of a space."""
        return replace(self, layout=layout)

    def fit(self, X: Tensor, y: Tensor, *, seed: int, sources: Sequence[Source] = ()) -> Model:
        """Fit to ``X`` (``n x d``) and ``y`` (``n x 1``), with what is known of other tasks."""
        told = replace(self, sources=tuple(sources))
        return super(InformedPredictor, told).fit(X, y, seed=seed)

    def _fitted(self, X: FloatArray, y: FloatArray, seed: int) -> FittedRegressor:
        if self.inputs == "graphs" and self.layout is None:
            raise UserError(f"{_name(self.regressor)} asks for graphs, and no space was named.")
        view = self._view
        more = {"sources": [self._source(one) for one in self.sources]} if self.transfer else {}
        return FittedRegressor(_clone(self.regressor, seed), X, y, view=view, more=more)

    def _view(self, X: FloatArray) -> Any:
        return X if self.layout is None else self.layout.graphs(X)

    def _source(self, source: Source) -> Source:
        """With read-only arrays; its targets are transformed by their own values."""
        targets = self.fitted_transform(source.y).forward(source.y)
        X, y = read_only(_array(source.X)), read_only(_array(targets)[:, 0])
        return Source(source.name, self._view(X), y)


def _with_std(fitted: FittedRegressor, Z: Tensor, std: float) -> tuple[Tensor, Tensor]:
    mean = torch.from_numpy(fitted.values(_array(Z)))
    return mean, torch.full_like(mean, std)


def _array(X: Tensor) -> FloatArray:
    array: FloatArray = X.detach().cpu().to(torch.float64).numpy()
    return array


def _clone(regressor: Any, seed: int) -> Any:
    """An unfitted copy with its random state, where it has one, set from the seed."""
    if callable(getattr(regressor, "get_params", None)):
        clone = sklearn.base.clone(regressor, safe=False)
        states = [
            name
            for name in clone.get_params()
            if name == "random_state" or name.endswith("__random_state")
        ]
        if states and callable(getattr(clone, "set_params", None)):
            clone.set_params(**{name: seed % 2**32 for name in states})
        return clone
    clone = copy.deepcopy(regressor)
    if hasattr(clone, "random_state"):
        clone.random_state = seed % 2**32
    return clone
