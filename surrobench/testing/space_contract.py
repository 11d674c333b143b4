"""What every search space promises, one sentence and one check each."""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np

from surrobench.base.wording import counted
from surrobench.errors import UserError
from surrobench.spaces import SPACES
from surrobench.spaces.architecture import Arch, SearchSpace
from surrobench.testing.checks import Contract

_MOST = 2_000


def _space(given: Any) -> SearchSpace:
    made = SPACES.create(given) if isinstance(given, str) else given
    if isinstance(made, type):
        made = made()
    if not isinstance(made, SearchSpace):
        raise UserError(f"{given!r} is no search space: derive it from SearchSpace.")
    return made


SPACE_CONTRACT = Contract(_space)
promise = SPACE_CONTRACT.promise


def _some(space: SearchSpace, n: int) -> list[Arch]:
    return space.sample(min(n, len(space)), np.random.default_rng(7))


@promise
def architectures_fit_the_variables(space: SearchSpace) -> None:
    """An architecture is a tuple of whole numbers, one index of a choice for each variable."""
    limits = space.cardinalities
    for arch in _some(space, 50):
        assert isinstance(arch, tuple), f"{arch!r} is no tuple"
        assert len(arch) == len(limits), f"{arch} for {counted(len(limits), 'variable')}"
        right = all(isinstance(c, int) and 0 <= c < k for c, k in zip(arch, limits, strict=True))
        assert right, f"{arch} has a choice outside {limits}"


@promise
def iteration_gives_each_once(space: SearchSpace) -> None:
    """Going through the space gives every architecture once, each time in the same order.

    ``len`` must be the number of valid architectures.
    """
    archs = list(islice(space, _MOST))
    assert len(set(archs)) == len(archs), "an architecture comes twice"
    assert len(archs) == min(len(space), _MOST), (
        f"only {len(archs)} came of {counted(len(space), 'architecture')}"
    )
    assert all(arch in space for arch in archs), "an architecture is not in the space"
    assert archs == list(islice(space, _MOST)), "the order changes"


@promise
def samples_are_distinct_and_reproducible(space: SearchSpace) -> None:
    """A sample holds distinct members, and follows the generator that is passed in.

    Draw from ``rng`` alone.
    """
    n = min(100, len(space))
    state: Any = np.random.get_state()  # noqa: NPY002
    drawn = space.sample(n, np.random.default_rng(3))
    after: Any = np.random.get_state()  # noqa: NPY002
    assert np.array_equal(state[1], after[1]), "NumPy's global generator was used"
    assert len(set(drawn)) == n, f"of {n} drawn, {len(set(drawn))} are distinct"
    assert all(arch in space for arch in drawn), "an architecture is not in the space"
    assert drawn == space.sample(n, np.random.default_rng(3)), "the same seed gives another sample"


@promise
def too_large_samples_are_refused(space: SearchSpace) -> None:
    """More architectures than there are is an error for the user.

    Raise ``surrobench.UserError`` naming both numbers.
    """
    try:
        space.sample(len(space) + 1, np.random.default_rng(0))
    except UserError:
        return
    raise AssertionError("a sample larger than the space was given")


@promise
def neighbours_are_mutual(space: SearchSpace) -> None:
    """Neighbours are other members, each once, and have each other for neighbours.

    Local search walks both ways: what one change makes, one change must take back.
    """
    for arch in _some(space, 10):
        near = space.neighbours(arch)
        assert len(set(near)) == len(near), f"{arch} has a neighbour twice"
        assert arch not in near, f"{arch} is its own neighbour"
        assert all(other in space for other in near), f"a neighbour of {arch} is no member"
        one_way = [other for other in near if arch not in space.neighbours(other)]
        assert not one_way, f"{one_way[0] if one_way else ''} does not have {arch} for neighbour"


@promise
def equal_networks_have_one_representative(space: SearchSpace) -> None:
    """The canonical architecture is a member, its own representative, and of the same class."""
    archs = _some(space, 100)
    canonical = [space.canonical(arch) for arch in archs]
    assert all(arch in space for arch in canonical), "a representative is no member"
    assert [space.canonical(arch) for arch in canonical] == canonical, "it is not idempotent"
    together = space.groups(archs + canonical)
    same = together[: len(archs)] == together[len(archs) :]
    assert same.all(), "an architecture and its representative are of two classes"


@promise
def text_can_be_read_back(space: SearchSpace) -> None:
    """What ``to_string`` writes, ``parse`` reads."""
    for arch in _some(space, 20):
        text = space.to_string(arch)
        assert space.parse(text) == arch, f"{text!r} is read as {space.parse(text)}"


@promise
def strangers_are_no_members(space: SearchSpace) -> None:
    """Tuples with a choice too many, an index too large, or other things are no members."""
    arch = _some(space, 1)[0]
    wrong: list[object] = [(*arch, 0), arch[:-1], (*arch[:-1], space.cardinalities[-1]), "arch", 3]
    for other in wrong:
        assert other not in space, f"{other!r} is taken for a member"
