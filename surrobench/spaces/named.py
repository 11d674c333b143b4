"""A space of one's own, written as keyword arguments."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np

from surrobench.base.wording import counted
from surrobench.errors import UserError, did_you_mean
from surrobench.spaces.architecture import Arch
from surrobench.spaces.conditions import Condition, Conditions, in_order
from surrobench.spaces.decisions import Categorical, Decision, Integer, Ordinal, Real
from surrobench.spaces.indexed import IndexedSpace, fits, single_changes

_MOST_ENTRANTS = 300
_TRIES = 30


class Space(IndexedSpace):
    """A search space from keyword arguments, one for each decision.

    ::

        space = Space(
            depth=Integer(1, 8),
            lr=Real(1e-4, 1e-1, log=True),
            op=Categorical("conv", "pool"),
            optimiser=Categorical("adam", "sgd"),
            momentum=Real(0, 0.99, when={"optimiser": "sgd"}),
        )

    An architecture is a tuple with the index of a choice for each decision, in the order written;
    :meth:`values` gives what they stand for. A conditional decision has a further choice 0,
    "absent", which it takes exactly where its conditions do not hold: two architectures that
    differ only in what is absent are one. Real ranges are grids
    (:class:`~surrobench.spaces.decisions.Real`).

    Random architectures are drawn decision by decision, so that an optimiser with many settings is
    no likelier than one with few. Iteration is lexicographic, a decision behind those that it
    depends on.

    Args:
        name: of the space, for tables.
        decisions: :class:`Integer`, :class:`Real`, :class:`Categorical` or :class:`Ordinal`; a
            list or tuple is short for a categorical one.

    Raises:
        UserError: for no decisions, names that cannot be Python arguments, and conditions on what
            is no decision or no value of it, or in a circle.

    Example:
        >>> from surrobench import Categorical, Real, Space
        >>> space = Space(
        ...     optimiser=Categorical("adam", "sgd"),
        ...     momentum=Real(0, 0.9, steps=2, when={"optimiser": "sgd"}),
        ... )
        >>> for arch in space:
        ...     print(space.values(arch))
        {'optimiser': 'adam'}
        {'optimiser': 'sgd', 'momentum': 0.0}
        {'optimiser': 'sgd', 'momentum': 0.9}
    """

    drawn_by_decision = True

    def __init__(self, name: str = "space", /, **decisions: Decision | Sequence[Any]) -> None:
        self.name = name
        if not decisions:
            raise UserError("the space has no decisions; write Space(depth=Integer(1, 8), …).")
        self.decisions = {key: _decision(key, given) for key, given in decisions.items()}
        self.variables = tuple(one.variable(key) for key, one in self.decisions.items())
        self._names = tuple(self.decisions)
        of = tuple(self._condition(key, one) for key, one in self.decisions.items())
        order = in_order(self._names, of)
        if isinstance(order, str):
            raise UserError(f"the conditions of {order!r} depend on it themselves.")
        self._conditions = Conditions(self.cardinalities, of, order)

    def _condition(self, name: str, decision: Decision) -> Condition:
        condition: dict[int, frozenset[int]] = {}
        for other, wanted in decision.when.items():
            if other not in self.decisions or other == name:
                hint = did_you_mean(other, [key for key in self._names if key != name])
                raise UserError(f"{name!r} depends on {other!r}, which is no decision. {hint}")
            parent = self.decisions[other]
            places = [parent.place(value) for value in wanted]
            for value, place in zip(wanted, places, strict=True):
                if place is None:
                    raise UserError(
                        f"{name!r} depends on {other} = {value!r}, which {other!r} cannot be; "
                        f"valid: {_shown(parent.values)}."
                    )
            if not wanted:
                raise UserError(f"{name!r} depends on no value of {other!r}.")
            # Behind "absent", choices are counted from 1.
            shift = int(bool(parent.when))
            condition[self._names.index(other)] = frozenset(
                place + shift for place in places if place is not None
            )
        return condition

    # -- what is in it -------------------------------------------------------------------------

    @cached_property
    def size(self) -> int:
        """Number of architectures, exact at any magnitude."""
        return self._conditions.size

    def at(self, index: int) -> Arch:
        """The architecture number ``index`` of the iteration order."""
        return self._conditions.at(index)

    def __iter__(self) -> Iterator[Arch]:
        """Every architecture once."""
        return iter(self._conditions)

    def __contains__(self, arch: object) -> bool:
        """Whether ``arch`` is a valid combination."""
        return fits(arch, self.cardinalities) and self._conditions.valid(arch)  # type: ignore[arg-type]

    def sample(self, n: int, rng: np.random.Generator) -> list[Arch]:
        """``n`` distinct architectures, drawn decision by decision."""
        if not 0 <= n <= self.size:
            raise UserError(
                f"cannot draw {counted(n, 'distinct architecture')} from the space {self.name!r}, "
                f"which holds {self.size:,}."
            )
        found: dict[Arch, None] = {}
        for _ in range(_TRIES * n):
            if len(found) == n:
                break
            found[self._conditions.drawn(rng)] = None
        if len(found) < n:  # a small space, nearly all of it
            left = [arch for arch in self if arch not in found]
            order = rng.permutation(len(left))[: n - len(found)]
            found.update((left[place], None) for place in order.tolist())
        return list(found)

    def neighbours(self, arch: Arch) -> list[Arch]:
        """Architectures that differ in one decision, with what follows from it.

        What the change makes absent is dropped; what it brings in takes each of its choices, or
        where these have very many combinations, one decision at a time beside middle choices.
        """
        near: dict[Arch, None] = {}
        self.check(arch)
        for changed in single_changes(arch, self.cardinalities):
            place = next(i for i, (a, b) in enumerate(zip(arch, changed, strict=True)) if a != b)
            if self._conditions.of[place] and 0 in (arch[place], changed[place]):
                continue  # whether it is there follows from other decisions
            if place not in self._parents:
                near[changed] = None
            else:
                near.update((other, None) for other in self._entrants(arch, changed))
        return list(near)

    @cached_property
    def _parents(self) -> frozenset[int]:
        """Decisions that others depend on."""
        return frozenset(place for condition in self._conditions.of for place in condition)

    def _entrants(self, before: Arch, changed: Arch) -> Iterator[Arch]:
        """What a change leads to: each choice of the decisions that it brings in."""
        every = list(islice(self._conditions.completions(changed), _MOST_ENTRANTS + 1))
        if len(every) <= _MOST_ENTRANTS:
            yield from every
            return
        mended = self._conditions.mended(changed)
        yield mended
        for place, (old, new) in enumerate(zip(before, mended, strict=True)):
            if new and not old and self._conditions.of[place]:
                for choice in range(1, self.cardinalities[place]):
                    other = (*mended[:place], choice, *mended[place + 1 :])
                    yield self._conditions.mended(other)

    def mended(self, choices: Sequence[int], rng: np.random.Generator) -> Arch:
        """The architecture nearest to any choices: absent where it must be, else completed."""
        return self._conditions.mended(choices, rng)

    # -- what architectures stand for ------------------------------------------------------------

    def values(self, arch: Arch) -> dict[str, Any]:
        """The value of each decision that is there, by name.

        Raises:
            UserError: if ``arch`` is not in this space.
        """
        pairs = zip(self.decisions.items(), self.check(arch), strict=True)
        return {
            name: decision.values[choice - bool(decision.when)]
            for (name, decision), choice in pairs
            if choice or not decision.when
        }

    def arch(self, **values: Any) -> Arch:
        """The architecture with these values; real ones take the nearest of the grid.

        Raises:
            UserError: for unknown names or values, and for decisions that are missing, or must be.
        """
        choices = []
        for name in values:
            if name not in self.decisions:
                raise UserError(f"there is no decision {name!r}. {did_you_mean(name, self._names)}")
        for name, decision in self.decisions.items():
            if name not in values:
                choices.append(0 if decision.when else -1)
                continue
            place = decision.place(values[name])
            if place is None:
                raise UserError(
                    f"{name!r} cannot be {values[name]!r}; valid: {_shown(decision.values)}."
                )
            choices.append(place + bool(decision.when))
        for position, name in enumerate(self._names):
            there = self._conditions.holds(position, choices)
            if (name in values) != there:
                raise UserError(f"{name!r} must be {'given' if there else 'left out'} here.")
        return tuple(choices)

    def to_string(self, arch: Arch) -> str:
        """For example ``"depth=4, lr=0.01, op=conv"``; what is absent is left out."""
        return ", ".join(
            f"{variable.name}={variable.choices[choice]}"
            for variable, choice in zip(self.variables, arch, strict=True)
            if choice or not variable.optional
        )

    @cached_property
    def _form(self) -> re.Pattern[str]:
        parts = []
        for number, variable in enumerate(self.variables):
            labels = sorted(variable.choices[variable.optional :], key=len, reverse=True)
            one = "|".join(map(re.escape, labels))
            parts.append(rf"(?:{re.escape(variable.name)}=(?P<v{number}>{one})(?:, |$))?")
        return re.compile("".join(parts))

    def parse(self, text: str) -> Arch:
        """The architecture that :meth:`to_string` wrote.

        Raises:
            UserError: if it did not.
        """
        match = self._form.fullmatch(text)
        if match is None:
            example = self.to_string(next(iter(self)))
            raise UserError(f"{text!r} is no architecture of {self.name!r}; one is {example!r}.")
        found = match.groupdict()
        labels = [found[f"v{number}"] for number in range(len(self.variables))]
        choices = tuple(
            (0 if variable.optional else -1) if label is None else variable.choices.index(label)
            for variable, label in zip(self.variables, labels, strict=True)
        )
        if choices not in self:
            raise UserError(f"{text!r} is no architecture of {self.name!r}: decisions are missing.")
        return choices

    def __repr__(self) -> str:
        """The decisions with their kinds and sizes."""
        parts = [
            f"{name}: {type(one).__name__.lower()} of {len(one.values)}"
            + (" log" if getattr(one, "log", False) else "")
            + (f" when {', '.join(one.when)}" if one.when else "")
            for name, one in self.decisions.items()
        ]
        return f"Space({'; '.join(parts)}; {counted(self.size, 'architecture')})"


def _decision(name: str, given: Any) -> Decision:
    if isinstance(given, Decision):
        return given
    if isinstance(given, (list, tuple)):
        return Categorical(*given)
    raise UserError(
        f"the decision {name!r} is {given!r}; write Integer(low, high), Real(low, high), "
        "Categorical(…) or Ordinal(…)."
    )


def _shown(values: Sequence[Any]) -> str:
    shown = ", ".join(repr(value) for value in islice(values, 8))
    return shown if len(values) <= 8 else f"{shown}, …, {values[-1]!r}"


__all__ = ["Categorical", "Decision", "Integer", "Ordinal", "Real", "Space"]
