"""Every one-shot method: an architecture, shared weights that score, nothing left to chance."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from surrobench.errors import UserError
from surrobench.spaces.edge_cells import nas_bench_201
from surrobench.strategies.one_shot import ONE_SHOT, make_one_shot, one_shot_search
from surrobench.strategies.one_shot.enas import Enas, RewardedController
from surrobench.strategies.one_shot.sampled import best_by_asking
from surrobench.strategies.one_shot.shared_training import SharedTraining, random_cell
from surrobench.tasks.live.live import LiveTask, live_task
from surrobench.training.datasets.data import Data, Split
from surrobench.training.datasets.digits import distorted_digits
from surrobench.training.loop.trainer import Recipe, initialised
from surrobench.training.networks.cells import Skeleton
from surrobench.training.supernet import Supernet, path

SPACE = nas_bench_201()
SHORT: dict[str, dict[str, Any]] = {
    "spos": {"evaluations": 6, "initial": 3},
    "random-sharing": {"evaluations": 6, "initial": 3},
    "enas": {"evaluations": 6, "controller_steps": 3},
}
CONVOLUTIONS, POOLS = (3,) * 6, (4,) * 6


def no_images(data: Data) -> Data:
    """The same, without test images."""
    empty = Split(data.test.inputs[:0], data.test.labels[:0], data.test.sources[:0])
    return replace(data, test=empty)


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> LiveTask:
    data = no_images(distorted_digits(0, train=60, validation=70, test=10))
    folder: Path = tmp_path_factory.mktemp("cache")
    return live_task("live:cells", data, skeleton=Skeleton(channels=2), device="cpu", cache=folder)


@pytest.mark.slow
@pytest.mark.parametrize("method", ONE_SHOT.names())
def test_a_run_is_decided_by_its_seed(method: str, task: LiveTask) -> None:
    options = {"epochs": 2, **SHORT.get(method, {})}
    state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    told: list[tuple[int, int]] = []
    first = one_shot_search(
        method, task, seed=1, progress=lambda done, all_: told.append((done, all_)), **options
    )
    assert told == [(1, 2), (2, 2)]
    assert torch.equal(torch.get_rng_state(), state)
    assert np.array_equal(np.random.get_state()[1], numpy_state)  # noqa: NPY002
    assert first.method == method
    assert first.arch in task.space
    assert len(first.history) == 2
    assert all(np.isfinite(epoch.train_loss) for epoch in first.history)
    assert first.train_seconds > 0
    scores = first.score([first.arch, CONVOLUTIONS, POOLS])
    assert ((scores >= 0) & (scores <= 100)).all()
    again = one_shot_search(method, task, seed=1, **options)
    assert again.arch == first.arch
    assert [e.train_loss for e in again.history] == [e.train_loss for e in first.history]
    assert np.array_equal(again.score([first.arch, CONVOLUTIONS, POOLS]), scores)
    other = one_shot_search(method, task, seed=2, **{**options, "epochs": 1})
    assert other.history[0].train_loss != first.history[0].train_loss


@pytest.mark.slow
def test_shared_weights_learn() -> None:
    data = no_images(distorted_digits(0, train=512, validation=500, test=10))
    task = live_task("live:cells", data, skeleton=Skeleton(channels=4), device="cpu")
    options = {"evaluations": 2, "initial": 2, "learning_rate": 0.1, "batch_size": 32}
    found = one_shot_search("random-sharing", task, epochs=10, **options)
    assert found.history[-1].train_loss < found.history[0].train_loss
    learned, guessed = found.score([CONVOLUTIONS, (0,) * 6])
    assert learned > 18 > 15 > guessed  # a cell that nothing passes guesses


def test_the_two_orders_of_darts_differ(task: LiveTask) -> None:
    first, second = (
        one_shot_search(name, task, epochs=1, architecture_rate=0.1)
        for name in ("darts", "darts-second-order")
    )
    assert first.history[0].arch == first.arch
    assert first.history[0].train_loss != second.history[0].train_loss
    same = one_shot_search("darts", task, epochs=1, architecture_rate=0.1, order=2)
    assert same.history[0].train_loss == second.history[0].train_loss


def training(data: Data, clip: float = 5.0) -> SharedTraining:
    supernet = initialised(lambda: Supernet(SPACE, Skeleton(channels=2)), 0)
    recipe = Recipe(learning_rate=0.1, batch_size=64, clip=clip)
    return SharedTraining(supernet, data, recipe, 0)


def test_a_step_touches_only_the_weights_of_its_path(task: LiveTask) -> None:
    shared = training(task.data)
    batch = next(shared.batches())
    shared.step(path(SPACE, CONVOLUTIONS), batch)  # momentum and decay would go on from here
    before = {name: value.clone() for name, value in shared.supernet.named_parameters()}
    shared.step(path(SPACE, (0, 0, 0, 2, 0, 0)), batch)
    moved = {
        name
        for name, value in shared.supernet.named_parameters()
        if not torch.equal(value, before[name])
    }
    cells = {name for name in moved if ".operations." in name}
    assert cells == {f"body.{i}.operations.3.nor_conv_1x1.1.weight" for i in (0, 2, 4)}
    assert "stem.0.weight" in moved


def test_a_step_is_clipped(task: LiveTask) -> None:
    shared = training(task.data, clip=1e-4)
    shared.step(path(SPACE, CONVOLUTIONS), next(shared.batches()))
    gradients = [p.grad for p in shared.supernet.parameters() if p.grad is not None]
    norm = torch.cat([g.flatten() for g in gradients]).norm()
    assert norm.item() == pytest.approx(1e-4, rel=1e-2)


def test_validation_batches_go_round(task: LiveTask) -> None:
    shared = training(task.data)
    everything = task.data.validation.labels.sort().values
    for _ in range(2):  # two batches make a round
        labels = torch.cat([shared.validation_batch()[1] for _ in range(2)])
        assert torch.equal(labels.sort().values, everything)
    assert sum(len(labels) for _, labels in shared.batches()) == len(task.data.train)


def test_random_cells_are_connected() -> None:
    rng = np.random.default_rng(0)
    drawn = [random_cell(SPACE, rng) for _ in range(400)]
    assert not any(SPACE.disconnected(arch) for arch in drawn)
    assert {arch[3] for arch in drawn} == set(range(5))


def test_the_search_over_shared_weights_climbs() -> None:
    def convolutions(arch: tuple[int, ...]) -> float:
        return float(sum(choice == 3 for choice in arch))

    options = {"evaluations": 150, "initial": 20, "seed": 0}
    evolved = best_by_asking("genetic", SPACE, convolutions, **options)
    assert convolutions(evolved) >= 5
    drawn = best_by_asking("random", SPACE, convolutions, **{**options, "evaluations": 20})
    assert convolutions(drawn) < convolutions(evolved)


def test_a_rewarded_choice_becomes_more_probable() -> None:
    options = Enas(controller_rate=0.02)
    controller = RewardedController(SPACE.cardinalities, options, np.random.default_rng(0))
    rewarded = 3

    def share() -> float:
        return float(np.mean([arch[2] == rewarded for arch in controller.draw(500)]))

    before = share()
    for _ in range(60):
        archs = controller.draw(5)
        controller.learn(archs, [float(arch[2] == rewarded) for arch in archs])
    assert before < 0.3
    assert share() > 0.8


def test_equal_rewards_teach_nothing_but_entropy() -> None:
    options = Enas(entropy=0.0)
    controller = RewardedController(SPACE.cardinalities, options, np.random.default_rng(0))
    archs = controller.draw(5)
    before = [controller.probability(arch) for arch in archs]
    controller.learn(archs, [0.7] * 5)
    assert [controller.probability(arch) for arch in archs] == pytest.approx(before, rel=1e-6)


@pytest.mark.parametrize(
    ("method", "options", "message"),
    [
        ("sposs", {}, "Did you mean 'spos'"),
        ("spos", {"epoch": 3}, "no option 'epoch'. Did you mean 'epochs'"),
        ("spos", {"epochs": 0}, "'epochs' is 0"),
        ("spos", {"chooser": "evolve"}, "'chooser' is 'evolve'"),
        ("spos", {"evaluations": 5, "initial": 6}, "'initial' is 6"),
        ("darts", {"order": 3}, "'order' is 3"),
        ("gdas", {"last_temperature": 0}, "'last_temperature' is 0"),
        ("enas", {"learning_rate": "fast"}, "'learning_rate' is 'fast'"),
    ],
)
def test_wrong_options_are_refused(method: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        make_one_shot(method, **options)


def test_tasks_without_cells_and_wrong_seeds_are_refused(task: LiveTask) -> None:
    chain = live_task("live:chain", distorted_digits(0, train=9, validation=9, test=9))
    with pytest.raises(UserError, match="'live:cells'; this is the space 'chain"):
        one_shot_search("spos", chain)
    with pytest.raises(UserError, match="seed is -1"):
        one_shot_search("spos", task, seed=-1)
