"""A live task trains once what it is asked for, and a search runs on it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from torch import nn

from surrobench import search
from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch
from surrobench.tasks.live import live
from surrobench.tasks.live.live import LiveTask, live_task
from surrobench.tasks.live.training_cache import TrainingCache
from surrobench.training.datasets.data import Data
from surrobench.training.datasets.digits import distorted_digits
from surrobench.training.datasets.signals import synthetic_signals
from surrobench.training.loop.fidelity import Fidelity
from surrobench.training.loop.groups import GroupTrainer, Job
from surrobench.training.loop.trainer import Recipe
from surrobench.training.loop.versions import versions
from surrobench.training.networks.cells import Skeleton

SMALL = Skeleton(channels=2)
RECIPE = Recipe(epochs=2, batch_size=64, learning_rate=0.05)
ARCH: Arch = (3, 0, 1, 2, 4, 0)


@pytest.fixture(scope="module")
def data() -> Data:
    return distorted_digits(0, train=128, validation=100, test=100)


Make = Callable[..., LiveTask]


@pytest.fixture
def make(data: Data, tmp_path: Path) -> Make:
    def cells(**options: object) -> LiveTask:
        given = {"skeleton": SMALL, "recipe": RECIPE, "cache": tmp_path, "device": "cpu"}
        given["value"] = "accuracy"
        return live_task("live:cells", **{"data": data, **given, **options})  # type: ignore[arg-type]

    return cells


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    """Every job that is really trained."""
    jobs: list[Job] = []
    original = GroupTrainer.iterate

    def iterate(self: GroupTrainer, some: Sequence[Job]) -> object:
        jobs.extend(some)
        return original(self, some)

    monkeypatch.setattr(GroupTrainer, "iterate", iterate)
    return jobs


def test_an_evaluation_says_what_the_training_gave(make: Make) -> None:
    evaluation = make().evaluate(ARCH)
    assert evaluation.status == "ok"
    assert len(evaluation.curve) == 2
    assert evaluation.value == evaluation.curve[-1]
    assert 0 <= evaluation.value <= 100
    assert evaluation.cost is not None
    assert evaluation.cost > 0
    assert list(evaluation.metrics) == [
        "params", "flops", "validation_cross_entropy",
        "validation_macro_recall", "validation_macro_f1", "summed_train_loss",
    ]  # fmt: skip
    assert evaluation.metrics["validation_cross_entropy"] > 0


def test_learning_curves_are_those_of_the_trainings(make: Make, trained: list[Job]) -> None:
    task = make()
    evaluations = {seed: task.evaluate(ARCH, seed=seed) for seed in (0, 1)}
    before = len(trained)
    frame = task.learning_curves([ARCH], seeds=(0, 1))
    assert len(trained) == before  # what is kept is not trained again
    assert set(frame["arch"]) == {task.space.to_string(ARCH)}
    for seed, evaluation in evaluations.items():
        own = frame[frame["seed"] == seed]
        assert own["epoch"].to_list() == [1, 2]
        assert own["validation_accuracy"].to_list() == list(evaluation.curve)
        assert own["train_loss"].sum() == pytest.approx(evaluation.metrics["summed_train_loss"])


def test_a_second_run_costs_nothing(make: Make, trained: list[Job]) -> None:
    first = make().evaluate_many([ARCH, (1,) * 6])
    assert len(trained) == 2
    again = make().evaluate_many([ARCH, (1,) * 6])
    assert len(trained) == 2
    assert again == first


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [
        {"skeleton": Skeleton(channels=3)},
        {"recipe": replace(RECIPE, learning_rate=0.02)},
        {"data": distorted_digits(1, train=128, validation=100, test=100)},
    ],
)
def test_another_setting_is_another_training(
    make: Make, trained: list[Job], change: dict[str, object]
) -> None:
    make().evaluate(ARCH)
    make(**change).evaluate(ARCH)
    assert len(trained) == 2


def test_seeds_and_epochs_are_trainings_of_their_own(make: Make, trained: list[Job]) -> None:
    task = make()
    full, short = task.evaluate(ARCH), task.evaluate(ARCH, epochs=1)
    other = task.evaluate(ARCH, seed=1)
    assert len(trained) == 3
    assert len(short.curve) == 1
    # A shorter training has a schedule of its own, so it is no part of the longer one.
    assert short.metrics["summed_train_loss"] != full.metrics["summed_train_loss"]
    assert other.metrics["summed_train_loss"] != full.metrics["summed_train_loss"]


def test_keys_of_full_trainings_are_as_they_have_always_been(make: Make) -> None:
    """Fidelities and options that are not used leave no trace."""
    task = make()
    task.evaluate(ARCH)
    key = {
        "space": "nb201",
        "network": {"skeleton": {"channels": 2, "cells": 1, "reduction": "thin"}},
        "data": task.data.fingerprint,
        "device": "cpu",
        "versions": versions(),
        "arch": list(task.space.canonical(ARCH)),
        "recipe": {
            "epochs": 2, "batch_size": 64, "learning_rate": 0.05, "momentum": 0.9,
            "weight_decay": 5e-4,
        },
        "seed": 0,
    }  # fmt: skip
    assert task.cache is not None
    assert TrainingCache(task.cache).find(key) is not None


def test_fidelities_are_trainings_of_their_own(make: Make, trained: list[Job]) -> None:
    task = make()
    fidelities = [
        Fidelity(), Fidelity(epochs=1), Fidelity(fraction=0.5), Fidelity(width=0.5),
        Fidelity(1, 0.5, 0.5),
    ]  # fmt: skip
    results = [task.evaluate(ARCH, fidelity=fidelity) for fidelity in fidelities]
    assert len(trained) == 5
    assert len({r.metrics["summed_train_loss"] for r in results}) == 5
    assert [task.evaluate(ARCH, fidelity=f) for f in fidelities] == results
    assert task.evaluate(ARCH, epochs=1) == results[1]
    assert len(trained) == 5
    assert len({result.metrics["params"] for result in results}) == 1  # those in full


def test_a_fidelity_is_the_training_that_it_says(make: Make) -> None:
    task = make()
    data, skeleton = task.data, Skeleton(channels=1)
    first = replace(
        data.train,
        inputs=data.train.inputs[:64],
        labels=data.train.labels[:64],
        sources=data.train.sources[:64],
    )
    by_hand = make(data=replace(data, train=first), skeleton=skeleton)
    cheap = task.evaluate(ARCH, fidelity=Fidelity(1, 0.5, 0.5))
    assert cheap.curve == by_hand.evaluate(ARCH, epochs=1).curve


def test_chains_can_be_narrow(data: Data, tmp_path: Path) -> None:
    wide, narrow = (
        live_task("live:chain", data, div=div, recipe=RECIPE, cache=tmp_path, device="cpu")
        for div in (4, 8)
    )
    arch = wide.space.parse("conv3-16-max+fc128")
    half = wide.evaluate(arch, epochs=1, fidelity=Fidelity(width=0.5))
    assert half.curve == narrow.evaluate(arch, epochs=1).curve


def test_fidelities_that_cannot_be_are_refused(make: Make) -> None:
    task = make()
    for wrong, message in (
        ({"fraction": 0.0}, "fraction is 0.0"),
        ({"width": 1.5}, "width is 1.5"),
        ({"epochs": 0}, "epochs is 0"),
    ):
        with pytest.raises(UserError, match=message):
            Fidelity(**wrong)  # type: ignore[arg-type]
    with pytest.raises(UserError, match="leaves none of 128"):
        task.evaluate(ARCH, fidelity=Fidelity(fraction=0.001))
    with pytest.raises(UserError, match="epochs is 2, but the fidelity says 1"):
        task.evaluate(ARCH, epochs=2, fidelity=Fidelity(epochs=1))
    with pytest.raises(UserError, match="cannot be changed"):
        replace(task, build_at=None).evaluate(ARCH, fidelity=Fidelity(width=0.5))
    assert task.evaluate(ARCH, fidelity=Fidelity(width=0.3)).reason == (
        "UserError: width 0.3 of the channels would be 0.6, which is no whole number of at least 1."
    )


def test_signals_are_a_live_task(tmp_path: Path, data: Data) -> None:
    signals = synthetic_signals(train=64, validation=50, test=50)
    task = live_task("live:signals", signals, recipe=RECIPE, cache=tmp_path, device="cpu")
    assert task.evaluate(ARCH).status == "ok"
    assert task.network["skeleton"]["ndim"] == 1
    with pytest.raises(UserError, match="8 high"):
        live_task("live:signals", data)


def test_equal_networks_share_one_training(make: Make, trained: list[Job]) -> None:
    task = make()
    equal: Arch = (3, 0, 1, 2, 4, 0)
    # A skip to a node that leads nowhere and an operation on a node that is always zero.
    useless: Arch = (0, 0, 0, 2, 0, 0)
    dead: Arch = (0, 0, 3, 2, 4, 0)
    assert task.space.canonical(dead) == task.space.canonical(useless)
    evaluations = task.evaluate_many([equal, useless, dead, equal])
    assert len(trained) == 2
    assert evaluations[1] == evaluations[2]
    assert evaluations[0] == evaluations[3]


def test_what_was_finished_before_an_interruption_is_kept(make: Make, trained: list[Job]) -> None:
    task = replace(make(), group_size=1)
    archs = task.space.sample(3, np.random.default_rng(0))

    def interrupt(done: int, total: int) -> None:
        assert total == 3
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        task.evaluate_many(archs, progress=interrupt)
    trained.clear()
    task.evaluate_many(archs)
    assert len(trained) == 1


def test_a_file_that_cannot_be_read_is_trained_again(
    make: Make, trained: list[Job], tmp_path: Path
) -> None:
    make().evaluate(ARCH)
    (file,) = tmp_path.rglob("*.json")
    file.write_bytes(file.read_bytes()[:50])
    assert make().evaluate(ARCH).status == "ok"
    assert len(trained) == 2


def test_without_a_cache_nothing_is_written(make: Make, tmp_path: Path) -> None:
    replace(make(), cache=None).evaluate(ARCH)
    assert not list(tmp_path.iterdir())


def test_a_diverged_training_is_an_evaluation(make: Make) -> None:
    task = make(recipe=replace(RECIPE, learning_rate=1e12))
    evaluation = task.evaluate((3,) * 6)
    assert evaluation.status == "diverged"
    assert math.isnan(evaluation.value)


def test_a_failed_training_is_not_kept(make: Make, trained: list[Job]) -> None:
    def broken(_arch: Arch) -> nn.Module:
        raise RuntimeError("out of luck")

    task = replace(make(), build=broken)
    assert task.evaluate(ARCH).reason == "RuntimeError: out of luck"
    evaluation = task.evaluate(ARCH)
    assert evaluation.status == "failed"
    assert math.isnan(evaluation.value)
    assert evaluation.cost is None
    assert make().evaluate(ARCH).status == "ok"
    assert len(trained) == 3


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["random", "regularised-evolution"])
def test_a_search_runs_on_a_live_task(make: Make, trained: list[Job], strategy: str) -> None:
    task = make()
    results = [
        search(task.space, task.evaluate, strategy=strategy, budget=6, initial=3) for _ in range(2)
    ]
    assert results[0].best is not None
    assert [r.value for r in results[0].rows] == [r.value for r in results[1].rows]
    assert len(trained) <= 6


@pytest.mark.slow
def test_a_search_over_lengths_of_training(make: Make) -> None:
    task = make()
    result = search(
        task.space,
        task.evaluate,
        strategy="successive-halving",
        budget=4,
        initial=4,
        epochs=[1, 3],
    )
    assert {row.epochs for row in result.rows} == {1, None}  # None is the full length


def test_chains_are_a_live_task(data: Data, tmp_path: Path) -> None:
    task = live_task("live:chain", data, div=16, recipe=RECIPE, cache=tmp_path, device="cpu")
    arch = task.space.parse("conv3-16-max+fc128")
    assert task.evaluate(arch).status == "ok"


def test_images_that_are_not_square_are_refused_for_chains(data: Data) -> None:
    wide = replace(data, train=replace(data.train, inputs=data.train.inputs[..., :6]))
    with pytest.raises(UserError, match="8 x 6"):
        live_task("live:chain", wide)


def test_wrong_requests_are_refused(make: Make) -> None:
    with pytest.raises(UserError, match="Did you mean 'live:cells'"):
        live_task("live:cell")
    with pytest.raises(UserError, match="epochs is 0"):
        make().evaluate(ARCH, epochs=0)
    with pytest.raises(UserError, match="nb201"):
        make().evaluate((9, 9))


def test_the_default_settings_are_those_that_are_documented() -> None:
    assert {"live:cells", "live:chain", "live:signals"} <= set(live.LIVE_TASKS)
    task = live_task("live:cells", distorted_digits(train=64, validation=10, test=10))
    assert task.network == {"skeleton": {"channels": 16, "cells": 1, "reduction": "thin"}}
    assert task.value == "cross-entropy"
    assert task.recipe == Recipe(epochs=3, batch_size=16, learning_rate=0.1, label_smoothing=0.2)
    assert task.cache is not None
    assert task.cache.name == "live"
