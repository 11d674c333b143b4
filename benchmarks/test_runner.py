"""What the runner of studies itself costs: a cell that does nothing, resuming, starting."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from surrobench import run_study
from surrobench.base.atomic import write_atomically
from surrobench.studies.prediction.config import Study
from surrobench.studies.prediction.plan import make_plan
from surrobench.studies.run_folder.record import make_record
from surrobench.studies.run_folder.store import ResultStore, seal
from surrobench.studies.study_file import load_study

FEW, MANY, FINISHED = 50, 550, 10_000
CARD = """\
name = "tiny"
data = "tiny.csv"
decisions = ["a", "b"]

[tasks.value]
target = "value"
direction = "maximize"
unit = ""
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("tiny")


@pytest.fixture(scope="module")
def tiny(folder) -> dict:
    """A study whose cells have next to nothing to do: the constant predictor on 64 rows."""
    grid = np.stack(np.meshgrid(np.arange(8), np.arange(8)), -1).reshape(-1, 2)
    frame = pd.DataFrame(grid, columns=["a", "b"]).assign(value=grid @ [1.0, 0.1])
    frame.to_csv(folder / "tiny.csv", index=False)
    (folder / "tiny.toml").write_text(CARD)
    return {
        "kind": "prediction",
        "name": "tiny",
        "tasks": [str(folder / "tiny.toml")],
        "predictors": ["constant"],
        "train_sizes": [8],
    }


@pytest.mark.benchmark(group="no-op-cells")
@pytest.mark.parametrize("cells", [FEW, MANY])
def test_no_op_cells(benchmark, tiny, tmp_path, cells):
    def run():
        frame = run_study({**tiny, "seeds": cells}, out=tmp_path / "run", workers=1)
        assert (frame["status"] == "ok").all()

    def setup():
        shutil.rmtree(tmp_path / "run", ignore_errors=True)

    benchmark.pedantic(run, setup=setup, rounds=3)


@pytest.fixture
def record():
    return make_record("0" * 40, {f"score {i}": i / 7 for i in range(30)}, {"fit_seconds": 0.1})


@pytest.mark.benchmark(group="no-op-cells")
def test_no_op_cell_floor(benchmark, record, tmp_path):
    """One record that survives a crash: written, synchronised, renamed."""
    content = seal(record)
    benchmark.pedantic(write_atomically, (tmp_path / "cell.json", content), rounds=50)


@pytest.fixture(scope="module")
def finished(tiny, folder) -> tuple[dict, Path]:
    """A study of 10,000 cells and its run folder with all their records."""
    content, run = {**tiny, "seeds": FINISHED}, folder / "run"
    run_study(content, out=run, workers=1, limit=1)
    store = ResultStore(run)
    done = next(iter(store.scan().records.values()))
    study, origin = load_study(str(run / "study.toml"))
    for cell in make_plan(study, origin.base).cells:
        path, payload = store.path(cell.key), {**done.payload, **cell.identity()}
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(seal(make_record(cell.key, payload, done.timing)))
    return content, run


@pytest.mark.benchmark(group="resume")
def test_resume_10000_cells(benchmark, finished):
    content, run = finished
    # With no cell allowed, a record that is not recognised would be missing.
    settings = {"out": run, "workers": 1, "limit": 0}
    frame = benchmark.pedantic(run_study, (content,), settings, rounds=5)
    assert len(frame) == FINISHED


@pytest.mark.benchmark(group="resume")
def test_resume_floor(benchmark, finished):
    """Reading every byte of the records."""

    def read():
        return sum(len(path.read_bytes()) for path in finished[1].glob("cells/*/*.json"))

    benchmark.pedantic(read, rounds=5)


def python(*arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)


@pytest.mark.benchmark(group="help")
def test_help(benchmark):
    benchmark.pedantic(python, ("-m", "surrobench", "--help"), rounds=7, warmup_rounds=1)


@pytest.mark.benchmark(group="help")
def test_help_floor(benchmark):
    benchmark.pedantic(python, ("-c", "pass"), rounds=7, warmup_rounds=1)


@pytest.mark.benchmark(group="plan-100000-cells")
def test_plan_100000_cells(benchmark, tiny, folder):
    study = Study.read({**tiny, "train_sizes": list(range(1, 51)), "seeds": 2000})
    plan = benchmark.pedantic(make_plan, (study, folder), rounds=3)
    assert len(plan.cells) == 100_000


@pytest.mark.benchmark(group="plan-100000-cells")
def test_plan_floor(benchmark):
    """One hash a cell of a few settings as JSON."""

    def run():
        for i in range(100_000):
            hashlib.sha256(json.dumps({"seed": i, "size": 8, "task": "tiny"}).encode()).hexdigest()

    benchmark.pedantic(run, rounds=3)
