"""The kinds of decisions of a space of one's own: numbers, ordered choices, words.

A range of real numbers is a fine grid, since everything here chooses among finitely many
candidates: of ``Real(1e-4, 1e-1, log=True)`` each value is 15 % above the one before.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable, Mapping
from itertools import pairwise
from numbers import Integral
from numbers import Real as AnyNumber
from typing import Any

import numpy as np

from surrobench.errors import UserError
from surrobench.spaces.architecture import ABSENT, Variable

REAL_STEPS = 51
"""Values of a real range unless it says how many."""
MOST_VALUES = 10_000
When = Mapping[str, Any]


class Decision(ABC):
    """One decision.

    Args:
        when: the decision is there only if each decision named here has the value given, or one
            of several: ``{"optimiser": "sgd"}``, ``{"depth": (3, 4)}``. Where it is not, it is
            absent: it has no value, and is not passed to a training function.

    Attributes:
        values: what can be chosen, as a training function sees it.
        when: the conditions, each as a tuple of values; empty for none.
    """

    values: tuple[Any, ...]

    def __init__(self, when: When | None = None) -> None:
        if when is not None and (not isinstance(when, Mapping) or not when):
            raise UserError(f'when is {when!r}; write it as {{"optimiser": "sgd"}}.')
        self.when = {str(name): _several(value) for name, value in (when or {}).items()}

    @abstractmethod
    def variable(self, name: str) -> Variable:
        """The variable, with a first choice "absent" if there are conditions."""

    def place(self, value: Any) -> int | None:
        """Which of ``values`` a value is, None if it is none of them."""
        for place, own in enumerate(self.values):
            if own == value and isinstance(own, bool) == isinstance(value, bool):
                return place
        return None

    def _variable(
        self, name: str, labels: Iterable[str], numbers: tuple[float, ...] | None, log: bool = False
    ) -> Variable:
        labels = tuple(labels)
        if self.when:
            labels = (ABSENT, *labels)
            # What is absent has no number; encodings do not look at this one.
            numbers = None if numbers is None else (numbers[0], *numbers)
        return Variable(name, labels, numbers, "log" if log else "linear")


class Integer(Decision):
    """Whole numbers from ``low`` to ``high``, both included.

    Args:
        low: the smallest.
        high: the largest.
        log: whether ratios matter (a width from 16 to 1,024), not differences.
        step: between neighbours, without ``log``.
        steps: how many values, about evenly spaced (on the log scale with ``log``); by default
            every whole number.
        when: see :class:`Decision`.

    Raises:
        UserError: for a range that holds nothing, or more than 10,000 values.

    Example:
        >>> from surrobench import Integer
        >>> Integer(16, 256, log=True, steps=5).values
        (16, 32, 64, 128, 256)
    """

    def __init__(
        self,
        low: int,
        high: int,
        *,
        log: bool = False,
        step: int = 1,
        steps: int | None = None,
        when: When | None = None,
    ) -> None:
        super().__init__(when)
        for bound in (low, high, step):
            if isinstance(bound, bool) or not isinstance(bound, Integral):
                raise UserError(f"Integer: {bound!r} is no whole number.")
        _check_range("Integer", low, high, log)
        if step < 1 or (step > 1 and (log or steps is not None)):
            raise UserError(f"Integer: step is {step}; write 1 or more, and neither log nor steps.")
        self.log = bool(log)
        if steps is not None:
            grid = _grid(float(low), float(high), log, _checked_steps("Integer", steps))
            self.values = tuple(dict.fromkeys(round(value) for value in grid))
            return
        if (high - low) // step >= MOST_VALUES:
            raise UserError(
                f"Integer({low}, {high}) has more than {MOST_VALUES:,} values; give a step, or "
                "how many there shall be: steps=100."
            )
        self.values = tuple(range(int(low), int(high) + 1, int(step)))

    def variable(self, name: str) -> Variable:
        """The variable of the numbers."""
        numbers = tuple(map(float, self.values))
        return self._variable(name, map(str, self.values), numbers, self.log)


class Real(Decision):
    """Real numbers from ``low`` to ``high``, as a grid of so many of them.

    Args:
        low: the smallest.
        high: the largest.
        log: whether ratios matter (a learning rate), not differences: the grid is geometric.
        steps: values of the grid, both ends included.
        when: see :class:`Decision`.

    Raises:
        UserError: for a range that holds nothing, or is not positive on a log scale.

    Example:
        >>> from surrobench import Real
        >>> [round(value, 5) for value in Real(1e-4, 1e-1, log=True, steps=4).values]
        [0.0001, 0.001, 0.01, 0.1]
    """

    def __init__(
        self,
        low: float,
        high: float,
        *,
        log: bool = False,
        steps: int = REAL_STEPS,
        when: When | None = None,
    ) -> None:
        super().__init__(when)
        for bound in (low, high):
            if isinstance(bound, bool) or not isinstance(bound, AnyNumber):
                raise UserError(f"Real: {bound!r} is no number.")
        _check_range("Real", low, high, log)
        self.log = bool(log)
        grid = _grid(float(low), float(high), log, _checked_steps("Real", steps))
        rounded = [float(f"{value:.6g}") for value in grid]
        ends = (grid[0], *rounded[1:-1], grid[-1])
        apart = all(a < b for a, b in pairwise(ends))
        self.values = ends if apart else tuple(grid)
        if len(set(self.values)) < len(self.values):
            raise UserError(f"Real({low!r}, {high!r}) cannot be divided into {steps} values.")

    def place(self, value: Any) -> int | None:
        """The nearest value of the grid, if it lies within the range."""
        if isinstance(value, bool) or not isinstance(value, AnyNumber):
            return None
        grid = np.array(self.values)
        number = float(value)
        if not grid[0] <= number <= grid[-1]:
            return None
        distances = np.abs(np.log(grid / number)) if self.log else np.abs(grid - number)
        return int(distances.argmin())

    def variable(self, name: str) -> Variable:
        """The variable of the grid."""
        return self._variable(name, map(repr, self.values), self.values, self.log)


class Categorical(Decision):
    """Choices without an order: ``Categorical("conv", "pool")``.

    Args:
        choices: texts, numbers, truth values or None; or one list of them.
        when: see :class:`Decision`.

    Raises:
        UserError: for no choices, one that is given twice, or one of another kind.

    Example:
        >>> from surrobench import Categorical
        >>> Categorical("conv", "pool").values
        ('conv', 'pool')
    """

    def __init__(self, *choices: Any, when: When | None = None) -> None:
        super().__init__(when)
        self.values = _checked_choices(type(self).__name__, choices)

    def variable(self, name: str) -> Variable:
        """The variable of the labels."""
        return self._variable(name, map(str, self.values), None)


class Ordinal(Categorical):
    """Choices with an order, taken to be evenly spaced: ``Ordinal("small", "medium", "large")``.

    Args:
        choices: from the least to the most; texts, numbers, truth values or None.
        when: see :class:`Decision`.

    Raises:
        UserError: for no choices, one that is given twice, or one of another kind.

    Example:
        >>> from surrobench import Ordinal
        >>> Ordinal("small", "large").variable("size").values
        (0.0, 1.0)
    """

    def variable(self, name: str) -> Variable:
        """The variable of the labels, worth their places."""
        places = tuple(map(float, range(len(self.values))))
        return self._variable(name, map(str, self.values), places)


def _several(value: Any) -> tuple[Any, ...]:
    one = isinstance(value, (str, bytes)) or not isinstance(value, Iterable)
    return (value,) if one else tuple(value)


def _check_range(kind: str, low: Any, high: Any, log: bool) -> None:
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise UserError(
            f"{kind}({low!r}, {high!r}): give a lower and an upper end that differ, both finite."
        )
    if log and low <= 0:
        raise UserError(f"{kind}({low!r}, {high!r}, log=True): a log scale begins above 0.")


def _checked_steps(kind: str, steps: Any) -> int:
    whole = isinstance(steps, Integral) and not isinstance(steps, bool)
    if not whole or not 2 <= steps <= MOST_VALUES:
        raise UserError(f"{kind}: steps is {steps!r}; write a number from 2 to {MOST_VALUES:,}.")
    return int(steps)


def _grid(low: float, high: float, log: bool, steps: int) -> list[float]:
    spaced = np.geomspace(low, high, steps) if log else np.linspace(low, high, steps)
    return [low, *spaced[1:-1].tolist(), high]


def _checked_choices(kind: str, choices: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(choices) == 1 and isinstance(choices[0], (list, tuple)):
        choices = tuple(choices[0])
    if not choices:
        raise UserError(f'{kind} has no choices; write {kind}("conv", "pool").')
    plain = tuple(one.item() if isinstance(one, np.generic) else one for one in choices)
    for one in plain:
        if not isinstance(one, Hashable) or not isinstance(one, (str, bool, AnyNumber, type(None))):
            raise UserError(
                f"{kind}: the choice {one!r} is neither text nor a number; name it, and look up "
                "what it stands for in the training function."
            )
    labels = [str(one) for one in plain]
    if len(set(labels)) < len(labels):
        twice = next(label for label in labels if labels.count(label) > 1)
        raise UserError(f"{kind}: two choices read {twice!r}.")
    if ABSENT in labels:
        raise UserError(f"{kind}: the choice {ABSENT!r} means that there is none; use 'when'.")
    return plain
