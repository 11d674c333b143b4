"""Shards: shares of a study for machines that know nothing of each other.

Which cells a shard has follows from the study alone, never from what is finished, so every machine
comes to the same shares. They are balanced by expected cost
(:mod:`surrobench.studies.expected_cost`), not by count: the dearest piece of work goes to the shard
that has least so far, and so on, so that no two shards differ by more than one piece. Cells that
share trainings are one piece, unless that were more than the share of a shard.
"""

from __future__ import annotations

import heapq
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from surrobench.errors import UserError
from surrobench.studies.expected_cost import Cost
from surrobench.studies.kinds import KINDS
from surrobench.studies.plan import Plan

MOST_SHARDS = 1_000_000


@dataclass(frozen=True)
class Shard:
    """One of ``count`` shares of a study, counted from 1."""

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """The shard that ``"3/64"`` names.

        Raises:
            UserError: for anything else.
        """
        found = re.fullmatch(r"\s*(\d{1,9})\s*/\s*(\d{1,9})\s*", text, re.ASCII)
        if not found:
            raise UserError(
                f"--shard {text!r}: write which shard of how many, such as 3/64 for the third of "
                "sixty-four."
            )
        number, count = map(int, found.groups())
        if not 1 <= count <= MOST_SHARDS:
            raise UserError(
                f"--shard {text}: a study is cut into 1 to {MOST_SHARDS:,} shards, not {count}."
            )
        if not 1 <= number <= count:
            raise UserError(
                f"--shard {text}: shards are counted from 1, so {count} of them are 1/{count} to "
                f"{count}/{count}."
            )
        return cls(number, count)

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"


@dataclass(frozen=True)
class Piece:
    """Cells that stay together, by their places in the plan, and the seconds they may take."""

    places: tuple[int, ...]
    seconds: float


@dataclass(frozen=True)
class Share:
    """What falls to one shard.

    Attributes:
        plan: with the cells of this shard alone, in their order.
        seconds: that they are expected to take.
        total: the same of the whole study.
    """

    plan: Plan
    seconds: float
    total: float


def share_of(plan: Plan, shard: Shard) -> Share:
    """The cells of a plan that fall to a shard."""
    pieces = pieces_of(costs_of(plan), shard.count)
    dealt = deal(pieces, [cell.key for cell in plan.cells], shard.count)
    mine = dealt[shard.number - 1]
    places = sorted(place for piece in mine for place in piece.places)
    return Share(
        replace(plan, cells=[plan.cells[place] for place in places]),
        math.fsum(piece.seconds for piece in mine),
        math.fsum(piece.seconds for piece in pieces),
    )


def costs_of(plan: Plan) -> list[Cost]:
    """What every cell of a plan is expected to cost."""
    kind = KINDS[plan.kind]
    return [kind.cost(cell, plan.work[cell.task]) for cell in plan.cells]


def pieces_of(costs: Sequence[Cost], shards: int) -> list[Piece]:
    """Cells as they stay together: alone, or with those that they share trainings with.

    Args:
        costs: of the cells, in the order of the plan.
        shards: how many there are.
    """
    groups: dict[Any, list[int]] = {}
    for place, cost in enumerate(costs):
        groups.setdefault(place if cost.group is None else cost.group, []).append(place)
    fair = math.fsum(_seconds(costs, places) for places in groups.values()) / shards
    return [piece for places in groups.values() for piece in _cut(costs, places, fair)]


def _seconds(costs: Sequence[Cost], places: Sequence[int]) -> float:
    own = math.fsum(costs[place].own for place in places)
    return own + max(costs[place].shared for place in places)


def _cut(costs: Sequence[Cost], places: Sequence[int], fair: float) -> Iterator[Piece]:
    """A group as one piece, or in several where it is more than a fair share.

    Each of these does again what the cells of a group share, so no more than that gets its own.
    """
    seconds = _seconds(costs, places)
    count = min(len(places), math.ceil(seconds / fair)) if fair > 0 else 1
    for first in range(count):
        some = tuple(places[first::count])
        yield Piece(some, _seconds(costs, some))


def deal(pieces: Sequence[Piece], keys: Sequence[str], shards: int) -> list[list[Piece]]:
    """Give every piece to the shard that has least, the dearest first.

    Args:
        pieces: of the plan.
        keys: of its cells; the first one of a piece decides among pieces of equal cost.
        shards: how many there are.
    """
    dealt: list[list[Piece]] = [[] for _ in range(shards)]
    loads = [(0.0, number) for number in range(shards)]
    for piece in sorted(pieces, key=lambda piece: (-piece.seconds, keys[piece.places[0]])):
        load, number = heapq.heappop(loads)
        dealt[number].append(piece)
        heapq.heappush(loads, (load + piece.seconds, number))
    return dealt
