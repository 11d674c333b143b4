"""Trainings that start from the weights of an architecture trained before."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from torch import nn

from surrobench.spaces.architecture import Arch
from surrobench.tasks.evaluation import Evaluation
from surrobench.tasks.live.live import LiveTask
from surrobench.training.loop.devices import threads_on
from surrobench.training.loop.inheritance import inherit
from surrobench.training.loop.trainer import initialised, train_together


@dataclass(eq=False)
class Inheriting:
    """A live task whose children start from their parent's weights, where they match.

    For example::

        task = live_task("live:chain")
        search(task.space, Inheriting(task), strategy="regularised-evolution", budget=50)

    The parent is the evaluated architecture that differs in the fewest choices (the better one of
    equally near ones): for a mutation the one that was mutated, or one as near. What is gained
    depends on what was trained before, so values are not those of the task, differ with the order
    of a search, and are not kept in files; the metric ``inherited`` tells the share of parameters
    that was taken over. Trained weights are held in memory as long as this object: a search that
    is continued in another process begins without parents.

    Args:
        task: what is trained; its recipe is that of every training, child or not.
        seed: of all trainings.
        farthest: in how many choices parent and child may differ; None is no limit.
    """

    task: LiveTask
    seed: int = 0
    farthest: int | None = None
    _trained: dict[Arch, tuple[float, nn.Module]] = field(default_factory=dict, init=False)

    def __call__(self, arch: Arch, *, epochs: int | None = None) -> Evaluation:
        """Train an architecture from its parent's weights, or from new ones if it has none.

        Args:
            arch: an architecture of the space.
            epochs: a shorter training with a schedule of its own.

        Raises:
            UserError: for an architecture of another space.
        """
        task = self.task
        arch = task.space.canonical(task.space.check(arch))
        network = initialised(lambda: task.build(arch), self.seed)
        parent = self.parent(arch)
        inherited = inherit(network, self._trained[parent][1]).share if parent else 0.0
        recipe = task.recipe if epochs is None else replace(task.recipe, epochs=epochs)
        weights: dict[int, nn.Module] = {}
        with threads_on(task.device, task.threads):
            (run,) = train_together(
                [network],
                task.data,
                recipe,
                seeds=[self.seed],
                device=task.device,
                keep=weights.__setitem__,
            )
        evaluation = task.evaluation(arch, run)
        if run.status == "ok":
            self._trained[arch] = evaluation.value, weights[0]
        return replace(evaluation, metrics={**evaluation.metrics, "inherited": inherited})

    def parent(self, arch: Arch) -> Arch | None:
        """The architecture whose weights a training of ``arch`` would start from now."""
        if not self._trained:
            return None
        others = list(self._trained)
        differing = (np.array(others) != np.array(arch)).sum(axis=1)
        worth = [-self._trained[other][0] for other in others]
        nearest = int(np.lexsort((worth, differing))[0])
        if self.farthest is not None and differing[nearest] > self.farthest:
            return None
        return others[nearest]
