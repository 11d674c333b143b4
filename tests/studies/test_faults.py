"""Whatever a plug-in does stays its own: its cell, its message, its settings."""

from __future__ import annotations

import math
import os
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from in_process import in_process
from single_files import in_single_files
from toy import toy_study

from surrobench import run_study
from surrobench.base.process_state import ImportEffects, restored, standard_numerics
from surrobench.studies.engine.worker import compute
from surrobench.studies.run_folder.agreement import disagreements
from surrobench.studies.run_folder.record import make_record
from surrobench.studies.run_folder.store import ResultStore, seal, unseal

__all__ = ["in_process"]

LEAVE = """
import locale, os, warnings
import numpy as np, torch
{at_import}

class Fits:
    def fit(self, X, y):
        self.mean = float(np.mean(y))
        self.seen = torch.get_default_dtype()

    def predict(self, X):
        return np.full(len(X), self.mean + (self.seen is torch.float64))

class Leaks(Fits):
    def fit(self, X, y):
        super().fit(X, y)
        torch.set_default_dtype(torch.float64)
        torch.set_grad_enabled(False)
        torch.set_num_threads(2)
        np.seterr(all="raise")
        warnings.simplefilter("error")
        os.environ["LEFT_BEHIND"] = "1"
        os.chdir("/")

class Unspeakable(Fits):
    def fit(self, X, y):
        print("half a pair: \\udcff")
        raise ValueError("bad byte: " + b"\\xff".decode("utf-8", "surrogateescape") + "\\x1b[31m")

class Mute(Fits):
    def fit(self, X, y):
        class Silent(Exception):
            def __str__(self):
                raise RuntimeError("no text either")
        raise Silent
"""


