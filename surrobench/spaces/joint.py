"""A search space times further decisions, such as those of training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import product
from math import prod

from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch, ArchGraph, SearchSpace, Variable
from surrobench.spaces.indexed import IndexedSpace, fits, single_changes, unrank

_BETWEEN = " & "


class JointSpace(IndexedSpace):
    """Every architecture of a space with every combination of further decisions.

    Variables are those of the space, then the further ones, so one-hot and ordinal encodings
    cover both. Two are equal if their architectures are and the further decisions agree.
    Iteration is by architecture, in the order of the space, then lexicographic.

    Args:
        inner: the space. One that is not numbered is listed when it is first drawn from.
        further: the further decisions.

    Raises:
        UserError: for no further decisions, or a name that is there twice.
    """

    def __init__(self, inner: SearchSpace, further: Sequence[Variable]) -> None:
        self.name, self.inner, self.further = f"{inner.name}-joint", inner, tuple(further)
        self.variables = (*inner.variables, *self.further)
        names = [variable.name for variable in self.variables]
        if not self.further:
            raise UserError(f"the space {self.name!r} has no decisions beside the architecture.")
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise UserError(f"the space {self.name!r} has two variables named {repeated[0]!r}.")

    @property
    def size(self) -> int:
        """Number of architectures times number of combinations."""
        inner = self.inner.size if isinstance(self.inner, IndexedSpace) else len(self.inner)
        return inner * self._combinations

    @property
    def _combinations(self) -> int:
        return prod(self._cardinalities)

    @property
    def _cardinalities(self) -> tuple[int, ...]:
        return tuple(len(variable.choices) for variable in self.further)

    @cached_property
    def _listed(self) -> tuple[Arch, ...]:
        return tuple(self.inner)

    def at(self, index: int) -> Arch:
        """The architecture number ``index`` of the documented order."""
        place, combination = divmod(index, self._combinations)
        inner = self.inner
        arch = inner.at(place) if isinstance(inner, IndexedSpace) else self._listed[place]
        return (*arch, *unrank(combination, self._cardinalities))

    def __iter__(self) -> Iterator[Arch]:
        """Every architecture once."""
        choices = [range(cardinality) for cardinality in self._cardinalities]
        return ((*arch, *some) for arch, some in product(self.inner, product(*choices)))

    def split(self, arch: Arch) -> tuple[Arch, Arch]:
        """The architecture of the inner space, and the further choices."""
        inner = len(self.inner.variables)
        return arch[:inner], arch[inner:]

    def __contains__(self, arch: object) -> bool:
        """Whether both parts are valid."""
        if not isinstance(arch, tuple):
            return False
        inner, further = self.split(arch)
        return inner in self.inner and fits(further, self._cardinalities)

    def neighbours(self, arch: Arch) -> list[Arch]:
        """A neighbour of the architecture, or one further decision changed."""
        inner, further = self.split(self.check(arch))
        changed = [(*other, *further) for other in self.inner.neighbours(inner)]
        return changed + [(*inner, *o) for o in single_changes(further, self._cardinalities)]

    def canonical(self, arch: Arch) -> Arch:
        """The representative of the architecture, with the same further choices."""
        inner, further = self.split(arch)
        return (*self.inner.canonical(inner), *further)

    def graph(self, arch: Arch) -> ArchGraph:
        """That of the architecture; the further choices do not show."""
        return self.inner.graph(self.split(arch)[0])

    def to_string(self, arch: Arch) -> str:
        """The architecture, then ``name=choice`` for each further decision."""
        inner, further = self.split(arch)
        chosen = [
            f"{variable.name}={variable.choices[choice]}"
            for variable, choice in zip(self.further, further, strict=True)
        ]
        return _BETWEEN.join([self.inner.to_string(inner), *chosen])

    def parse(self, text: str) -> Arch:
        """The architecture that :meth:`to_string` wrote."""
        inner, *chosen = text.rsplit(_BETWEEN, maxsplit=len(self.further))
        if len(chosen) != len(self.further):
            names = _BETWEEN.join(f"{variable.name}=…" for variable in self.further)
            raise UserError(f"{text!r}: expected an architecture, then {names}.")
        pairs = zip(self.further, chosen, strict=True)
        return (*self.inner.parse(inner), *(_choice(v, part, text) for v, part in pairs))


def _choice(variable: Variable, part: str, text: str) -> int:
    name, _, label = part.partition("=")
    if name != variable.name or label not in variable.choices:
        valid = ", ".join(variable.choices)
        raise UserError(
            f"{text!r}: {part!r} is not a choice of {variable.name!r}; valid: "
            f"{variable.name}= one of {valid}."
        )
    return variable.choices.index(label)
