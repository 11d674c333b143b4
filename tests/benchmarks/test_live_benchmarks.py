"""The scripts that measure live training run from end to end, on sizes that mean nothing."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
import torch

pytestmark = pytest.mark.slow

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def modules() -> Iterator[dict[str, ModuleType]]:
    """The modules under test, which are no part of the package."""
    before = list(sys.path)
    sys.path.insert(0, str(BENCHMARKS))  # worker processes look there as well
    import live_gpu
    import live_proxy
    import live_throughput

    yield {"gpu": live_gpu, "proxy": live_proxy, "throughput": live_throughput}
    sys.path[:] = before


def test_the_script_for_a_gpu_runs_on_a_cpu(modules: dict[str, ModuleType], tmp_path: Path) -> None:
    modules["gpu"].main(tmp_path, "cpu")
    equality = pd.read_csv(tmp_path / "equality.csv")
    assert list(equality["type"]) == ["float64", "float64", "float32", "float32"]
    assert (equality["train_loss"] == 0).all()
    speed = pd.read_csv(tmp_path / "default-task.csv")
    assert list(speed["way"]) == ["plain loop"] + ["groups, eager"] * 2 + ["groups, CUDA graph"] * 2
    assert set(speed["note"][3:]) == {"no CUDA graph: the device is cpu"}
    official = pd.read_csv(tmp_path / "official-skeleton.csv")
    assert (official[["eager_ms", "graph_ms", "floor_ms"]] > 0).all(axis=None)
    facts = json.loads((tmp_path / "environment.json").read_text())
    assert (facts["device"], facts["gpu"]) == ("cpu", "none")
    assert "Not measured here" in (tmp_path / "README.md").read_text()


def test_bytes_are_those_that_operations_read_and_write(modules: dict[str, ModuleType]) -> None:
    left, right = torch.zeros(100), torch.zeros(100)
    with modules["gpu"].BytesMoved() as moved:
        (left + right).view(10, 10).t()
    assert moved.total == 3 * 400
    weight = torch.ones(50, 50, requires_grad=True)
    with modules["gpu"].BytesMoved() as forward:
        loss = (weight @ weight).sum()
    with modules["gpu"].BytesMoved() as backward:
        loss.backward()
    assert forward.total == 3 * 10_000 + 10_000 + 4
    assert backward.total > forward.total


def test_a_proxy_is_ranked_against_full_trainings(
    modules: dict[str, ModuleType], tmp_path: Path
) -> None:
    task = modules["proxy"].full_task(128, 4, tmp_path)
    table = modules["proxy"].compare(task, cells=4, seeds=1)
    assert list(table["ranked_by"]) == [*modules["proxy"].PROXIES, "params", "flops"]
    assert table["tau"].between(-1, 1).all()
    assert (table["tau_low"] <= table["tau_high"]).all()
    costs = table.set_index("ranked_by")["share_of_the_cost"]
    assert costs["params"] == 0
    assert costs["one epoch of four"] < costs["another seed"]


def test_the_interval_of_a_perfect_ranking_is_one(modules: dict[str, ModuleType]) -> None:
    truth = np.arange(20.0)
    assert modules["proxy"].interval(truth, truth) == pytest.approx((1.0, 1.0))
    assert modules["proxy"].tau(np.zeros(20), truth) == 0.0


def test_throughput_is_measured_with_worker_processes(modules: dict[str, ModuleType]) -> None:
    row = modules["throughput"].measure(cells=2, workers=1, plain_cells=1, images=128)
    assert row["cells"] == 2
    assert row["architectures_a_minute"] > 0
    assert row["training_cpu_seconds_a_network"] < row["cpu_seconds_a_network"]
    assert row["plain_over_grouped"] == pytest.approx(
        row["plain_cpu_seconds_a_network"] / row["training_cpu_seconds_a_network"]
    )
