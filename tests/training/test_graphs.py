"""A recorded step does what the step does, and where it cannot be recorded that is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from surrobench.spaces.edge_cells import nas_bench_201
from surrobench.training.datasets.data import Data
from surrobench.training.datasets.digits import distorted_digits
from surrobench.training.loop import trainer
from surrobench.training.loop.graphs import WARM_UP, GraphedStep
from surrobench.training.loop.trainer import (
    Recipe,
    initialised,
    make_optimiser,
    set_rate,
    train_together,
)
from surrobench.training.networks.cells import CellNetwork, Skeleton

CELLS = nas_bench_201()
ARCHS = [(3, 1, 2, 4, 3, 1), (2, 3, 0, 1, 4, 3)]
RECIPE = Recipe(epochs=2, batch_size=50, learning_rate=0.05)


class Recorder:
    """Records as CUDA does: nothing runs while recording, and replays read the same tensors."""

    def __init__(self) -> None:
        self.recorded = self.replays = self.aside = 0

    def record(self, step: Callable[[], Tensor]) -> Callable[[], Tensor]:
        self.recorded += 1

        def replay() -> Tensor:
            self.replays += 1
            return step()

        return replay

    def on_the_side(self, step: Callable[[], Tensor]) -> Tensor:
        self.aside += 1
        return step()


class Counter:
    """A step that shows what it was given."""

    def __init__(self) -> None:
        self.seen: list[tuple[float, int]] = []

    def __call__(self, inputs: Tensor, targets: Tensor) -> Tensor:
        self.seen.append((inputs.sum().item(), int(targets.sum())))
        return inputs.sum()[None]


def batches(n: int, size: int = 4) -> list[tuple[Tensor, Tensor]]:
    return [(torch.full((size, 1, 2, 2), float(i)), torch.full((2, size), i)) for i in range(n)]


def test_every_batch_is_seen_once_and_recorded_once() -> None:
    step, recorder = Counter(), Recorder()
    graphed = GraphedStep(step, recorder.record, recorder.on_the_side)
    losses = [graphed(*batch) for batch in batches(7)]
    assert step.seen == [(16.0 * i, 8 * i) for i in range(7)]
    assert [loss.item() for loss in losses] == [16.0 * i for i in range(7)]
    assert (recorder.aside, recorder.recorded, recorder.replays) == (WARM_UP, 1, 7 - WARM_UP)
    assert graphed.reason == ""


def test_a_smaller_last_batch_is_not_replayed() -> None:
    step, recorder = Counter(), Recorder()
    graphed = GraphedStep(step, recorder.record, recorder.on_the_side)
    for batch in [*batches(5), *batches(2, size=3)[1:], *batches(6)[5:]]:
        graphed(*batch)
    assert step.seen == [(16.0 * i, 8 * i) for i in range(5)] + [(12.0, 6), (80.0, 40)]
    assert recorder.replays == 3


def test_what_cannot_be_recorded_is_done_step_by_step_with_a_reason() -> None:
    def refuse(step: Callable[[], Tensor]) -> Callable[[], Tensor]:
        raise RuntimeError("operation not permitted when stream is capturing\nlong trace")

    step = Counter()
    graphed = GraphedStep(step, refuse, Recorder().on_the_side)
    for batch in batches(6):
        graphed(*batch)
    assert step.seen == [(16.0 * i, 8 * i) for i in range(6)]
    assert graphed.reason == (
        "no CUDA graph: RuntimeError: operation not permitted when stream is capturing"
    )


@pytest.fixture(scope="module")
def data() -> Data:
    return distorted_digits(0, train=330, validation=100, test=100)


def networks() -> list[nn.Module]:
    return [
        initialised(lambda a=arch: CellNetwork(CELLS, a, Skeleton(channels=2)), 0) for arch in ARCHS
    ]


@pytest.mark.slow
@pytest.mark.parametrize("optimiser", ["sgd", "adamw"])
def test_a_training_of_replays_is_the_same_training(
    data: Data, monkeypatch: pytest.MonkeyPatch, optimiser: str
) -> None:
    """Everything but CUDA itself: fixed batches, and a learning rate that is read from memory."""
    recipe = replace(RECIPE, optimiser=optimiser, learning_rate=0.02)
    eager = train_together(networks(), data, recipe, seeds=[0, 0])
    recorder = Recorder()

    def graphed(step: Callable[[Tensor, Tensor], Tensor]) -> GraphedStep:
        return GraphedStep(step, recorder.record, recorder.on_the_side)

    original = trainer._TrainingGroup._go_on_with

    def with_graph(
        self: trainer._TrainingGroup, network: nn.Module, optimiser: torch.optim.Optimizer
    ) -> None:
        optimiser.param_groups[0]["lr"] = torch.tensor(0.02)
        original(self, network, optimiser)
        self._graph = graphed(self._step)

    monkeypatch.setattr(trainer._TrainingGroup, "_go_on_with", with_graph)
    replayed = train_together(networks(), data, recipe, seeds=[0, 0])
    assert recorder.replays == 2 * 6 - WARM_UP
    for run, other in zip(replayed, eager, strict=True):
        assert run.train_loss == pytest.approx(other.train_loss, abs=1e-4)
        assert run.note == ""


def test_without_a_gpu_the_run_says_that_nothing_was_recorded(data: Data) -> None:
    recipe = replace(RECIPE, epochs=1, cuda_graphs=True)
    plain = train_together(networks(), data, replace(recipe, cuda_graphs=False), seeds=[0, 0])
    runs = train_together(networks(), data, recipe, seeds=[0, 0])
    assert [run.note for run in runs] == ["no CUDA graph: the device is cpu"] * 2
    assert [run.train_loss for run in runs] == [run.train_loss for run in plain]


def test_a_rate_in_memory_is_changed_in_place() -> None:
    optimiser = make_optimiser(networks()[0], RECIPE)
    set_rate(optimiser, 0.3)
    assert optimiser.param_groups[0]["lr"] == 0.3
    rate = torch.tensor(0.1)
    optimiser.param_groups[0]["lr"] = rate
    set_rate(optimiser, 0.2)
    assert rate.item() == pytest.approx(0.2)


@pytest.mark.slow
@pytest.mark.parametrize("members", [1, 2])
def test_bfloat16_stays_close_to_float32(data: Data, members: int) -> None:
    recipe = replace(RECIPE, learning_rate=0.02)
    seeds = [0] * members
    exact = train_together(networks()[:members], data, recipe, seeds=seeds)
    half = train_together(
        networks()[:members], data, replace(recipe, precision="bfloat16"), seeds=seeds
    )
    for run, other in zip(half, exact, strict=True):
        assert run.status == "ok"
        assert run.train_loss != other.train_loss
        assert run.train_loss == pytest.approx(other.train_loss, rel=0.02)


def test_peak_memory_is_told(data: Data) -> None:
    (run,) = train_together(networks()[:1], data, replace(RECIPE, epochs=1), seeds=[0])
    assert run.peak_memory > 1e7  # no process that has loaded torch is smaller
