"""Fidelities of a live task as the lengths of training that multi-fidelity strategies know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch
from surrobench.tasks.evaluation import Evaluation
from surrobench.tasks.live import LiveTask
from surrobench.tasks.live_joint import JointTask
from surrobench.training.fidelity import FULL, Fidelity

UNIT = 1000


@dataclass(frozen=True, eq=False)
class Rungs:
    """What Hyperband and its relatives climb: cheap trainings first, the full one last.

    For example::

        rungs = Rungs(task, [Fidelity(fraction=0.25), Fidelity(epochs=1)])
        search(task.space, rungs, strategy="hyperband", epochs=rungs.lengths)

    Strategies think in lengths of training. Here a length is a share of the work of the full
    training in thousandths: one of three epochs is 333, a quarter of the images 250.

    Args:
        task: what is trained.
        fidelities: cheaper trainings, in any order; the full one is added.
        seed: of all trainings.

    Raises:
        UserError: if two fidelities are the same amount of work.
    """

    task: LiveTask | JointTask
    fidelities: Sequence[Fidelity]
    seed: int = 0

    def __post_init__(self) -> None:
        if len(self._by_length) != len({*self.fidelities, FULL}):
            raise UserError(
                f"rungs: {list(self.fidelities)} and the full training are not of different "
                f"lengths in thousandths of its work: {self.lengths}."
            )

    @cached_property
    def _by_length(self) -> dict[int, Fidelity]:
        epochs = self.task.recipe.epochs
        shares = {f: int(UNIT * f.share(epochs) + 1e-6) for f in {*self.fidelities, FULL}}
        if low := [f for f, share in shares.items() if share < 1]:
            raise UserError(f"rungs: {low[0]} is under a thousandth of the full training.")
        return {share: fidelity for fidelity, share in sorted(shares.items(), key=lambda p: p[1])}

    @property
    def lengths(self) -> list[int]:
        """The lengths, ascending; the last is the full training, 1000."""
        return list(self._by_length)

    def __call__(self, arch: Arch, *, epochs: int | None = None) -> Evaluation:
        """Train an architecture on the rung of that length, by default fully.

        Raises:
            UserError: for a length that is no rung.
        """
        length = UNIT if epochs is None else epochs
        if length not in self._by_length:
            raise UserError(f"{length} is no rung; valid lengths: {self.lengths}.")
        fidelity = self._by_length[length]
        return self.task.evaluate(arch, seed=self.seed, fidelity=fidelity)
