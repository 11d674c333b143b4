"""The in-context predictor beside Gaussian processes on few examples of published tables.

    python benchmarks/pfn.py results/pfn             # the tasks of @core
    python benchmarks/pfn.py results/pfn --of dev    # those that were looked at during training
    python benchmarks/pfn.py results/pfn --of rest   # a task of each of the other tables

Every predictor meets the same examples and the same 2,000 other architectures (``grouped-2000``),
with quantile-normal targets; predictors take turns, so that their CPU seconds (fit and prediction
of the 2,000) are of the same minutes. ``core-cells.csv`` (and so on) has a row for each predictor,
task, size and seed; finished rows are kept. ``core.csv`` and ``core.md`` compare with
``gp-matern52+quantile-normal``: the CRPS as a ratio (geometric mean over tables, after that over
the tasks of each), tau as a difference, each with 95 % percentiles of tables drawn with
replacement. ``all.csv`` and ``all.md`` do so over whatever is there of the three; ``tasks.csv`` has
the means over seeds.
"""

from __future__ import annotations

import argparse
import csv
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_variable] = "1"

import numpy as np
import pandas as pd
import torch
from markdown_table import markdown

from surrobench import load_task, make_predictor
from surrobench.arrays import FloatArray
from surrobench.encodings.column_blocks import with_blocks
from surrobench.encodings.default import default_encoding
from surrobench.metrics.calibration import coverage
from surrobench.metrics.ranking import kendall_tau
from surrobench.predictors.predictive import predict
from surrobench.predictors.protocol import Predictor
from surrobench.studies.prediction.protocols import split
from surrobench.tasks.collections import CORE

DEV = (
    "hat/iwslt14deen-gpu-titanxp-encoder",
    "hat/wmt14ende-cpu-xeon-decoder",
    "hwgpt/s-perplexity",
    "lcbench/adult",
    "lcbench/helena",
    "nbgraph/cora",
    "nbgraph/proteins",
    "steplaw/dense-268m",
    "steplaw/moe",
    "tnb101-macro/room_layout",
    "tnb101-micro/jigsaw",
    "tnb101-micro/segmentsemantic",
)
"""Of other tables, and other spaces, than those of @core."""
REST = (
    "darts-oncenas/accuracy-50",
    "live/digits-chain",
    "nb201/cifar10-val",
    "nb201-360/ninapro",
    "nb201-hw/cifar10-edgegpu-latency",
    "nbnlp-wikitext2/val-loss",
    "suite-zero-nb201/svhn",
    "suite-zero-nb301/svhn",
    "suite-zero-tnb101-micro/svhn",
    "vitbench-autoformer/c100-base",
    "vitbench-pit/c100-base",
)
"""The first task of each table that has none among the others."""
SETS: Mapping[str, Sequence[str]] = {"core": CORE, "dev": DEV, "rest": REST}
BASE, OWN = "gp-matern52+quantile-normal", "pfn"
PREDICTORS = (
    BASE,
    "gp-matern52-ard+quantile-normal",
    "gp-mixed+quantile-normal",
    "svr+quantile-normal",
    "bayesian-ridge+quantile-normal",
    OWN,
)
SIZES, SEEDS, DRAWS = (16, 32, 64), 10, 10_000
SCORES = ("tau", "log_crps", "coverage_90")
COLUMNS = (
    *("task", "train_size", "seed", "predictor"),
    *("tau", "crps", "log_crps", "nll", "coverage_90", "fit_seconds", "query_seconds"),
)


def recipes_of(name: str) -> dict[str, Predictor]:
    """What is compared, whatever the task."""
    return {predictor: make_predictor(predictor) for predictor in PREDICTORS}


def cells_of(
    name: str, n: int, seed: int, recipes: Mapping[str, Predictor]
) -> Iterator[tuple[object, ...]]:
    """A row for every predictor on one split."""
    task = load_task(name)
    encoding = default_encoding(task.space)
    X = torch.tensor(np.asarray(task.encode(encoding), dtype=np.float64))
    y = torch.tensor(task.truth).unsqueeze(-1)
    train, test = split(task, "grouped-2000", n, seed)
    truth = task.truth[test]
    for predictor, plain in recipes.items():
        recipe = with_blocks(plain, encoding, task.space, task.columns)
        started = time.process_time()
        model = recipe.fit(X[train], y[train], seed=seed)
        fitted = time.process_time()
        answer = predict(model, X[test])
        asked = time.process_time() - fitted
        crps = float(np.mean(answer.crps(truth)))
        scores = (
            kendall_tau(truth, answer.median),
            crps,
            math.log(crps),
            -float(np.mean(answer.log_density(truth))),
            coverage(answer.cdf(truth), 0.9),
        )
        yield name, n, seed, predictor, *scores, fitted - started, asked


