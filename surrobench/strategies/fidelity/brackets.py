"""Brackets of rungs: the machinery of successive halving."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np

from surrobench.base.options import check_choice, check_number
from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch
from surrobench.strategies.problem import Problem
from surrobench.strategies.strategy import Strategy


def ladder(epochs: Sequence[int], eta: float) -> tuple[int, ...]:
    """The lengths of training to use, ascending: each at least ``eta`` times the one before.

    From the full length downward, always the longest that is short enough. ``(12, 200)`` stays as
    it is; of 1 to 50 epochs, ``eta`` 3 keeps ``(1, 5, 16, 50)``.
    """
    kept = [max(epochs)]
    for length in sorted(epochs, reverse=True)[1:]:
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
        eta: by what factor each rung at least trains longer than the one before.
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
        self.eta = check_number(self, "eta", eta, 1.0)
        self.rungs = check_choice(self, "rungs", rungs, ("geometric", "all"))
        self.lengths = ladder(problem.epochs, self.eta) if rungs == "geometric" else problem.epochs
        if len(self.lengths) < 2:
            raise UserError(
                f"{type(self).__name__}: option 'eta' is {eta!r}, but none of the lengths "
                f"{problem.epochs} is that many times shorter than the full one; choose a smaller "
                "eta or rungs = 'all'."
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

    def usable_epochs(self) -> tuple[int, ...]:
        """The lengths of the rungs."""
        return tuple(self.lengths)

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
