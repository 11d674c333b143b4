"""What an engine costs: short cells and cells of one second, on one worker and on two.

    python benchmarks/engines.py results/engines [--short 2000] [--long 200]

Every engine computes the same two studies: cells that hardly do anything (the mean of eight
numbers, and its scores), and cells whose predictor sleeps for one second, so that the engine and
not the processor is what is measured. The Dask engine has a scheduler and workers of one thread on
this machine, each a process under its nanny. The clock runs from the record of the first tenth of
the cells, when all workers are busy, to the last record; starting processes is left out of it on
both sides. On a machine that does other things as well, short cells are better read in seconds of
the processor: those of the driver, the scheduler, the workers and the cells together. Writes
``engines.csv``, ``engines.md`` and ``environment.json``.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_variable] = "1"
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import pandas as pd
from dask_cluster import dask_processes
from distributed import Client
from engine_clock import Clock
from machine import write_machine
from markdown_table import markdown

from surrobench.studies.engine.run_settings import RunSettings
from surrobench.studies.kinds import kind_of
from surrobench.studies.run_folder.tally import Tally
from surrobench.studies.runner import run

CARD = """\
name = "grid"
data = "grid.csv"
decisions = ["a", "b", "c"]

[tasks.value]
target = "value"
direction = "maximize"
"""
SLEEPER = """\
import time
import numpy as np

class Sleeper:
    def fit(self, X, y):
        time.sleep(1.0)
        self.mean = y.mean()

    def predict(self, X, return_std=False):
        mean = np.full(len(X), self.mean)
        return (mean, np.ones(len(X))) if return_std else mean
"""
COLUMNS = {
    "cells": "cells",
    "engine": "engine",
    "ms_1": "1 worker (ms per cell)",
    "ms_2": "2 workers (ms per cell)",
    "cpu_ms_1": "1 worker (ms of the processor)",
    "efficiency": "efficiency at 2 workers",
    "beside_local": "pace at 2 workers, local engine = 1",
}


def lay_out(folder: Path) -> None:
    rows = [f"{a},{b},{c},{2 * a - b + c}" for a, b, c in itertools.product(range(4), repeat=3)]
    (folder / "grid.csv").write_text("\n".join(["a,b,c,value", *rows]) + "\n")
    (folder / "grid.toml").write_text(CARD)
    (folder / "sleeping.py").write_text(SLEEPER)


def study(predictor: str, seeds: int) -> Any:
    content = {"kind": "prediction", "name": "engines", "tasks": ["grid.toml"],
               "predictors": [predictor], "train_sizes": [8], "seeds": seeds}  # fmt: skip
    return kind_of(content).build(content, "", "study")


@contextmanager
def engine(name: str, workers: int, folder: Path) -> Iterator[Any]:
    """This machine's processes, or a client of a cluster of so many workers."""
    if name == "local":
        yield "local"
        return
    place = folder / f"cluster-{time.monotonic_ns()}"
    with dask_processes(place) as processes:
        processes.start_scheduler()
        for number in range(workers):
            processes.start_worker(f"worker-{number}")
        with Client(scheduler_file=str(processes.file), set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=120)
            yield client


def main(folder: Path, counts: dict[str, int]) -> int:
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    predictors = {"short": "constant", "one second": "sleeping:Sleeper"}
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as made:
        place = Path(made)
        lay_out(place)
        sys.path.insert(0, made)
        os.chdir(place)
        for cells, predictor in predictors.items():
            hashes = set()
            for name in ("local", "dask"):
                row = {"cells": f"{counts[cells]:,} {cells}", "engine": name}
                for workers in (1, 2):
                    out, clock = place / f"{cells}-{name}-{workers}", Clock(counts[cells])
                    with engine(name, workers, place) as on:
                        settings = RunSettings(out, workers, engine=on)
                        done = run(study(predictor, counts[cells]), place, settings, clock)
                    if done.interrupted:
                        return 3
                    wall, processor = clock.per_cell()
                    row |= {f"ms_{workers}": wall, f"cpu_ms_{workers}": processor}
                    print(cells, name, row, os.getloadavg(), flush=True)
                    hashes.add(Tally.of(out).digest)
                row["efficiency"] = row["ms_1"] / (2 * row["ms_2"])
                row["load"] = os.getloadavg()[0]
                rows.append(row)
                local = next(r for r in rows if r["cells"] == row["cells"])
                row["beside_local"] = local["ms_2"] / row["ms_2"]
                frame = pd.DataFrame(rows)
                frame.to_csv(folder / "engines.csv", index=False, float_format="%.4g")
                (folder / "engines.md").write_text(markdown(frame, COLUMNS))
            assert len(hashes) == 1, "the engines disagree"
        os.chdir(folder)
    write_machine(folder)
    last = rows[-1]
    return int(last["beside_local"] < 0.9 or rows[1]["cpu_ms_1"] >= 20)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--short", type=int, default=2000)
    parser.add_argument("--long", type=int, default=200)
    asked = parser.parse_args()
    sys.exit(main(asked.folder, {"short": asked.short, "one second": asked.long}))
