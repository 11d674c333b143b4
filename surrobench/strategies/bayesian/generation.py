"""Which candidates an acquisition function gets to see: all, or some that are worth its time."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from surrobench.arrays import FloatArray
from surrobench.base.options import check_counts, check_number
from surrobench.base.registry import Registry
from surrobench.spaces.architecture import Arch
from surrobench.strategies.candidates import Candidates

Score = Callable[[Sequence[Arch]], FloatArray]
"""The acquisition function of some candidates (each may be proposed); larger is better."""
_DRAWS = 20


@dataclass(frozen=True)
class GenerationContext:
    """What a generator may use.

    Attributes:
        candidates: everything that the search may propose.
        ranked: what was observed, best first.
        excluded: what must not be proposed now.
        score: the acquisition function.
        near: known neighbourhoods of listed candidates, so that none is worked out twice.
    """

    candidates: Candidates
    ranked: Sequence[Arch]
    excluded: Container[Arch]
    score: Score
    near: dict[Arch, list[Arch]] = dataclasses.field(default_factory=dict)

    def neighbours(self, arch: Arch) -> list[Arch]:
        """Candidates one change away, in a fixed order."""
        if not self.candidates.listed:
            return self.candidates.neighbours(arch)
        if arch not in self.near:
            self.near[arch] = self.candidates.neighbours(arch)
        return self.near[arch]

    def changed(self, arch: Arch, rng: np.random.Generator) -> Arch:
        """The architecture after one random change; itself if there is none."""
        if not self.candidates.listed:
            other = self._drawn(arch, rng)
            if other is not None:
                return other
        near = self.neighbours(arch)
        return near[int(rng.integers(len(near)))] if near else arch

    def _drawn(self, arch: Arch, rng: np.random.Generator) -> Arch | None:
        """Another choice in one place, without a list of the many neighbours in a large space."""
        sizes = self.candidates.space.cardinalities
        places = [place for place, size in enumerate(sizes) if size > 1]
        for _ in range(_DRAWS):
            place = places[int(rng.integers(len(places)))]
            choice = int(rng.integers(sizes[place] - 1))
            choice += choice >= arch[place]
            other = self.candidates.mended((*arch[:place], choice, *arch[place + 1 :]), rng)
            if other != arch and other in self.candidates:
                return other
        return None


class Generator(Protocol):
    """Finds candidates for a step; a recipe of frozen options."""

    lists_all: ClassVar[bool]
    """Whether it needs candidates that can be listed, and hands out all of them."""

    def __call__(self, context: GenerationContext, rng: np.random.Generator) -> list[Arch] | None:
        """Distinct candidates that are not excluded; None stands for all."""
        ...


@dataclass(frozen=True)
class WholePool:
    """Every candidate that was not seen."""

    lists_all: ClassVar[bool] = True

    def __call__(self, context: GenerationContext, rng: np.random.Generator) -> None:
        """Nothing to do."""
        return


@dataclass(frozen=True)
class RandomSubset:
    """A uniform sample, drawn anew at every step.

    Args:
        count: candidates.
    """

    count: int = 1000

    lists_all: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Refuse options that are not valid."""
        check_counts(self, "count")

    def __call__(self, context: GenerationContext, rng: np.random.Generator) -> list[Arch]:
        """Draw."""
        return context.candidates.sample(self.count, rng, context.excluded)


