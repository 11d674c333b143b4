from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surrobench.errors import UserError
from surrobench.spaces.architecture import Variable
from surrobench.spaces.choices import Choices


def variables(*cardinalities: int) -> list[Variable]:
    return [
        Variable(f"v{i}", tuple(map(str, range(cardinality))))
        for i, cardinality in enumerate(cardinalities)
    ]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 5), min_size=1, max_size=5), st.integers(0, 1_000))
def test_index_and_sample_cover_the_product(cardinalities: list[int], seed: int) -> None:
    space = Choices("product", variables(*cardinalities))
    assert list(space) == sorted(set(space))
    everything = space.sample(len(space), np.random.default_rng(seed))
    assert sorted(everything) == list(space)


def test_listed_subset_keeps_its_order_and_drops_repeats() -> None:
    space = Choices("listed", variables(3, 3), [(2, 2), (0, 1), (2, 2), (0, 2)])
    assert list(space) == [(2, 2), (0, 1), (0, 2)]
    assert len(space) == 3
    assert (1, 1) not in space
    assert space.neighbours((0, 2)) == [(2, 2), (0, 1)]


def test_sampling_is_uniform() -> None:
    space = Choices("product", variables(2, 3))
    rng = np.random.default_rng(0)
    counts = {arch: 0 for arch in space}
    for _ in range(3_000):
        counts[space.sample(1, rng)[0]] += 1
    assert min(counts.values()) > 400


@pytest.mark.parametrize("n_variables", [40, 200])
def test_astronomical_spaces_are_sampled_but_not_counted_by_len(n_variables: int) -> None:
    space = Choices("huge", variables(*(4,) * n_variables))
    assert space.size == 4**n_variables
    assert space
    with pytest.raises(UserError, match="too many to list"):
        len(space)
    drawn = space.sample(100, np.random.default_rng(1))
    assert len(set(drawn)) == 100
    assert all(arch in space for arch in drawn)
    assert drawn == space.sample(100, np.random.default_rng(1))
    assert {arch[0] for arch in drawn} == {0, 1, 2, 3}
    assert len(space.neighbours(drawn[0])) == 3 * n_variables
    assert next(iter(space)) == (0,) * n_variables


def test_a_large_listed_space_is_quick() -> None:
    rng = np.random.default_rng(0)
    archs = [tuple(row) for row in rng.integers(0, 4, size=(26_000, 30)).tolist()]
    start = time.process_time()
    space = Choices("table", variables(*(4,) * 30), archs)
    assert len(space) == 26_000
    assert archs[-1] in space
    assert space.groups(archs).max() == 25_999
    assert time.process_time() - start < 2.0


def test_bad_definitions_are_refused() -> None:
    with pytest.raises(UserError, match="no variables"):
        Choices("empty", [])
    with pytest.raises(UserError, match="empty list"):
        Choices("empty", variables(2), [])
    with pytest.raises(UserError, match=r"architecture 1 is \(0, 5\)"):
        Choices("wrong", variables(2, 3), [(0, 0), (0, 5)])
