"""The recipe learns, repeats itself bit by bit, and reports divergence as a result."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import astuple, replace

import pytest
import torch
from torch import nn

from surrobench.spaces.chains import Chains
from surrobench.training.datasets.data import Data
from surrobench.training.datasets.digits import distorted_digits
from surrobench.training.loop.trainer import Recipe, cosine, initialised, train
from surrobench.training.loop.training_run import TrainingRun
from surrobench.training.networks.networks import build_chain

RECIPE = Recipe(epochs=2)


@pytest.fixture(scope="module")
def data() -> Data:
    return distorted_digits(0, train=1500, validation=300, test=400)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def build() -> nn.Sequential:
    space = Chains(side=8)
    return build_chain(space, space.parse("conv3-32-max+fc256"))


def without_seconds(run: TrainingRun) -> tuple[object, ...]:
    return astuple(replace(run, train_seconds=0.0, peak_memory=0.0))


@pytest.mark.slow
def test_learns_well_above_chance_and_measures_every_epoch(data: Data) -> None:
    (run,) = train(build, data, Recipe(epochs=3), seeds=[0])
    assert run.status == "ok"
    assert run.test_accuracy > 35
    assert run.validation_accuracy[-1] > 35
    assert run.validation_cross_entropy[-1] < run.validation_cross_entropy[0] < 3
    assert run.train_loss[-1] < run.train_loss[0]
    assert [len(run.train_loss), len(run.validation_accuracy)] == [3, 3]
    assert run.train_seconds > 0
    assert run.summed_train_loss == pytest.approx(sum(run.train_loss))
    assert len(run.validation_macro_f1) == len(run.validation_macro_recall) == 3
    assert abs(run.test_macro_recall - run.test_accuracy) < 10  # the classes are nearly balanced
    assert run.test_macro_f1 > 25


def test_same_seed_is_bit_identical_and_another_seed_differs(data: Data) -> None:
    first, other = train(build, data, RECIPE, seeds=[1, 2])
    again, _ = train(build, data, RECIPE, seeds=[1, 2])
    assert without_seconds(first) == without_seconds(again)
    assert first.train_loss != other.train_loss


def test_a_training_is_the_same_alone_and_in_company(data: Data) -> None:
    recipe = Recipe(epochs=1, learning_rate=0.01)
    company = train(build, data, recipe, seeds=[4, 5, 6])
    (alone,) = train(build, data, recipe, seeds=[5])
    assert company[1].train_loss == pytest.approx(alone.train_loss, abs=1e-4)
    assert company[1].test_cross_entropy == pytest.approx(alone.test_cross_entropy, abs=1e-3)


def test_the_global_generator_is_left_alone(data: Data) -> None:
    before = torch.get_rng_state()
    train(build, data, Recipe(epochs=1), seeds=[5])
    assert torch.equal(torch.get_rng_state(), before)


def test_divergence_is_a_status(data: Data) -> None:
    (run,) = train(build, data, replace(RECIPE, learning_rate=1e9), seeds=[0])
    assert run.status == "diverged"
    assert math.isnan(run.test_accuracy)
    assert math.isnan(run.test_cross_entropy)
    assert len(run.validation_accuracy) == len(run.train_loss) == RECIPE.epochs
    assert math.isnan(run.validation_accuracy[-1])


def test_one_diverged_member_does_not_disturb_the_others(data: Data) -> None:
    def sometimes_broken() -> nn.Sequential:
        network = build()
        if torch.initial_seed() == 1:
            with torch.no_grad():
                next(network.parameters()).fill_(math.inf)
        return network

    healthy, broken, other = train(sometimes_broken, data, RECIPE, seeds=[0, 1, 2])
    assert [healthy.status, broken.status, other.status] == ["ok", "diverged", "ok"]
    assert math.isfinite(healthy.test_cross_entropy + other.test_cross_entropy)
    assert all(math.isnan(value) for value in (*broken.train_loss, broken.test_accuracy))


def test_learning_rate_falls_along_half_a_cosine() -> None:
    recipe = Recipe(learning_rate=0.2)
    assert cosine(0, 96, recipe) == 0.2
    assert cosine(48, 96, recipe) == pytest.approx(0.1)
    assert 0 < cosine(95, 96, recipe) < 1e-4


def test_equals_a_plain_training_loop(data: Data) -> None:
    recipe = Recipe(epochs=1, batch_size=500, learning_rate=0.02)
    network = initialised(build, seed=7)
    optimiser = torch.optim.SGD(
        network.parameters(), lr=0.02, momentum=0.9, weight_decay=5e-4, nesterov=True
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=3)
    losses = []
    order = torch.randperm(1500, generator=torch.Generator().manual_seed(7))
    for batch in order.split(500):
        loss = nn.functional.cross_entropy(
            network(data.train.inputs[batch]), data.train.labels[batch]
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        losses.append(loss.item())
    network.eval()
    with torch.no_grad():
        scores = network(data.validation.inputs)
    (run,) = train(build, data, recipe, seeds=[7])
    assert run.train_loss[0] == pytest.approx(sum(losses) / 3, abs=1e-5)
    entropy = nn.functional.cross_entropy(scores, data.validation.labels).item()
    assert run.validation_cross_entropy[0] == pytest.approx(entropy, abs=1e-4)
