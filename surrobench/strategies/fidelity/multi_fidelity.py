"""Successive halving and its relatives: short trainings decide who is trained longer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from surrobench.base.options import check_number, check_whole
from surrobench.spaces.architecture import Arch
from surrobench.strategies.fidelity.brackets import Brackets
from surrobench.strategies.fidelity.density_ratio import DensityRatio
from surrobench.strategies.problem import Problem


class SuccessiveHalving(Brackets):
    """Successive halving (Jamieson and Talwalkar 2016), again and again from the shortest length.

    Args:
        problem: the candidates; ``epochs`` must offer at least two lengths.
        seed: of all random draws.
        design: the architectures to begin with, or how many to draw.
        repeats: whether an architecture may be trained again at the same length.
        eta: as in :class:`Brackets`.
        rungs: as in :class:`Brackets`.
        start: architectures on the first rung of each bracket; by default as many as cost one full
            training together, so that one of them reaches the full length.

    Raises:
        UserError: for a wrong option, or a task with a single length of training.
    """

    def __init__(
        self,
        problem: Problem,
        *,
        seed: int = 0,
        design: int | Sequence[Arch] = 10,
        repeats: bool = False,
        eta: float = 3.0,
        rungs: Literal["geometric", "all"] = "geometric",
        start: int | None = None,
    ) -> None:
        self.start = None if start is None else check_whole(self, "start", start, 2)
        super().__init__(problem, seed=seed, design=design, repeats=repeats, eta=eta, rungs=rungs)

    def _schedule(self, bracket: int) -> tuple[int, int]:
        return 0, self.start or math.ceil(self.lengths[-1] / self.lengths[0])


class Hyperband(Brackets):
    """Hyperband (Li et al. 2018): successive halving that begins on every rung in turn.

    With ``m`` lengths of training, one round has ``m`` brackets. The first begins on the shortest
    length, the last trains fully at once; the bracket that begins at ``r`` of ``R`` epochs has
    ``m / k * R / r`` architectures, where ``k`` is the number of its rungs. For lengths that grow
    by ``eta`` this is the schedule of the paper; with 12 and 200 epochs a round is 17 short
    trainings and one full one, then two full ones. Rounds are repeated.
    """

    def _schedule(self, bracket: int) -> tuple[int, int]:
        count = len(self.lengths)
        first = bracket % count
        size = count / (count - first) * self.lengths[-1] / self.lengths[first]
        return first, math.ceil(size - 1e-9)


class Bohb(Hyperband):
    """BOHB (Falkner et al. 2018): Hyperband whose samples come from a ratio of densities.

    The densities of good and of bad architectures are estimated at the longest training that
    enough of them had (see :class:`~surrobench.strategies.fidelity.density_ratio.DensityRatio`). Of
    ``samples`` draws from the wider density of the good ones, the one with the largest ratio starts
    next. Draws that are no candidates are replaced by the nearest candidate.

    Args:
        problem: the candidates; ``epochs`` must offer at least two lengths.
        seed: of all random draws.
        design: the architectures to begin with, or how many to draw.
        repeats: whether an architecture may be trained again at the same length.
        eta: as in :class:`Brackets`.
        rungs: as in :class:`Brackets`.
        random_fraction: probability that a sample is uniform.
        samples: draws per proposal.
        good: fraction of the observations that count as good.

    Raises:
        UserError: for a wrong option, or a task with a single length of training.
    """

    def __init__(
        self,
        problem: Problem,
        *,
        seed: int = 0,
        design: int | Sequence[Arch] = 10,
        repeats: bool = False,
        eta: float = 3.0,
        rungs: Literal["geometric", "all"] = "geometric",
        random_fraction: float = 1 / 3,
        samples: int = 64,
        good: float = 0.15,
    ) -> None:
        self.random_fraction = check_number(self, "random_fraction", random_fraction, 0.0, 1.0)
        self.samples = check_whole(self, "samples", samples, 1)
        self.good = check_number(self, "good", good, 0.0, 1.0)
        super().__init__(problem, seed=seed, design=design, repeats=repeats, eta=eta, rungs=rungs)

    def _sample(self, n: int, rng: np.random.Generator, exclude: set[Arch]) -> list[Arch]:
        ratio = self._ratio()
        found: list[Arch] = []
        for _ in range(n):
            taken = {*exclude, *found}
            if ratio is None or rng.random() < self.random_fraction:
                found += super()._sample(1, rng, taken)
            else:
                best = self._promising(ratio, rng, taken)
                found += [] if best is None else [best]
        return found

    def _promising(
        self, ratio: DensityRatio, rng: np.random.Generator, taken: set[Arch]
    ) -> Arch | None:
        """The draw with the largest ratio that may be proposed, else the nearest to the best."""
        draws = ratio.sample(self.samples, rng)
        order = np.argsort(-ratio.log_ratio(draws), kind="stable")
        ranked = [tuple(draws[row].tolist()) for row in order]
        for arch in ranked:
            if arch in self.candidates and arch not in taken:
                return arch
        return self.candidates.nearest(ranked[0], rng, taken)

    def _ratio(self) -> DensityRatio | None:
        """At the longest training with enough observations; None if there is none."""
        least = len(self.space.variables) + 1
        for length in (None, *reversed(self.lengths[:-1])):
            observed = [o for o in self.history if o.epochs == length]
            if len(observed) >= least + 2:
                archs = np.array([o.arch for o in observed])
                values = self.targets(observed)
                return DensityRatio(self.space.cardinalities, archs, values, self.good, least)
        return None
