"""Which architectures of a space a live task is asked about: different, connected networks."""

from __future__ import annotations

from functools import lru_cache
from math import prod

import numpy as np

from surrobench.base.wording import counted
from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch, SearchSpace
from surrobench.spaces.edge_cells import EdgeCells

ENUMERATED_UP_TO = 50_000
"""Spaces with so many combinations are gone through one by one; larger ones are sampled."""


def networks(space: SearchSpace, n: int, rng: np.random.Generator) -> list[Arch]:
    """Up to ``n`` canonical architectures that are different networks, in random order.

    Cells whose output does not depend on their input cannot learn and are left out. In a space of
    up to :data:`ENUMERATED_UP_TO` combinations every network is equally likely; in a larger one
    every architecture is, and a network with several spellings counts more often.

    Args:
        space: what is sampled.
        n: how many; fewer come back if there are fewer.
        rng: source of all draws.
    """
    if prod(space.cardinalities) <= ENUMERATED_UP_TO:
        every = _every_network(space)
        order = np.argsort(rng.random(len(every)), kind="stable")[:n]
        return [every[place] for place in order.tolist()]
    if n >= len(space) // 2:
        raise UserError(
            f"{n} candidates are too many for a sample of the space {space.name!r}; it has "
            f"{counted(len(space), 'architecture')}."
        )
    found: dict[Arch, None] = {}
    while len(found) < n:
        for arch in space.sample(n, rng):
            if _learns(space, arch):
                found.setdefault(space.canonical(arch))
        found = dict.fromkeys(_one_of_each(space, list(found)))
    return list(found)[:n]


@lru_cache(maxsize=4)
def _every_network(space: SearchSpace) -> list[Arch]:
    canonical = dict.fromkeys(space.canonical(arch) for arch in space)
    return _one_of_each(space, [arch for arch in canonical if _learns(space, arch)])


def _one_of_each(space: SearchSpace, archs: list[Arch]) -> list[Arch]:
    """The first of each group of equal networks."""
    _, first = np.unique(space.groups(archs), return_index=True)
    return [archs[place] for place in np.sort(first).tolist()]


def _learns(space: SearchSpace, arch: Arch) -> bool:
    return not (isinstance(space, EdgeCells) and space.disconnected(arch))