def run(
    file: Path,
    tasks: Sequence[str],
    recipes: Callable[[str], Mapping[str, Predictor]] = recipes_of,
    seeds: Sequence[int] = range(SEEDS),
) -> pd.DataFrame:
    """Compute what is missing in a file of cells.

    Args:
        file: that is read and appended to.
        tasks: names of tasks.
        recipes: what is compared on a task, by name.
        seeds: of the draws.
    """
    if not file.exists():
        file.write_text(",".join(COLUMNS) + "\n", encoding="utf-8")
    known = pd.read_csv(file)
    done = set(zip(known["task"], known["train_size"], known["seed"], strict=True))
    for name in tasks:
        for n in SIZES:
            for seed in (seed for seed in seeds if (name, n, seed) not in done):
                with file.open("a", newline="", encoding="utf-8") as stream:
                    csv.writer(stream).writerows(
                        [f"{cell:.6g}" if isinstance(cell, float) else cell for cell in row]
                        for row in list(cells_of(name, n, seed, recipes(name)))
                    )
    return pd.read_csv(file)


def compared(
    cells: pd.DataFrame, predictors: Sequence[str] = PREDICTORS, base: str = BASE
) -> pd.DataFrame:
    """Every predictor beside a base at each size: a row each."""
    cells = cells.assign(
        seconds=cells["fit_seconds"] + cells["query_seconds"],
        table=cells["task"].str.split("/").str[0],
    )
    of = ["train_size", "predictor"]
    by_task = cells.groupby([*of, "table", "task"])[list(SCORES)].mean()
    means = by_task.groupby([*of, "table"]).mean()
    seconds = cells.groupby(of)["seconds"].median()
    rows = []
    for n in SIZES:
        other = means.loc[n, base]
        for predictor in predictors:
            own = means.loc[n, predictor]
            low, ratio, high = _interval((own["log_crps"] - other["log_crps"]).to_numpy())
            worse, gain, better = _interval((own["tau"] - other["tau"]).to_numpy())
            rows.append(
                {
                    "train_size": n,
                    "predictor": predictor,
                    "tables": len(own),
                    "crps_ratio": np.exp(ratio),
                    "crps_low": np.exp(low),
                    "crps_high": np.exp(high),
                    "crps_wins": int((own["log_crps"] < other["log_crps"]).sum()),
                    "tau": own["tau"].mean(),
                    "tau_gain": gain,
                    "tau_low": worse,
                    "tau_high": better,
                    "tau_wins": int((own["tau"] > other["tau"]).sum()),
                    "coverage_90": own["coverage_90"].mean(),
                    "milliseconds": 1e3 * seconds[n, predictor],
                }
            )
    return pd.DataFrame(rows)


def _interval(values: FloatArray) -> tuple[float, float, float]:
    """Mean over tables between 95 % percentiles of tables drawn with replacement."""
    rows = np.random.default_rng(0).integers(len(values), size=(DRAWS, len(values)))
    low, high = np.quantile(values[rows].mean(axis=1), [0.025, 0.975])
    return float(low), float(values.mean()), float(high)


def table(rows: pd.DataFrame) -> str:
    """The comparison as a page shows it."""
    shown = pd.DataFrame(
        {
            "examples": rows["train_size"],
            "predictor": [f"`{name}`" for name in rows["predictor"]],
            "CRPS, ratio": [
                "1"
                if row.predictor == BASE
                else f"{row.crps_ratio:.3f} ({row.crps_low:.3f}–{row.crps_high:.3f})"
                for row in rows.itertuples()
            ],
            "τ": [f"{tau:.3f}" for tau in rows["tau"]],
            "τ, difference": [
                "0"
                if row.predictor == BASE
                else f"{row.tau_gain:+.3f} ({row.tau_low:+.3f} to {row.tau_high:+.3f})"
                for row in rows.itertuples()
            ],
            "90 % intervals cover": [f"{100 * share:.0f} %" for share in rows["coverage_90"]],
            "CPU ms": [f"{ms:.0f}" for ms in rows["milliseconds"]],
        }
    )
    return markdown(shown, {column: column for column in shown})


def main() -> None:
    """Run what is missing and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--of", choices=SETS, default="core", help="which tasks")
    given = parser.parse_args()
    torch.set_num_threads(1)
    given.folder.mkdir(parents=True, exist_ok=True)
    cells = run(given.folder / f"{given.of}-cells.csv", SETS[given.of])
    write(given.folder / given.of, cells)
    files = {name: given.folder / f"{name}-cells.csv" for name in SETS}
    parts = [pd.read_csv(file).assign(set=name) for name, file in files.items() if file.exists()]
    cells = pd.concat(parts)
    write(given.folder / "all", cells)
    means = cells.groupby(["set", "task", "train_size", "predictor"])[list(SCORES)].mean()
    means = means.reset_index().assign(table=lambda frame: frame["task"].str.split("/").str[0])
    means.to_csv(given.folder / "tasks.csv", index=False, float_format="%.5g")


def write(path: Path, cells: pd.DataFrame) -> None:
    """A comparison as ``.csv`` and as ``.md``."""
    rows = compared(cells)
    rows.to_csv(path.with_suffix(".csv"), index=False, float_format="%.5g")
    path.with_suffix(".md").write_text(table(rows), encoding="utf-8")
    print(table(rows))


if __name__ == "__main__":
    main()
