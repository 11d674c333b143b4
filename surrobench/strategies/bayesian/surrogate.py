"""A predictor at work in a search: posteriors about quantities of the candidates, step by step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from surrobench.acquisition.context import LearnedConstraint
from surrobench.arrays import FloatArray
from surrobench.encodings.column_blocks import with_blocks
from surrobench.encodings.default import GIVEN, MIXED, default_encoding
from surrobench.predictors import make_predictor
from surrobench.predictors.model_posterior import ModelPosterior
from surrobench.predictors.pool_session import open_pool
from surrobench.predictors.posterior import PoolPredictor, PoolSession, SurrogatePosterior
from surrobench.predictors.protocol import Predictor, Source
from surrobench.predictors.transfer.source_models import with_sources
from surrobench.spaces.architecture import Arch
from surrobench.strategies.candidates import Candidates
from surrobench.strategies.problem import Constraint, KnownTask

Spec = str | Mapping[str, Any]

VALUE = "value"
"""Name of the quantity that is searched for: the value of the task itself."""

DEFAULT_PREDICTOR = "gp-matern52+quantile-normal"
MIXED_PREDICTOR = "gp-mixed+quantile-normal"
"""Where words and numbers are encoded side by side."""
GIVEN_PREDICTOR = "gp-similarity+quantile-normal"
"""Where similarities are all that is known."""


@dataclass(frozen=True)
class Quantity:
    """What was observed of one quantity of the architectures.

    Attributes:
        name: of the quantity; its session is kept under it.
        archs: the observed architectures, in the order of observation, ``n``.
        values: of the quantity, finite, ``n``.
    """

    name: str
    archs: Sequence[Arch]
    values: FloatArray


@dataclass(frozen=True)
class PoolState:
    """A pool of candidates and the posteriors over it in one step of a search.

    Attributes:
        rows: architecture -> row of the pool.
        arch: the architecture of a row.
        posteriors: about the objectives.
        constraints: posteriors about constrained quantities.
    """

    rows: Mapping[Arch, int]
    arch: Callable[[int], Arch]
    posteriors: tuple[SurrogatePosterior, ...]
    constraints: tuple[LearnedConstraint, ...] = ()

    def condition_on_means(self, archs: Sequence[Arch]) -> PoolState:
        """With candidates taken to be observed at their means, by Gaussian processes."""
        rows = [self.rows[arch] for arch in archs]
        return replace(
            self,
            posteriors=tuple(condition_on_means(posterior, rows) for posterior in self.posteriors),
        )


def condition_on_means(posterior: SurrogatePosterior, rows: Sequence[int]) -> SurrogatePosterior:
    """A Gaussian process with its means at some rows taken for observations; others as they are.

    The means stay, the variances near these rows shrink ("kriging believer", Ginsbourger et al.
    2010).
    """
    if posterior.kind != "gp" or not rows:
        return posterior
    return posterior.condition(list(rows), posterior.mean[list(rows)])


def settled_predictor(predictor: Spec, encoding: str) -> Spec:
    """A predictor by name: ``"default"`` is a Gaussian process with a kernel for the encoding.

    Matérn-5/2 with one lengthscale, or where words and numbers stand side by side, a product of
    a categorical and a numeric kernel. Over given similarities, one with that kernel.
    """
    if predictor != "default":
        return predictor
    if encoding == GIVEN:
        return GIVEN_PREDICTOR
    return MIXED_PREDICTOR if encoding == MIXED else DEFAULT_PREDICTOR


class Surrogate:
    """One predictor for all quantities of a search, each with a session of its own.

    Over a whole pool a Gaussian process appends observations and chooses hyperparameters anew from
    time to time. Otherwise it is fitted at every step to what was observed, and looks at other
    candidates through the fitted model.

    Args:
        candidates: where the encodings come from.
        predictor: as for :func:`~surrobench.predictors.make_predictor`, or ``"default"``, see
            :func:`settled_predictor`.
        encoding: as for :func:`~surrobench.encodings.make_encoding`, or ``"default"``, which
            follows the kinds of the decisions
            (:func:`~surrobench.encodings.default.default_encoding`). A predictor that insists on
            an encoding gets that.
        refit_every: observations after which hyperparameters are chosen anew; a third of those
            known already is never exceeded.
        sources: other tasks, of which a predictor with ``transfer = True`` learns once, before the
            first fit; only for the value itself, not for further objectives or metrics.
        seed: of what is drawn among the sources.

    Raises:
        UserError: for an unknown predictor or encoding, or one that the candidates do not have.
    """

    def __init__(
        self,
        candidates: Candidates,
        predictor: Spec,
        encoding: str,
        refit_every: int,
        sources: Sequence[KnownTask] = (),
        seed: int = 0,
    ) -> None:
        self.candidates, self.refit_every = candidates, refit_every
        chosen = default_encoding(candidates.space) if encoding == "default" else encoding
        recipe: Any = make_predictor(settled_predictor(predictor, chosen))
        self.encoding: str = getattr(recipe, "encoding", None) or chosen
        self.recipe: Predictor = with_blocks(
            recipe, self.encoding, candidates.space, candidates.measured
        )
        self._sources, self._seed = tuple(sources), seed
        self._sessions: dict[str, PoolSession] = {}
        self._fitted: dict[str, int] = {}

    @property
    def appends(self) -> bool:
        """Whether the predictor can take in an observation without a new fit."""
        return isinstance(self.recipe, PoolPredictor)

    @property
    def transfers(self) -> bool:
        """Whether the predictor learns from other tasks."""
        return getattr(self.recipe, "transfer", None) is True

    @cached_property
    def _told(self) -> Predictor:
        """The recipe after what is known of other tasks."""
        if not self.transfers:
            return self.recipe
        known = [
            Source(
                source.name,
                _tensor(self.candidates.encode(self.encoding, source.archs)),
                _tensor(source.values).unsqueeze(-1),
            )
            for source in self._sources
        ]
        return with_sources(self.recipe, known, seed=self._seed)

    def _recipe_of(self, name: str) -> Predictor:
        return self._told if name == VALUE else self.recipe

    # -- the whole pool -----------------------------------------------------------------------

    def of_pool(self, quantity: Quantity, seed: int) -> SurrogatePosterior:
        """The posterior about all listed candidates."""
        index, name = self.candidates.index, quantity.name
        if name not in self._sessions:
            self._sessions[name] = self._open(name)
        n, before = len(quantity.archs), self._fitted.get(name, 0)
        refit = before == 0 or n - before >= min(self.refit_every, max(1, n // 3))
        self._fitted[name] = n if refit else before
        rows = list(map(index.__getitem__, quantity.archs))
        return self._sessions[name].update(rows, _column(quantity), seed=seed, refit=refit)

    def _open(self, name: str) -> PoolSession:
        return open_pool(self._recipe_of(name), _tensor(self.candidates.features(self.encoding)))

    # -- some candidates ----------------------------------------------------------------------

    def of_some(self, quantity: Quantity, archs: Sequence[Arch], seed: int) -> SurrogatePosterior:
        """The posterior about some candidates, those that were observed among them; a new fit."""
        rows = {arch: row for row, arch in enumerate(archs)}
        recipe = self._recipe_of(quantity.name)
        session = open_pool(recipe, _tensor(self.candidates.encode(self.encoding, archs)))
        known = [rows[arch] for arch in quantity.archs]
        return session.update(known, _column(quantity), seed=seed)

    def extended(self, pool_state: PoolState, archs: Sequence[Arch]) -> PoolState:
        """A state from :meth:`of_some` with further candidates behind its own."""
        everything = [*pool_state.rows, *archs]
        X = _tensor(self.candidates.encode(self.encoding, archs))

        def further(posterior: SurrogatePosterior) -> SurrogatePosterior:
            targets = posterior.targets.unsqueeze(-1)
            pool = torch.cat([posterior.X, X])
            return ModelPosterior(posterior.model(), pool, posterior.rows.tolist(), targets)

        return PoolState(
            {arch: row for row, arch in enumerate(everything)},
            everything.__getitem__,
            tuple(further(posterior) for posterior in pool_state.posteriors),
            tuple(replace(c, posterior=further(c.posterior)) for c in pool_state.constraints),
        )

    # -- state --------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """What :meth:`restore` needs, as data that JSON can hold."""
        sessions = {name: session.state() for name, session in self._sessions.items()}
        return {"fitted": self._fitted, "sessions": sessions}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue as the surrogate that gave ``state``."""
        self._fitted = {str(name): int(n) for name, n in state["fitted"].items()}
        self._sessions = {name: self._open(name) for name in state["sessions"]}
        for name, session in self._sessions.items():
            session.restore(state["sessions"][name])


def learned(constraint: Constraint, posterior: SurrogatePosterior) -> LearnedConstraint:
    """A constraint on what a surrogate predicts, on the surrogate's scale."""
    bound = posterior.to_scale(torch.from_numpy(np.array([constraint.bound], dtype=np.float64)))
    return LearnedConstraint(posterior, float(bound), 1 if constraint.sense == "<=" else -1)


def _tensor(X: FloatArray) -> Tensor:
    return torch.from_numpy(np.array(X, dtype=np.float64))


def _column(quantity: Quantity) -> Tensor:
    return _tensor(quantity.values).unsqueeze(-1)