@dataclass(frozen=True)
class Mutation:
    """Mutations of the best so far, and a uniform sample beside them (White et al. 2021).

    Args:
        count: candidates.
        parents: how many of the best observed architectures are mutated.
        changes: a mutation is 1 to so many changes, one after the other.
        random: share of the candidates that is drawn uniformly.
    """

    count: int = 200
    parents: int = 10
    changes: int = 3
    random: float = 0.25

    lists_all: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Refuse options that are not valid."""
        check_counts(self, "count", "parents", "changes")
        check_number(self, "random", self.random, 0.0, 1.0)

    def __call__(self, context: GenerationContext, rng: np.random.Generator) -> list[Arch]:
        """Mutate; what mutation cannot fill (all neighbours seen), sampling does."""
        parents = context.ranked[: self.parents]
        wanted = self.count - round(self.random * self.count) if parents else 0
        found: dict[Arch, None] = {}
        for _ in range(5 * wanted):
            if len(found) == wanted:
                break
            arch = self._mutant(parents[int(rng.integers(len(parents)))], context, rng)
            if arch not in context.excluded:
                found[arch] = None
        missing = self.count - len(found)
        known = _Either(context.excluded, found)
        return [*found, *context.candidates.sample(missing, rng, known)]

    def _mutant(self, arch: Arch, context: GenerationContext, rng: np.random.Generator) -> Arch:
        for _ in range(int(rng.integers(1, self.changes + 1))):
            arch = context.changed(arch, rng)
        return arch


@dataclass(frozen=True)
class LocalSearch:
    """Hill climbing on the acquisition function from the best so far and from random starts.

    Every climber moves to the best of its neighbours until none is better or the rounds are over.
    The candidates are the best that any climber has looked at. A function that draws (Thompson
    sampling) draws anew in each round, so climbing follows it loosely; the choice among the
    candidates is then made by one draw.

    Args:
        starts: climbers that start from the best observed architectures, and as many again from
            random ones.
        rounds: moves of a climber, at most.
        breadth: neighbours of a climber that are scored in a round, at most; drawn at random.
        count: candidates.
    """

    starts: int = 5
    rounds: int = 10
    breadth: int = 100
    count: int = 200

    lists_all: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Refuse options that are not valid."""
        check_counts(self, "starts", "rounds", "breadth", "count")

    def __call__(self, context: GenerationContext, rng: np.random.Generator) -> list[Arch]:
        """Climb."""
        free = context.candidates.sample(self.starts, rng, context.excluded)
        scores: dict[Arch, float] = {}
        self._look(free, context, scores)
        climbers = [*context.ranked[: self.starts], *free]
        for _ in range(self.rounds):
            around = [self._around(arch, context, rng) for arch in climbers]
            self._look([arch for near in around for arch in near], context, scores)
            moved = [
                max([arch, *near], key=lambda other: scores.get(other, -np.inf))
                for arch, near in zip(climbers, around, strict=True)
            ]
            # Climbers that meet go on as one.
            moved = list(dict.fromkeys(moved))
            if moved == climbers:
                break
            climbers = moved
        best = sorted(scores, key=lambda arch: -scores[arch])
        return best[: self.count]

    def _around(
        self, arch: Arch, context: GenerationContext, rng: np.random.Generator
    ) -> list[Arch]:
        near = [other for other in context.neighbours(arch) if other not in context.excluded]
        if len(near) <= self.breadth:
            return near
        return [near[i] for i in sorted(rng.choice(len(near), self.breadth, replace=False))]

    def _look(
        self, archs: Sequence[Arch], context: GenerationContext, scores: dict[Arch, float]
    ) -> None:
        """Score what was not scored before."""
        new = [arch for arch in dict.fromkeys(archs) if arch not in scores]
        if new:
            values = np.nan_to_num(context.score(new), nan=-np.inf)
            scores.update(zip(new, values.tolist(), strict=True))


class _Either:
    """What is in one container or in another."""

    def __init__(self, *containers: Container[Arch]) -> None:
        self._containers = containers

    def __contains__(self, arch: object) -> bool:
        return any(arch in container for container in self._containers)


GENERATORS: Registry[Generator] = Registry("generation", '{use = "mutation", parents = 5}')
for _name, _class, _summary in (
    ("pool", "WholePool", "every candidate"),
    ("random", "RandomSubset", "a uniform sample at every step"),
    ("mutation", "Mutation", "mutations of the best so far and a uniform sample"),
    ("local-search", "LocalSearch", "hill climbing on the acquisition function"),
):
    GENERATORS.register(_name, f"surrobench.strategies.bayesian.generation:{_class}", _summary)


def make_generator(spec: str | Mapping[str, Any]) -> Generator:
    """Build a generator from a name, or a mapping with ``use`` and options beside it.

    Raises:
        UserError: for an unknown name or option, or a wrong value.
    """
    return GENERATORS.make(spec)
