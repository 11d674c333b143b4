"""Live tasks from plain values: whose data, which networks, their costs and their names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from live_toy import TINY, live_cache

from surrobench.errors import UserError
from surrobench.spaces.chains import Chains
from surrobench.spaces.edge_cells import nas_bench_201
from surrobench.studies.live_settings import moved_data
from surrobench.tasks.live.live import live_task
from surrobench.tasks.live.live_costs import measured_costs
from surrobench.tasks.live.live_images import CELL_IMAGES
from surrobench.tasks.live.live_options import make_live
from surrobench.tasks.live.live_pool import networks
from surrobench.training.networks.costs import count_flops, count_params

__all__ = ["live_cache"]


@pytest.mark.slow
def test_the_networks_of_cells_are_all_of_them_once() -> None:
    space = nas_bench_201()
    every = networks(space, 20_000, np.random.default_rng(0))
    assert len(every) == 4929  # 4,930 classes less that of cells that ignore their input
    assert len(set(space.groups(every))) == len(every)
    assert len({space.canonical(arch) for arch in every}) == len(every)
    assert networks(space, 10, np.random.default_rng(0)) == every[:10]
    assert networks(space, 10, np.random.default_rng(1)) != every[:10]


def test_a_large_space_is_sampled() -> None:
    space = Chains(side=8)
    some = networks(space, 200, np.random.default_rng(0))
    assert len({space.canonical(arch) for arch in some}) == 200
    with pytest.raises(UserError, match="too many for a sample"):
        networks(space, 200_000, np.random.default_rng(0))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["live:cells", "live:chain"])
def test_costs_are_those_of_the_network_and_are_kept(live_cache: Path, name: str) -> None:
    sizes = {key: TINY[key] for key in ("train", "validation", "test")}
    task = make_live(name, sizes, Path()).task
    archs = networks(task.space, 12, np.random.default_rng(3))
    columns = measured_costs(task, archs)
    built = [task.build(arch) for arch in archs]
    assert columns["params"].tolist() == [count_params(network) for network in built]
    assert columns["flops"].tolist() == [count_flops(net, task.data.shape) for net in built]
    (file,) = (live_cache / "live" / "costs").glob("*.json")
    again = measured_costs(task, archs)
    assert all((again[column] == columns[column]).all() for column in columns)
    file.write_text("{}")
    assert (measured_costs(task, archs)["flops"] == columns["flops"]).all()


@pytest.mark.slow
def test_equal_cost_keys_mean_equal_costs(live_cache: Path) -> None:
    task = make_live("live:cells", TINY, Path()).task
    assert task.cost_key is not None
    groups: dict[object, list[tuple[int, ...]]] = {}
    for arch in networks(task.space, 3000, np.random.default_rng(0)):
        groups.setdefault(task.cost_key(arch), []).append(arch)
    pairs = [archs[:2] for archs in groups.values() if len(archs) > 1][:20]
    assert len(pairs) == 20
    for one, other in pairs:
        first, second = task.build(one), task.build(other)
        assert count_params(first) == count_params(second)
        shape = task.data.shape
        assert count_flops(first, shape) == count_flops(second, shape)


@pytest.mark.slow
def test_cells_are_compared_by_what_the_user_says(live_cache: Path) -> None:
    by_accuracy = make_live("live:cells", {**TINY, "value": "accuracy"}, Path())
    by_loss = make_live("live:cells", TINY, Path())
    assert "value=accuracy" in by_accuracy.label
    assert (by_accuracy.task.unit, by_loss.task.unit) == ("%", "nats (negated)")
    arch = (3, 0, 1, 2, 4, 0)
    one, other = by_accuracy.task.evaluate(arch), by_loss.task.evaluate(arch)
    assert other.value == other.curve[-1] == -one.metrics["validation_cross_entropy"] < 0
    assert other.metrics["validation_accuracy"] == one.value
    assert other.cost == one.cost  # looked up: the training is the same
    with pytest.raises(UserError, match="value = 'loss' is not one of accuracy, cross-entropy"):
        make_live("live:cells", {"value": "loss"}, Path())
    with pytest.raises(UserError, match="value is 'loss'"):
        live_task("live:chain", value="loss", device="cpu")


def test_images_of_the_user(live_cache: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, size=(60, 8, 8, 1), dtype=np.uint8)
    np.savez(tmp_path / "mine.npz", images=pixels, labels=np.arange(60) % 3)
    setting = make_live("live:chain", {"data": "mine.npz", "side": 4, "train": 20}, tmp_path)
    assert setting.label == "live:chain(data=mine.npz, side=4, train=20)"
    assert setting.data == "images of mine.npz"
    assert setting.task.data.shape == (1, 4, 4)
    assert len(setting.task.data.train) == 20
    assert setting.task.data.classes == 3


def test_sizes_that_are_not_given_are_those_of_the_task(live_cache: Path) -> None:
    plain = make_live("live:cells", {}, Path()).task
    smaller = make_live("live:cells", {"test": 100}, Path()).task
    assert len(smaller.data.test) == 100
    assert len(smaller.data.train) == len(plain.data.train) == CELL_IMAGES


def test_fields_that_are_not_given_are_those_of_the_task(live_cache: Path) -> None:
    plain = make_live("live:cells", {}, Path()).task
    deeper = make_live("live:cells", {"cells": 2}, Path()).task
    assert deeper.network == {"skeleton": {**plain.network["skeleton"], "cells": 2}}


def test_the_path_of_data_holds_in_the_run_folder(tmp_path: Path) -> None:
    moved = moved_data({"data": "images/mine.npz", "epochs": 2}, tmp_path, tmp_path / "runs" / "r")
    assert (tmp_path / "runs" / "r" / moved["data"]).resolve() == tmp_path / "images/mine.npz"
    assert moved["epochs"] == 2
    assert moved_data({"data": "/there"}, tmp_path, tmp_path / "runs") == {"data": "/there"}
