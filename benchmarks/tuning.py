"""Choose the defaults of every learned predictor by one protocol, on tables of two spaces.

    surrobench prepare tnb101-micro && surrobench prepare tnb101-macro && surrobench prepare hat
    python benchmarks/tuning.py results/tuning

Each family gets the same number of settings: the one that it had before (trial 0) and random draws
from its space in ``surrobench/predictors/hyperparameters.py``. They are compared by Kendall tau on
the development tables, each table counting alike:

1. ``screen``: every setting, on every task at one training size and seed;
2. ``second``: the ten best and trial 0, on every task at another size and seed;
3. ``confirm``: the three best of both and trial 0, at other sizes and seeds. The best of the three
   becomes the default if its gain over trial 0 there exceeds twice the gain's standard error over
   tasks; otherwise nothing changes.

A Gaussian process must also search noise-free functions no worse than trial 0
(``benchmarks/tuning_functions.py``), or nothing changes.

The targets are standardised throughout; what was adopted is measured under quantile-normal targets
afterwards, and so are the defaults of the library behind a family. Every finished fit is a row of
``cells.csv``; the command goes on where it was stopped.
"""

from __future__ import annotations

import csv
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_variable] = "1"

import numpy as np
import pandas as pd
import torch
from tuning_functions import BUDGET, SEEDS, functions, regret
from tuning_report import SURE, at_the_end, gain, write_report
from tuning_settings import FAMILIES, FIXED, LIBRARY, PREVIOUS, described

from surrobench import load_task, make_predictor
from surrobench.encodings.column_blocks import with_blocks
from surrobench.metrics.ranking import kendall_tau
from surrobench.predictors.hyperparameters import Setting, draw_settings, space_of
from surrobench.predictors.predictive import predict
from surrobench.studies.prediction.protocols import split

TRIALS, SURVIVORS, FINALISTS, TEST_SIZE, DRAW_SEED = 20, 6, 3, 300, 20
TRANSNAS = (
    "autoencoder",
    "class_object",
    "class_scene",
    "jigsaw",
    "normal",
    "room_layout",
    "segmentsemantic",
)
DEVICES = ("cpu-raspberrypi", "cpu-xeon", "gpu-titanxp")
TASKS = (
    *(f"tnb101-micro/{task}" for task in TRANSNAS),
    *(f"tnb101-macro/{task}" for task in TRANSNAS),
    *(f"hat/wmt14ende-{device}-{part}" for device in DEVICES for part in ("encoder", "decoder")),
)
COLUMNS = ("family", "trial", "stage", "transform", "task", "train_size", "seed", "tau", "fit_cpu")
Key = tuple[str, ...]


@dataclass(frozen=True)
class Cell:
    """One fit: to which examples, at which stage."""

    task: str
    train_size: int
    seed: int


def _screen(first: int, second: int, seed: int) -> list[Cell]:
    return [Cell(task, (first, second)[i % 2], seed) for i, task in enumerate(TASKS)]


STAGES: dict[str, list[Cell]] = {
    "screen": _screen(50, 150, 0),
    "second": _screen(150, 50, 1),
    "confirm": [
        Cell(task, size, seed)
        for size, seed in ((25, 2), (100, 3), (200, 4), (800, 5))
        for task in TASKS
    ],
}


class Log:
    """The finished fits, on disk as they come."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "cells.csv"
        if not self.path.exists():
            self.path.write_text(",".join(COLUMNS) + "\n", encoding="utf-8")
        text = self.path.read_text(encoding="utf-8")
        if not text.endswith("\n"):  # a line that was being written when it was stopped
            text = text[: text.rfind("\n") + 1]
            self.path.write_text(text, encoding="utf-8")
        self.done: dict[Key, float] = {
            tuple(row[:-2]): float(row[-2]) for row in list(csv.reader(text.splitlines()))[1:]
        }

        self.used: set[Key] = set()

    def add(self, key: Key, tau: float, cpu: float) -> None:
        """Write one row."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(",".join([*key, f"{tau:.5f}", f"{cpu:.4f}"]) + "\n")
        self.done[key] = tau

    def frame(self) -> pd.DataFrame:
        """The rows that this run asked for."""
        rows = pd.read_csv(self.path, dtype={"trial": str})
        keys = zip(*(rows[name].astype(str) for name in COLUMNS[:-2]), strict=True)
        return rows[[key in self.used for key in keys]]


@lru_cache(maxsize=len(TASKS))
def _task(name: str) -> tuple[Any, np.ndarray]:
    task = load_task(name)
    return task, np.asarray(task.encode(task.default_encoding), dtype=np.float64)


