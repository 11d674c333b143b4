"""Structure and training searched together: a live task whose recipe is part of the choice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from math import log10
from typing import Any

from surrobench.errors import UserError, did_you_mean
from surrobench.spaces.architecture import Arch, Variable
from surrobench.spaces.joint import JointSpace
from surrobench.tasks.evaluation import Evaluation
from surrobench.tasks.live.live import LiveTask, Progress, Trainable
from surrobench.training.loop.fidelity import FULL, Fidelity
from surrobench.training.loop.recipe import Recipe

CHOOSABLE = tuple(field.name for field in fields(Recipe) if field.name != "epochs")
"""Fields of a recipe that can be choices; epochs are a fidelity."""


@dataclass(frozen=True, eq=False)
class JointTask(Trainable):
    """A live task over architectures and settings of their training.

    What is trained is a training of the inner task, so both share what is kept.

    Attributes:
        task: the inner task; settings that are not choices are those of its recipe.
        choices: the values of each chosen setting, by its name in the recipe.
        space: the joint space.
    """

    task: LiveTask
    choices: Mapping[str, tuple[Any, ...]]
    space: JointSpace

    @property
    def name(self) -> str:
        """For tables."""
        return f"{self.task.name}-joint"

    @property
    def recipe(self) -> Recipe:
        """That of the inner task, for what is no choice."""
        return self.task.recipe

    def recipe_of(self, arch: Arch) -> Recipe:
        """The recipe that an architecture of the joint space is trained with."""
        _, further = self.space.split(arch)
        values = zip(self.choices.items(), further, strict=True)
        return replace(self.task.recipe, **{name: some[i] for (name, some), i in values})

    def evaluate_many(
        self,
        archs: Sequence[Arch],
        *,
        seed: int = 0,
        epochs: int | None = None,
        fidelity: Fidelity = FULL,
        progress: Progress | None = None,
    ) -> list[Evaluation]:
        """Train architectures in groups of equal settings; what was trained before is looked up.

        Args:
            archs: architectures of the joint space.
            seed: as for :meth:`LiveTask.evaluate_many`, like the next two.
            epochs: a shorter training.
            fidelity: a cheaper one.
            progress: told the number of evaluated architectures and of all after each group.

        Raises:
            UserError: for an architecture of another space, or a fidelity that cannot be.
        """
        groups: dict[Recipe, list[int]] = {}
        for position, arch in enumerate(archs):
            groups.setdefault(self.recipe_of(self.space.check(arch)), []).append(position)
        found: dict[int, Evaluation] = {}
        for recipe, positions in groups.items():
            inner = [self.space.split(archs[position])[0] for position in positions]
            evaluations = replace(self.task, recipe=recipe).evaluate_many(
                inner, seed=seed, epochs=epochs, fidelity=fidelity
            )
            found.update(zip(positions, evaluations, strict=True))
            if progress:
                progress(len(found), len(archs))
        return [found[position] for position in range(len(archs))]


def live_joint(task: LiveTask, **choices: Sequence[Any]) -> JointTask:
    """A live task in which settings of the training are choices like those of the architecture.

    For example::

        task = live_joint(live_task("live:cells"), learning_rate=[0.03, 0.1, 0.3],
                          optimiser=["sgd", "adamw"])
        search(task.space, task.evaluate, strategy="bayesian", budget=40)

    Args:
        task: any live task.
        choices: the values of each setting, by its name in
            :class:`~surrobench.training.loop.recipe.Recipe`.

    Raises:
        UserError: for no settings, a name that is none, a value that occurs twice, or one that a
            recipe refuses.
    """
    for name, values in choices.items():
        if name not in CHOOSABLE:
            raise UserError(f"{name!r} is no setting to choose. " + did_you_mean(name, CHOOSABLE))
        if not values or len(set(values)) != len(values):
            raise UserError(f"{name} is {list(values)}; give some values, each once.")
        for value in values:
            replace(task.recipe, **{name: value})
    variables = [_variable(name, tuple(values)) for name, values in choices.items()]
    chosen = {name: tuple(values) for name, values in choices.items()}
    return JointTask(task, chosen, JointSpace(task.space, variables))


def _variable(name: str, values: tuple[Any, ...]) -> Variable:
    """Numbers are ordinal, by their logarithm if all are above 0."""
    labels = tuple(f"{value:g}" if isinstance(value, float) else str(value) for value in values)
    if any(isinstance(value, bool) or not isinstance(value, (int, float)) for value in values):
        return Variable(name, labels)
    positive = all(value > 0 for value in values)
    return Variable(name, labels, tuple(log10(v) if positive else float(v) for v in values))
