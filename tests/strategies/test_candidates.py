from __future__ import annotations

import numpy as np
import pytest

from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch, Variable
from surrobench.spaces.chains import Chains
from surrobench.spaces.choices import Choices
from surrobench.spaces.edge_cells import trans_nas_bench_101_micro
from surrobench.strategies.candidates import Candidates


def product(*cardinalities: int, archs: list[Arch] | None = None) -> Choices:
    variables = [Variable(f"v{i}", tuple(map(str, range(c)))) for i, c in enumerate(cardinalities)]
    return Choices("product", variables, archs)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_a_whole_space_is_listed_in_its_own_order() -> None:
    candidates = Candidates(product(2, 3))
    assert candidates.listed
    assert [candidates.arch(row) for row in range(len(candidates))] == list(product(2, 3))
    assert candidates.index[(1, 2)] == 5
    assert (1, 2) in candidates
    assert (2, 0) not in candidates


def test_a_table_keeps_its_rows_and_knows_nothing_else() -> None:
    archs = np.array([[1, 2], [0, 0]], dtype=np.int16)
    candidates = Candidates(product(2, 3), archs, {"params": np.array([3.0, 7.0])})
    assert len(candidates) == candidates.size == 2
    assert (1, 2) in candidates
    assert (0, 1) not in candidates
    assert candidates.measured["params"][candidates.index[(0, 0)]] == 7.0
    np.testing.assert_array_equal(
        candidates.features("one-hot"), [[0, 1, 0, 0, 1], [1, 0, 1, 0, 0]]
    )
    np.testing.assert_array_equal(candidates.encode("one-hot", [(0, 0)]), [[1, 0, 1, 0, 0]])
    assert candidates.features("one-hot") is candidates.features("one-hot")


