"""Architectures, the graphs that they stand for, and the search-space contract."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal

import numpy as np

from surrobench.arrays import FloatArray, IntArray
from surrobench.base.wording import counted
from surrobench.errors import UserError

ABSENT = "absent"
"""Label of the choice (always index 0) by which a decision or an optional block is left out."""

Arch = tuple[int, ...]
"""An architecture: one choice index per variable of its space."""


@dataclass(frozen=True)
class Variable:
    """One decision of a search space.

    Numbers given as choices become labels and, if all of them are numbers, ``values``.

    Args:
        name: what is decided, for example ``"conv1 kernel"``.
        choices: the label of each choice; an architecture holds the index of one of them.
        values: a number for each choice if the decision is ordinal (5, 64, log2 …), else ``None``.
        scale: ``"log"`` if ratios of ``values`` matter, not differences; encodings follow it.

    Raises:
        UserError: for no choices, choices that are neither text nor numbers or read the same,
            values that are not finite or too few, and a log scale over what is not positive.
    """

    name: str
    choices: tuple[str, ...]
    values: tuple[float, ...] | None = None
    scale: Literal["linear", "log"] = "linear"

    def __post_init__(self) -> None:
        if not self.choices or isinstance(self.choices, str):
            raise UserError(f"variable {self.name!r} has no choices; give some, as a tuple.")
        given: tuple[Any, ...] = tuple(self.choices)
        if set(map(type, given)) != {str}:  # mostly they are labels already, and may be many
            object.__setattr__(self, "choices", tuple(_label(self.name, one) for one in given))
        if self.values is None and all(_is_number(one) for one in given):
            object.__setattr__(self, "values", tuple(float(one) for one in given))
        self._check_labels()
        if self.values is not None:
            self._check_values(self.values)
        elif self.scale != "linear":
            raise UserError(f"variable {self.name!r}: only numbers have a scale {self.scale!r}.")

    def _check_labels(self) -> None:
        if len(set(self.choices)) < len(self.choices):
            twice = next(label for label in self.choices if self.choices.count(label) > 1)
            raise UserError(f"variable {self.name!r} has the choice {twice!r} twice.")

    def _check_values(self, values: tuple[float, ...]) -> None:
        if len(values) != len(self.choices):
            raise UserError(
                f"variable {self.name!r} has {counted(len(self.choices), 'choice')} but "
                f"{counted(len(values), 'value')}."
            )
        if not all(map(math.isfinite, values)):
            raise UserError(f"variable {self.name!r} has values that are not finite: {values}.")
        if self.scale not in ("linear", "log"):
            raise UserError(f"variable {self.name!r}: scale is {self.scale!r}, not linear or log.")
        if self.scale == "log" and min(values[self.optional :], default=1.0) <= 0:
            raise UserError(f"variable {self.name!r}: a log scale needs values above 0.")

    @property
    def ordinal(self) -> bool:
        """Whether the choices are ordered numbers."""
        return self.values is not None

    @property
    def optional(self) -> bool:
        """Whether the first choice says that there is nothing to decide (:data:`ABSENT`)."""
        return len(self.choices) > 1 and self.choices[0] == ABSENT


def _is_number(choice: Any) -> bool:
    return isinstance(choice, Real) and not isinstance(choice, (bool, np.bool_))


def _label(name: str, choice: Any) -> str:
    """The text of a choice; numbers of NumPy read like Python's."""
    if isinstance(choice, str):
        return str(choice)
    if isinstance(choice, (Real, np.bool_)):
        return str(choice.item() if isinstance(choice, np.generic) else choice)
    raise UserError(
        f"variable {name!r}: the choice {choice!r} is neither text nor a number; name the choices "
        "and look up what they stand for in the training function."
    )


@dataclass(frozen=True)
class ArchGraph:
    """A labelled directed acyclic graph; nodes are in topological order.

    Attributes:
        nodes: label of each node; node 0 is the input, the last node the output.
        edges: ``(source, target, label)`` with ``source < target``; an empty label where the
            operations sit on the nodes.
    """

    nodes: tuple[str, ...]
    edges: tuple[tuple[int, int, str], ...]


