"""Hopeless trainings end early, say so, and leave the others as they would have been."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional

from surrobench.spaces.chains import Chains
from surrobench.spaces.edge_cells import nas_bench_201
from surrobench.training.datasets.data import Data, Split
from surrobench.training.datasets.digits import distorted_digits
from surrobench.training.fusing.fusion import fuse
from surrobench.training.loop.early_stopping import early_stop_reason, least_accuracy
from surrobench.training.loop.measures import Measures
from surrobench.training.loop.members import separate
from surrobench.training.loop.trainer import Recipe, initialised, train_together
from surrobench.training.loop.training_run import TrainingRun
from surrobench.training.networks.cells import CellNetwork, Skeleton
from surrobench.training.networks.networks import build_chain

CELLS, CHAINS = nas_bench_201(), Chains(side=8)
NONE, SKIP, CONV1, CONV3, POOL = range(5)
CUT_OFF = (NONE,) * 6  # the classifier sees a constant
ARCHS = [(CONV3,) * 6, CUT_OFF, (SKIP, POOL, CONV1, CONV3, SKIP, CONV3), CUT_OFF]
RECIPE = Recipe(epochs=4, batch_size=32, learning_rate=0.05)


@pytest.fixture(scope="module")
def data() -> Data:
    rendered = distorted_digits(0, train=640, validation=300, test=200)
    exact = {
        name: replace(split, inputs=split.inputs.double())
        for name in ("train", "validation", "test")
        for split in [getattr(rendered, name)]
    }
    return Data(**exact)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def cells() -> list[nn.Module]:
    return [
        initialised(lambda a=arch: CellNetwork(CELLS, a, Skeleton(channels=4)), seed).double()
        for seed, arch in enumerate(ARCHS)
    ]


def check_equal(run: TrainingRun, other: TrainingRun) -> None:
    assert run.status == other.status == "ok"
    assert run.train_loss == pytest.approx(other.train_loss, abs=1e-8)
    assert run.validation_cross_entropy == pytest.approx(other.validation_cross_entropy, abs=1e-8)
    assert run.test_cross_entropy == pytest.approx(other.test_cross_entropy, abs=1e-8)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seeds", "optimiser"), [([0, 0, 0, 0], "sgd"), ([0, 1, 2, 3], "sgd"), ([0, 1, 2, 3], "adamw")]
)
def test_those_at_chance_leave_and_the_others_do_not_notice(
    data: Data, seeds: list[int], optimiser: str
) -> None:
    rate = 0.01 if optimiser == "adamw" else 0.05
    recipe = replace(RECIPE, optimiser=optimiser, learning_rate=rate)
    stopping = replace(recipe, stop_hopeless=True)
    together = train_together(cells(), data, stopping, seeds=seeds)
    plain = train_together(cells(), data, recipe, seeds=seeds)
    assert [run.status for run in together] == ["ok", "stopped", "ok", "stopped"]
    assert [run.status for run in plain] == ["ok"] * 4
    for position in (0, 2):
        check_equal(together[position], plain[position])
    stopped = together[1]
    assert stopped.train_loss[0] == pytest.approx(plain[1].train_loss[0], abs=1e-10)
    assert len(stopped.train_loss) == len(stopped.validation_accuracy) == 4
    assert all(map(math.isnan, (*stopped.train_loss[1:], stopped.test_accuracy)))
    assert "after epoch 1 of 4, not clearly above chance" in stopped.reason
    assert 0 < stopped.train_seconds < together[0].train_seconds


@pytest.mark.slow
def test_a_training_that_diverged_is_not_gone_on_with(data: Data) -> None:
    networks = cells()[:1] + cells()[2:3]
    nn.init.constant_(next(networks[0].parameters()), math.inf)
    recipe = replace(RECIPE, stop_hopeless=True)
    broken, sound = train_together(networks, data, recipe, seeds=[0, 0])
    assert (broken.status, sound.status) == ("diverged", "ok")
    assert broken.reason == "cross-entropy is not finite after epoch 1 of 4"
    assert broken.train_seconds < sound.train_seconds


def test_if_all_leave_the_training_is_over(data: Data) -> None:
    recipe = replace(RECIPE, stop_hopeless=True)
    (run,) = train_together(cells()[1:2], data, recipe, seeds=[0])
    assert run.status == "stopped"
    assert math.isfinite(run.validation_accuracy[0])
    assert math.isnan(run.validation_accuracy[1])


def test_only_from_a_quarter_on_and_never_at_the_end() -> None:
    low, high = Measures(10.0, 2.3, 10.0, 2.0, 0.2), Measures(30.0, 2.0, 30.0, 28.0, 0.1)
    assert [bool(early_stop_reason(low, e, 8, 13.0)) for e in range(1, 9)] == [
        0,
        1,
        1,
        1,
        1,
        1,
        1,
        0,
    ]
    assert not early_stop_reason(low, 1, 1, 13.0)
    assert not early_stop_reason(high, 4, 8, 13.0)
    assert early_stop_reason(high._replace(cross_entropy=math.nan), 1, 8, 13.0)


def test_chance_is_the_most_frequent_answer_plus_two_deviations() -> None:
    labels = torch.tensor([0] * 50 + [1] * 30 + [2] * 20)
    split = Split(torch.zeros(100, 1, 1, 1), labels, labels.numpy())
    assert least_accuracy(split) == pytest.approx(60.0)


def chains() -> list[nn.Module]:
    arch = CHAINS.parse("conv3-16-max+conv5-16-avg+fc128+fc256")
    return [initialised(lambda: build_chain(CHAINS, arch, div=8), seed) for seed in range(3)]


def alone() -> list[nn.Module]:
    return [initialised(lambda: nn.Sequential(nn.Flatten(), nn.PReLU(), nn.Linear(64, 10)), 0)]


@pytest.mark.parametrize("make", [cells, chains, alone])
def test_members_can_be_taken_apart(make: object) -> None:
    networks = make()  # type: ignore[operator]
    for network, copy in zip(networks, separate(fuse(networks), networks), strict=True):
        assert copy is not network
        for name, value in network.state_dict().items():
            assert torch.equal(copy.state_dict()[name], value), name


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_members_are_found_in_every_type(dtype: torch.dtype) -> None:
    networks = [network.to(dtype) for network in cells()]
    trained = [network.to(dtype) for network in cells()]
    with torch.no_grad():
        for network in trained:
            for parameter in network.parameters():
                parameter.copy_(0.1 * torch.randn(parameter.shape))
    found = separate(fuse(trained), networks)
    images = torch.randn(2, 1, 8, 8, dtype=dtype)
    for network, copy in zip(trained, found, strict=True):
        assert torch.equal(network.eval()(images), copy.eval()(images))


@pytest.mark.slow
@pytest.mark.parametrize("make", [cells, chains, alone])
def test_trained_members_are_handed_over(data: Data, make: object) -> None:
    networks = [network.double() for network in make()]  # type: ignore[operator]
    kept: dict[int, nn.Module] = {}
    seeds = list(range(len(networks)))
    recipe = replace(RECIPE, epochs=1)
    runs = train_together(networks, data, recipe, seeds=seeds, keep=kept.__setitem__)
    assert sorted(kept) == seeds
    for position, run in enumerate(runs):
        with torch.no_grad():
            scores = kept[position].eval()(data.test.inputs)
        entropy = functional.cross_entropy(scores, data.test.labels).item()
        assert entropy == pytest.approx(run.test_cross_entropy, abs=1e-9)
