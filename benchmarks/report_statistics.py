"""Do the tests and intervals of reports keep their level?

    python benchmarks/report_statistics.py results/statistics

Simulates scores of methods that do not differ (or whose means are known) and asks the very
functions that reports call, at 3 to 50 seeds and on 1 to 20 tasks: how often a family of verdicts
has a wrong one, and how often a 95 % interval holds the truth. Of what is printed only; how often
that is stands beside it. About eleven minutes on one core. The command fails if something that is
printed has a level outside of 3 to 7 % or a coverage outside of 92 to 97 % by more than two
standard errors of the simulation. A part whose file is there is not simulated again: delete the
file of what has changed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_variable] = "1"

import numpy as np
import numpy.typing as npt
import pandas as pd
from machine import write_machine
from markdown_table import markdown
from scipy import stats

from surrobench.report.search.resampling import (
    interquartile_mean,
    interquartile_mean_band,
    share_interval,
)
from surrobench.report.statistics.bootstrap import counts, limits, stratified_interval
from surrobench.report.statistics.intervals import (
    mean_intervals,
    stratified_mean_interval,
    trimmed_mean_interval,
)
from surrobench.report.statistics.rank_tests import mean_rank_test
from surrobench.report.statistics.sign_flips import compare_all, compare_with_best

FloatArray = npt.NDArray[np.float64]
Shape = Callable[[FloatArray], FloatArray]
SEEDS, TABLES, METHODS = (3, 5, 10, 20, 50), (5, 10, 20), 8
FAMILIES, RANKED, INTERVALS, RESAMPLED = 1000, 600, 3000, 1000
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
    "regret, a third zeros": _regret(1 / 3),
    "regret, half zeros": _regret(0.5),
    "regret, 80 % zeros": _regret(0.8),
    "seconds (log-normal, 0.5)": lambda normal: np.exp(0.5 * normal),
    "seconds (log-normal, 1)": lambda normal: np.exp(normal),
}

INTERVALS_ONLY = (
    "regret, a third zeros",
    "seconds (log-normal, 0.5)",
    "seconds (log-normal, 1)",
)
"""Shapes of intervals alone: the first lies between others, and seconds get no marks."""


def normals(rng: np.random.Generator, *size: int) -> FloatArray:
    """Standard normal, correlated over the last axis (methods)."""
    common = rng.standard_normal((*size[:-1], 1))
    own = rng.standard_normal(size)
    return np.asarray(np.sqrt(COMMON) * common + np.sqrt(1 - COMMON) * own)


def families() -> Iterator[dict[str, object]]:
    """Methods that do not differ on one task: marks against the best, and all pairs."""
    shapes = {name: shape for name, shape in (PLAIN | SKEWED).items() if name not in INTERVALS_ONLY}
    for name, shape in shapes.items():
        sign = -1.0 if name in SKEWED else 1.0  # of regrets the smallest is the best
        for seeds in SEEDS:
            rng = np.random.default_rng(seeds)
            found: dict[str, list[tuple[bool, bool]]] = {"against the best": [], "all pairs": []}
            for _ in range(FAMILIES):
                scores = sign * shape(normals(rng, seeds, METHODS))
                best = compare_with_best(scores, int(scores.mean(axis=0).argmax()))
                pairs = compare_all(scores)
                for what, family in zip(found, (best, pairs), strict=True):
                    wrong = bool((family.adjusted < 0.05).any())
                    found[what].append((family.sound, wrong))
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
        for tables in TABLES:
            rng = np.random.default_rng(tables)
            found: dict[str, list[tuple[bool, bool]]] = {
                "mean ranks, critical difference": [],
                "mean ranks, best (≈)": [],
                "Friedman": [],
                "scores over tables, best (°)": [],
            }
            for _ in range(RANKED):
                scores = shape(normals(rng, tables, METHODS))
                test = mean_rank_test(pd.DataFrame(scores).rank(axis=1, ascending=False))
                shown = bool(np.isfinite(test.critical_difference))
                behind = (test.ranks - test.ranks.min()).to_numpy()
                family = compare_with_best(scores, int(scores.mean(axis=0).argmax()))
                outcomes = (
                    (shown, bool((test.pairs < 0.05).any(axis=None))),
                    (shown, bool((behind >= test.critical_difference).any())),
                    (shown, test.p < 0.05),
                    (family.sound, bool((family.adjusted < 0.05).any())),
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
        for _ in range(RANKED):
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
    """Means on one task, differences of two methods, interquartile means along a search.

    Tables print a mean with half of the width of its interval, which for skewed values is no more
    the interval itself.
    """
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
            if not skewed:
                low, high = mean_intervals(behind)
                yield {"statistic": "difference", **row, **_covered(low, high, -0.5 * truth)}
                continue
            mean, half = values.mean(axis=0), (high - low) / 2
            yield {"statistic": "mean ± half, as in tables", **row,
                   **_covered(mean - half, mean + half, truth)}  # fmt: skip
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


def given_tasks() -> Iterator[dict[str, object]]:
    """Mean and interquartile mean of one task, or of three that differ; runs are draws."""
    for name, shape in PLAIN.items():
        noise = shape(np.random.default_rng(0).standard_normal(500_000))
        for tasks in (1, 3):
            levels = np.arange(tasks) * noise.std()
            mixed = (noise[:, None] + levels).ravel()
            truth = {"mean": float(mixed.mean()), "interquartile mean": float(
                interquartile_mean(mixed))}  # fmt: skip
            for seeds in SEEDS:
                rng = np.random.default_rng([tasks, seeds])
                drawn = shape(rng.standard_normal((RESAMPLED, tasks, seeds))) + levels[:, None]
                found = {
                    "mean": [stratified_mean_interval(list(runs)) for runs in drawn],
                    "interquartile mean": [stratified_interval(list(runs)) for runs in drawn],
                }
                for what, ends in found.items():
                    low, high = np.array(ends).T
                    row = {"statistic": f"{what} of given tasks", "scores": name, "tasks": tasks}
                    yield {**row, "seeds": seeds, **_covered(low, high, truth[what])}


def _table_means(rng: np.random.Generator, shape: Shape, tables: int, count: int) -> FloatArray:
    """Means over ten seeds on tables that are draws (``tables × count``); seeds vary less."""
    effects = shape(rng.standard_normal((tables, count)))
    return np.asarray(effects + 0.1 * rng.standard_normal((tables, count)) * effects.std())


def drawn_tables() -> Iterator[dict[str, object]]:
    """Mean and interquartile mean over tables, which speak of other tables."""
    for name, shape in PLAIN.items():
        large = _table_means(np.random.default_rng(0), shape, 1000, 1000).ravel()
        for tables in TABLES:
            values = _table_means(np.random.default_rng(tables), shape, tables, INTERVALS)
            row = {"scores": name, "tables": tables}
            low, high = mean_intervals(values)
            yield {"statistic": "mean over tables", **row, **_covered(low, high, large.mean())}
            low, high = np.array([trimmed_mean_interval(one) for one in values.T]).T
            yield {"statistic": "interquartile mean over tables", **row,
                   **_covered(low, high, float(interquartile_mean(large)))}  # fmt: skip


def clustered() -> Iterator[dict[str, object]]:
    """Student over the means of tables, which reports print, beside resampled tables."""
    for name, shape in (PLAIN | {"skewed": _regret(0.0)}).items():
        truth = float(_table_means(np.random.default_rng(0), shape, 1000, 1000).mean())
        for tables in TABLES:
            values = _table_means(np.random.default_rng(tables), shape, tables, INTERVALS)
            row: dict[str, object] = {"scores": name, "tables": tables}
            for what, ends in {
                "student": mean_intervals(values),
                "bootstrap": limits(counts(tables).T @ values / tables, 0.025),
            }.items():
                row[what] = _covered(*ends, truth)["coverage"]
            yield row


def ranks() -> Iterator[dict[str, object]]:
    """Mean ranks over tables, of methods that differ; within the limits that ranks have."""
    strengths = np.linspace(0.0, 1.5, METHODS)
    large = np.random.default_rng(0).standard_normal((200_000, METHODS)) + strengths
    truth = stats.rankdata(-large, axis=1).mean(axis=0)
    for tables in TABLES:
        rng = np.random.default_rng(tables)
        drawn = rng.standard_normal((INTERVALS // METHODS, tables, METHODS)) + strengths
        found = [mean_intervals(stats.rankdata(-part, axis=1)) for part in drawn]
        low, high = (np.concatenate(side) for side in zip(*found, strict=True))
        row = {"statistic": "mean rank over tables", "scores": "ranks", "tables": tables}
        yield {**row, **_covered(low, high, np.tile(truth, len(drawn)))}


def outside(table: pd.DataFrame, column: str, low: float, high: float, count: str) -> pd.DataFrame:
    """Rows beyond the limits by more than two standard errors of the simulation."""
    shares = table[column]
    error = 2 * np.sqrt((shares * (1 - shares)).clip(lower=0.01) / table[count])
    return table[(shares < low - error) | (shares > high + error)]


Parts = Sequence[Callable[[], Iterator[dict[str, object]]]]
TESTS: Parts = (families, over_tables, one_task_ranks)
LIMITS: Parts = (over_seeds, shares, given_tasks, drawn_tables, ranks)
HEADS = {"statistic": "statistic", "scores": "scores", "tables": "tables", "tasks": "tasks",
         "seeds": "seeds", "printed": "printed in", "error": "wrong, of the printed",
         "error_of_all": "wrong, of all", "coverage": "coverage",
         "student": "Student over table means",
         "bootstrap": "bootstrap clustered by table"}  # fmt: skip
SHARES = ("printed", "error", "error_of_all", "coverage", "student", "bootstrap")


def simulated(folder: Path, part: Callable[[], Iterator[dict[str, object]]]) -> pd.DataFrame:
    """The rows of a part, from its file if that is there; each is printed when it is known."""
    name = part.__name__.replace("_", "-")
    file = folder / f"{name}.csv"
    if not file.exists():
        rows = []
        for row in part():
            print(name, *(f"{key} {value}" for key, value in row.items()), sep=", ", flush=True)
            rows.append(row)
        pd.DataFrame(rows).to_csv(file, index=False, float_format="%.3f")
    return pd.read_csv(file)


def write(folder: Path, name: str, parts: Parts) -> pd.DataFrame:
    """Simulate what is missing of the parts and write them as one Markdown table."""
    table = pd.concat([simulated(folder, part) for part in parts], ignore_index=True)
    shown = table.copy()
    for column in SHARES:
        if column in shown:
            shown[column] = [
                "–" if np.isnan(share) else f"{100 * share:.1f} %" for share in shown[column]
            ]
    for column in {"seeds", "tasks", "tables"} & set(shown):
        shown[column] = ["–" if pd.isna(count) else f"{count:.0f}" for count in shown[column]]
    heads = {key: head for key, head in HEADS.items() if key in shown}
    (folder / f"{name}.md").write_text(markdown(shown, heads), encoding="utf-8")
    return table


def main(folder: Path) -> int:
    """Write all tables; the exit status says whether everything printed keeps its level."""
    folder.mkdir(parents=True, exist_ok=True)
    write_machine(folder)
    tests = write(folder, "tests", TESTS)
    intervals = write(folder, "intervals", LIMITS)
    write(folder, "clusters", [clustered])
    wrong = outside(tests, "error", 0.03, 0.07, "families")
    missed = outside(intervals, "coverage", 0.92, 0.97, "intervals")
    for rows, what in ((wrong, "tests"), (missed, "intervals")):
        print(rows.to_string() if len(rows) else f"All {what} that are printed hold.")
    return int(bool(len(wrong) or len(missed)))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
