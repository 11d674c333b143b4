"""Which numbers differ between two sets of versions of the dependencies, and by how much.

    python benchmarks/drift.py results/reliability OLD/venv/bin/python NEW/venv/bin/python

Runs one small fixed study in both environments (``minima.py FOLDER`` makes that of the lowest
versions, in ``FOLDER/venv``) with the package of this tree, one worker and one thread each, and
compares cell by cell. Writes ``drift.csv``: of every predictor and score how many cells are the
same to the last bit, and the largest difference; ``drift.md``: of every predictor how many scores
are the same, and the largest differences of some; and ``drift.json``: the versions of both.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from markdown_table import markdown

from surrobench.studies.run_folder.record import Record
from surrobench.studies.run_folder.run_files import read_environments
from surrobench.studies.run_folder.store import ResultStore

ROOT = Path(__file__).parents[1]
SHOWN = {
    "kendall_tau": "largest difference of Kendall τ",
    "coverage_90": "of the coverage of 90 % intervals",
    "nll": "of the negative log-likelihood",
}
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
STUDY = """\
kind = "prediction"
name = "drift"
tasks = ["live/digits-chain"]
predictors = [
    "constant", "knn", "svr", "bayesian-ridge", "gp-rbf", "random-forest", "xgboost",
    "mlp-ensemble",
]
train_sizes = [25, 50]
seeds = 3
"""


def computed(python: str, study: Path, out: Path) -> dict[str, Record]:
    """The records of the study in an environment, by cell name."""
    environment = {**os.environ, **dict.fromkeys(THREADS, "1"), "PYTHONPATH": str(ROOT)}
    command = [python, "-m", "surrobench", "run", str(study), "--out", str(out)]
    subprocess.run([*command, "--workers", "1", "--report", "none"], env=environment, check=False)
    records = ResultStore(out).scan().records.values()
    names = ("task", "predictor", "encoding", "train_size", "seed")
    return {" ".join(str(one.payload[name]) for name in names): one for one in records}


def differences(before: dict[str, Record], now: dict[str, Record]) -> Iterator[dict]:
    """One row per cell and score that both have."""
    for name in sorted(before.keys() & now.keys()):
        old, new = before[name].payload, now[name].payload
        if old["status"] != new["status"]:
            yield {"predictor": old["predictor"], "score": "status", "apart": math.inf}
            continue
        for score, value in old.items():
            other = new.get(score)
            if isinstance(value, float) and isinstance(other, float):
                alike = value == other or (math.isnan(value) and math.isnan(other))
                apart = 0.0 if alike else abs(value - other)
                yield {"predictor": old["predictor"], "score": score, "apart": apart}


def _overview(table: pd.DataFrame) -> pd.DataFrame:
    """A row per predictor: scores that are the same, and the largest differences of three."""
    counts = table.groupby("predictor")[["cells", "same"]].sum()
    counts.columns = ["scores", "the same bits"]
    for score, name in SHOWN.items():
        counts[name] = table["largest"].xs(score, level="score").map("{:.2g}".format)
    return counts.reset_index()


def main(folder: Path, pythons: list[str]) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        study = Path(place) / "study.toml"
        study.write_text(STUDY)
        outs = [Path(place) / name for name in ("lowest", "newest")]
        before, now = (computed(p, study, out) for p, out in zip(pythons, outs, strict=True))
        versions = [read_environments(out)[-1] for out in outs]
    (folder / "drift.json").write_text(json.dumps(versions, indent=1) + "\n")
    groups = pd.DataFrame(differences(before, now)).groupby(["predictor", "score"])["apart"]
    table = groups.agg(cells="size", same=lambda apart: int((apart == 0).sum()), largest="max")
    table.reset_index().to_csv(folder / "drift.csv", index=False)
    shown = markdown(_overview(table), {name: name for name in _overview(table)})
    (folder / "drift.md").write_text(shown)
    print(shown)
    return int(before.keys() != now.keys())


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:4]))
