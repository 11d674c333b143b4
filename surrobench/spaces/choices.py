"""Any list of discrete or ordinal decisions: the space of a table of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from math import prod

import numpy as np

from surrobench.base.wording import counted
from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch, Variable
from surrobench.spaces.indexed import IndexedSpace, fits, single_changes, unrank


class Choices(IndexedSpace):
    """Every combination of some decisions, or a listed subset of the combinations.

    Without ``archs`` iteration is lexicographic and nothing is ever listed, so the number of
    combinations may be astronomical: ``size`` gives it exactly, and ``len`` refuses beyond what
    Python can express. With ``archs`` iteration keeps their order.

    Args:
        name: name of the space.
        variables: the decisions.
        archs: the combinations that are valid, if not all are; repeated ones count once.

    Raises:
        UserError: for no variables, an empty list, or an architecture that does not fit.
    """

    def __init__(
        self,
        name: str,
        variables: Sequence[Variable],
        archs: Sequence[Arch] | None = None,
    ) -> None:
        self.name = name
        self.variables = tuple(variables)
        if not self.variables:
            raise UserError(f"the space {name!r} has no variables.")
        self._archs = None if archs is None else self._listed(archs)
        self._valid = frozenset(self._archs or ())

    def _listed(self, archs: Sequence[Arch]) -> tuple[Arch, ...]:
        listed = tuple(dict.fromkeys(tuple(arch) for arch in archs))
        if not listed:
            raise UserError(f"the space {self.name!r} is given an empty list of architectures.")
        cardinalities = self.cardinalities
        for position, arch in enumerate(() if _all_fit(listed, cardinalities) else listed):
            if not fits(arch, cardinalities):
                raise UserError(
                    f"the space {self.name!r}: architecture {position} is {arch!r}, which does "
                    f"not fit {counted(len(cardinalities), 'variable')} with {cardinalities} "
                    "choices."
                )
        return listed

    @property
    def size(self) -> int:
        """Number of architectures, exact at any magnitude."""
        return prod(self.cardinalities) if self._archs is None else len(self._archs)

    def at(self, index: int) -> Arch:
        """The architecture number ``index`` of the iteration order."""
        return unrank(index, self.cardinalities) if self._archs is None else self._archs[index]

    def __contains__(self, arch: object) -> bool:
        """Whether ``arch`` is a valid combination."""
        if not fits(arch, self.cardinalities):
            return False
        return self._archs is None or arch in self._valid

    def neighbours(self, arch: Arch) -> list[Arch]:
        """Valid architectures that differ in one decision, by decision and then by choice."""
        near = single_changes(self.check(arch), self.cardinalities)
        return [other for other in near if self._archs is None or other in self._valid]


def _all_fit(archs: Sequence[Arch], cardinalities: Sequence[int]) -> bool:
    """Whether plain tuples of whole numbers all fit: what a long list mostly is, seen quickly."""
    if set(map(len, archs)) != {len(cardinalities)}:
        return False
    if set(map(type, chain.from_iterable(archs))) != {int}:
        return False
    codes = np.array(archs)
    return bool((codes >= 0).all() and (codes < np.array(cardinalities)).all())
