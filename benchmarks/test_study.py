"""A study on two workers beside the same cells done directly, one after another."""

from __future__ import annotations

import resource

import direct_study
import numpy as np
import pytest

from surrobench import load_task, run_study
from surrobench.studies.prediction.plan import make_plan
from surrobench.studies.study_file import load_study

WORKERS, TASK, SIZES = 2, "nb201/cifar10-val", [25, 50, 100, 200, 400]


@pytest.fixture(scope="module")
def study(request, nb201):
    """The study nb201-predictors, or a stated part of it."""
    replace = {"tasks": [TASK], "train_sizes": SIZES}
    replace["seeds"] = request.config.getoption("--study-seeds")
    whole = request.config.getoption("--whole-study")
    return load_study("nb201-predictors", replace={} if whole else replace)


def said(study, cells) -> str:
    return (
        f"{cells} cells: {len(study.predictors)} predictors, {len(study.tasks)} task(s), "
        f"{len(study.seeds)} seed(s), {study.train_sizes[0]} to {study.train_sizes[-1]} examples"
    )


@pytest.mark.benchmark(group="study")
def test_study_two_workers(benchmark, study, tmp_path):
    frame = benchmark.pedantic(
        run_study, (study[0],), {"out": tmp_path / "run", "workers": WORKERS}, rounds=1
    )
    assert (frame["status"] == "ok").all()
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    benchmark.extra_info.update(
        note=f"{said(study[0], len(frame))}; the larger worker held {peak:.0f} MiB; "
        f"our mean Kendall τ is {frame['kendall_tau'].mean():.3f}"
    )


@pytest.mark.benchmark(group="study")
def test_study_direct(benchmark, study):
    cells = make_plan(study[0], study[1].base).cells

    def work():
        return [direct_study.run_cell(cell, load_task(cell.spec)) for cell in cells]

    rows = benchmark.pedantic(work, rounds=1)
    # A constant prediction has no rank correlation; we count it as zero.
    tau = np.nan_to_num([row["kendall_tau"] for row in rows]).mean()
    benchmark.extra_info["note"] = f"theirs {tau:.3f}"
