"""Whole runs: reproducible, resumable, and no cell harms another."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from in_process import in_process
from single_files import in_single_files
from toy import command_environment, toy_study

from surrobench import run_study
from surrobench.errors import UserError
from surrobench.studies.engine.run_settings import slug, usable_cores
from surrobench.studies.prediction.plan import make_plan
from surrobench.studies.run_folder.record import Record
from surrobench.studies.run_folder.store import ResultStore, payload_digest
from surrobench.studies.run_folder.view import RESULTS_FILE, load_results
from surrobench.studies.study_file import load_study

__all__ = ["in_process"]

SLOW_LINES = {"use": "zoo:Lines", "label": "lines", "seconds": 0.05}
REFERENCE = {"predictors": ["knn", "constant", SLOW_LINES], "seeds": 3}


def scanned(folder: Path) -> Collection[Record]:
    return ResultStore(folder).scan().records.values()


def digest(folder: Path) -> str:
    return payload_digest(scanned(folder))


@pytest.fixture(scope="module")
def reference(toy: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An uninterrupted run with one worker."""
    folder = tmp_path_factory.mktemp("runs") / "reference"
    patch = pytest.MonkeyPatch()
    patch.chdir(toy)
    frame = run_study(toy_study(**REFERENCE), out=folder, workers=1)
    patch.undo()
    assert len(frame) == 18
    assert (frame["status"] == "ok").all(), frame["reason"].tolist()
    return folder


@pytest.mark.slow
def test_the_results_are_tidy(reference: Path) -> None:
    frame = pd.read_parquet(reference / RESULTS_FILE)
    assert list(frame.columns[:8]) == [
        "task",
        "predictor",
        "transform",
        "encoding",
        "train_size",
        "seed",
        "status",
        "reason",
    ]
    assert set(frame["task"]) == {"toy/accuracy"}
    assert set(frame["encoding"]) == {"categorical+numeric"}
    assert (frame["n_test"] == 256 - frame["train_size"]).all()
    lines = frame[frame["predictor"] == "lines"]
    assert lines["kendall_tau"].mean() > 0.5
    assert (lines["fit_seconds"] > 0.05).all()
    assert frame[frame["predictor"] == "constant"]["constant"].all()
    assert not lines["constant"].any()


@pytest.mark.slow
def test_the_study_and_its_surroundings_are_kept(reference: Path) -> None:
    import json

    environment = json.loads((reference / "environment.json").read_text())[0]
    assert environment["threads"]["OMP_NUM_THREADS"] == "1"
    assert environment["packages"]["torch"][0].isdigit()
    assert set(environment) == {
        "surrobench",
        "python",
        "packages",
        "threads",
        "kernels",
        "machine",
    }
    study, origin = load_study(str(reference / "study.toml"), allow_code=True)
    assert study.name == "toy-study"
    assert {cell.key for cell in make_plan(study, origin.base).cells} == (
        ResultStore(reference).finished_keys()
    )


@pytest.mark.slow
def test_two_workers_and_another_order_give_the_same_numbers(
    reference: Path, in_toy: Path, tmp_path: Path
) -> None:
    study = toy_study(predictors=REFERENCE["predictors"][::-1], seeds=[2, 0, 1])  # type: ignore[index]
    study["train_sizes"] = [16, 8]
    run_study(study, out=tmp_path / "run", workers=2)
    assert digest(tmp_path / "run") == digest(reference)


