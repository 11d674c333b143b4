"""How much of a full training is done: epochs, images and channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from surrobench.base.wording import counted
from surrobench.errors import UserError
from surrobench.training.datasets.data import Data


@dataclass(frozen=True)
class Fidelity:
    """A cheaper training in place of the full one.

    Each is a training of its own, with a schedule that ends at learning rate zero, so it can be
    done at any time and no state is carried from one to the next.

    Attributes:
        epochs: passes over the data, None for as many as in full.
        fraction: share of the training data, the first ones of the split.
        width: share of the channels of every layer.

    Raises:
        UserError: naming the field that is out of range.
    """

    epochs: int | None = None
    fraction: float = 1.0
    width: float = 1.0

    def __post_init__(self) -> None:
        if self.epochs is not None and self.epochs < 1:
            raise UserError(f"epochs is {self.epochs}; it must be at least 1.")
        for name, value in (("fraction", self.fraction), ("width", self.width)):
            if not 0 < value <= 1:
                raise UserError(f"{name} is {value}; it must be above 0 and at most 1.")

    @property
    def settings(self) -> dict[str, float]:
        """Fraction and width where they are not 1, as keys of what was trained hold them."""
        parts: dict[str, Any] = {"fraction": self.fraction, "width": self.width}
        return {name: value for name, value in parts.items() if value != 1}

    def share(self, epochs: int) -> float:
        """Share of the work of a training of so many epochs, which is taken to grow with each."""
        return (self.epochs or epochs) / epochs * self.fraction * self.width

    def reduced(self, data: Data) -> Data:
        """The data set with its first training examples only.

        Raises:
            UserError: if the fraction leaves none.
        """
        if self.fraction == 1:
            return data
        count = round(self.fraction * len(data.train))
        if count < 1:
            raise UserError(
                f"fraction is {self.fraction}, which leaves none of "
                f"{counted(len(data.train), 'example')}."
            )
        return data.with_fewer(count)


FULL = Fidelity()


def whole(number: float, what: str) -> int:
    """A number that must be whole and at least 1 because channels are.

    Raises:
        UserError: otherwise.
    """
    if number < 1 or abs(number - round(number)) > 1e-9:
        raise UserError(f"{what} would be {number:g}, which is no whole number of at least 1.")
    return round(number)