def score(name: str, setting: Setting, transform: str, cell: Cell) -> tuple[float, float]:
    """Kendall tau on a fixed sample of the others, and processor seconds of the fit."""
    task, X = _task(cell.task)
    train, rest = split(task, "grouped", cell.train_size, cell.seed)
    test = np.random.default_rng(cell.seed).permutation(rest)[:TEST_SIZE]
    predictor = make_predictor(name, **{**FIXED.get(name, {}), "transform": transform, **setting})
    predictor = with_blocks(predictor, task.default_encoding, task.space, task.measured)
    started = time.process_time()
    model = predictor.fit(
        torch.tensor(X[train]), torch.tensor(task.truth[train])[:, None], seed=cell.seed
    )
    spent = time.process_time() - started
    median = predict(model, torch.tensor(X[test])).median
    tau = 0.0 if np.ptp(median) == 0 else kendall_tau(task.truth[test], median)
    return float(tau), spent


def settings_of(family: str) -> dict[str, Setting]:
    """Trial 0 and the random draws, by number."""
    start = PREVIOUS[family]
    drawn = [
        setting
        for setting in draw_settings(space_of(family), TRIALS, DRAW_SEED)
        if setting != start
    ]
    return {str(i): setting for i, setting in enumerate([start, *drawn][:TRIALS])}


def run_stage(
    log: Log,
    family: str,
    settings: dict[str, Setting],
    stage: str,
    transform: str = "standardise",
) -> dict[str, float]:
    """Fit what is missing; the mean tau of each setting, every table counting alike."""
    means = {}
    for trial, setting in settings.items():
        taus = []
        for cell in STAGES[stage]:
            key = (family, trial, stage, transform, *_place(cell))
            log.used.add(key)
            if key not in log.done:
                log.add(key, *score(family, setting, transform, cell))
            taus.append((cell.task.partition("/")[0], log.done[key]))
        means[trial] = float(pd.DataFrame(taus).groupby(0)[1].mean().mean())
    return means


def _place(cell: Cell) -> tuple[str, str, str]:
    return cell.task, str(cell.train_size), str(cell.seed)


def run_searches(log: Log, family: str, settings: dict[str, Setting]) -> None:
    """Search the noise-free functions; the regret stands where tau does."""
    for trial, setting in settings.items():
        for name in functions(family == "gp-categorical"):
            for seed in range(SEEDS):
                key = (family, trial, "functions", "standardise", name, str(BUDGET), str(seed))
                log.used.add(key)
                if key not in log.done:
                    started = time.process_time()
                    value = regret(family, setting, name, seed)
                    log.add(key, value, time.process_time() - started)


def surely_better(log: Log, family: str, trial: str) -> bool:
    """Whether a confirmed setting gains by more than its error."""
    value, error = gain(at_the_end(log.frame(), family, "standardise"), trial)
    return value > SURE * error


def _best(means: dict[str, float], count: int) -> list[str]:
    return sorted((trial for trial in means if trial != "0"), key=lambda t: -means[t])[:count]


def tune(log: Log, family: str) -> Iterator[str]:
    """All stages of one family, each told when it is done."""
    settings = settings_of(family)
    first = run_stage(log, family, settings, "screen")
    kept = {trial: settings[trial] for trial in ["0", *_best(first, SURVIVORS)]}
    second = run_stage(log, family, kept, "second")
    both = {trial: 0.5 * (first[trial] + second[trial]) for trial in kept}
    yield "screened: " + ", ".join(f"{t} {both[t]:.4f}" for t in ["0", *_best(both, 5)])
    last = {trial: settings[trial] for trial in ["0", *_best(both, FINALISTS)]}
    final = run_stage(log, family, last, "confirm")
    best = max(_best(final, 1), key=final.__getitem__)
    yield f"confirmed: 0 {final['0']:.4f}, {best} {final[best]:.4f} {described(settings[best])}"
    others = {"0": settings["0"], best: settings[best]}
    if family.startswith("gp-") and surely_better(log, family, best):
        run_searches(log, family, others)
    if family in LIBRARY:
        library = {"library": LIBRARY[family]}
        run_stage(log, family, library, "confirm")
        others |= library
    run_stage(log, family, others, "confirm", "quantile-normal")


def main(folder: Path, families: Sequence[str] = FAMILIES) -> None:
    """Run every family and write what was found."""
    torch.set_num_threads(1)
    log = Log(folder)
    for family in families:
        for line in tune(log, family):
            print(f"{family:16} {line}", flush=True)
    write_report(folder, log.frame(), {family: settings_of(family) for family in families})


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:] or FAMILIES)
