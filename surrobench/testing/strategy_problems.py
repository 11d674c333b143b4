"""Small searches with a known truth, and a strategy under test on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from surrobench.arrays import FloatArray
from surrobench.base.wording import counted
from surrobench.spaces.architecture import Arch, SearchSpace, Variable
from surrobench.spaces.choices import Choices
from surrobench.strategies import make_strategy, resolve_strategy
from surrobench.strategies.candidates import Candidates
from surrobench.strategies.problem import Problem
from surrobench.strategies.strategy import Strategy
from surrobench.tasks.evaluation import Evaluation
from surrobench.testing.problems import TOY_CELLS

Factory = Callable[[Problem, int], Strategy]
Step = tuple[Arch, int | None]
"""An architecture and for how many epochs it was trained (None: fully)."""

EPOCHS = (1, 3, 9)
OBJECTIVE = "speed"


@dataclass(frozen=True)
class Landscape:
    """A search problem whose every answer is known: a separable function of the choices.

    Attributes:
        problem: what the strategy is given.
        weights: contribution of each choice of each variable to the value.
        costs: the same for the further objective, against which the value trades off in part.
        outcome: what an evaluation gives, made from the architecture and the value; the value
            itself by default.
    """

    problem: Problem
    weights: Sequence[FloatArray]
    costs: Sequence[FloatArray]
    outcome: Callable[[Arch, float], Evaluation] = field(
        default=lambda arch, value: Evaluation(value, cost=1.0)
    )

    def value(self, arch: Arch, epochs: int | None = None) -> float:
        """The value; after fewer epochs than all it is lower, and blurred by other terms."""
        full = 60.0 + sum(float(w[c]) for w, c in zip(self.weights, arch, strict=True))
        return full - 0.2 * (EPOCHS[-1] / (epochs or EPOCHS[-1]) - 1.0) * self.speed(arch)

    def speed(self, arch: Arch) -> float:
        """The further objective."""
        return sum(float(w[c]) for w, c in zip(self.costs, arch, strict=True))

    def evaluate(self, step: Step) -> Evaluation:
        """Train."""
        arch, epochs = step
        evaluation = self.outcome(arch, self.value(arch, epochs))
        metrics = {OBJECTIVE: self.speed(arch)} if self.problem.objectives else {}
        return Evaluation(evaluation.value, evaluation.cost, evaluation.status, metrics)


def landscape(candidates: Candidates, *, epochs: bool, objectives: bool) -> Landscape:
    """A landscape over some candidates, always the same for the same space.

    What a number is worth falls from one peak to both sides.
    """
    rng = np.random.default_rng(0)
    cardinalities = candidates.space.cardinalities
    drawn = [rng.permutation(np.linspace(0.0, 2.0, c)) + rng.random(c) for c in cardinalities]
    weights = [
        _one_peak(worth) if variable.ordinal else worth
        for variable, worth in zip(candidates.space.variables, drawn, strict=True)
    ]
    costs = [rng.random(c) for c in cardinalities]
    problem = Problem(
        candidates,
        epochs=EPOCHS if epochs else (),
        objectives=(OBJECTIVE,) if objectives else (),
    )
    return Landscape(problem, weights, costs)


def _one_peak(worth: FloatArray) -> FloatArray:
    """The same numbers in an order that rises to the place of the largest, and then falls."""
    by_distance = np.argsort(np.abs(np.arange(len(worth)) - worth.argmax()), kind="stable")
    ordered = np.empty_like(worth)
    ordered[by_distance] = np.sort(worth)[::-1]
    return ordered


def choices(*cardinalities: int) -> SearchSpace:
    """A space of decisions, every other one a choice among numbers."""
    variables = [
        Variable(
            f"decision {i}",
            tuple(f"{choice}" for choice in range(c)),
            tuple(map(float, range(c))) if i % 2 else None,
        )
        for i, c in enumerate(cardinalities)
    ]
    return Choices("toy choices", variables)


def cells() -> SearchSpace:
    """Cells as in NAS-Bench-201 with three operations instead of five: 729."""
    return TOY_CELLS


def sparse() -> Candidates:
    """A table of 40 of 1,024 combinations."""
    space = choices(4, 4, 4, 4, 4)
    return Candidates(space, space.sample(40, np.random.default_rng(1)))


class Search:
    """A strategy under test: how to build it, and which landscapes suit it.

    Args:
        strategy: a specification as for :func:`~surrobench.strategies.make_strategy`, a class
            derived from ``Strategy``, or a function of a problem and a seed.
        evaluations: length of a search in which the strategy must have learnt something.
        seeds: how many such searches are averaged.
    """

    def __init__(
        self,
        strategy: str | Mapping[str, Any] | type[Strategy] | Factory,
        *,
        evaluations: int = 50,
        seeds: int = 5,
    ) -> None:
        self.strategy, self.evaluations, self.seeds = strategy, evaluations, seeds
        kind: Any = strategy
        if isinstance(strategy, str | Mapping):
            kind = resolve_strategy(strategy)[1]
        self.multi_fidelity = bool(getattr(kind, "multi_fidelity", False))
        self.multi_objective = bool(getattr(kind, "multi_objective", False))

    def build(self, landscape: Landscape, seed: int = 0, design: int = 4) -> Strategy:
        """The strategy on a landscape; a function chooses its initial design itself."""
        problem = landscape.problem
        design = min(design, len(problem.candidates))
        if isinstance(self.strategy, str | Mapping):
            return make_strategy(self.strategy, problem, seed=seed, design=design)
        if isinstance(self.strategy, type):
            return self.strategy(problem, seed=seed, design=design)
        return self.strategy(problem, seed)

    def on(self, candidates: Candidates | SearchSpace) -> Landscape:
        """A landscape over some candidates with the lengths and objectives that it needs."""
        if isinstance(candidates, SearchSpace):
            candidates = Candidates(candidates)
        return landscape(candidates, epochs=self.multi_fidelity, objectives=self.multi_objective)


def search(strategy: Strategy, landscape: Landscape, n: int, batch: int = 1) -> list[Step]:
    """Ask for batches and tell all of each; up to ``n`` evaluations, in order."""
    steps: list[Step] = []
    while len(steps) < n:
        asked = min(batch, n - len(steps))
        archs = strategy.ask(asked)
        assert len(archs) <= asked, f"ask({asked}) gave {counted(len(archs), 'architecture')}"
        new = [(arch, strategy.epochs(arch)) for arch in archs]
        for step in new:
            strategy.tell(step[0], landscape.evaluate(step))
        steps += new
        if not archs:
            break
    return steps


def overlapping(
    strategy: Strategy, landscape: Landscape, n: int, *, stop_after: int | None = None
) -> list[Step]:
    """Keep three in training until ``n`` were proposed and told, out of order.

    What is in training already when it begins goes on. With ``stop_after`` it breaks off, two
    still in training, when the strategy has been told so many.
    """
    steps: list[Step] = []
    while stop_after is None or len(strategy.history) < stop_after:
        free = min(3 - len(strategy.pending), n - len(steps))
        if free > 0:
            steps += [(arch, strategy.epochs(arch)) for arch in strategy.ask(free)]
        if not strategy.pending:
            break
        arch = list(strategy.pending)[len(strategy.pending) // 2]
        strategy.tell(arch, landscape.evaluate((arch, strategy.epochs(arch))))
    return steps


def achieved(strategy: Strategy, landscape: Landscape) -> float:
    """What a search has come to: the best value, or the dominated area of two objectives."""
    full = [o for o in strategy.history if o.ok and o.epochs in (None, EPOCHS[-1])]
    if not landscape.problem.objectives:
        return max((o.value for o in full), default=0.0)
    area, width = 0.0, 0.0
    for value, speed in sorted(((o.value, o.metrics[OBJECTIVE]) for o in full), reverse=True):
        area += max(speed - width, 0.0) * (value - 60.0)
        width = max(width, speed)
    return area


def spent(steps: Sequence[Step]) -> float:
    """Training in units of a full one."""
    return sum((epochs or EPOCHS[-1]) / EPOCHS[-1] for _, epochs in steps)
