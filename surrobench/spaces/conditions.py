"""Decisions that are there only if others have certain values: validity, number and order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from surrobench.spaces.architecture import Arch

Condition = Mapping[int, frozenset[int]]
"""Position of a decision -> the choices of it that allow the conditional one."""
_State = tuple[tuple[bool, ...], ...]


@dataclass(frozen=True)
class Conditions:
    """Which combinations of choices are valid.

    A decision with conditions is choice 0 ("absent") exactly where they do not hold; a decision
    that is absent itself allows nothing.

    Attributes:
        cardinalities: number of choices of each decision, "absent" among them.
        of: the conditions of each decision, empty for none.
        order: the positions, each after those that its conditions name.
    """

    cardinalities: tuple[int, ...]
    of: tuple[Condition, ...]
    order: tuple[int, ...]

    def holds(self, position: int, choices: Sequence[int]) -> bool:
        """Whether a decision is there, given the choices before it in :attr:`order`."""
        return all(choices[parent] in allowed for parent, allowed in self.of[position].items())

    def valid(self, arch: Sequence[int]) -> bool:
        """Whether exactly those decisions are absent that must be; choices are in range."""
        return all(
            not condition or (choice > 0) == self.holds(position, arch)
            for position, (choice, condition) in enumerate(zip(arch, self.of, strict=True))
        )

    def open(self, position: int, choices: Sequence[int]) -> range:
        """The choices of a decision, given those before it in :attr:`order`."""
        if not self.of[position]:
            return range(self.cardinalities[position])
        there = self.holds(position, choices)
        return range(1, self.cardinalities[position]) if there else range(1)

    def mended(self, choices: Sequence[int], rng: np.random.Generator | None = None) -> Arch:
        """The valid combination with as many of these choices as can be.

        What must be absent becomes so; what is missing takes the middle choice, or a random one.
        """
        arch = list(choices)
        for position in self.order:
            possible = self.open(position, arch)
            if arch[position] not in possible:
                n = len(possible)
                arch[position] = possible[n // 2 if rng is None else int(rng.integers(n))]
        return tuple(arch)

    def completions(self, choices: Sequence[int]) -> Iterator[Arch]:
        """As :meth:`mended`, with every choice of what is missing, in turn."""
        arch = list(choices)

        def following(depth: int) -> Iterator[Arch]:
            if depth == len(self.order):
                yield tuple(arch)
                return
            position = self.order[depth]
            before, possible = arch[position], self.open(position, arch)
            for choice in (before,) if before in possible else possible:
                arch[position] = choice
                yield from following(depth + 1)
            arch[position] = before

        return following(0)

    def drawn(self, rng: np.random.Generator) -> Arch:
        """A random combination, decision by decision."""
        arch = [0] * len(self.order)
        for position in self.order:
            possible = self.open(position, arch)
            arch[position] = possible[int(rng.integers(len(possible)))]
        return tuple(arch)

    def __iter__(self) -> Iterator[Arch]:
        """Every valid combination, lexicographic in :attr:`order`."""
        arch = [0] * len(self.order)

        def following(depth: int) -> Iterator[Arch]:
            if depth == len(self.order):
                yield tuple(arch)
                return
            position = self.order[depth]
            for choice in self.open(position, arch):
                arch[position] = choice
                yield from following(depth + 1)

        return following(0)

    # -- counting ------------------------------------------------------------------------------
    # How many combinations the decisions from one on have depends on the earlier ones only
    # through the conditions that these keep: that is the state.

    @property
    def size(self) -> int:
        """Number of valid combinations, exact at any magnitude."""
        return self._count(0, ())

    def at(self, index: int) -> Arch:
        """Combination number ``index`` of the iteration."""
        arch = [0] * len(self.order)
        state: _State = ()
        for depth, position in enumerate(self.order):
            for choice in self.open(position, arch):
                after = self._after(depth, state, choice)
                count = self._count(depth + 1, after)
                if index < count:
                    break
                index -= count
            arch[position], state = choice, after
        return tuple(arch)

    @cached_property
    def _counts(self) -> dict[tuple[int, _State], int]:
        return {}

    @cached_property
    def _allows(self) -> tuple[tuple[tuple[int, frozenset[int]], ...], ...]:
        """For each decision by depth, (depth of the dependent one, choices that allow it)."""
        depth_of = {position: depth for depth, position in enumerate(self.order)}
        return tuple(
            tuple(
                (depth_of[child], self.of[child][position])
                for child in self.order
                if position in self.of[child]
            )
            for position in self.order
        )

    def _after(self, depth: int, state: _State, choice: int) -> _State:
        """Which conditions are kept by each decision up to ``depth``, for those still to come."""
        kept = tuple(choice in allowed for _, allowed in self._allows[depth])
        told = [*state, kept]
        # What concerns nothing that is still to come is forgotten, so that states are few.
        return tuple(
            tuple(
                flag and child > depth
                for flag, (child, _) in zip(flags, self._allows[place], strict=True)
            )
            for place, flags in enumerate(told)
        )

    def _count(self, depth: int, state: _State) -> int:
        if depth == len(self.order):
            return 1
        if (depth, state) not in self._counts:
            position = self.order[depth]
            there = all(
                flag
                for place, flags in enumerate(state)
                for flag, (child, _) in zip(flags, self._allows[place], strict=True)
                if child == depth
            )
            few = range(self.cardinalities[position])
            if self.of[position]:
                few = few[1:] if there else few[:1]
            total, known = 0, dict[_State, int]()
            for choice in few:
                after = self._after(depth, state, choice)
                if after not in known:
                    known[after] = self._count(depth + 1, after)
                total += known[after]
            self._counts[depth, state] = total
        return self._counts[depth, state]


def in_order(names: Sequence[str], of: Sequence[Condition]) -> tuple[int, ...] | str:
    """Positions, each behind those that its conditions name; or a name that stands in a circle."""
    done: list[int] = []
    while len(done) < len(names):
        ready = [i for i in range(len(names)) if i not in done and set(of[i]) <= set(done)]
        if not ready:
            return next(name for i, name in enumerate(names) if i not in done)
        done.append(ready[0])
    return tuple(done)
