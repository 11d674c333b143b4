"""Hill climbing: train the neighbours of the best, move to a better one, start again at an end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from surrobench.base.options import check_choice, check_whole
from surrobench.spaces.architecture import Arch
from surrobench.strategies.problem import Problem
from surrobench.strategies.strategy import Strategy


class LocalSearch(Strategy):
    """Local search over single changes (White, Nolen & Savani 2021).

    A climb starts from the best of the initial design. Its neighbours are trained in random order
    until there is a better one, which is the next centre. Where no neighbour is better, a new
    climb starts from random architectures, or the search goes on from the next best. The defaults
    are those of the authors' code; neighbours that an earlier climb has trained are not looked at
    again, as there.

    With several architectures in training at once, neighbours are handed out side by side; when
    all are, those of the next best of the climb follow, the likeliest to be wanted next. Whatever
    is told during a climb belongs to it, whoever asked for it.

    Args:
        query: ``"first-improvement"`` moves to the first better neighbour (the paper's
            *query until lower*); ``"all"`` trains the whole neighbourhood first and moves to the
            best of it.
        at_optimum: ``"restart"`` begins a new climb; ``"continue"`` goes on from the best
            architecture that has neighbours left (the paper's *continue at min*).
        starts: random architectures that a new climb draws, to begin from the best of them.
    """

    def __init__(
        self,
        problem: Problem,
        *,
        query: str = "first-improvement",
        at_optimum: str = "restart",
        starts: int = 10,
        **common: Any,
    ) -> None:
        super().__init__(problem, **common)
        self.query = check_choice(self, "query", query, ("first-improvement", "all"))
        self.at_optimum = check_choice(self, "at_optimum", at_optimum, ("restart", "continue"))
        self.starts = check_whole(self, "starts", starts, 1)
        self._designed = bool(self._design)
        self._begin = 0  # the climb: everything told from here on
        self._centre: int | None = None  # both are places in the history
        self._near: dict[Arch, list[Arch]] = {}

    def _propose(self, n: int, rng: np.random.Generator) -> list[Arch]:
        tried = {*self.pending, *(observation.arch for observation in self.history)}
        ranked = self._ranked()
        self._move(ranked, tried)
        if self._centre is None:
            return []  # a random start takes the place
        proposals: list[Arch] = []
        for place in (self._centre, *ranked):
            free = [arch for arch in self._neighbours(place) if arch not in tried]
            proposals += [free[i] for i in rng.permutation(len(free))]
            tried.update(free)
            if len(proposals) >= n:
                break
        return proposals[:n]

    def _ranked(self) -> list[int]:
        """What was told during this climb, best first; of equals the earlier."""
        told = (i for i in range(self._begin, len(self.history)) if self.history[i].ok)
        return sorted(told, key=lambda i: -self.history[i].value)

    def _move(self, ranked: list[int], tried: set[Arch]) -> None:
        """Bring the centre up to date; None asks for a random start."""
        if self._centre is None and ranked and self._started():
            self._centre = ranked[0]
        while self._centre is not None:
            best, unfinished = ranked[0], self._unfinished(self._centre, tried)
            better = self.history[best].value > self.history[self._centre].value
            if better and (self.query == "first-improvement" or not unfinished):
                self._centre = best
            elif unfinished:
                return
            elif self.at_optimum == "continue":
                left = (place for place in ranked if self._unfinished(place, tried))
                self._centre = next(left, None)
                return
            else:
                self._begin, self._centre = len(self.history), None

    def _started(self) -> bool:
        """Whether the climb has its starts; the first one begins with the design, if any."""
        needed = 1 if self._designed and self._begin == 0 else self.starts
        return len(self.history) - self._begin >= needed

    def _unfinished(self, place: int, tried: set[Arch]) -> bool:
        """Whether a neighbour is untried or still in training."""
        near = self._neighbours(place)
        return any(arch not in tried or arch in self.pending for arch in near)

    def _neighbours(self, place: int) -> list[Arch]:
        arch = self.history[place].arch
        if arch not in self._near:
            self._near[arch] = self.candidates.neighbours(arch)
        return self._near[arch]

    def _save(self) -> dict[str, Any]:
        return {"begin": self._begin, "centre": self._centre}

    def _load(self, own: Mapping[str, Any]) -> None:
        self._begin, self._centre = own["begin"], own["centre"]