@pytest.mark.parametrize(
    ("archs", "measured", "message"),
    [
        ([], {}, "there are no architectures"),
        ([(0, 1), (0, 1)], {}, "listed twice"),
        ([(0, 3)], {}, r"\(0, 3\) has a choice that the space 'product' does not know"),
        ([(0, -1)], {}, "does not know"),
        ([(0, 1, 0)], {}, "2 variables"),
        ([(0, 1)], {"params": np.zeros(2)}, "'params' has 2 values for 1"),
    ],
)
def test_wrong_lists_are_refused(
    archs: list[Arch], measured: dict[str, np.ndarray], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        Candidates(product(2, 3), archs, measured)


# -- sampling ----------------------------------------------------------------------------------


def test_samples_are_distinct_uniform_and_leave_the_excluded_out() -> None:
    candidates = Candidates(product(2, 3))
    counts = dict.fromkeys(candidates.index, 0)
    generator = rng()
    for _ in range(2_000):
        drawn = candidates.sample(2, generator, {(0, 0), (1, 1)})
        assert len(set(drawn)) == 2
        for arch in drawn:
            counts[arch] += 1
    assert counts[(0, 0)] == counts[(1, 1)] == 0
    assert all(900 < n < 1_100 for arch, n in counts.items() if n)


def test_a_sample_of_more_than_is_left_is_all_that_is_left() -> None:
    candidates = Candidates(product(2, 3))
    assert sorted(candidates.sample(50, rng(), {(0, 0)})) == list(product(2, 3))[1:]
    assert candidates.sample(1, rng(), set(candidates.index)) == []
    assert candidates.sample(0, rng()) == []


def test_the_last_one_left_of_many_is_found() -> None:
    candidates = Candidates(product(10, 10, 10))
    assert candidates.sample(3, rng(), set(candidates.index) - {(4, 5, 6)}) == [(4, 5, 6)]


def test_samples_follow_the_generator_alone() -> None:
    candidates = Candidates(product(4, 4, 4))
    assert candidates.sample(20, rng(3)) == candidates.sample(20, rng(3))
    assert candidates.sample(20, rng(3)) != candidates.sample(20, rng(4))


# -- neighbours --------------------------------------------------------------------------------


def test_neighbours_in_a_complete_space_are_single_changes_however_few() -> None:
    assert Candidates(product(2, 3)).neighbours((0, 0)) == [(1, 0), (0, 1), (0, 2)]
    # The same list given as a table, in another order, is just as complete.
    table = Candidates(product(2, 3), list(product(2, 3))[::-1])
    assert table.neighbours((0, 0)) == [(1, 0), (0, 1), (0, 2)]


def test_neighbours_in_a_table_with_gaps_are_filled_up_by_distance() -> None:
    space = product(4, 4, 4, 4)
    candidates = Candidates(space, space.sample(30, rng()))
    for arch in candidates.index:
        near = candidates.neighbours(arch)
        assert len(near) == len(set(near)) >= 10
        assert arch not in near
        distances = [sum(a != b for a, b in zip(arch, other, strict=True)) for other in near]
        assert distances == sorted(distances)
        farther = [
            sum(a != b for a, b in zip(arch, other, strict=True))
            for other in candidates.index
            if other not in near and other != arch
        ]
        assert min(farther) >= distances[-1]


def test_a_listed_subset_as_space_counts_as_a_table_with_gaps() -> None:
    space = product(9, 9, archs=[(i, i) for i in range(9)])
    assert len(Candidates(space).neighbours((0, 0))) == 8


def test_few_candidates_are_all_neighbours_and_one_has_none() -> None:
    space = product(4, 4, 4)
    three = Candidates(space, [(0, 0, 0), (3, 3, 3), (0, 3, 3)])
    assert three.neighbours((0, 0, 0)) == [(0, 3, 3), (3, 3, 3)]
    assert Candidates(space, [(0, 0, 0)]).neighbours((0, 0, 0)) == []


def test_neighbours_in_a_space_with_rules_are_those_of_the_space() -> None:
    space = Chains(pool="global", fc_layers=1)
    arch = space.at(500)
    assert Candidates(space).neighbours(arch) == space.neighbours(arch)


# -- nearest -----------------------------------------------------------------------------------


def test_a_candidate_is_nearest_to_itself_unless_excluded() -> None:
    candidates = Candidates(trans_nas_bench_101_micro())
    arch = (0, 1, 2, 3, 0, 1)
    assert candidates.nearest(arch, rng()) == arch
    assert candidates.nearest(np.array(arch), rng()) == arch  # type: ignore[arg-type]
    taken = {arch}
    for _ in range(18):  # every single change comes before any double one
        found = candidates.nearest(arch, rng(), taken)
        assert found in candidates.neighbours(arch)
        assert found not in taken
        taken.add(found)
    second = candidates.nearest(arch, rng(), taken)
    assert second is not None
    assert sum(a != b for a, b in zip(arch, second, strict=True)) == 2


def test_nearest_breaks_ties_by_the_generator() -> None:
    candidates = Candidates(product(5, 5))
    found = {candidates.nearest((0, 0), rng(seed), {(0, 0)}) for seed in range(200)}
    assert found == set(candidates.neighbours((0, 0)))


def test_nearest_to_choices_that_are_no_architecture() -> None:
    candidates = Candidates(Chains(pool="global", fc_layers=1))
    # A second block whose kernel is chosen and whose filters and pooling are absent.
    broken = (0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    assert broken not in candidates
    assert candidates.nearest(broken, rng()) == (0,) * 14


def test_nearest_when_nothing_is_left() -> None:
    candidates = Candidates(product(2))
    assert candidates.nearest((0,), rng(), {(0,), (1,)}) is None


# -- spaces too large to list ------------------------------------------------------------------


@pytest.mark.parametrize(("choices", "variables"), [(10, 18), (4, 200)])
def test_huge_spaces_are_sampled_and_stepped_through(choices: int, variables: int) -> None:
    candidates = Candidates(product(*(choices,) * variables))
    assert not candidates.listed
    assert candidates.size == choices**variables
    assert len(candidates) > 0
    drawn = candidates.sample(50, rng(1))
    assert len(set(drawn)) == 50
    assert all(arch in candidates for arch in drawn)
    assert set(candidates.sample(50, rng(1), set(drawn[:10]))).isdisjoint(drawn[:10])
    assert len(candidates.neighbours(drawn[0])) == variables * (choices - 1)
    assert candidates.nearest(drawn[0], rng(), {drawn[0]}) in candidates.neighbours(drawn[0])
    assert candidates.nearest((choices,) * variables, rng()) in candidates
    assert candidates.encode("one-hot", drawn[:2]).shape == (2, choices * variables)
    with pytest.raises(UserError, match="too many to list"):
        candidates.features("one-hot")


def test_when_all_neighbours_are_taken_in_a_huge_space_any_sample_will_do() -> None:
    candidates = Candidates(product(*(2,) * 40))
    arch = (0,) * 40
    taken = {arch, *candidates.neighbours(arch)}
    found = candidates.nearest(arch, rng(), taken)
    assert found in candidates
    assert found not in taken
