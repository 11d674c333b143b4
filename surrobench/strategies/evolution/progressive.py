"""Growing architectures decision by decision, from simple ones to complex ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from surrobench.base.options import check_whole
from surrobench.spaces.architecture import Arch, SearchSpace, Variable
from surrobench.spaces.blocks import HasBlocks
from surrobench.strategies.bayesian.screening import FEWEST, Screen
from surrobench.strategies.problem import Problem
from surrobench.strategies.strategy import Strategy

_NEUTRAL = (("skip", "identity"), ("absent",), ("none", "zero"))
_MOST_EXPANSIONS = 2000


def neutral_choice(variable: Variable) -> int:
    """The choice that a variable keeps while it is closed.

    The first whose label begins with "skip" or "identity" (the signal passes unchanged), else with
    "absent", else with "none" or "zero", else choice 0.
    """
    labels = [label.lower() for label in variable.choices]
    for starts in _NEUTRAL:
        for choice, label in enumerate(labels):
            if label.startswith(starts):
                return choice
    return 0


def opening_order(space: SearchSpace) -> tuple[tuple[int, ...], ...]:
    """Groups of variables in the order in which they are opened.

    Where a space declares blocks (layers), all blocks that every architecture has open together,
    then one optional block after the other, so depth grows. Elsewhere, every variable is a group
    of its own, in the order of the space.
    """
    if not isinstance(space, HasBlocks):
        return tuple((position,) for position in range(len(space.variables)))
    always = tuple(v for block in space.blocks if not block.optional for v in block.variables)
    optional = tuple(block.variables for block in space.blocks if block.optional)
    return (always, *optional) if always else optional


class ProgressiveSearch(Strategy):
    """Progressive search: PNAS (Liu et al. 2018).

    Decisions are opened group by group (:func:`opening_order`); closed ones keep a neutral choice
    (:func:`neutral_choice`). At each level, every architecture of the beam is expanded by all
    choices of the group that opens, a predictor fitted to everything observed ranks the expansions,
    and the first ``beam`` of them are trained. The best ``beam`` architectures of the level (those
    trained now and those of the level before) are expanded next. When everything is open, the
    neighbours of the best ``beam`` of all architectures are ranked in the same way, level after
    level, so that any budget is used.

    An expansion that is no candidate is replaced by the candidate that agrees with it on the most
    open variables, then on the most closed ones. It is dropped if it leaves a block half open, and
    in a space too large to list. The initial design is what the predictor learns
    from first; it joins the beam only when everything is open. All of a level can be asked for at
    once; the next one begins when all of it is told.

    Args:
        problem: the candidates.
        seed: of all random draws.
        design: the architectures to begin with, or how many to draw.
        repeats: whether an architecture may be proposed again.
        predictor: a registered predictor or a mapping with options.
        encoding: what the predictor sees; ``"default"`` follows the kinds of the decisions.
        beam: architectures that are trained at each level, and expanded at the next.

    Raises:
        UserError: for a wrong option.
    """

    def __init__(
        self,
        problem: Problem,
        *,
        seed: int = 0,
        design: int | Sequence[Arch] = 10,
        repeats: bool = False,
        predictor: str | Mapping[str, Any] = "gp-matern52",
        encoding: str = "default",
        beam: int = 10,
    ) -> None:
        super().__init__(problem, seed=seed, design=design, repeats=repeats)
        self.predictor, self.encoding = predictor, encoding
        self.beam = check_whole(self, "beam", beam, 1)
        self._screen = Screen(problem.candidates, predictor, encoding)
        self._order = opening_order(self.space)
        self._neutral = tuple(map(neutral_choice, self.space.variables))
        self._level = 0
        self._members: list[Arch] = []
        self._waiting: list[Arch] = []

    def waits(self) -> bool:
        """Whether a level is given out but not all of it is told."""
        return not self._waiting and any(arch in self.pending for arch in self._members)

    def _propose(self, n: int, rng: np.random.Generator) -> list[Arch]:
        chosen = self._take_waiting(n)
        # A level whose expansions are all known already is passed over.
        while not chosen and not self.waits() and self._open_next(rng):
            chosen = self._take_waiting(n)
        return chosen

    def _take_waiting(self, n: int) -> list[Arch]:
        seen = self.seen()
        waiting = [arch for arch in self._waiting if arch not in seen]
        self._waiting = waiting[n:]
        return waiting[:n]

    def _open_next(self, rng: np.random.Generator) -> bool:
        """Begin the next level; False if everything is open and nothing new is near the beam."""
        growing = self._level < len(self._order)
        pool = self._expansions(rng) if growing else self._around()
        self._level = min(self._level + 1, len(self._order))
        seen = self.seen()
        new = [arch for arch in pool if arch not in seen]
        observed = [observation.arch for observation in self.history]
        if len(observed) >= FEWEST:
            chosen = self._screen.best(self.beam, new, observed, self.targets(), rng)
        else:
            chosen = [new[row] for row in rng.permutation(len(new))[: self.beam].tolist()]
        self._waiting = list(chosen)
        # What is known of this level competes with what is trained now.
        known = set(observed)
        self._members = [*(arch for arch in pool if arch in known), *chosen]
        return growing or bool(chosen)

    # -- growing -----------------------------------------------------------------------------

    def _expansions(self, rng: np.random.Generator) -> list[Arch]:
        """The beam with every choice of the group that opens now, each candidate once."""
        group = self._order[self._level]
        opened = [v for level in self._order[: self._level + 1] for v in level]
        parents = self._best(self._members) if self._level else [self._neutral]
        choices = self._choices(group, rng, len(parents))
        found: dict[Arch, None] = {}
        for parent in parents:
            for choice in choices:
                arch = list(parent)
                for position, value in zip(group, choice, strict=True):
                    arch[position] = value
                candidate = self._candidate(tuple(arch), opened)
                if candidate is not None:
                    found[candidate] = None
        return list(found)

    def _choices(
        self, group: tuple[int, ...], rng: np.random.Generator, parents: int
    ) -> list[tuple[int, ...]]:
        """All combinations of a group, or a uniform sample where there are very many."""
        counts = [self.space.cardinalities[position] for position in group]
        most = max(1, _MOST_EXPANSIONS // max(parents, 1))
        if np.prod(counts, dtype=float) <= most:
            return list(product(*map(range, counts)))
        return list(map(tuple, rng.integers(counts, size=(most, len(counts))).tolist()))

    def _candidate(self, arch: Arch, opened: Sequence[int]) -> Arch | None:
        """The architecture itself, or the candidate that stands for it."""
        if arch in self.candidates:
            return arch
        half_open = isinstance(self.space, HasBlocks) and arch not in self.space
        if self.candidates.archs is None or half_open:
            return None
        weights = np.ones(len(arch), dtype=np.int64)
        weights[list(opened)] = len(arch) + 1
        distances = (self.candidates.archs != np.array(arch)) @ weights
        return self.candidates.arch(int(distances.argmin()))

    def _around(self) -> list[Arch]:
        """Neighbours of the best of all architectures, each once."""
        everything = list(dict.fromkeys(observation.arch for observation in self.history))
        near = (
            other for arch in self._best(everything) for other in self.candidates.neighbours(arch)
        )
        return list(dict.fromkeys(near))

    def _best(self, archs: Sequence[Arch]) -> list[Arch]:
        """The best ``beam`` of those with a value; failed ones come last."""
        values = {
            observation.arch: observation.value if observation.ok else -np.inf
            for observation in self.history
        }
        known = [arch for arch in archs if arch in values]
        return sorted(known, key=lambda arch: -values[arch])[: self.beam]

    # -- state -------------------------------------------------------------------------------

    def _save(self) -> dict[str, Any]:
        return {
            "level": self._level,
            "members": [list(arch) for arch in self._members],
            "waiting": [list(arch) for arch in self._waiting],
        }

    def _load(self, own: Mapping[str, Any]) -> None:
        self._level = int(own["level"])
        self._members = [tuple(arch) for arch in own["members"]]
        self._waiting = [tuple(arch) for arch in own["waiting"]]
