"""Training in groups: the same numbers, in the order asked for, whatever happens to one."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch
from surrobench.spaces.chains import Chains
from surrobench.spaces.edge_cells import nas_bench_201
from surrobench.training.datasets.data import Data
from surrobench.training.datasets.digits import distorted_digits
from surrobench.training.loop import groups
from surrobench.training.loop.groups import GroupTrainer, Job, tune_group_size
from surrobench.training.loop.trainer import Recipe, initialised, train_together
from surrobench.training.loop.training_run import TrainingRun
from surrobench.training.networks.cells import CellNetwork, Skeleton
from surrobench.training.networks.networks import build_chain

CELLS, CHAINS = nas_bench_201(), Chains(side=8)
ARCHS = CELLS.sample(5, np.random.default_rng(0))
RECIPE = Recipe(epochs=1, batch_size=64, learning_rate=0.02)


@pytest.fixture(scope="module")
def data() -> Data:
    return distorted_digits(0, train=256, validation=200, test=200)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def build(arch: Arch) -> nn.Module:
    return CellNetwork(CELLS, arch, Skeleton(channels=4))


def build_or_raise(arch: Arch) -> nn.Module:
    if arch == ARCHS[2]:
        raise RuntimeError("no such layer")
    return build(arch)


class Crash(nn.Module):
    """Raises an error as soon as it is trained."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, images: Tensor) -> Tensor:
        raise ValueError("crashed on purpose")


def alone(job: Job, data: Data, recipe: Recipe = RECIPE) -> TrainingRun:
    network = initialised(lambda: build(job.arch), job.seed)
    return train_together([network], data, recipe, seeds=[job.seed])[0]


def check_equal(run: TrainingRun, other: TrainingRun) -> None:
    assert run.status == other.status == "ok"
    assert run.train_loss == pytest.approx(other.train_loss, abs=1e-3)
    assert run.test_cross_entropy == pytest.approx(other.test_cross_entropy, abs=5e-3)


@pytest.mark.slow
@pytest.mark.parametrize("group_size", [1, 3, 16, None])
def test_each_training_is_that_of_its_network_alone(data: Data, group_size: int) -> None:
    # Seeds alternate, so groups hold networks that see their images in different orders.
    jobs = [Job(arch, seed) for arch in ARCHS for seed in (0, 1)]
    runs = GroupTrainer(build, data, RECIPE, group_size=group_size).train(jobs)
    for job, run in zip(jobs[::3], runs[::3], strict=True):
        check_equal(run, alone(job, data))


@pytest.mark.slow
def test_architectures_differ_and_numbers_repeat(data: Data) -> None:
    jobs = [Job(arch) for arch in ARCHS]
    trainer = GroupTrainer(build, data, RECIPE, group_size=4)
    runs, again = trainer.train(jobs), trainer.train(jobs)
    assert [r.train_loss for r in runs] == [r.train_loss for r in again]
    assert len({run.train_loss for run in runs}) == len(ARCHS)


def test_chains_of_several_shapes_come_back_in_order(data: Data) -> None:
    texts = ["conv3-16-max+fc128", "conv3-16-avg+fc128", "conv3-16-max+fc128"]
    jobs = [Job(CHAINS.parse(text), seed) for seed, text in enumerate(texts)]
    runs = GroupTrainer(lambda arch: build_chain(CHAINS, arch), data, RECIPE).train(jobs)
    for job, run in zip(jobs, runs, strict=True):
        network = initialised(lambda arch=job.arch: build_chain(CHAINS, arch), job.seed)
        (expected,) = train_together([network], data, RECIPE, seeds=[job.seed])
        check_equal(run, expected)


@pytest.mark.slow
def test_a_diverged_training_is_a_record_and_its_neighbours_go_on(data: Data) -> None:
    def build_sick(arch: Arch) -> nn.Module:
        network = build(arch)
        if arch == ARCHS[1]:
            nn.init.constant_(next(network.parameters()), math.inf)
        return network

    jobs = [Job(arch) for arch in ARCHS]
    runs = GroupTrainer(build_sick, data, RECIPE, group_size=8).train(jobs)
    assert [run.status for run in runs] == ["ok", "diverged", "ok", "ok", "ok"]
    assert math.isnan(runs[1].test_accuracy)
    for position in (0, 2, 3, 4):
        check_equal(runs[position], alone(jobs[position], data))


def test_a_build_that_fails_is_a_record(data: Data) -> None:
    runs = GroupTrainer(build_or_raise, data, RECIPE).train([Job(arch) for arch in ARCHS])
    assert [run.status for run in runs] == ["ok", "ok", "failed", "ok", "ok"]
    assert runs[2].reason == "RuntimeError: no such layer"
    assert len(runs[2].train_loss) == RECIPE.epochs