@pytest.mark.slow
def test_a_killed_run_goes_on_bit_by_bit_alike(
    reference: Path, in_toy: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    code = (
        "from surrobench import run_study\n"
        f"run_study({toy_study(**REFERENCE)!r}, out={str(run)!r}, workers=1)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], env=command_environment(in_toy), text=True
    )
    wait_for(lambda: len(ResultStore(run).finished_keys()) >= 4, process)
    process.kill()
    process.wait()
    finished = ResultStore(run).scan().records
    assert 4 <= len(finished) < 18
    run_study(toy_study(**REFERENCE), out=run, workers=1)
    assert digest(run) == digest(reference)
    after = ResultStore(run).scan().records
    assert all(after[key].timing == record.timing for key, record in finished.items())


def test_the_view_is_rebuilt_byte_by_byte(reference: Path, in_toy: Path, tmp_path: Path) -> None:
    run = copy(reference, tmp_path)
    before = (run / RESULTS_FILE).read_bytes()
    (run / RESULTS_FILE).unlink()
    run_study(toy_study(**REFERENCE), out=run)  # computes nothing, so it starts no worker
    assert (run / RESULTS_FILE).read_bytes() == before


def test_a_damaged_record_is_replaced_and_an_added_predictor_changes_no_other_number(
    reference: Path, in_toy: Path, tmp_path: Path, in_process: list[int]
) -> None:
    run = copy(reference, tmp_path)
    store = in_single_files(run)
    before = store.scan().records
    victim = store.path(sorted(before)[3])
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.write_bytes(content)
    more = [*REFERENCE["predictors"], "bayesian-ridge"]  # type: ignore[misc]
    frame = run_study(toy_study(**{**REFERENCE, "predictors": more}), out=run, workers=1)
    after = store.scan().records
    assert [path.name for path in (run / "corrupt").iterdir()] == [victim.name]
    assert len(frame) == len(after) == 24
    assert {key: after[key].payload for key in before} == {
        key: record.payload for key, record in before.items()
    }
    kept = {key: record for key, record in before.items() if key != victim.stem}
    assert {key: after[key] for key in kept} == kept
    assert set(frame.iloc[18:]["predictor"]) == {"bayesian-ridge"}


def test_methods_that_left_a_study_are_returned_on_request_alone(
    reference: Path, in_toy: Path, tmp_path: Path, in_process: list[int]
) -> None:
    run = copy(reference, tmp_path)
    gone, *kept = load_results(run)["predictor"].unique()
    less = {**REFERENCE, "predictors": REFERENCE["predictors"][1:]}  # type: ignore[index]
    now = run_study(toy_study(**less), out=run, workers=1)
    assert set(now["predictor"]) == set(kept)
    every = run_study(toy_study(**less), out=run, workers=1, all_methods=True)
    assert set(every["predictor"]) == {gone, *kept}
    pd.testing.assert_frame_equal(every[every["predictor"] != gone].reset_index(drop=True), now)


MISDEEDS = {
    "Raises": ("failed", "RuntimeError: no way [zoo.py:"),
    "Dies": ("failed", "worker died (killed by SIGKILL"),
    "Hangs": ("timeout", "stopped after 6 s"),
    "Hungry": ("oom", "MemoryError: 1 PiB"),
    "NotANumber": ("invalid", "not finite"),
    "WrongShape": ("invalid", "shape (3,)"),
    "Scribbles": ("invalid", "tried to change its input"),
    "NotAModel": ("invalid", "fit returned int"),
    "Lines": ("ok", ""),
    "params": ("ok", ""),
    "flops": ("unavailable", "flops"),
}


@pytest.mark.slow
def test_every_misdeed_costs_its_own_cell_and_has_a_reason(in_toy: Path, tmp_path: Path) -> None:
    names = [name if name.islower() else f"zoo:{name}" for name in MISDEEDS]
    study = toy_study(predictors=names, train_sizes=[8], seeds=1, timeout_seconds=6.0)
    run = tmp_path / "run"
    frame = run_study(study, out=run, workers=2).set_index("predictor")
    assert set(frame.index) == set(names)
    for name, (status, reason) in zip(names, MISDEEDS.values(), strict=True):
        told = frame.loc[name, "status"], frame.loc[name, "reason"]
        assert told[0] == status, (name, told)
        assert reason in told[1], (name, told)
    assert frame[frame["status"] != "ok"]["kendall_tau"].isna().all()

    before = ResultStore(run).scan().records
    run_study(study, out=run)  # failures are results: they stay until asked to try again
    assert ResultStore(run).scan().records == before
    asked: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ResultStore, "write", lambda self, record: asked.append(record.key))
        run_study(study, out=run, workers=1, limit=1, retry_failed=True)
    assert [before[key].status != "ok" for key in asked] == [True]
    traces = [record.provenance.get("traceback", "") for record in scanned(run)]
    assert any("raise RuntimeError" in trace for trace in traces)


