"""Live tasks of one's own: a space, and a function that builds or evaluates an architecture.

With networks of one's own, trained by surrobench::

    task = own_networks(space, build, data)
    result = search(task.space, task.evaluate, budget=30)

With a training of one's own::

    task = OwnEvaluation(space, evaluate, value="accuracy", epochs=12)
    result = search(task.space, task.evaluate, budget=30)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from surrobench.base.wording import counted, name_of_function
from surrobench.errors import UserError, did_you_mean
from surrobench.spaces.architecture import Arch, SearchSpace
from surrobench.tasks.evaluation import Evaluation
from surrobench.tasks.live.live import LiveTask
from surrobench.training.datasets.data import Data
from surrobench.training.loop.devices import choose_device
from surrobench.training.loop.recipe import Recipe


def own_networks(
    space: SearchSpace,
    build: Callable[[Arch], nn.Module],
    data: Data,
    *,
    name: str = "own",
    recipe: Recipe | None = None,
    device: str = "auto",
    cache: Path | None = None,
    version: str = "",
    threads: int | None = None,
) -> LiveTask:
    """A live task over networks of one's own.

    One network is built and given two images at once, so that a mistake shows before a search.

    Args:
        space: what ``build`` understands.
        build: the network of an architecture, from ``n x channels x height x width`` images to
            ``n x classes`` scores; it draws initial weights from torch's global generator.
        data: for example of :func:`~surrobench.training.datasets.division.read_images`.
        name: for tables.
        recipe: the settings; those of :class:`~surrobench.training.loop.recipe.Recipe` if omitted.
        device: as for :func:`~surrobench.training.loop.devices.choose_device`.
        cache: folder of finished trainings; none are kept if omitted, since surrobench cannot see
            whether ``build`` has changed.
        version: with a ``cache``, any text that you change when ``build`` changes.
        threads: on a CPU; those that torch is set to if omitted. Small networks need one.

    Raises:
        UserError: if ``build`` does not return such a network.
    """
    _check_network(space, build, data)
    return LiveTask(
        name,
        space,
        build,
        {"own": name, "version": version},
        data,
        recipe or Recipe(),
        choose_device(device),
        cache,
        threads=threads,
    )


def _check_network(space: SearchSpace, build: Callable[[Arch], nn.Module], data: Data) -> None:
    (arch,) = space.sample(1, np.random.default_rng(0))
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        network = build(arch)
        if not isinstance(network, nn.Module):
            raise UserError(
                f"build returned {type(network).__name__} for {arch}; it must return a network "
                "(torch.nn.Module)."
            )
        try:
            scores = network.eval()(data.train.inputs[:2])
        except Exception as error:
            raise UserError(
                f"the network of {arch} cannot take images of shape {data.shape}: "
                f"{type(error).__name__}: {error}"
            ) from error
    shape = tuple(getattr(scores, "shape", ()))
    if shape != (2, data.classes):
        raise UserError(
            f"the network of {arch} turns 2 images into {shape or type(scores).__name__}; it must "
            f"give 2 x {counted(data.classes, 'score')}, one for each class."
        )


class OwnEvaluation:
    """A task whose training is a function of one's own.

    Args:
        space: the search space.
        evaluate: called as ``evaluate(arch, epochs=…, seed=…)``; returns a dictionary of numbers
            with the same names each time. What it raises is a failed training in a search.
        value: the metric that is searched for.
        epochs: of the full training.
        minimise: ``[value]`` if less of it is better: the value is then negated. All other metrics
            keep their sign; as objectives they are ``{name: "minimize"}``.

    Raises:
        UserError: if ``evaluate`` is no function, ``epochs`` is below 1, or ``minimise`` names
            something else than the value.
    """

    def __init__(
        self,
        space: SearchSpace,
        evaluate: Callable[..., Mapping[str, float]],
        *,
        value: str,
        epochs: int = 1,
        minimise: Collection[str] = (),
    ) -> None:
        if not callable(evaluate):
            raise UserError(f"evaluate is {evaluate!r}; it must be a function.")
        if epochs < 1:
            raise UserError(f"epochs is {epochs}; it must be at least 1.")
        if isinstance(minimise, str):
            raise UserError(f"minimise is {minimise!r}; give a list of names.")
        for name in set(minimise) - {value}:
            raise UserError(
                f"minimise names {name!r}, but only the value {value!r} is searched for; metrics "
                f'keep their sign, and as an objective it is objectives={{{name!r}: "minimize"}}.'
            )
        self.space, self.train, self.value, self.epochs = space, evaluate, value, epochs
        self.minimise = tuple(minimise)
        self._names: tuple[str, ...] | None = None

    def evaluate(self, arch: Arch, *, seed: int = 0, epochs: int | None = None) -> Evaluation:
        """Train one architecture, by default fully.

        Raises:
            UserError: if what came back is no dictionary of numbers, lacks the value, or has other
                names than before.
        """
        length = self.epochs if epochs is None else epochs
        metrics = self._checked(self.train(self.space.check(arch), epochs=length, seed=seed))
        value = metrics.pop(self.value) * (-1.0 if self.minimise else 1.0)
        return Evaluation(value, None, "ok" if math.isfinite(value) else "diverged", metrics)

    def _checked(self, returned: Any) -> dict[str, float]:
        function = name_of_function(self.train, "evaluate")
        if not isinstance(returned, Mapping):
            raise UserError(
                f"{function} returned {type(returned).__name__}; it must return a dictionary such "
                f"as {{{self.value!r}: 0.9}}."
            )
        metrics = {
            _name(name, function): _number(name, given, function)
            for name, given in returned.items()
        }
        if self.value not in metrics:
            hint = did_you_mean(self.value, metrics)
            raise UserError(f"{function} returned no metric {self.value!r}. {hint}")
        self._names = self._names or tuple(sorted(metrics))
        if differing := set(self._names) ^ set(metrics):
            raise UserError(
                f"{function} must return the same metrics each time, but {sorted(differing)[0]!r} "
                "is not always among them."
            )
        return metrics


def _name(name: Any, function: str) -> str:
    if not isinstance(name, str) or not name:
        raise UserError(f"{function} returned a metric named {name!r}; names must be texts.")
    return name


def _number(name: str, given: Any, function: str) -> float:
    if hasattr(given, "item") and getattr(given, "ndim", 0) == 0:  # a number of NumPy or torch
        given = given.item()
    if isinstance(given, bool) or not isinstance(given, Real):
        raise UserError(
            f"{function} returned {name!r} as {type(given).__name__}; it must be a number."
        )
    return float(given)
