"""Bayesian optimisation: a predictor believes, an acquisition function chooses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from surrobench.acquisition import make_acquisition
from surrobench.acquisition.situation import LearnedConstraint, Situation
from surrobench.encodings.column_blocks import column_blocks
from surrobench.errors import UserError
from surrobench.predictors import make_predictor
from surrobench.predictors.belief import Belief, PoolSession
from surrobench.predictors.pool_session import open_pool
from surrobench.predictors.protocol import Predictor
from surrobench.spaces.architecture import Arch
from surrobench.strategies.generation import Moment, make_generator
from surrobench.strategies.options import check_whole
from surrobench.strategies.problem import Constraint, Problem
from surrobench.strategies.strategy import Observation, Strategy

Spec = str | Mapping[str, Any]
DEFAULT_ENCODING = "one-hot"
_LEAST_OBSERVED = 2


class BayesianOptimisation(Strategy):
    """Fits a predictor to what was observed and trains what an acquisition function ranks first.

    Works with any predictor, encoding, acquisition function and batch size. With listed candidates
    and a Gaussian process that keeps its posterior over the pool, a step costs milliseconds.
    Candidates that are pending count as observed at their mean for a Gaussian process ("kriging
    believer", Ginsbourger et al. 2010); functions for batches take them into account themselves.
    Failed evaluations are learned as the worst value so far.

    Args:
        problem: what is searched.
        seed: of all random draws.
        design: the architectures to begin with, or how many.
        repeats: whether an architecture may be proposed again.
        predictor: as for :func:`~surrobench.predictors.make_predictor`.
        encoding: as for :func:`~surrobench.encodings.make_encoding`; ``"default"`` is one-hot.
        acquisition: as for :func:`~surrobench.acquisition.make_acquisition`.
        generation: which candidates are scored: ``"pool"`` (all), ``"random"``, ``"mutation"`` or
            ``"local-search"``. ``"default"`` is the pool where it can be listed.
        refit_every: observations after which hyperparameters are chosen anew; a third of those
            known already is never exceeded.

    Raises:
        UserError: for unknown parts, or parts that do not go together.
    """

    constrained: ClassVar[bool] = True

    def __init__(
        self,
        problem: Problem,
        *,
        seed: int = 0,
        design: int | Sequence[Arch] = 10,
        repeats: bool = False,
        predictor: Spec = "gp-matern52+quantile-normal",
        encoding: str = "default",
        acquisition: Spec = "log-ei",
        generation: Spec = "default",
        refit_every: int = 5,
    ) -> None:
        super().__init__(problem, seed=seed, design=design, repeats=repeats)
        self.predictor, self.encoding = predictor, encoding
        self.acquisition, self.generation = acquisition, generation
        self.refit_every = check_whole(self, "refit_every", refit_every, 1)
        listed = self.candidates.listed
        self._function = make_acquisition(acquisition)
        if self._function.objectives == "many":
            raise UserError(
                f"acquisition {acquisition!r} needs several objectives; use the strategy "
                "'bayesian-multi-objective'."
            )
        if generation == "default":
            generation = "pool" if listed else "local-search"
        self._generator = make_generator(generation)
        if self._generator.lists_all and not listed:
            raise UserError(
                f"generation {generation!r} lists every candidate, but {self.space.name!r} has "
                f'{self.candidates.size:.3g}; use "mutation" or "local-search".'
            )
        self._recipe, self._encoding = self._prepared(predictor, encoding)
        self._sessions: dict[str, PoolSession] = {}
        self._fitted = 0
        self._learned = [c for c in problem.constraints if c.name not in self.candidates.measured]

    def _prepared(self, spec: Spec, encoding: str) -> tuple[Predictor, str]:
        recipe = make_predictor(spec)
        own = getattr(recipe, "encoding", None)
        name = own or (DEFAULT_ENCODING if encoding == "default" else encoding)
        if hasattr(recipe, "for_blocks"):
            recipe = recipe.for_blocks(column_blocks(name, self.space, self.candidates.measured))
        return recipe, name

    # -- a step -------------------------------------------------------------------------------

    def _propose(self, n: int, rng: np.random.Generator) -> list[Arch]:
        if sum(o.ok for o in self.history) < _LEAST_OBSERVED:
            return self._allowed_sample(n, rng)
        seed = int(rng.integers(2**31))
        if self.candidates.listed:
            return self._from_pool(n, seed, rng)
        return self._from_generated(n, seed, rng)

    def _allowed_sample(self, n: int, rng: np.random.Generator) -> list[Arch]:
        if self.candidates.archs is None:
            return self.candidates.sample(n, rng, self.seen())
        rows = np.flatnonzero(self._allowed_rows())
        return [self.candidates.arch(row) for row in rng.permutation(rows)[:n].tolist()]

    def _allowed_rows(self) -> np.ndarray:
        """Listed candidates that were not seen and keep the constraints known beforehand."""
        allowed = np.ones(len(self.candidates), dtype=bool)
        allowed[[self.candidates.index[arch] for arch in self.seen()]] = False
        for constraint in self.problem.constraints:
            column = self.candidates.measured.get(constraint.name)
            if column is not None:
                allowed &= np.array([constraint.holds(value) for value in column.tolist()])
        return allowed

    def _from_pool(self, n: int, seed: int, rng: np.random.Generator) -> list[Arch]:
        index = self.candidates.index
        observed = self._distinct()
        situation = self._situation(
            [index[o.arch] for o in observed],
            observed,
            [index[arch] for arch in self.pending],
            torch.from_numpy(self._allowed_rows()),
            seed,
            self._pool_session,
        )
        moment = Moment(
            self.candidates,
            [o.arch for o in sorted(observed, key=lambda o: -o.value if o.ok else np.inf)],
            self.seen(),
            lambda archs: self._score(situation, [index[arch] for arch in archs]),
        )
        generated = self._generator(moment, rng)
        if generated is not None:
            mask = torch.zeros_like(situation.allowed)
            mask[[index[arch] for arch in generated]] = True
            situation = _restricted(situation, situation.allowed & mask)
        return [self.candidates.arch(row) for row in self._function.select(situation, n)]

    def _from_generated(self, n: int, seed: int, rng: np.random.Generator) -> list[Arch]:
        """Choose among generated candidates: they and what was observed are the pool of a step."""
        observed = self._distinct()
        known = [o.arch for o in observed] + list(self.pending)

        def score(archs: Sequence[Arch]) -> np.ndarray:
            return self._score(self._around(known, observed, archs, seed), None)

        ranked = [o.arch for o in sorted(observed, key=lambda o: -o.value if o.ok else np.inf)]
        moment = Moment(self.candidates, ranked, self.seen(), score)
        archs = self._generator(moment, rng) or []
        situation = self._around(known, observed, archs, seed)
        chosen = self._function.select(situation, n)
        return [archs[row - len(known)] for row in chosen]

    def _around(
        self,
        known: list[Arch],
        observed: list[Observation],
        archs: Sequence[Arch],
        seed: int,
    ) -> Situation:
        X = torch.from_numpy(self.candidates.encode(self._encoding, [*known, *archs]))
        allowed = torch.zeros(len(X), dtype=torch.bool)
        allowed[len(known) :] = True
        rows = list(range(len(observed)))
        pending = list(range(len(observed), len(known)))

        def session(name: str) -> PoolSession:
            return open_pool(self._recipe, X)

        return self._situation(rows, observed, pending, allowed, seed, session)

    def _score(self, situation: Situation, rows: Sequence[int] | None) -> np.ndarray:
        if rows is not None:
            allowed = torch.zeros_like(situation.allowed)
            allowed[list(rows)] = True
            restricted = _restricted(situation, allowed)
            scores = self._function.scores(restricted).detach().numpy()
            order = {row: i for i, row in enumerate(restricted.choices().tolist())}
            return scores[[order[row] for row in rows]]
        return self._function.scores(situation).detach().numpy()

    def _distinct(self) -> list[Observation]:
        """The last full training of each architecture, in the order of first appearance."""
        known: dict[Arch, Observation] = {}
        for observation in self.history:
            if observation.epochs is None:
                known[observation.arch] = observation
        return list(known.values())

    # -- beliefs ------------------------------------------------------------------------------

    def _situation(
        self,
        rows: list[int],
        observed: list[Observation],
        pending: list[int],
        allowed: Tensor,
        seed: int,
        session: Any,
    ) -> Situation:
        refit = self._fitted == 0 or len(rows) - self._fitted >= min(
            self.refit_every, max(1, len(rows) // 3)
        )
        self._fitted = len(rows) if refit else self._fitted
        belief = self._believe(session(""), rows, self.targets(observed), seed, refit, pending)
        constraints, feasible = [], None
        if self.problem.constraints:
            feasible = torch.tensor([o.ok and self._feasible(o) for o in observed])
        for constraint in self._learned:
            values = np.array([o.metrics.get(constraint.name, np.nan) for o in observed])
            values = np.where(np.isfinite(values), values, _violation(constraint, values))
            about = self._believe(session(constraint.name), rows, values, seed, refit, [])
            bound = about.to_scale(torch.tensor([constraint.bound], dtype=torch.float64))
            sign = 1 if constraint.sense == "<=" else -1
            constraints.append(LearnedConstraint(about, float(bound), sign))
        return Situation(
            (belief,),
            allowed,
            tuple(pending) if self._function.batch else (),
            seed,
            len(self.history),
            tuple(constraints),
            feasible
            if feasible is None or not pending or self._function.batch
            else torch.cat(
                [feasible, torch.zeros(len(belief.targets) - len(feasible), dtype=torch.bool)]
            ),
        )

    def _believe(
        self,
        session: PoolSession,
        rows: list[int],
        values: np.ndarray,
        seed: int,
        refit: bool,
        pending: list[int],
    ) -> Belief:
        y = torch.from_numpy(np.asarray(values, dtype=np.float64)).unsqueeze(-1)
        belief = session.update(rows, y, seed=seed, refit=refit)
        if pending and belief.kind == "gp" and not self._function.batch:
            belief = belief.condition(pending, belief.mean[pending])
        return belief

    def _pool_session(self, name: str) -> PoolSession:
        if name not in self._sessions:
            X = torch.from_numpy(self.candidates.features(self._encoding).copy())
            self._sessions[name] = open_pool(self._recipe, X)
        return self._sessions[name]

    # -- state --------------------------------------------------------------------------------

    def _save(self) -> dict[str, Any]:
        sessions = {name: session.state() for name, session in self._sessions.items()}
        return {"fitted": self._fitted, "sessions": sessions}

    def _load(self, own: Mapping[str, Any]) -> None:
        self._fitted = int(own["fitted"])
        for name, state in own["sessions"].items():
            self._pool_session(name).restore(state)


def _restricted(situation: Situation, allowed: Tensor) -> Situation:
    from dataclasses import replace

    return replace(situation, allowed=allowed)


def _violation(constraint: Constraint, values: np.ndarray) -> float:
    """What a failed evaluation counts as for a constraint: the worst value seen, or the bound."""
    known = values[np.isfinite(values)]
    if not known.size:
        return constraint.bound
    return float(known.max() if constraint.sense == "<=" else known.min())
