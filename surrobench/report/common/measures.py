"""The scores that records hold: what they are called and which way is better."""

from __future__ import annotations

from dataclasses import dataclass

from surrobench.errors import UserError, did_you_mean


@dataclass(frozen=True)
class Measure:
    """One score: its column, what it is called and which way is better.

    ``unitless`` scores share one scale on all tasks; the others are in units of the task.
    ``skewed`` scores have a long tail or many equal values at their bound, over seeds: regrets,
    log-likelihoods, seconds. Student's interval of their mean does not keep its level. Without
    ``marked`` no test is made: where scores spread over orders of magnitude, as seconds do, the
    best of several is wrongly called better than others more often than its level says.
    ``perfect`` is the score that nothing exceeds, None where there is none.
    """

    column: str
    label: str
    larger_is_better: bool = True
    unitless: bool = True
    skewed: bool = False
    marked: bool = True
    perfect: float | None = None


def _measure(
    column: str,
    label: str,
    better: str = "larger",
    unitless: bool = True,
    skewed: bool = False,
    perfect: float | None = None,
) -> Measure:
    return Measure(column, label, better == "larger", unitless, skewed, perfect=perfect)


def _seconds(column: str, label: str) -> Measure:
    return Measure(column, label, False, unitless=False, skewed=True, marked=False, perfect=0.0)


_ALL = [
    _measure("kendall_tau", "Kendall τ", perfect=1.0),
    _measure("kendall_tau_top_half", "Kendall τ, top half", perfect=1.0),
    _measure("spearman", "Spearman ρ", perfect=1.0),
    _measure("pearson", "Pearson r", perfect=1.0),
    _measure("precision_at_10", "precision at 10", perfect=1.0),
    _measure("precision_at_50", "precision at 50", perfect=1.0),
    _measure("ndcg_at_50", "nDCG at 50", perfect=1.0),
    _measure("best_of_top_1", "true value of the top 1", unitless=False, skewed=True),
    _measure("best_of_top_10", "best true value of the top 10", unitless=False, skewed=True),
    _measure("regret_at_1", "regret at 1", "smaller", unitless=False, skewed=True, perfect=0.0),
    _measure("regret_at_10", "regret at 10", "smaller", unitless=False, skewed=True, perfect=0.0),
    _measure(
        "best_rank_at_10",
        "best true rank of the top 10",
        "smaller",
        unitless=False,
        skewed=True,
        perfect=1.0,
    ),
    _measure("mae", "mean absolute error", "smaller", unitless=False, perfect=0.0),
    _measure("rmse", "root mean squared error", "smaller", unitless=False, perfect=0.0),
    _measure("nll", "negative log-likelihood", "smaller", unitless=False, skewed=True),
    _measure("crps", "CRPS", "smaller", unitless=False, perfect=0.0),
    _measure("calibration_error", "calibration error", "smaller", perfect=0.0),
    _measure("sharpness", "sharpness (mean predictive s.d.)", "smaller", unitless=False),
    _measure("coverage_50", "coverage of 50 % intervals"),
    _measure("coverage_90", "coverage of 90 % intervals"),
    _measure("coverage_95", "coverage of 95 % intervals"),
    _seconds("fit_seconds", "fit time (s)"),
    _seconds("query_seconds_per_arch", "query time per architecture (s)"),
    _seconds("train_seconds", "training cost of the examples (s)"),
]
MEASURES = {measure.column: measure for measure in _ALL}


def find_measure(column: str) -> Measure:
    """The measure of a column.

    Raises:
        UserError: for a name that is no measure, with the nearest ones.
    """
    if column not in MEASURES:
        raise UserError(f"unknown measure {column!r}. " + did_you_mean(column, MEASURES))
    return MEASURES[column]