class SearchSpace(ABC):
    """A finite set of architectures of fixed length.

    Concrete spaces set ``name`` and ``variables`` and implement the abstract methods; they are
    immutable and cheap to build.
    """

    name: str
    variables: tuple[Variable, ...]

    @property
    def cardinalities(self) -> tuple[int, ...]:
        """Number of choices of each variable."""
        return tuple(len(variable.choices) for variable in self.variables)

    @abstractmethod
    def __len__(self) -> int:
        """Number of valid architectures (before equal networks are merged)."""

    @abstractmethod
    def __iter__(self) -> Iterator[Arch]:
        """Every valid architecture once, in a fixed documented order."""

    @abstractmethod
    def __contains__(self, arch: object) -> bool:
        """Whether ``arch`` is a valid architecture of this space."""

    @abstractmethod
    def sample(self, n: int, rng: np.random.Generator) -> list[Arch]:
        """``n`` distinct valid architectures, uniformly without replacement.

        Raises:
            UserError: if the space holds fewer than ``n``.
        """

    @abstractmethod
    def neighbours(self, arch: Arch) -> list[Arch]:
        """All valid architectures one change away, without ``arch`` itself, in a fixed order."""

    def canonical(self, arch: Arch) -> Arch:
        """The representative of all architectures that are the same network."""
        return arch

    def groups(self, archs: Sequence[Arch]) -> np.ndarray:
        """Integer class of equal networks of each architecture, shape ``n``, numbered from 0.

        Architectures with the same :meth:`canonical` one are always in one class.
        """
        classes: dict[Arch, int] = {}
        return np.array([classes.setdefault(self.canonical(arch), len(classes)) for arch in archs])

    def published_groups(self, archs: Sequence[Arch]) -> np.ndarray | None:
        """Classes by a key that others published and :meth:`groups` refines, numbered from 0.

        None where there is none.
        """
        return None

    def trained_layers(self, choices: IntArray) -> FloatArray | None:
        """The number of layers with weights on a path from input to output.

        Args:
            choices: architectures, ``n x variables``.

        Returns:
            ``n`` counts, of one cell where a network repeats its cell; None where the decisions do
            not tell.
        """
        return None

    def graph(self, arch: Arch) -> ArchGraph:
        """The architecture as a graph.

        Raises:
            UserError: if architectures of this space are not graphs.
        """
        raise UserError(f"architectures of the space {self.name!r} have no graph form.")

    def to_string(self, arch: Arch) -> str:
        """A readable form of the architecture; :meth:`parse` reads it back."""
        return ",".join(
            variable.choices[choice] for variable, choice in zip(self.variables, arch, strict=True)
        )

    def parse(self, text: str) -> Arch:
        """The architecture that :meth:`to_string` wrote.

        Raises:
            UserError: naming the part of ``text`` that is not a choice.
        """
        parts = text.split(",")
        if len(parts) != len(self.variables):
            raise UserError(
                f"{text!r}: expected {counted(len(self.variables), 'comma-separated choice')}, "
                f"found {len(parts)}."
            )
        arch = []
        for variable, part in zip(self.variables, parts, strict=True):
            if part not in variable.choices:
                raise UserError(
                    f"{text!r}: {part!r} is not a choice of {variable.name!r}; "
                    f"valid: {', '.join(variable.choices)}."
                )
            arch.append(variable.choices.index(part))
        return tuple(arch)

    def check(self, arch: Arch) -> Arch:
        """Return ``arch`` if it belongs to this space.

        Raises:
            UserError: otherwise.
        """
        if arch not in self:
            raise UserError(
                f"{arch!r} is not an architecture of the space {self.name!r} "
                f"({counted(len(self.variables), 'variable')} with {self.cardinalities} choices)."
            )
        return arch
