"""Comparisons of two methods and of many equal those of the reference libraries."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from surrobench.errors import UserError
from surrobench.report.statistics.bayesian import bayesian_signed_rank
from surrobench.report.statistics.effects import (
    paired_effect,
    probability_of_improvement,
    rank_biserial,
    seeds_needed,
)
from surrobench.report.statistics.pairs import COLUMNS, compare_pairs
from surrobench.report.statistics.rank_tests import mean_rank_test, rank_test
from surrobench.report.statistics.sign_flips import compare_all


@pytest.fixture
def scores() -> pd.DataFrame:
    """Twelve seeds × four methods; the later is the better."""
    rng = np.random.default_rng(4)
    level = rng.normal(size=(12, 1))
    values = level + rng.normal(scale=0.5, size=(12, 4)) + np.array([0, 0.1, 0.8, 2.0])
    return pd.DataFrame(values, columns=["a", "b", "c", "d"])


def row(table: pd.DataFrame, method: str, other: str) -> pd.Series:
    return table[(table["method"] == method) & (table["other"] == other)].iloc[0]


@pytest.mark.slow
def test_tests_of_pairs_equal_scipy_and_are_adjusted(scores: pd.DataFrame) -> None:
    from statsmodels.stats.multitest import multipletests

    table = compare_pairs(scores)
    half = table[table["method"] < table["other"]]
    expected = [
        stats.permutation_test(
            (scores[a] - scores[b],), np.mean, permutation_type="samples", n_resamples=np.inf
        ).pvalue
        for a, b in half[["method", "other"]].itertuples(index=False)
    ]
    np.testing.assert_allclose(half["p"], expected, rtol=1e-9)
    holm = multipletests(expected, method="holm")[1]
    assert (half["p_adjusted"] >= half["p"]).all()
    assert half["p_adjusted"].sum() < holm.sum()  # the pairs depend on each other
    assert row(table, "d", "a")["outcome"] == "win"
    assert row(table, "a", "d")["outcome"] == "loss"
    assert row(table, "a", "b")["outcome"] == "tie"


def test_no_pair_is_decided_with_five_seeds(scores: pd.DataFrame) -> None:
    few = compare_pairs(scores.head(5))
    assert (few["outcome"] == "").all()
    assert few["p_adjusted"].min() >= 2 / 2**5


def test_a_pair_seen_from_the_other_side_is_turned_round(scores: pd.DataFrame) -> None:
    table = compare_pairs(scores)
    one, other = row(table, "d", "b"), row(table, "b", "d")
    assert one["advantage"] == -other["advantage"] > 0
    assert (one["low"], one["high"]) == (-other["high"], -other["low"])
    assert one["low"] < one["advantage"] < one["high"]
    assert one["probability_of_improvement"] == 1 - other["probability_of_improvement"]
    assert one["seeds_needed"] == other["seeds_needed"]
    assert list(table.columns) == list(COLUMNS)


def test_differences_of_skewed_scores_have_no_interval(scores: pd.DataFrame) -> None:
    plain, skewed = compare_pairs(scores), compare_pairs(scores, skewed=True)
    assert skewed[["low", "high"]].isna().all(axis=None)
    left = ["low", "high"]
    pd.testing.assert_frame_equal(plain.drop(columns=left), skewed.drop(columns=left))


def test_smaller_is_better_turns_the_sign(scores: pd.DataFrame) -> None:
    up, down = compare_pairs(scores), compare_pairs(-scores, larger_is_better=False)
    pd.testing.assert_frame_equal(up, down)


def test_two_seeds_tell_nothing(scores: pd.DataFrame) -> None:
    table = compare_pairs(scores.head(2))
    assert (table["outcome"] == "").all()
    assert table["effect"].isna().all()
    assert table["seeds_needed"].isna().all()
    one = compare_pairs(scores.head(1))
    assert one[["low", "high"]].isna().all(axis=None)


def test_probability_of_improvement_equals_rliable() -> None:
    pytest.importorskip("rliable")
    from rliable import metrics

    rng = np.random.default_rng(1)
    x, y = rng.integers(0, 5, (9, 1)).astype(float), rng.integers(0, 5, (7, 1)).astype(float)
    ours = probability_of_improvement(x.ravel(), y.ravel())
    assert ours == pytest.approx(metrics.probability_of_improvement(x, y))
    assert ours == pytest.approx(np.mean((x > y.T) + 0.5 * (x == y.T)))


def test_effects_of_known_differences() -> None:
    assert paired_effect([1.0, 2.0, 3.0]) == pytest.approx(2.0 * (1 - 3 / 7))
    assert paired_effect([0.0, 0.0, 0.0]) == 0
    assert paired_effect([2.0, 2.0, 2.0]) == np.inf
    assert rank_biserial([1.0, 2.0, -3.0]) == 0
    assert rank_biserial([1.0, 2.0, 4.0]) == 1
    assert np.isnan(rank_biserial([]))


def test_rank_biserial_follows_from_the_statistic_of_wilcoxon() -> None:
    differences = np.random.default_rng(3).normal(0.4, size=15)
    less = stats.wilcoxon(differences).statistic
    assert abs(rank_biserial(differences)) == pytest.approx(1 - 2 * less / (15 * 16 / 2))


@pytest.mark.parametrize("effect", [0.4, 0.8])
def test_with_the_seeds_that_are_needed_the_test_has_its_power(effect: float) -> None:
    seeds = int(seeds_needed(effect))
    rng = np.random.default_rng(0)
    scores = np.zeros((seeds, 2))
    found = []
    for _ in range(500):
        scores[:, 0] = rng.normal(effect, 1.0, size=seeds)
        found.append(compare_all(scores).p[0] < 0.05)
    assert np.mean(found) == pytest.approx(0.8, abs=0.055)  # three standard errors


def test_seeds_needed_at_the_ends() -> None:
    assert seeds_needed(50.0) == 6  # 2 / 2**6 < 0.05 < 2 / 2**5
    assert seeds_needed(0.0) == np.inf
    assert np.isnan(seeds_needed(float("nan")))
    assert seeds_needed(0.3) > seeds_needed(0.6) > seeds_needed(1.2)


def test_rank_tests_equal_scipy_and_approach_scikit_posthocs() -> None:
    import scikit_posthocs

    rng = np.random.default_rng(2)
    scores = pd.DataFrame(rng.normal([0, 0.2, 0.4, 0.5], size=(40, 4)), columns=list("abcd"))
    found = rank_test(scores)
    expected = stats.friedmanchisquare(*(scores[name] for name in scores))
    assert found.statistic == pytest.approx(expected.statistic)
    assert found.p == pytest.approx(expected.pvalue, abs=0.01)
    nemenyi = scikit_posthocs.posthoc_nemenyi_friedman(scores.to_numpy()).to_numpy()
    np.testing.assert_allclose(found.pairs.loc[list("abcd"), list("abcd")], nemenyi, atol=0.03)
    significant = found.pairs < 0.05
    gaps = np.abs(found.ranks.to_numpy()[:, None] - found.ranks.to_numpy())
    np.testing.assert_array_equal(significant, gaps >= found.critical_difference - 1e-9)


def test_ties_count_as_in_scipy() -> None:
    scores = pd.DataFrame(np.random.default_rng(3).integers(0, 3, (9, 4)), columns=list("abcd"))
    expected = stats.friedmanchisquare(*(scores[name] for name in scores)).statistic
    assert rank_test(scores).statistic == pytest.approx(expected)


@pytest.mark.parametrize(("methods", "q"), [(5, 2.728), (10, 3.164)])
def test_critical_differences_approach_the_published_table(methods: int, q: float) -> None:
    ranks = np.random.default_rng(0).permuted(np.tile(np.arange(methods) + 1.0, (60, 1)), axis=1)
    scale = np.sqrt(methods * (methods + 1) / (6 * 60))
    found = mean_rank_test(pd.DataFrame(ranks)).critical_difference
    assert found / scale == pytest.approx(q, rel=0.03)


def test_the_permutations_are_those_of_enumeration() -> None:
    from itertools import permutations, product

    ranks = pd.DataFrame([[1.0, 2.0, 3.0]] * 4, columns=list("abc"))
    orders = list(permutations([1.0, 2.0, 3.0]))
    ranges = [np.ptp(np.sum(drawn, axis=0)) for drawn in product(orders, repeat=4)]
    share = np.mean(np.array(ranges) >= 8)
    assert mean_rank_test(ranks).pairs.loc["a", "c"] == pytest.approx(share, abs=0.003)


def test_ranks_without_a_test_stay_ranks(scores: pd.DataFrame) -> None:
    for few in (scores[["a", "d"]], scores.head(1), scores * 0):
        found = rank_test(few)
        assert np.isnan(found.p)
        assert np.isnan(found.critical_difference)
        assert len(found.ranks) == few.shape[1]
    gap = scores.assign(e=np.nan)
    assert "e" not in rank_test(gap).ranks


@pytest.mark.slow
def test_the_bayesian_test_knows_the_better_and_the_equivalent(scores: pd.DataFrame) -> None:
    pytest.importorskip("baycomp")
    verdict = bayesian_signed_rank(scores["d"], scores["a"])
    assert verdict.better > 0.95
    assert verdict.better + verdict.worse == pytest.approx(1)
    close = bayesian_signed_rank(scores["a"], scores["a"] + 0.001, rope=0.1)
    assert close.equivalent > 0.95
    assert verdict == bayesian_signed_rank(scores["d"], scores["a"])
    with pytest.raises(UserError, match="two pairs"):
        bayesian_signed_rank([1.0], [2.0])


def test_equal_scores_favour_neither() -> None:
    pytest.importorskip("baycomp")
    for scores in ([0.0, 0.0, 0.0], np.arange(12.0)):
        verdict = bayesian_signed_rank(scores, scores, samples=2000)
        assert verdict.better == verdict.worse == pytest.approx(0.5)


def test_the_bayesian_test_seen_from_the_other_side(scores: pd.DataFrame) -> None:
    pytest.importorskip("baycomp")
    tied = scores["a"].where(scores.index % 2 == 0, scores["c"])
    one = bayesian_signed_rank(scores["a"], tied, samples=2000)
    other = bayesian_signed_rank(tied, scores["a"], samples=2000)
    assert (one.better, one.worse) == pytest.approx((other.worse, other.better))
