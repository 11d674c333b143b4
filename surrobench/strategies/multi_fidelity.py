"""Successive halving and its relatives: short trainings decide who is trained longer."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np

from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch
from surrobench.strategies.density_ratio import DensityRatio
from surrobench.strategies.problem import Problem
from surrobench.strategies.strategy import Strategy


def ladder(epochs: Sequence[int], eta: float) -> tuple[int, ...]:
    """The lengths of training to use, ascending: each at least ``eta`` times the one before.

    From the full length downward, always the longest that is short enough. ``(12, 200)`` stays as
    it is; of 1 to 50 epochs, ``eta`` 3 keeps ``(1, 5, 16, 50)``.
    """
    kept = [max(epochs)]
    for length in sorted(epochs, reverse=True):
        if length * eta <= kept[-1]:
            kept.append(length)
    return tuple(reversed(kept))


class Brackets(Strategy):
    """Brackets of rungs: those that do best on one rung are trained longer, on the next.

    A rung is a length of training and the architectures that get it. All of a rung can be asked
    for at once; the next one begins when all of them are told. Training starts anew on each rung,
    so every rung has its own cost. From a rung of ``k`` architectures trained for ``r`` epochs,
    the best ``k r / r'`` (at least one) go on to ``r'`` epochs, so that all rungs of a bracket cost
    about the same; with lengths that grow by ``eta`` these are the best ``1 / eta``. Brackets
    follow one another until every candidate has been trained fully.

    The initial design makes up the first rung of the first bracket, which is enlarged if it is too
    small for it. Later brackets begin with architectures that have not been trained at all, and
    only when there are none left with those that were not trained fully; what is known of these is
    not trained again. Failed trainings go on only where everything failed.

    Args:
        problem: the candidates; ``epochs`` must offer at least two lengths.
        seed: of all random draws.
        design: the architectures to begin with, or how many to draw.
        repeats: whether an architecture may be trained again at the same length.
        eta: how much longer each rung trains at least, and one over the fraction that goes on.
        rungs: ``"geometric"`` picks lengths that grow by ``eta``, ``"all"`` uses every one.

    Raises:
        UserError: for a wrong option, or a task with a single length of training.
    """

    multi_fidelity: ClassVar[bool] = True

    def __init__(
        self,
        problem: Problem,
        *,
        seed: int = 0,
        design: int | Sequence[Arch] = 10,
        repeats: bool = False,
        eta: float = 3.0,
        rungs: Literal["geometric", "all"] = "geometric",
    ) -> None:
        super().__init__(problem, seed=seed, design=design, repeats=repeats)
        name = type(self).__name__
        if isinstance(eta, bool) or not (isinstance(eta, int | float) and 1.0 < eta < math.inf):
            raise UserError(f"{name}: eta is {eta!r}; it is a number above 1, for example 3.")
        if rungs not in ("geometric", "all"):
            raise UserError(f"{name}: rungs is {rungs!r}; valid: 'geometric', 'all'.")
        self.eta, self.rungs = float(eta), rungs
        self.lengths = ladder(problem.epochs, self.eta) if rungs == "geometric" else problem.epochs
        if len(self.lengths) < 2:
            raise UserError(
                f"{name}: eta is {eta!r}, but of the lengths {problem.epochs} none is that many "
                "times shorter than the full one; choose a smaller eta or rungs = 'all'."
            )
        self._bracket = -1
        self._begin(list(self._design))

    # -- the schedule ------------------------------------------------------------------------

    @abstractmethod
    def _schedule(self, bracket: int) -> tuple[int, int]:
        """Position of the first rung in ``lengths``, and how many architectures start there."""

    def _begin(self, members: list[Arch]) -> None:
        """Start the next bracket."""
        self._bracket += 1
        self._rung, size = self._schedule(self._bracket)
        self._members = members
        self._size = max(size, len(members))
        self._since = len(self.history)

    def _length(self) -> int | None:
        """Epochs of the current rung, None for the full training."""
        length = self.lengths[self._rung]
        return None if length == self.problem.epochs[-1] else length

    def _epochs_of(self, arch: Arch) -> int | None:
        return self._length()

    def _results(self) -> dict[Arch, float]:
        """Latest values at the length of the current rung; NaN where the training failed."""
        length, start = self._length(), self._since if self.repeats else 0
        return {o.arch: o.value for o in self.history[start:] if o.epochs == length}

    # -- asking ------------------------------------------------------------------------------

    def waits(self) -> bool:
        """Whether the rung is given out but not all of it is told."""
        return any(arch in self.pending for arch in self._members)

    def _propose(self, n: int, rng: np.random.Generator) -> list[Arch]:
        chosen: list[Arch] = []
        while True:
            known = {*self._results(), *self.pending, *chosen}
            chosen += [arch for arch in self._members if arch not in known][: n - len(chosen)]
            if len(chosen) == n:
                return chosen
            wanted = min(n - len(chosen), self._size - len(self._members))
            if wanted > 0:
                self._fill(wanted, rng)
            elif chosen or self.waits() or not self._advance():
                return chosen

    def _fill(self, wanted: int, rng: np.random.Generator) -> None:
        """Add members to the first rung, or close it if there are no more."""
        taken = {*self.seen(), *self._members}
        touched = taken if self.repeats else taken | {arch for arch, _ in self._told}
        found = self._sample(wanted, rng, touched) or self._sample(wanted, rng, taken)
        self._members += found
        if not found:
            self._size = len(self._members)

    def _sample(self, n: int, rng: np.random.Generator, exclude: set[Arch]) -> list[Arch]:
        """Up to ``n`` candidates outside ``exclude`` to start a bracket with."""
        if not self.candidates.listed or len(exclude) < len(self.candidates):
            return self.candidates.sample(n, rng, exclude)
        return []

    def _advance(self) -> bool:
        """Go to the next rung or bracket; False if the last bracket found nothing to train."""
        if not self._members:
            return False
        if self._length() is None:
            self._begin([])
            return True
        results = self._results()
        ranked = sorted(
            (arch for arch in self._members if math.isfinite(results[arch])),
            key=lambda arch: -results[arch],
        )
        current, following = self.lengths[self._rung : self._rung + 2]
        count = max(1, len(self._members) * current // following)
        self._members = (ranked or self._members)[:count]
        self._size = len(self._members)
        self._rung += 1
        return True

    # -- state -------------------------------------------------------------------------------

    def _save(self) -> dict[str, Any]:
        return {
            "bracket": self._bracket,
            "rung": self._rung,
            "size": self._size,
            "since": self._since,
            "members": [list(arch) for arch in self._members],
        }

    def _load(self, own: Mapping[str, Any]) -> None:
        self._bracket, self._rung = int(own["bracket"]), int(own["rung"])
        self._size, self._since = int(own["size"]), int(own["since"])
        self._members = [tuple(arch) for arch in own["members"]]


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
        if start is not None and (isinstance(start, bool) or not _whole(start) or start < 2):
            raise UserError(
                f"SuccessiveHalving: start is {start!r}; it is a whole number of at least 2."
            )
        self.start = start
        super().__init__(problem, seed=seed, design=design, repeats=repeats, eta=eta, rungs=rungs)

    def _schedule(self, bracket: int) -> tuple[int, int]:
        return 0, self.start or math.ceil(self.lengths[-1] / self.lengths[0])


def _whole(value: object) -> bool:
    return isinstance(value, int | np.integer)


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
    enough of them had (see :class:`~surrobench.strategies.density_ratio.DensityRatio`). Of
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
        if not 0.0 <= random_fraction <= 1.0:
            raise UserError(f"Bohb: random_fraction is {random_fraction!r}; valid: 0 to 1.")
        if not _whole(samples) or samples < 1:
            raise UserError(f"Bohb: samples is {samples!r}; it is a whole number of at least 1.")
        if not 0.0 < good < 1.0:
            raise UserError(f"Bohb: good is {good!r}; it is a fraction between 0 and 1.")
        self.random_fraction, self.samples, self.good = random_fraction, samples, good
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
