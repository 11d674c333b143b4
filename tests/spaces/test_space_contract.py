"""What every search space promises, checked on each registered one and on users' choices."""

from __future__ import annotations

import subprocess
import sys
from itertools import islice

import numpy as np
import pytest

from surrobench.errors import UserError
from surrobench.spaces import SPACES
from surrobench.spaces.adaptations import Adaptations
from surrobench.spaces.architecture import SearchSpace, Variable
from surrobench.spaces.chains import Chains
from surrobench.spaces.choices import Choices
from surrobench.spaces.named import Categorical, Integer, Space

DECISIONS = (
    Variable("depth", ("1", "2", "3"), (1.0, 2.0, 3.0)),
    Variable("activation", ("relu", "gelu")),
    Variable("width", ("64", "128"), (6.0, 7.0)),
)
LISTED = ((0, 0, 0), (0, 0, 1), (2, 1, 1), (1, 1, 1), (1, 0, 0))
SPACES_UNDER_TEST = {
    **{name: SPACES.create(name) for name in SPACES.names()},
    "chain-narrow": Chains(pool="global", fc_layers=1),
    "adaptation": Adaptations(),
    "choices": Choices("choices", DECISIONS),
    "listed": Choices("listed", DECISIONS, LISTED),
    "named": Space(
        depth=Integer(1, 4),
        op=Categorical("conv", "pool"),
        kernel=Integer(1, 5, when={"op": "conv"}),
        dilation=Categorical(1, 2, when={"kernel": (3, 4, 5), "depth": (2, 3)}),
    ),
}


@pytest.fixture(params=SPACES_UNDER_TEST, scope="module")
def space(request: pytest.FixtureRequest) -> SearchSpace:
    return SPACES_UNDER_TEST[request.param]


def some(space: SearchSpace, n: int = 40) -> list[tuple[int, ...]]:
    return space.sample(min(n, len(space)), np.random.default_rng(7))


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("nb201", 15_625),
        ("tnb101-micro", 4_096),
        ("tnb101-macro", 3_256),
        ("chain", 271_440),
        ("transformer", 414),
    ],
)
def test_registered_sizes(name: str, size: int) -> None:
    assert len(SPACES.create(name)) == size


@pytest.mark.slow
def test_iteration_gives_every_architecture_once(space: SearchSpace) -> None:
    limit = 30_000  # the whole of every space but the chains
    archs = list(islice(space, limit))
    assert len(set(archs)) == len(archs) == min(len(space), limit)
    assert all(arch in space for arch in archs)
    assert archs == list(islice(space, limit))


def test_sample_is_distinct_valid_and_reproducible(space: SearchSpace) -> None:
    n = min(200, len(space))
    drawn = space.sample(n, np.random.default_rng(3))
    assert len(set(drawn)) == n
    assert all(arch in space for arch in drawn)
    assert drawn == space.sample(n, np.random.default_rng(3))
    if len(space) > n:
        assert drawn != space.sample(n, np.random.default_rng(4))


def test_sample_refuses_more_than_there_are(space: SearchSpace) -> None:
    with pytest.raises(UserError, match=rf"cannot draw {len(space) + 1:,} .*holds {len(space):,}"):
        space.sample(len(space) + 1, np.random.default_rng(0))


def test_sampling_leaves_the_global_generator_alone(space: SearchSpace) -> None:
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    space.sample(3, np.random.default_rng(0))
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002


def test_neighbours_are_valid_distinct_and_symmetric(space: SearchSpace) -> None:
    for arch in some(space, 15):
        near = space.neighbours(arch)
        assert len(set(near)) == len(near)
        assert arch not in near
        assert all(other in space for other in near)
        assert all(arch in space.neighbours(other) for other in near)


def test_canonical_is_idempotent_valid_and_constant_on_groups(space: SearchSpace) -> None:
    archs = some(space, 300)
    canonical = [space.canonical(arch) for arch in archs]
    assert all(arch in space for arch in canonical)
    assert [space.canonical(arch) for arch in canonical] == canonical
    groups = space.groups(archs)
    assert groups.min() == 0
    assert set(groups) == set(range(groups.max() + 1))
    pairs = set(zip(groups.tolist(), canonical, strict=True))
    assert len(pairs) == len(set(canonical))  # one canonical architecture, one group
    published = space.published_groups(archs)
    if published is None:
        assert len(pairs) == groups.max() + 1
    else:
        refined = set(zip(published.tolist(), groups.tolist(), strict=True))
        assert len(refined) == published.max() + 1 >= groups.max() + 1
    together = space.groups(archs + canonical)
    assert (together[: len(archs)] == together[len(archs) :]).all()


def test_string_form_reads_back(space: SearchSpace) -> None:
    archs = some(space)
    texts = [space.to_string(arch) for arch in archs]
    assert len(set(texts)) == len(texts)
    assert [space.parse(text) for text in texts] == archs


@pytest.mark.parametrize("text", ["", "nonsense", "(9, 9, 9, 9, 9, 9)", "1,2"])
def test_parse_refuses_nonsense_by_name(space: SearchSpace, text: str) -> None:
    with pytest.raises(UserError) as error:
        space.parse(text)
    assert repr(text) in str(error.value)


@pytest.mark.parametrize(
    "foreign", [None, "x", (), (0,), (0.5,) * 6, (-1,) * 6, (99,) * 14, [0] * 6]
)
def test_foreign_objects_are_not_members(space: SearchSpace, foreign: object) -> None:
    assert foreign not in space
    with pytest.raises(UserError, match="is not an architecture of the space"):
        space.check(foreign)  # type: ignore[arg-type]


def test_listing_spaces_imports_nothing_heavy() -> None:
    code = (
        "import sys, surrobench.spaces as s, surrobench.encodings as e; s.SPACES.names();"
        "e.ENCODINGS.names(); print([m for m in ('numpy', 'torch', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