def test_a_training_that_crashes_is_a_record(data: Data) -> None:
    def build_any(arch: Arch) -> nn.Module:
        return Crash() if arch == ARCHS[0] else nn.Sequential(nn.Flatten(), nn.Linear(64, 10))

    jobs = [Job(ARCHS[0]), Job(ARCHS[1])]
    runs = GroupTrainer(build_any, data, RECIPE).train(jobs)
    assert [run.status for run in runs] == ["failed", "ok"]
    assert "crashed on purpose" in runs[0].reason


def test_an_error_in_a_group_costs_its_own_member_alone(
    data: Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = groups.train_together

    def fragile(networks: list[nn.Module], *arguments: object, **options: object) -> object:
        if any(len(network.body[0].edges) == 6 for network in networks):  # type: ignore[index]
            raise RuntimeError("six edges are too many")
        return original(networks, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(groups, "train_together", fragile)
    jobs = [Job(ARCHS[0]), Job((1,) * 6), Job(ARCHS[1])]
    runs = GroupTrainer(build, data, RECIPE, group_size=3).train(jobs)
    assert [run.status for run in runs] == ["ok", "failed", "ok"]


def test_too_little_memory_halves_the_group(data: Data, monkeypatch: pytest.MonkeyPatch) -> None:
    original, sizes = groups.train_together, []

    def small(networks: list[nn.Module], *arguments: object, **options: object) -> object:
        sizes.append(len(networks))
        if len(networks) > 2:
            raise torch.OutOfMemoryError("out of memory")
        return original(networks, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(groups, "train_together", small)
    runs = GroupTrainer(build, data, RECIPE, group_size=4).train([Job(arch) for arch in ARCHS])
    assert sizes == [4, 2, 2, 1]
    assert [run.status for run in runs] == ["ok"] * 5


def test_progress_reaches_the_number_of_jobs(data: Data) -> None:
    told: list[tuple[int, int]] = []
    trainer = GroupTrainer(build, data, RECIPE, group_size=2)
    trainer.train([Job(arch) for arch in ARCHS], progress=lambda *numbers: told.append(numbers))
    assert told == [(2, 5), (4, 5), (5, 5)]


def test_the_best_size_is_the_one_with_the_least_time_a_network(
    data: Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = {1: 1.0, 2: 0.6, 4: 0.5, 8: 0.9}
    monkeypatch.setattr(groups, "_seconds_per_network", lambda some, *_: seconds[len(some)])
    networks = [build(ARCHS[0])] * 64
    assert tune_group_size(networks, data, RECIPE) == 4
    assert tune_group_size(networks[:3], data, RECIPE) == 2
    assert tune_group_size(networks, data, RECIPE, budget=0) == 1


def test_tuning_leaves_the_networks_as_they_are(data: Data) -> None:
    networks = [build(arch) for arch in ARCHS]
    before = [[p.clone() for p in network.parameters()] for network in networks]
    assert tune_group_size(networks, data, RECIPE) in (1, 2, 4)
    for network, weights in zip(networks, before, strict=True):
        assert all(map(torch.equal, network.parameters(), weights))


def test_a_learning_rate_that_is_far_too_high_diverges_and_is_told(data: Data) -> None:
    recipe = replace(RECIPE, learning_rate=1e12)
    (run,) = GroupTrainer(build, data, recipe).train([Job((3,) * 6)])
    assert run.status == "diverged"


@pytest.mark.slow
@pytest.mark.parametrize(("threads", "expected"), [(1, 1), (2, 2), (None, 3)])
def test_threads_are_those_that_were_asked_for_and_are_given_back(
    data: Data, monkeypatch: pytest.MonkeyPatch, threads: int | None, expected: int
) -> None:
    original, seen = groups.train_together, []

    def watched(*arguments: object, **options: object) -> object:
        seen.append(torch.get_num_threads())
        return original(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(groups, "train_together", watched)
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        GroupTrainer(build, data, RECIPE, group_size=2, threads=threads).train([Job(ARCHS[0])])
        assert (seen, torch.get_num_threads()) == ([expected], 3)
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("option", "named"), [("group_size", "group size"), ("threads", "threads")]
)
def test_numbers_below_one_are_refused(data: Data, option: str, named: str) -> None:
    with pytest.raises(UserError, match=f"{named} is 0"):
        GroupTrainer(build, data, RECIPE, **{option: 0})
