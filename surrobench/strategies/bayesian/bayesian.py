"""Bayesian optimisation: a surrogate has a posterior, an acquisition function chooses."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import islice
from typing import Any, ClassVar, get_args

import numpy as np
import torch

from surrobench.acquisition import make_acquisition
from surrobench.acquisition.acquisition import Acquisition
from surrobench.acquisition.constrained import ConstrainedExpectedImprovement, log_feasibility
from surrobench.acquisition.context import AcquisitionContext
from surrobench.acquisition.pairing import check_pairing
from surrobench.arrays import FloatArray
from surrobench.base.options import check_whole
from surrobench.errors import UserError
from surrobench.predictors.posterior import Kind
from surrobench.spaces.architecture import Arch
from surrobench.strategies.bayesian.batches import select_batch
from surrobench.strategies.bayesian.generation import GenerationContext, make_generator
from surrobench.strategies.bayesian.surrogate import (
    VALUE,
    PoolState,
    Quantity,
    Spec,
    Surrogate,
    learned,
    settled_predictor,
)
from surrobench.strategies.problem import Problem
from surrobench.strategies.strategy import Observation, Strategy

WHOLE_UP_TO = 100_000
"""Larger pools have no posterior as a whole, unless the generation is ``"pool"``."""
_LEAST_OBSERVED = 2
_EVEN_ODDS = math.log(0.5)


class BayesianOptimisation(Strategy):
    """Fits a predictor to what was observed and trains what an acquisition function ranks first.

    Works with any predictor, encoding, acquisition function and batch size. Over a listed pool, a
    Gaussian process keeps its posterior from step to step, and a step costs milliseconds.

    **Pending.** Functions for batches take pending candidates into account themselves. For the
    others, pending candidates and the earlier members of a batch count as observed at their means
    if the predictor is a Gaussian process (:func:`~.surrogate.condition_on_means`), and are merely
    left out otherwise.

    **Failures** are learned as the worst value so far. Until two evaluations have succeeded,
    proposals are random.

    **Sources.** A predictor with ``transfer = True`` learns of the problem's sources.

    **Constraints** on measured columns decide what may be proposed at all, also in a design that
    is drawn here. Those on metrics are learned, by the same predictor. ``"constrained-ei"`` weighs
    the probability that they hold; other functions choose among the candidates that keep all of
    them with at least even odds, or the likeliest ones if there are none.

    Args:
        problem: what is searched.
        seed: of all random draws.
        design: the architectures to begin with, or how many.
        repeats: whether an architecture may be proposed again.
        predictor: as for :func:`~surrobench.predictors.make_predictor`; ``"default"`` is a
            Gaussian process with a kernel that suits the encoding
            (:func:`~.surrogate.settled_predictor`).
        encoding: as for :func:`~surrobench.encodings.make_encoding`; ``"default"`` follows the
            kinds of the decisions (:func:`~surrobench.encodings.default.default_encoding`).
        acquisition: as for :func:`~surrobench.acquisition.make_acquisition`.
        generation: which candidates are scored: ``"pool"`` (all), ``"random"``, ``"mutation"`` or
            ``"local-search"``. ``"default"`` is the pool up to 100,000 candidates, local search
            beyond.
        refit_every: observations after which a Gaussian process over a pool chooses its
            hyperparameters anew; a third of those known already is never exceeded. Other
            predictors are fitted anew at every step.

    Raises:
        UserError: for unknown parts, parts that do not go together, or constraints that nothing
            keeps.
    """

    constrained: ClassVar[bool] = True

    def __init__(
        self,
        problem: Problem,
        *,
        seed: int = 0,
        design: int | Sequence[Arch] = 10,
        repeats: bool = False,
        predictor: Spec = "default",
        encoding: str = "default",
        acquisition: Spec = "log-ei",
        generation: Spec = "default",
        refit_every: int = 5,
    ) -> None:
        super().__init__(problem, seed=seed, design=design, repeats=repeats)
        self.predictor, self.encoding = predictor, encoding
        self.acquisition, self.generation = acquisition, generation
        self.refit_every = check_whole(self, "refit_every", refit_every, 1)
        self._function = self._checked_function()
        self._surrogate = Surrogate(
            self.candidates, predictor, encoding, self.refit_every, problem.sources, self.seed
        )
        few = self.candidates.listed and len(self.candidates) <= WHOLE_UP_TO
        if generation == "default":
            generation = "pool" if few else "local-search"
        self._generator = make_generator(generation)
        if self._generator.lists_all and not self.candidates.listed:
            raise UserError(
                f"generation {generation!r} lists every candidate, but {self.space.name!r} has "
                f'{self.candidates.size:.3g}; use "mutation" or "local-search".'
            )
        # Only a process profits from the whole pool where few of its candidates are looked at.
        self._whole = self._generator.lists_all or (few and self._surrogate.appends)
        self._near: dict[Arch, list[Arch]] = {}

    def _checked_function(self) -> Acquisition:
        function = make_acquisition(self.acquisition)
        many = function.objectives == "many"
        if many != self.multi_objective:
            raise UserError(
                f"acquisition {self.acquisition!r} is for "
                + ("several objectives" if many else "one objective")
                + "; use the strategy "
                + ("'bayesian-multi-objective'." if many else "'bayesian', or another function.")
            )
        if not function.serves >= set(get_args(Kind)):
            check_pairing(self.acquisition, settled_predictor(self.predictor, self.encoding))
        return function

    @property
    def transfers(self) -> bool:
        """Whether the predictor learns from other tasks."""
        return self._surrogate.transfers

    # -- what may be proposed -----------------------------------------------------------------

    @cached_property
    def _forbidden(self) -> frozenset[Arch]:
        """Candidates that break a constraint known before training."""
        candidates = self.candidates
        known = [c for c in self.problem.constraints if c.name in candidates.measured]
        if not known:
            return frozenset()
        kept = np.ones(len(candidates), dtype=bool)
        for constraint in known:
            column = candidates.measured[constraint.name].tolist()
            kept &= np.array([constraint.holds(value) for value in column])
        if not kept.any():
            told = ", ".join(f"{c.name} {c.sense} {c.bound:g}" for c in known)
            raise UserError(f"no candidate keeps the constraints ({told}); loosen them.")
        return frozenset(candidates.arch(row) for row in np.flatnonzero(~kept).tolist())

    def _checked_design(self, design: int | Sequence[Arch]) -> list[Arch]:
        checked = super()._checked_design(design)
        if isinstance(design, int) and self._forbidden:
            return self.candidates.sample(design, self.rng("design"), self._forbidden)
        return checked

    def seen(self) -> set[Arch]:
        """What must not be proposed now: pending, told (unless repeats are), or forbidden."""
        seen = super().seen()
        return seen | self._forbidden if self._forbidden else seen

    def waits(self) -> bool:
        """Whether only candidates are left that break a constraint known before training."""
        return bool(self._forbidden) and len(self.seen()) == len(self.candidates)

    # -- a step -------------------------------------------------------------------------------

    def _propose(self, n: int, rng: np.random.Generator) -> list[Arch]:
        taken = self.seen()
        observed = list(self.trained.values())
        if sum(1 for _ in islice((o for o in observed if o.ok), _LEAST_OBSERVED)) < _LEAST_OBSERVED:
            return self.candidates.sample(n, rng, taken)
        fit_seed, seed = rng.integers(2**31, size=2).tolist()
        pool_state = self._pool_state(observed, fit_seed)

        def score(archs: Sequence[Arch]) -> FloatArray:
            seen = pool_state if self._whole else self._surrogate.extended(pool_state, archs)
            return self._scores(self._context(seen, observed, archs, seed), seen, archs)

        whole = self._generator.lists_all
        ranked = [] if whole else [o.arch for o in self._ranked(observed)]
        generation_context = GenerationContext(self.candidates, ranked, taken, score, self._near)
        found = self._generator(generation_context, rng)
        if not self._whole:
            found = found or []
            pool_state = self._surrogate.extended(pool_state, found)
        context = self._context(pool_state, observed, found, seed)
        context = self._shortlisted(self._likely_feasible(context, n), n, rng)
        chosen = [pool_state.arch(row) for row in self._select(context, n)]
        if len(chosen) < n:
            chosen += self.candidates.sample(n - len(chosen), rng, taken | set(chosen))
        return chosen

    def _ranked(self, observed: Sequence[Observation]) -> list[Observation]:
        """What succeeded, best first; what keeps the constraints before what does not."""
        succeeded = [o for o in observed if o.ok]
        return sorted(succeeded, key=lambda o: (self._feasible(o), o.value), reverse=True)

    # -- posteriors ------------------------------------------------------------------------------

    def _objectives(self, observed: Sequence[Observation]) -> list[Quantity]:
        """What is to be maximised, failures imputed by the worst."""
        archs = [o.arch for o in observed]
        return [Quantity(VALUE, archs, self.targets(observed))]

    def _pool_state(self, observed: Sequence[Observation], seed: int) -> PoolState:
        """Posteriors about the whole pool, or about what was observed or is pending alone."""
        known = [] if self._whole else self._known(observed)

        def posterior(quantity: Quantity) -> Any:
            if self._whole:
                return self._surrogate.of_pool(quantity, seed)
            return self._surrogate.of_some(quantity, known, seed)

        posteriors = tuple(posterior(quantity) for quantity in self._objectives(observed))
        constraints = []
        for constraint in self.problem.constraints:
            name = constraint.name
            told = [o for o in observed if math.isfinite(o.metrics.get(name, math.nan))]
            if name not in self.candidates.measured and told:
                values = np.array([o.metrics[name] for o in told])
                quantity = Quantity(f"metric {name}", [o.arch for o in told], values)
                constraints.append(learned(constraint, posterior(quantity)))
        rows = self.candidates.index if self._whole else {a: i for i, a in enumerate(known)}
        arch = self.candidates.arch if self._whole else known.__getitem__
        pool_state = PoolState(rows, arch, posteriors, tuple(constraints))
        if self._function.batch or not self.pending:
            return pool_state
        return pool_state.condition_on_means(list(self.pending))

    def _known(self, observed: Sequence[Observation]) -> list[Arch]:
        """What was observed, and what is pending besides."""
        return list(dict.fromkeys([*(o.arch for o in observed), *self.pending]))

    def _context(
        self,
        pool_state: PoolState,
        observed: Sequence[Observation],
        archs: Sequence[Arch] | None,
        seed: int,
    ) -> AcquisitionContext:
        """The moment of a choice among ``archs`` (None: all that may be proposed)."""
        named = self.seen() if archs is None else archs
        allowed = np.full(len(pool_state.posteriors[0].mean), archs is None)
        rows = np.fromiter(map(pool_state.rows.__getitem__, named), np.intp, len(named))
        allowed[rows] = archs is not None
        feasible = None
        if self.problem.constraints:
            kept = np.zeros(len(pool_state.posteriors[0].targets), dtype=bool)
            kept[: len(observed)] = [o.ok and self._feasible(o) for o in observed]
            feasible = torch.from_numpy(kept)
        return AcquisitionContext(
            pool_state.posteriors,
            torch.from_numpy(allowed),
            tuple(pool_state.rows[arch] for arch in self.pending) if self._function.batch else (),
            seed,
            len(self.history) + len(self.pending),
            pool_state.constraints,
            feasible,
        )

    # -- the choice ---------------------------------------------------------------------------

    def _scores(
        self, context: AcquisitionContext, pool_state: PoolState, archs: Sequence[Arch]
    ) -> FloatArray:
        """The acquisition function of ``archs``; what is unlikely to be feasible comes last."""
        rows = context.choices().tolist()
        scores = self._function.scores(context).detach().numpy()
        if self._filters(context):
            odds = log_feasibility(context).numpy()
            scores = np.where(odds >= _EVEN_ODDS, scores, scores.min() - 1.0 + odds)
        place = {row: i for i, row in enumerate(rows)}
        return scores[[place[pool_state.rows[arch]] for arch in archs]]

    def _filters(self, context: AcquisitionContext) -> bool:
        """Whether there are learned constraints that the function itself does not weigh."""
        weighs = isinstance(self._function, ConstrainedExpectedImprovement) or self.multi_objective
        return bool(context.constraints) and not weighs

    def _likely_feasible(self, context: AcquisitionContext, n: int) -> AcquisitionContext:
        if not self._filters(context):
            return context
        rows, odds = context.choices(), log_feasibility(context)
        likely = rows[odds >= _EVEN_ODDS]
        if len(likely) < n:
            likely = rows[torch.argsort(odds, descending=True, stable=True)[:n]]
        return only(context, likely)

    def _shortlisted(
        self, context: AcquisitionContext, n: int, rng: np.random.Generator
    ) -> AcquisitionContext:
        """Where the function is slow, the candidates that are worth its time."""
        return context

    def _select(self, context: AcquisitionContext, n: int) -> list[int]:
        """Rows to train next, best first."""
        return select_batch(self._function, context, n)

    # -- state --------------------------------------------------------------------------------

    def _save(self) -> dict[str, Any]:
        return self._surrogate.state()

    def _load(self, own: Mapping[str, Any]) -> None:
        self._surrogate.restore(own)


def only(context: AcquisitionContext, rows: torch.Tensor) -> AcquisitionContext:
    """Nothing but some rows is allowed."""
    allowed = torch.zeros_like(context.allowed)
    allowed[rows] = True
    return replace(context, allowed=allowed)
