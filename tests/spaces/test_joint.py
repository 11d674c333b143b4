"""A joint space is the product of its parts, whatever the inner space is."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from surrobench.encodings import make_encoding
from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch, SearchSpace, Variable
from surrobench.spaces.chains import Chains
from surrobench.spaces.edge_cells import nas_bench_201
from surrobench.spaces.joint import JointSpace

RATE = Variable("learning_rate", ("0.01", "0.1"), (-2.0, -1.0))
OPTIMISER = Variable("optimiser", ("sgd", "adamw"))


class Pairs(SearchSpace):
    """Two different digits, neither numbered nor a full product."""

    name = "pairs"
    variables = tuple(Variable(name, tuple("0123")) for name in ("first", "second"))

    def __len__(self) -> int:
        return 12

    def __iter__(self) -> Iterator[Arch]:
        return ((a, b) for a in range(4) for b in range(4) if a != b)

    def __contains__(self, arch: object) -> bool:
        return arch in set(self)

    def sample(self, n: int, rng: np.random.Generator) -> list[Arch]:
        raise NotImplementedError

    def neighbours(self, arch: Arch) -> list[Arch]:
        return [o for o in self if sum(x != y for x, y in zip(o, arch, strict=True)) == 1]

    def canonical(self, arch: Arch) -> Arch:
        return tuple(sorted(arch))


@pytest.fixture(params=["cells", "chains", "pairs"])
def space(request: pytest.FixtureRequest) -> JointSpace:
    inner = {"cells": nas_bench_201, "chains": Chains, "pairs": Pairs}[request.param]()
    return JointSpace(inner, (RATE, OPTIMISER))


@pytest.mark.slow
def test_it_holds_every_pair_once(space: JointSpace) -> None:
    assert space.size == len(space) == 4 * len(space.inner)
    for index, arch in enumerate(space):
        assert arch == space.at(index)
        if index == 60 or index == len(space) - 1:
            break
    drawn = space.sample(40, np.random.default_rng(0))
    assert len(set(drawn)) == 40
    assert all(arch in space for arch in drawn)
    assert {arch[-2:] for arch in drawn} == {(0, 0), (0, 1), (1, 0), (1, 1)}


def test_what_does_not_belong_is_told(space: JointSpace) -> None:
    arch = space.at(0)
    assert (*arch[:-1], 2) not in space
    assert arch[:-1] not in space
    assert list(arch) not in space
    with pytest.raises(UserError, match=f"{space.inner.name}-joint"):
        space.check(arch[:-1])


def test_texts_are_read_back(space: JointSpace) -> None:
    for arch in space.sample(10, np.random.default_rng(1)):
        assert space.parse(space.to_string(arch)) == arch
    assert space.to_string(space.at(1)).endswith(" & learning_rate=0.01 & optimiser=adamw")


def test_neighbours_change_one_thing(space: JointSpace) -> None:
    arch = space.at(1)
    inner, further = space.split(arch)
    near = space.neighbours(arch)
    assert len(set(near)) == len(near) == len(space.inner.neighbours(inner)) + 2
    assert all(other in space for other in near)
    assert {space.split(o)[1] for o in near if space.split(o)[0] == inner} == {(1, 1), (0, 0)}
    assert {space.split(o)[0] for o in near if space.split(o)[1] == further} == {
        *space.inner.neighbours(inner)
    }


def test_equal_architectures_are_equal_with_equal_choices_only() -> None:
    space = JointSpace(Pairs(), (RATE,))
    assert space.canonical((3, 1, 0)) == (1, 3, 0)
    assert space.groups([(3, 1, 0), (1, 3, 0), (1, 3, 1)]).tolist() == [0, 0, 1]


def test_encodings_cover_both_parts() -> None:
    space = JointSpace(nas_bench_201(), (RATE, OPTIMISER))
    one_hot, ordinal = make_encoding("one-hot"), make_encoding("ordinal")
    archs = [(0,) * 6 + (1, 0), (0,) * 6 + (0, 1)]
    assert one_hot.columns(space, {})[-4:] == [
        "learning_rate=0.01", "learning_rate=0.1", "optimiser=sgd", "optimiser=adamw",
    ]  # fmt: skip
    assert one_hot(archs, space, {})[:, 30:].tolist() == [[0, 1, 1, 0], [1, 0, 0, 1]]
    assert ordinal(archs, space, {})[:, 6:].tolist() == [[1, 0], [0, 1]]
    assert space.graph(archs[0]) == space.inner.graph((0,) * 6)


def test_mistakes_are_named() -> None:
    space = JointSpace(Pairs(), (RATE,))
    with pytest.raises(UserError, match="'learning_rate=1' is not a choice"):
        space.parse("0,1 & learning_rate=1")
    with pytest.raises(UserError, match="expected an architecture, then learning_rate"):
        space.parse("0,1")
    with pytest.raises(UserError, match="no decisions"):
        JointSpace(Pairs(), ())
    with pytest.raises(UserError, match="two variables named 'first'"):
        JointSpace(Pairs(), (Variable("first", ("0", "1")),))
