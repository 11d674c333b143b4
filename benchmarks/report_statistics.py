"""Do the tests and intervals of reports keep their level?

    python benchmarks/report_statistics.py results/statistics

Simulates scores of methods that do not differ (or whose means are known) and asks the very
functions that reports call, at 3 to 50 seeds and on 1, 5 and 20 tasks: how often a family of
verdicts has a
wrong one, and how often a 95 % interval holds the truth. Of what is printed only; how often that is
stands beside it. About eight minutes on one core. The command fails if something that is printed
has a level outside of 3 to 7 % or a coverage outside of 92 to 97 % by more than the simulation's
own error.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_variable] = "1"

import numpy as np
import numpy.typing as npt
import pandas as pd
from machine import write_machine
from markdown_table import markdown
from scipy import stats

from surrobench.report.figures.distributions import profiles
from surrobench.report.intervals import mean_intervals
from surrobench.report.measures import MEASURES
from surrobench.report.rank_tests import mean_rank_test
from surrobench.report.scores import Scores
from surrobench.report.search.resampling import (
    interquartile_mean,
    interquartile_mean_band,
    share_interval,
)
from surrobench.report.sign_flips import LEAST_LEVEL, compare_all, compare_with_best
from surrobench.report.style import look

FloatArray = npt.NDArray[np.float64]
Shape = Callable[[FloatArray], FloatArray]
SEEDS, TASKS, METHODS = (3, 5, 10, 20, 50), (1, 5, 20), 8
FAMILIES, INTERVALS = 500, 3000
COMMON = 0.6
"""Correlation of the methods' scores of one seed: all see the same training set."""
LEAST_SHOWN = 0.02
"""What is printed less often than this in a simulation is too rare to judge."""


def _regret(zeros: float) -> Shape:
    def shape(normal: FloatArray) -> FloatArray:
        left = stats.norm.sf(normal) / (1 - zeros)
        return np.where(left >= 1, 0.0, -np.log(left))

    return shape


PLAIN: dict[str, Shape] = {
    "normal": lambda normal: normal,
    "heavy tails (t, 3 d.f.)": lambda normal: stats.t.ppf(stats.norm.cdf(normal), 3),
    "correlations near 0.65": lambda normal: np.tanh(0.8 + 0.3 * normal),
}
SKEWED: dict[str, Shape] = {
    "regret, no zeros": _regret(0.0),
    "regret, half zeros": _regret(0.5),
    "regret, 80 % zeros": _regret(0.8),
    "seconds (log-normal, 0.5)": lambda normal: np.exp(0.5 * normal),
}


def normals(rng: np.random.Generator, *size: int) -> FloatArray:
    """Standard normal, correlated over the last axis (methods)."""
    common = rng.standard_normal((*size[:-1], 1))
    own = rng.standard_normal(size)
    return np.asarray(np.sqrt(COMMON) * common + np.sqrt(1 - COMMON) * own)


def families() -> Iterator[dict[str, object]]:
    """Methods that do not differ on one task: marks against the best, and all pairs."""
    for name, shape in (PLAIN | SKEWED).items():
        for seeds in SEEDS:
            rng = np.random.default_rng(seeds)
            found: dict[str, list[tuple[bool, bool]]] = {"against the best": [], "all pairs": []}
            for _ in range(FAMILIES):
                scores = shape(normals(rng, seeds, METHODS))
                best = compare_with_best(scores, int(scores.mean(axis=0).argmax()))
                pairs = compare_all(scores)
                for what, family in zip(found, (best, pairs), strict=True):
                    shown = family.level >= LEAST_LEVEL
                    found[what].append((shown, bool((family.adjusted < 0.05).any())))
            for what, verdicts in found.items():
                yield {"statistic": what, "scores": name, "seeds": seeds, **_level(verdicts)}


def _level(verdicts: list[tuple[bool, bool]]) -> dict[str, float]:
    """Of families in which marks are printed, those with a wrong one; and of all families."""
    shown, wrong = np.array(verdicts, dtype=bool).T
    return {
        "printed": float(shown.mean()),
        "error": float(wrong[shown].mean()) if shown.mean() >= LEAST_SHOWN else float("nan"),
        "error_of_all": float(wrong.mean()),
        "families": int(shown.sum()),
    }