def test_a_changed_predictor_does_not_replace_results_silently(
    reference: Path, in_toy: Path, tmp_path: Path, in_process: list[int]
) -> None:
    run = copy(reference, tmp_path)
    steeper = {**SLOW_LINES, "slope": 2.0}
    study = toy_study(**{**REFERENCE, "predictors": ["knn", steeper]})
    with pytest.raises(UserError, match=r"6 cells(?s:.)*slope was 1.0, is 2.0(?s:.)*--update"):
        run_study(study, out=run)
    frame = run_study(study, out=run, workers=1, update=True, limit=1, all_methods=True)
    assert len(frame) == 13  # five replaced cells are still to do
    assert len(ResultStore(run).finished_keys()) == 19  # and the old files are kept


def test_results_load_from_a_folder_a_file_and_a_bare_parquet(
    reference: Path, tmp_path: Path
) -> None:
    frame = load_results(reference)
    pd.testing.assert_frame_equal(load_results(reference / RESULTS_FILE), frame)
    (tmp_path / RESULTS_FILE).write_bytes((reference / RESULTS_FILE).read_bytes())
    pd.testing.assert_frame_equal(load_results(tmp_path), frame)
    with pytest.raises(UserError, match="no such folder"):
        load_results(tmp_path / "absent")


def test_the_python_interface_takes_overrides_and_refuses_mistakes(in_toy: Path) -> None:
    with pytest.raises(UserError, match="unknown key 'seed'"):
        run_study(toy_study(), seed=3)
    with pytest.raises(UserError, match="unknown predictor 'knnn'"):
        run_study(toy_study(predictors=["knnn"]))


@pytest.mark.parametrize("name", ["quickstart", "nb201-predictors", "a_b.c-1"])
def test_plain_names_are_folder_names(name: str) -> None:
    assert slug(name) == name


@pytest.mark.parametrize(
    "name", ["../up", "CON", "a/b", "🙂", "x" * 300, "with space", ".", "com1.a"]
)
def test_odd_names_become_safe_folder_names(name: str) -> None:
    safe = slug(name)
    assert safe != name
    assert len(safe) < 80
    assert Path(safe).name == safe
    assert safe.isascii()
    assert slug(name) == safe


def test_there_is_at_least_one_core() -> None:
    assert usable_cores() >= 1


def copy(run: Path, tmp_path: Path) -> Path:
    import shutil

    return Path(shutil.copytree(run, tmp_path / "copy"))


def wait_for(condition: Callable[[], Any], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 600
    while not condition():
        assert process.poll() is None, "the process ended"
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.01)


@pytest.mark.slow
def test_an_interrupted_run_says_how_to_go_on(in_toy: Path, tmp_path: Path) -> None:
    from surrobench.studies.prediction.config import Study

    slow = {"use": "zoo:Lines", "label": "slow", "seconds": 600.0}
    study = Study.read(toy_study(predictors=["constant", slow], train_sizes=[8], seeds=1))
    (tmp_path / "slow.toml").write_text(study.to_toml().replace("toy.toml", f"{in_toy}/toy.toml"))
    run = tmp_path / "run"
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "surrobench", "run", str(tmp_path / "slow.toml")),
            *("--allow-code", "--out", str(run), "--workers", "1"),
        ],
        env=command_environment(in_toy),
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for(lambda: len(ResultStore(run).finished_keys()) == 1, process)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=90)  # it does not wait for the cell
    assert process.returncode == 3
    assert "slow.toml --allow-code --out" in told.splitlines()[-1]
    assert told.splitlines()[-1].strip().startswith("surrobench run ")
    assert len(pd.read_parquet(run / RESULTS_FILE)) == 1
