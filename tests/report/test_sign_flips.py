"""Sign flips: equal to enumeration and to scipy, and silent where nothing can be found."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
from scipy import stats

from surrobench.report.statistics.sign_flips import (
    EXACT,
    FLIPS,
    compare_all,
    compare_with_best,
    signs,
)


def draw(blocks: int, methods: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(blocks, 1)) + 0.5 * rng.normal(size=(blocks, methods))


def test_all_flips_are_gone_through_and_many_are_drawn_from_the_identity_on() -> None:
    assert {tuple(row) for row in signs(3)} == set(product([-1.0, 1.0], repeat=3))
    many = signs(EXACT + 5)
    assert many.shape == (FLIPS, EXACT + 5)
    assert (many[0] == 1).all()
    assert signs(EXACT + 5) is many


def test_two_methods_are_the_permutation_test_of_scipy() -> None:
    scores = draw(9, 2)
    expected = stats.permutation_test(
        (scores[:, 0] - scores[:, 1],), np.mean, permutation_type="samples", n_resamples=np.inf
    ).pvalue
    both = compare_all(scores)
    assert both.p[0] == both.adjusted[0] == pytest.approx(expected)
    best = int(scores.mean(axis=0).argmax())
    assert compare_with_best(scores, best).adjusted[1 - best] == pytest.approx(expected)


def test_step_down_equals_its_definition() -> None:
    scores = draw(7, 4)
    scores[:, 3] += 2.0
    pairs = list(combinations(range(4), 2))
    differences = np.array([scores[:, a] - scores[:, b] for a, b in pairs]).T
    norm = np.sqrt((differences**2).sum(axis=0))
    outcomes = np.array(
        [np.abs(np.array(flip) @ differences) / norm for flip in product([1, -1], repeat=7)]
    )
    observed = outcomes[0]
    expected, least = np.empty(6), 0.0
    order = np.argsort(-observed)
    for place, pair in enumerate(order):
        greatest = outcomes[:, order[place:]].max(axis=1)
        least = max(least, float((greatest >= observed[pair] - 1e-9).mean()))
        expected[pair] = least
    found = compare_all(scores)
    np.testing.assert_allclose(found.adjusted, expected)
    assert (found.adjusted >= found.p).all()


def test_the_best_is_chosen_again_in_every_flip() -> None:
    scores = draw(7, 4)
    best = int(scores.mean(axis=0).argmax())
    greatest = []
    for flip in product([1, -1], repeat=7):
        turned = np.array(flip)[:, None] * (scores - scores.mean(axis=1, keepdims=True))
        ahead = turned[:, [int(turned.mean(axis=0).argmax())]] - turned
        norm = np.sqrt((ahead**2).sum(axis=0))
        greatest.append(max(ahead.sum(axis=0)[norm > 0] / norm[norm > 0]))
    found = compare_with_best(scores, best)
    for method in range(4):
        if method != best:
            ahead = scores[:, best] - scores[:, method]
            own = ahead.sum() / np.sqrt((ahead**2).sum())
            expected = max(np.mean(np.array(greatest) >= own - 1e-9), found.p[method])
            assert found.adjusted[method] == pytest.approx(expected)
    assert np.isnan(found.adjusted[best])


def test_the_family_keeps_its_level() -> None:
    rng = np.random.default_rng(5)
    wrong = 0
    for _ in range(400):
        scores = rng.normal(size=(8, 1)) + rng.normal(size=(8, 6))
        found = compare_with_best(scores, int(scores.mean(axis=0).argmax()))
        assert 0.03 <= found.level <= 0.05
        wrong += (found.adjusted < 0.05).any()
    assert 0.02 <= wrong / 400 <= 0.08  # three standard errors


@pytest.mark.parametrize("blocks", [0, 1, 3, 5])
def test_few_blocks_find_nothing_and_say_so(blocks: int) -> None:
    scores = np.arange(blocks * 3.0).reshape(blocks, 3) ** 2
    for found in (compare_all(scores), compare_with_best(scores, 2)):
        assert found.level == 0
        assert not (found.adjusted < 0.05).any()
        assert not found.conclusive.any()


def test_five_blocks_cannot_tell_two_methods_apart() -> None:
    scores = np.array([[3.0, 0.0]] * 5)
    for found in (compare_all(scores), compare_with_best(scores, 0)):
        assert found.level == 0
        assert not found.conclusive.any()


def test_six_blocks_can_tell_and_many_zeros_cannot() -> None:
    assert compare_all(draw(6, 2)).level == pytest.approx(2 / 64)
    scores = np.zeros((20, 3))
    scores[:3, 1], scores[:4, 2] = 1.0, 0.7
    found = compare_all(scores)
    assert not found.conclusive.any()
    assert not (found.adjusted < 0.05).any()


def test_methods_that_are_mostly_equal_are_no_draw() -> None:
    rng = np.random.default_rng(3)
    scores = np.where(rng.random((40, 4)) < 0.85, 0.0, -rng.exponential(size=(40, 4)))
    for found in (compare_all(scores), compare_with_best(scores, int(scores.mean(0).argmax()))):
        assert found.level > 0.03  # that the flips have
        assert not found.sound
        assert not found.conclusive.any()
    scores[:, 1:] -= 5.0
    assert (compare_with_best(scores, 0).adjusted[1:] < 0.05).all()  # what is found stays found


def test_missing_blocks_are_left_out_of_their_pairs() -> None:
    scores = draw(10, 3)
    scores[:4, 2] = np.nan
    found = compare_all(scores)
    alone = compare_all(scores[4:, [0, 2]])
    assert found.p[1] == pytest.approx(alone.p[0])
    assert np.isnan(compare_all(np.column_stack([scores[:, 0], np.full(10, np.nan)])).p[0])


def test_order_of_methods_and_unit_do_not_matter() -> None:
    scores = draw(15, 4)
    found, turned = compare_all(scores), compare_all(1000 * scores[:, ::-1])
    np.testing.assert_allclose(found.adjusted, turned.adjusted[::-1])