def over_tables() -> Iterator[dict[str, object]]:
    """Methods that differ on every table, but not on average over tables: ranks and scores."""
    for name, shape in (PLAIN | {"skewed": _regret(0.0)}).items():
        for tables in TASKS[1:]:
            rng = np.random.default_rng(tables)
            found: dict[str, list[tuple[bool, bool]]] = {
                "mean ranks, critical difference": [],
                "mean ranks, best (≈)": [],
                "Friedman": [],
                "scores over tables, best (°)": [],
            }
            for _ in range(FAMILIES):
                scores = shape(normals(rng, tables, METHODS))
                test = mean_rank_test(pd.DataFrame(scores).rank(axis=1, ascending=False))
                shown = bool(np.isfinite(test.critical_difference))
                behind = (test.ranks - test.ranks.min()).to_numpy()
                family = compare_with_best(scores, int(scores.mean(axis=0).argmax()))
                outcomes = (
                    (shown, bool((test.pairs < 0.05).any(axis=None))),
                    (shown, bool((behind >= test.critical_difference).any())),
                    (shown, test.p < 0.05),
                    (family.level >= LEAST_LEVEL, bool((family.adjusted < 0.05).any())),
                )
                for what, outcome in zip(found, outcomes, strict=True):
                    found[what].append(outcome)
            for what, verdicts in found.items():
                yield {"statistic": what, "scores": name, "tables": tables, **_level(verdicts)}


def one_task_ranks() -> Iterator[dict[str, object]]:
    """The diagram of a single task, whose blocks are seeds."""
    for seeds in SEEDS:
        rng = np.random.default_rng(seeds)
        verdicts = []
        for _ in range(FAMILIES):
            test = mean_rank_test(pd.DataFrame(normals(rng, seeds, METHODS)).rank(axis=1))
            shown = bool(np.isfinite(test.critical_difference))
            verdicts.append((shown, bool((test.pairs < 0.05).any(axis=None))))
        what = "mean ranks over seeds of one task"
        yield {"statistic": what, "scores": "any", "seeds": seeds, **_level(verdicts)}


def _covered(low: FloatArray, high: FloatArray, truth: float | FloatArray) -> dict[str, float]:
    shown = np.isfinite(low)
    inside = ((low <= truth) & (truth <= high))[shown]
    enough = shown.mean() >= LEAST_SHOWN
    return {
        "printed": float(shown.mean()),
        "coverage": float(inside.mean()) if enough else float("nan"),
        "intervals": int(shown.sum()),
    }


def over_seeds() -> Iterator[dict[str, object]]:
    """Means on one task, differences of two methods, interquartile means along a search."""
    for name, shape in (PLAIN | SKEWED).items():
        skewed = name in SKEWED
        large = shape(normals(np.random.default_rng(0), 2_000_000, 1)[:, 0])
        truth, middle = float(large.mean()), float(interquartile_mean(large))
        for seeds in SEEDS:
            rng = np.random.default_rng(seeds)
            two = shape(normals(rng, seeds, INTERVALS, 2))
            values = two[..., 0]
            behind = values - 1.5 * two[..., 1]
            row = {"scores": name, "seeds": seeds}
            low, high = mean_intervals(values, skewed)
            yield {"statistic": "mean", **row, **_covered(low, high, truth)}
            low, high = mean_intervals(behind, skewed)
            yield {"statistic": "difference", **row, **_covered(low, high, -0.5 * truth)}
            if skewed:
                low, high = interquartile_mean_band(values)
                yield {"statistic": "interquartile mean of a search", **row,
                       **_covered(low, high, middle)}  # fmt: skip


def shares() -> Iterator[dict[str, object]]:
    """Share of runs that found the optimum, over true shares from 0.05 to 0.95."""
    for runs in SEEDS:
        rng = np.random.default_rng(runs)
        truth = rng.uniform(0.05, 0.95, INTERVALS)
        known = {hits: share_interval(hits, runs) for hits in range(runs + 1)}
        limits = np.array([known[int(hits)] for hits in rng.binomial(runs, truth)])
        row = {"statistic": "share of runs at the optimum", "scores": "shares", "seeds": runs}
        yield {**row, **_covered(limits[:, 0], limits[:, 1], truth)}


def _scores(tasks: int, values: FloatArray, measure: str = "kendall_tau") -> Scores:
    """Of ``tasks × seeds × methods``, each task a table of its own."""
    names = [f"m{place}" for place in range(values.shape[2])]
    tables = {f"t{task}": pd.DataFrame(values[task], columns=names) for task in range(tasks)}
    looks = {name: look(name) for name in names}
    return Scores(tables, MEASURES[measure], names, looks, measure, "", "")


def together() -> Iterator[dict[str, object]]:
    """Means and interquartile means over tasks, and performance profiles."""
    for name, shape in PLAIN.items():
        pool = shape(normals(np.random.default_rng(0), 1_000_000, 1)[:, 0])
        noise = shape(normals(np.random.default_rng(1), 1_000_000, 1)[:, 0]) - pool.mean()
        centre, middle = float(pool.mean()), float(interquartile_mean(pool))
        for tasks in TASKS:
            for seeds in SEEDS:
                rng = np.random.default_rng([tasks, seeds])
                yield from _together(rng, name, shape, tasks, seeds, (centre, middle))
                yield _profiled(rng, name, noise, tasks, seeds)


