"""Which cells make a unit of work: as many as take a second or so, cells with shared work together.

What cells are expected to cost (:mod:`surrobench.studies.expected_cost`) is right up to a factor;
that factor is learnt from what cells took. Towards the end units get smaller, so that no worker has
much left when the others are idle.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from surrobench.studies.expected_cost import Cost

if TYPE_CHECKING:
    from surrobench.studies.plan import PlannedCell

C = TypeVar("C", bound="PlannedCell")

BATCH_SECONDS = 1.0
"""What a unit of short cells is meant to take."""
BATCH_CELLS = 256
_ROUNDS = 3.0
"""Units that every worker still gets when the rest is dealt out."""


class Batches(Generic[C]):
    """Cells that wait, in their order; those of a group go to one worker while others are left.

    Args:
        cells: what is to be computed.
        costs: expected of each.
    """

    def __init__(self, cells: Sequence[C], costs: Sequence[Cost]) -> None:
        self._lines: dict[Any, deque[tuple[C, Cost]]] = {}
        self._owners: dict[Any, str] = {}
        self._costs: dict[str, Cost] = {}
        self._alone: set[str] = set()
        self._waiting = 0.0
        self._spent, self._expected = 0.0, 0.0
        for cell, cost in zip(cells, costs, strict=True):
            self._costs[cell.key] = cost
            self._lines.setdefault(cost.group, deque()).append((cell, cost))
            self._waiting += cost.own
        self._count = len(cells)

    def __len__(self) -> int:
        return self._count

    @property
    def pace(self) -> float:
        """Seconds that a cell takes for each second that it was expected to."""
        if self._expected <= 0:
            return 1.0
        return min(max(self._spent / self._expected, 1e-3), 1e3)

    def learn(self, cell: C, seconds: float) -> None:
        """A cell took so long."""
        self._spent += seconds
        self._expected += self._costs[cell.key].own

    def take(self, worker: str, slots: int) -> list[C]:
        """Cells for one unit.

        Args:
            worker: who gets them.
            slots: units that are computed at a time.
        """
        line = self._line_for(worker)
        if line is None:
            return []
        fair = self._waiting * self.pace / (_ROUNDS * max(1, slots))
        room = min(BATCH_SECONDS, fair)
        taken: list[C] = []
        while line and len(taken) < BATCH_CELLS:
            cell, cost = line[0]
            seconds = cost.own * self.pace
            alone = cell.key in self._alone
            if taken and (seconds > room or alone):
                break
            line.popleft()
            taken.append(cell)
            self._waiting -= cost.own
            room -= seconds
            if alone:
                break
        self._count -= len(taken)
        return taken

    def _line_for(self, worker: str) -> deque[tuple[C, Cost]] | None:
        """A group that the worker began, else the first that nobody began, else the longest."""
        waiting = {group: line for group, line in self._lines.items() if line}
        for group, line in waiting.items():
            if self._owners.get(group) == worker:
                return line
        for group, line in waiting.items():
            if group is None or group not in self._owners:
                if group is not None:
                    self._owners[group] = worker
                return line
        return max(waiting.values(), key=len, default=None)

    def put_back(self, cells: Iterable[C], *, alone: bool = False) -> None:
        """Let cells wait again, before the others.

        Args:
            cells: that were taken.
            alone: each in a unit of its own from now on: one of them may be what kills workers.
        """
        for cell in reversed(list(cells)):
            cost = self._costs[cell.key]
            self._lines[cost.group].appendleft((cell, cost))
            self._waiting += cost.own
            self._count += 1
            if alone:
                self._alone.add(cell.key)

    def forget(self, worker: str) -> None:
        """A worker is gone; the groups that it began are nobody's."""
        self._owners = {group: who for group, who in self._owners.items() if who != worker}
