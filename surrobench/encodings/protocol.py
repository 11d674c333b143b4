"""What an encoding is, and the matrix of choices that encodings start from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from surrobench.arrays import FloatArray, IntArray
from surrobench.base.wording import counted
from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch, SearchSpace


@runtime_checkable
class Encoding(Protocol):
    """A deterministic function of architectures; labels never enter.

    An encoding that can be narrowed by what follows a colon in its name also has
    ``narrowed(argument: str) -> Encoding``.
    """

    @property
    def isomorphism_invariant(self) -> bool:
        """Whether architectures that their space calls equal always get equal rows."""
        ...

    def columns(self, space: SearchSpace, measured: Mapping[str, FloatArray]) -> list[str]:
        """Names of the ``d`` columns.

        Raises:
            UserError: if architectures of ``space`` have no such encoding.
        """
        ...

    def __call__(
        self,
        archs: Sequence[Arch] | IntArray,
        space: SearchSpace,
        measured: Mapping[str, FloatArray],
    ) -> FloatArray:
        """Encode a pool as a finite ``n x d`` matrix.

        Args:
            archs: all architectures of the pool, ``n`` tuples or an ``n x variables`` array.
            space: the space that they belong to.
            measured: label-free columns of the pool, ``n`` values each; NaN where missing.

        Raises:
            UserError: if architectures of ``space`` have no such encoding.
        """
        ...


def whole_number(encoding: str, argument: str, what: str, example: str) -> int:
    """The number behind the colon in the name of an encoding.

    Args:
        encoding: its name before the colon.
        argument: what follows.
        what: the number says, for the message.
        example: of a name with a number.

    Raises:
        UserError: if it is no whole number.
    """
    if not argument.strip().isdecimal():
        raise UserError(f"encoding '{encoding}:{argument}': write {what}, as in '{example}'.")
    return int(argument)


def choice_matrix(archs: Sequence[Arch] | IntArray, space: SearchSpace) -> IntArray:
    """The choice indices of ``archs`` as an ``n x variables`` array.

    Raises:
        UserError: for a wrong number of variables or an index outside the choices.
    """
    try:
        choices = np.asarray(archs, dtype=np.int_)
    except ValueError as error:
        raise UserError(
            f"architectures of the space {space.name!r} must all be tuples of "
            f"{counted(len(space.variables), 'integer')}."
        ) from error
    cardinalities = np.array(space.cardinalities)
    if choices.size == 0:
        return choices.reshape(0, len(cardinalities))
    if choices.ndim != 2 or choices.shape[1] != len(cardinalities):
        raise UserError(
            f"architectures of the space {space.name!r} have "
            f"{counted(len(cardinalities), 'variable')}, "
            f"but an array of shape {choices.shape} was given."
        )
    wrong = (choices < 0) | (choices >= cardinalities)
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise UserError(
            f"architecture {row} of {space.name!r}: choice {choices[row, column]} of variable "
            f"{space.variables[column].name!r} is not between 0 and {cardinalities[column] - 1}."
        )
    return choices