def _together(
    rng: np.random.Generator,
    name: str,
    shape: Shape,
    tasks: int,
    seeds: int,
    truth: tuple[float, float],
) -> Iterator[dict[str, object]]:
    """Effects of tables are draws where there are enough tables; one task has none."""
    tables = []
    for _ in range(FAMILIES // METHODS):
        noise = shape(rng.standard_normal((tasks, seeds, METHODS)))
        if tasks > 1:
            effect = shape(rng.standard_normal((tasks, 1, METHODS)))
            noise = effect + 0.3 * (noise - truth[0])
        tables.append(_scores(tasks, noise).aggregates())
    table = pd.concat(tables)
    over = str(table["over"].iloc[0])
    for kind, value in zip(("mean", "iqm"), truth, strict=True):
        low, high = table[f"{kind}_low"].to_numpy(float), table[f"{kind}_high"].to_numpy(float)
        row = {"statistic": f"aggregate {kind} over {over}", "scores": name, "tasks": tasks}
        yield {**row, "seeds": seeds, **_covered(low, high, value)}


def _profiled(
    rng: np.random.Generator, name: str, noise: FloatArray, tasks: int, seeds: int
) -> dict[str, object]:
    """All thresholds of a profile together; the tasks are given."""
    ordered = np.sort(noise)
    low, high, truth = [], [], []
    for _ in range(60):
        levels = rng.normal(size=tasks)
        values = levels[:, None, None] + rng.choice(noise, size=(tasks, seeds, 2))
        table = profiles(_scores(tasks, values).tables, ["m0", "m1"])
        places = table["threshold"].to_numpy()[:, None] - levels
        truth.append((1 - np.searchsorted(ordered, places) / ordered.size).mean(axis=1))
        low.append(table["low"].to_numpy())
        high.append(table["high"].to_numpy())
    found = _covered(*(np.concatenate(part) for part in (low, high, truth)))
    return {"statistic": "performance profile", "scores": name, "tasks": tasks, "seeds": seeds,
            **found, "intervals": 120}  # fmt: skip


def ranks() -> Iterator[dict[str, object]]:
    """Mean ranks over tables, of methods that differ."""
    strengths = np.linspace(0.0, 1.5, METHODS)
    large = np.random.default_rng(0).standard_normal((200_000, METHODS)) + strengths
    truth = stats.rankdata(-large, axis=1).mean(axis=0)
    for tables in TASKS[1:]:
        rng = np.random.default_rng(tables)
        drawn = rng.standard_normal((INTERVALS // METHODS, tables, METHODS)) + strengths
        found = [mean_intervals(stats.rankdata(-part, axis=1)) for part in drawn]
        low, high = (np.concatenate(side) for side in zip(*found, strict=True))
        row = {"statistic": "mean rank over tables", "scores": "ranks", "tasks": tables}
        yield {**row, **_covered(low, high, np.tile(truth, len(drawn)))}


def outside(table: pd.DataFrame, column: str, low: float, high: float, count: str) -> pd.DataFrame:
    """Rows beyond the limits by more than two standard errors of the simulation."""
    shares = table[column]
    error = 2 * np.sqrt((shares * (1 - shares)).clip(lower=0.01) / table[count])
    return table[(shares < low - error) | (shares > high + error)]


HEADS = {"statistic": "statistic", "scores": "scores", "tables": "tables", "tasks": "tasks",
         "seeds": "seeds", "printed": "printed in", "error": "wrong, of the printed",
         "error_of_all": "wrong, of all", "coverage": "coverage"}  # fmt: skip


def write(folder: Path, name: str, rows: Iterator[dict[str, object]]) -> pd.DataFrame:
    """A table as CSV and Markdown."""
    table = pd.DataFrame(rows)
    table.to_csv(folder / f"{name}.csv", index=False, float_format="%.4f")
    shown = table.copy()
    for column in ("printed", "error", "error_of_all", "coverage"):
        if column in shown:
            shown[column] = [
                "–" if np.isnan(share) else f"{100 * share:.1f} %" for share in shown[column]
            ]
    if "seeds" in shown:
        shown["seeds"] = ["–" if pd.isna(seeds) else f"{seeds:.0f}" for seeds in shown["seeds"]]
    heads = {key: head for key, head in HEADS.items() if key in shown}
    (folder / f"{name}.md").write_text(markdown(shown, heads), encoding="utf-8")
    return table


def main(folder: Path) -> int:
    """Write both tables; the exit status says whether everything printed keeps its level."""
    folder.mkdir(parents=True, exist_ok=True)
    write_machine(folder)

    def all_tests() -> Iterator[dict[str, object]]:
        yield from over_tables()
        yield from one_task_ranks()
        yield from families()

    def all_intervals() -> Iterator[dict[str, object]]:
        for part in (over_seeds, shares, ranks, together):
            yield from part()

    tests = write(folder, "tests", all_tests())
    intervals = write(folder, "intervals", all_intervals())
    wrong = outside(tests, "error", 0.03, 0.07, "families")
    missed = outside(intervals, "coverage", 0.92, 0.97, "intervals")
    for rows in (wrong, missed):
        if len(rows):
            print(rows.to_string())
    return int(bool(len(wrong) or len(missed)))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
