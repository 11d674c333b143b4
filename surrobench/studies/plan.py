"""What a study asks for: its cells in a fixed order, whatever their kind."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True)
class Skipped:
    """Cells that the study leaves out on purpose."""

    task: str
    predictor: str
    train_size: int
    cells: int
    reason: str


class PlannedCell(Protocol):
    """What every kind of cell can say of itself."""

    @property
    def key(self) -> str:
        """Hash of everything that the numbers depend on."""

    @property
    def task(self) -> str:
        """Name of the task."""

    def identity(self) -> dict[str, Any]:
        """What the cell is called in the results (without the key)."""

    def name(self) -> tuple[Any, ...]:
        """The identity as a tuple."""

    def method(self) -> str:
        """The method that the cell is about, in one line."""


@dataclass(frozen=True)
class Work:
    """What a task asks of its cells, as far as it is known before they run.

    Attributes:
        pool: architectures that there are.
        examples: that one full training goes through, those of every epoch counted; 0 for tables.
        epochs: of one full training; 0 for tables.
    """

    pool: int
    examples: int = 0
    epochs: int = 0


@dataclass(frozen=True)
class Plan:
    """All cells of a study.

    Attributes:
        cells: in the order in which they run: by task, train size, seed, predictor, encoding.
        skipped: what was left out, and why.
        ingredients: what entered the keys, by kind and name (to explain differences).
        kind: of the study.
        rankings: of each task, what is equal where two tasks rank all architectures alike.
        version: of the numbers of this kind of study.
        work: what each task asks of its cells, by name.
    """

    cells: list[Any]
    skipped: list[Skipped] = field(default_factory=list)
    ingredients: dict[str, dict[str, str]] = field(default_factory=dict)
    kind: str = "prediction"
    rankings: dict[str, str] = field(default_factory=dict)
    version: int = 0
    work: dict[str, Work] = field(default_factory=dict)
