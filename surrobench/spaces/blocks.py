"""Blocks of variables that are present or absent together, as layers of a network are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from surrobench.spaces.architecture import ABSENT

__all__ = ["ABSENT", "Block", "HasBlocks"]


@dataclass(frozen=True)
class Block:
    """Variables that describe one layer.

    Attributes:
        name: for example ``"conv2"``.
        variables: positions in the space's ``variables``. If the block is optional, choice 0 of
            each is :data:`ABSENT`, and either all of them or none take it.
        optional: whether an architecture may leave the block out.
    """

    name: str
    variables: tuple[int, ...]
    optional: bool


@runtime_checkable
class HasBlocks(Protocol):
    """A space that declares blocks; encodings then spend one column on a block's presence."""

    blocks: tuple[Block, ...]