@pytest.fixture
def leave(in_toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a new module of predictors that leave something behind."""
    name = f"leave_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(LEAVE.format(at_import=""))
    monkeypatch.syspath_prepend(str(tmp_path))
    return name


@pytest.mark.slow
def test_text_that_cannot_be_encoded_costs_its_cell_alone(leave: str, tmp_path: Path) -> None:
    broken = [f"{leave}:Unspeakable", f"{leave}:Mute"]
    study = toy_study(predictors=[*broken, "knn"], train_sizes=[8], seeds=1)
    frame = run_study(study, out=tmp_path / "run", workers=1).set_index("predictor")
    assert frame.loc["knn", "status"] == "ok"
    assert frame.loc[broken[0], "reason"].startswith(r"ValueError: bad byte: \udcff\x1b[31m [")
    assert "Silent: (its text cannot be made: RuntimeError)" in frame.loc[broken[1], "reason"]
    read = pd.read_parquet(tmp_path / "run" / "results.parquet")
    assert set(read["status"]) == {"ok", "failed"}
    assert r"half a pair: \udcff" in (tmp_path / "run" / "logs" / "worker-0.log").read_text()


@pytest.mark.slow
def test_settings_that_a_plug_in_leaves_change_no_other_number(leave: str, tmp_path: Path) -> None:
    others = ["mlp-ensemble", "gp-rbf", "svr"]
    alone = run_study(
        toy_study(predictors=others, train_sizes=[8], seeds=2), out=tmp_path / "a", workers=1
    )
    mixed = toy_study(predictors=[f"{leave}:Leaks", *others], train_sizes=[8], seeds=2)
    beside = run_study(mixed, out=tmp_path / "b", workers=1)
    assert (beside["status"] == "ok").all(), beside["reason"].tolist()
    scores = ["key", "kendall_tau", "nll", "crps", "rmse"]
    kept = beside[beside["predictor"].isin(others)]
    pd.testing.assert_frame_equal(
        kept[scores].reset_index(drop=True), alone[scores].reset_index(drop=True)
    )


SETTINGS: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
    "dtype": (lambda: torch.set_default_dtype(torch.float64), torch.get_default_dtype),
    "device": (lambda: torch.set_default_device("meta"), torch.get_default_device),
    "gradients": (lambda: torch.set_grad_enabled(False), torch.is_grad_enabled),
    "deterministic": (
        lambda: torch.use_deterministic_algorithms(True),
        torch.are_deterministic_algorithms_enabled,
    ),
    "numpy errors": (lambda: np.seterr(all="raise"), np.geterr),
    "warnings": (lambda: warnings.simplefilter("error"), lambda: list(warnings.filters)),
    "folder": (lambda: os.chdir("/"), os.getcwd),
    "environment": (lambda: os.environ.update(A_TRACE="1"), lambda: dict(os.environ)),
    "estimators": (
        lambda: __import__("sklearn").set_config(transform_output="pandas"),
        lambda: __import__("sklearn").get_config(),
    ),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_cell_leaves_the_process_as_it_found_it(name: str) -> None:
    change, read = SETTINGS[name]
    before = read()
    with restored():
        change()
        assert read() != before
    assert read() == before


def test_an_item_that_fails_leaves_the_process_as_it_found_it() -> None:
    before = os.getcwd()
    assert compute("os:chdir", "/")[0] == "done"
    assert os.getcwd() == before
    assert compute("os:chdir", 3.5)[0] == "error"
    assert os.getcwd() == before


def test_what_a_module_sets_when_imported_holds_whenever_it_is_used() -> None:
    effects, found = ImportEffects(), []
    for _ in range(2):
        with restored():
            with effects.of("theirs"):
                if not found:  # only the first import runs the module
                    torch.set_default_dtype(torch.float64)
            found.append(torch.get_default_dtype())
        assert torch.get_default_dtype() is torch.float32
    assert found == [torch.float64, torch.float64]


def test_our_own_numbers_do_not_depend_on_what_is_set() -> None:
    with restored():
        torch.set_default_dtype(torch.float64)
        torch.set_grad_enabled(False)
        np.seterr(all="raise")
        with standard_numerics():
            assert torch.get_default_dtype() is torch.float32
            assert torch.is_grad_enabled()
            assert np.geterr()["invalid"] == "warn"
        assert torch.get_default_dtype() is torch.float64


class Notebook:
    """Defined by a user who has no module for it."""

    def __init__(self, slope: float = 1.0) -> None:
        self.slope = slope

    def fit(self, X: Any, y: Any) -> None:
        self.weights = X.T @ (y - y.mean()) * self.slope

    def predict(self, X: Any) -> Any:
        return X @ self.weights


class Bound(Notebook):
    """Holds what cannot be pickled."""

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()

    def __deepcopy__(self, memo: Any) -> Bound:
        return Bound()


@pytest.mark.slow
def test_classes_and_instances_are_benchmarked(
    in_toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for made in (Notebook, Bound):
        monkeypatch.setattr(made, "__module__", "__main__")  # so that they go by value
    steep = {"use": Notebook(-1.0), "label": "steep", "encoding": "ordinal", "bootstrap": 2}
    study = toy_study(predictors=["constant"], train_sizes=[16], seeds=1)
    added = [Notebook, steep, Bound()]
    frame = run_study(study, out=tmp_path / "run", workers=1, add_predictors=added)
    assert (frame["status"] == "ok").all(), frame["reason"].tolist()
    tau = frame.set_index("predictor")["kendall_tau"]
    assert tau["Notebook"] == pytest.approx(tau["Bound"])
    assert tau["Notebook"] > 0.3 > -0.3 > tau["steep"]
    assert frame.set_index("predictor").loc["steep", "encoding"] == "ordinal"


@pytest.fixture
def two_runs(in_toy: Path, tmp_path: Path, in_process: list[int]) -> tuple[Path, Path]:
    study = toy_study(predictors=["constant"], train_sizes=[8], seeds=2)
    for name in "ab":
        run_study(study, out=tmp_path / name)
    return tmp_path / "a", tmp_path / "b"


def test_two_runs_are_compared_and_their_kernels_named(two_runs: tuple[Path, Path]) -> None:
    first, second = two_runs
    assert disagreements(first, second) == []
    store = ResultStore(second)
    key, record = next(iter(store.scan().records.items()))
    assert record.provenance["kernels"]["torch"]
    other = make_record(key, {**record.payload, "rmse": math.nextafter(record.payload["rmse"], 9)})
    store.write(other)
    environment = (second / "environment.json").read_text()
    chosen = record.provenance["kernels"]["torch"]
    (second / "environment.json").write_text(environment.replace(f'"{chosen}"', '"OTHER"'))
    told = "\n".join(disagreements(first, second))
    assert "1 of 2 common cells with other numbers" in told
    assert "rmse is" in told
    assert f"the kernel of torch was {chosen}, is OTHER" in told
    in_single_files(second).path(key).unlink()
    told = "\n".join(disagreements(first, second))
    assert "1 cell is in" in told
    assert f", {record.payload['encoding']}, " in told, "cells that differ in it alone read alike"


def test_records_bear_any_text() -> None:
    record = make_record("k" * 40, {"task": "t\udcff", "reason": "r"}, trace="\udcff\x00")
    assert unseal(seal(record)).payload["task"] == r"t\udcff"
    assert record.provenance["traceback"] == r"\udcff\x00"
