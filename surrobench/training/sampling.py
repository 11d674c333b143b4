"""Which architectures of a space are worth tabulating when not all of them can be."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import islice

import numpy as np

from surrobench.base.wording import counted
from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch
from surrobench.spaces.chains import MAX_BLOCKS, Chains


def sample_by_depth(space: Chains, n: int, seed: int) -> list[Arch]:
    """``n`` distinct canonical architectures, as many of each depth as there are.

    A uniform sample of networks would be 84 % four blocks deep. Depths that have too few networks
    give all of them and the others share the rest equally; within a depth the draw is uniform.

    Raises:
        UserError: if the space holds fewer than ``n`` distinct networks.
    """
    chosen: list[Arch] = []
    for depth in range(1, MAX_BLOCKS + 1):
        share = (n - len(chosen)) // (MAX_BLOCKS + 1 - depth)
        chosen += islice(_networks_of_depth(space, depth, seed), share)
    if len(chosen) < n:
        raise UserError(
            f"--archs is {n}, but the space has {counted(len(chosen), 'distinct network')}."
        )
    return chosen


def _networks_of_depth(space: Chains, depth: int, seed: int) -> Iterator[Arch]:
    """Every canonical architecture of ``depth`` blocks once, in an order fixed by ``seed``."""

    def depth_at(index: int) -> int:
        return len(space.active_pools(space.at(index)))

    # The space is ordered by depth, and the networks of a depth have equally many spellings.
    everything = range(len(space))
    first = bisect_left(everything, depth, key=depth_at)
    last = bisect_right(everything, depth, key=depth_at)
    seen: set[Arch] = set()
    for index in np.random.default_rng([seed, depth]).permutation(last - first):
        arch = space.canonical(space.at(first + int(index)))
        if arch not in seen:
            seen.add(arch)
            yield arch
