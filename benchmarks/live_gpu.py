"""Training on a GPU: everything that is claimed of it, in one call.

    python benchmarks/live_gpu.py results/live-gpu [--device cuda]

1. The default cells task: architectures a minute in groups, eager and as CUDA graphs, from building
   the networks to their test accuracy, beside a plain loop (build, DataLoader, train, validate
   once) on the same device.
2. The official skeleton of NAS-Bench-201 (16 channels, 5 cells per stage, 32 x 32) in bfloat16:
   milliseconds a step, eager and as a CUDA graph, on random images.
3. Equality: losses of the same trainings on the CPU.

Beside each speed stands the floor that memory sets: the bytes that the operations of a step read
and write, each tensor once an operation, over the bandwidth of a large copy. Fused operations and
caches can beat it. With ``--device cpu`` the same code runs on small sizes, to be tested without a
GPU; its numbers mean nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
import pandas as pd
import torch
from machine import describe_machine
from markdown_table import markdown
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.data import DataLoader, TensorDataset

from surrobench.spaces.edge_cells import nas_bench_201
from surrobench.tasks.live.live import LiveTask
from surrobench.tasks.live.live_images import live_cells
from surrobench.training.datasets.data import Data, Split
from surrobench.training.datasets.digits import distorted_digits
from surrobench.training.fusing.fusion import fuse
from surrobench.training.loop.devices import CPU, choose_device, clock
from surrobench.training.loop.evaluation import evaluate
from surrobench.training.loop.groups import GroupTrainer, Job
from surrobench.training.loop.trainer import (
    Recipe,
    initialised,
    make_optimiser,
    train_step,
    train_together,
)
from surrobench.training.loop.training_run import TrainingRun
from surrobench.training.networks.cells import OFFICIAL, CellNetwork, Skeleton

SPACE = nas_bench_201()


@dataclass(frozen=True)
class Sizes:
    """How much is measured."""

    groups: tuple[int, ...] = (128, 256, 512)
    cells: int = 1024
    plain_cells: int = 12
    images: tuple[int, int, int] = (1024, 2000, 4000)
    skeleton: Skeleton = OFFICIAL
    official_cells: int = 6
    side: int = 32
    batch_size: int = 256
    steps: tuple[int, int] = (20, 220)
    equal_cells: int = 8
    equal_images: int = 1024
    copied_bytes: int = 2**30


SMALL = Sizes(
    groups=(2, 4),
    cells=4,
    plain_cells=1,
    images=(128, 50, 50),
    skeleton=Skeleton(channels=2, cells=1, reduction="residual"),
    official_cells=1,
    side=8,
    batch_size=8,
    steps=(4, 6),
    equal_cells=2,
    equal_images=64,
    copied_bytes=2**22,
)


def connected_cells(n: int) -> list[tuple[int, ...]]:
    """The first connected cells of a fixed random order."""
    drawn = SPACE.sample(min(len(SPACE), 2 * n + 50), np.random.default_rng(0))
    return [arch for arch in drawn if not SPACE.disconnected(arch)][:n]


# -- the floor -----------------------------------------------------------------------------------


class BytesMoved(TorchDispatchMode):
    """Sums the bytes that operations read and write, each tensor once an operation."""

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        if not func.is_view and "empty" not in func.name():
            tensors = [t for t in tree_leaves((args, kwargs, result)) if torch.is_tensor(t)]
            self.total += sum(
                min(t.numel() * t.element_size(), t.untyped_storage().nbytes()) for t in tensors
            )
        return result


def bandwidth(device: torch.device, size: int) -> float:
    """Bytes a second, read and written, of the fastest of ten copies."""
    source = torch.zeros(size, dtype=torch.uint8, device=device)
    target, now, times = torch.empty_like(source), wall_clock(device), []
    for _ in range(11):
        started = now()
        target.copy_(source)
        times.append(now() - started)
    return 2 * size / min(times[1:])


def floor_of_a_step(
    networks: Sequence[nn.Module], recipe: Recipe, images: torch.Tensor, bytes_a_second: float
) -> float:
    """Seconds that the memory alone takes for a step of networks that are trained together."""
    network = fuse(networks).to(images.device).train()
    optimiser = make_optimiser(network, replace(recipe, cuda_graphs=False))
    batch = images[: recipe.batch_size].contiguous(memory_format=torch.channels_last)
    targets = torch.zeros(len(networks), len(batch), dtype=torch.int64, device=images.device)
    train_step(network, optimiser, batch, targets, recipe)
    with BytesMoved() as moved:
        train_step(network, optimiser, batch, targets, recipe)
    return moved.total / bytes_a_second


def wall_clock(device: torch.device) -> Callable[[], float]:
    """Seconds of the wall, all work on the device done."""
    return time.perf_counter if device.type == "cpu" else clock(device)


# -- 1: the default task -------------------------------------------------------------------------


def plain_loop(task: LiveTask, archs: Sequence[tuple[int, ...]], *, validate: bool = True) -> None:
    """As most scripts do it, one network after the other."""
    train, recipe, device = task.data.train, task.recipe, task.device
    dataset = TensorDataset(train.inputs, train.labels)
    for arch in archs:
        network = initialised(lambda a=arch: task.build(a), 0).to(device)
        optimiser = torch.optim.SGD(
            network.parameters(),
            lr=recipe.learning_rate,
            momentum=recipe.momentum,
            weight_decay=recipe.weight_decay,
            nesterov=True,
        )
        loader = DataLoader(dataset, recipe.batch_size, shuffle=True)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(
            optimiser, recipe.epochs * len(loader)
        )
        for _ in range(recipe.epochs):
            network.train()
            for images, labels in loader:
                optimiser.zero_grad()
                scores = network(images.to(device))
                nn.functional.cross_entropy(
                    scores, labels.to(device), label_smoothing=recipe.label_smoothing
                ).backward()
                optimiser.step()
                schedule.step()
        if validate:
            evaluate(fuse([network]).to(device), task.data.validation.to(device), 1)


def default_task(device: torch.device, sizes: Sizes, bytes_a_second: float) -> pd.DataFrame:
    """Architectures a minute of the plain loop and of groups."""
    train, validation, test = sizes.images
    data = distorted_digits(train=train, validation=validation, test=test)
    task = replace(live_cells(data, device=str(device)), cache=None)
    archs, now = connected_cells(sizes.cells), wall_clock(device)
    images = data.train.inputs.to(device)
    plain_loop(task, archs[:1])  # the first one chooses algorithms
    started = now()
    plain_loop(task, archs[: sizes.plain_cells])
    plain = 60 * sizes.plain_cells / (now() - started)
    first = {"way": "plain loop", "group": "1", "architectures_a_minute": plain, "note": ""}
    rows: list[dict[str, Any]] = [first]
    steps = task.recipe.epochs * -(-train // task.recipe.batch_size)
    for graphs in (False, True):
        recipe = replace(task.recipe, cuda_graphs=graphs)
        for size in sizes.groups:
            trainer = GroupTrainer(task.build, data, recipe, device, size)
            trainer.train([Job(arch) for arch in archs[:size]])
            started = now()
            runs = trainer.train([Job(arch) for arch in archs])
            speed = 60 * len(archs) / (now() - started)
            networks = [task.build(arch) for arch in archs[:size]]
            floor = floor_of_a_step(networks, recipe, images, bytes_a_second)
            rows.append(
                {
                    "way": "groups, CUDA graph" if graphs else "groups, eager",
                    "group": str(size),
                    "architectures_a_minute": speed,
                    "against_plain": speed / plain,
                    "floor_architectures_a_minute": 60 * size / (steps * floor),
                    "mean_accuracy": float(np.mean([run.test_accuracy for run in runs])),
                    "peak_mib": max(run.peak_memory for run in runs) / 2**20,
                    "note": notes(runs),
                }
            )
    return pd.DataFrame(rows)


def notes(runs: Sequence[TrainingRun]) -> str:
    """What went otherwise than asked, each once."""
    told = {text for run in runs for text in (run.note, run.reason) if text}
    told |= {run.status for run in runs if run.status != "ok"}
    return "; ".join(sorted(told))


# -- 2: the official skeleton --------------------------------------------------------------------


def random_images(n: int, side: int) -> Data:
    """Noise: only the time of a step is asked for."""
    draws = torch.Generator().manual_seed(0)

    def split(size: int) -> Split:
        images = torch.randn(size, 3, side, side, generator=draws)
        labels = torch.randint(10, (size,), generator=draws)
        return Split(images, labels, labels.numpy())

    return Data(split(n), split(16), split(16))


def official_skeleton(device: torch.device, sizes: Sizes, bytes_a_second: float) -> pd.DataFrame:
    """Milliseconds a step of single networks, from the difference of two trainings."""
    data = random_images(sizes.batch_size * sizes.steps[1], sizes.side).to(device)
    rows = []
    for arch in connected_cells(sizes.official_cells):
        network = initialised(lambda a=arch: CellNetwork(SPACE, a, sizes.skeleton, channels=3), 0)
        found: dict[str, Any] = {"operations": " ".join(map(str, arch))}
        for name, graphs in (("eager", False), ("graph", True)):
            recipe = Recipe(
                epochs=1,
                batch_size=sizes.batch_size,
                precision="bfloat16",
                cuda_graphs=graphs,
            )
            milliseconds, run = step_time(network, data, recipe, sizes.steps, device)
            found |= {f"{name}_ms": milliseconds, f"{name}_mib": run.peak_memory / 2**20}
        floor = floor_of_a_step([network], recipe, data.train.inputs, bytes_a_second)
        found |= {
            "floor_ms": 1000 * floor,
            "eager_over_graph": found["eager_ms"] / found["graph_ms"],
            "graph_over_floor": found["graph_ms"] / (1000 * floor),
            "note": notes([run]),
        }
        rows.append(found)
    return pd.DataFrame(rows)


def step_time(
    network: nn.Module,
    data: Data,
    recipe: Recipe,
    steps: tuple[int, int],
    device: torch.device,
) -> tuple[float, TrainingRun]:
    """Milliseconds of a step, without warm-up and recording, which both trainings have."""
    seconds = []
    for count in (steps[0], *steps):  # the first one is not counted
        images = count * recipe.batch_size
        part = Split(
            data.train.inputs[:images], data.train.labels[:images], data.train.sources[:images]
        )
        (run,) = train_together(
            [network], replace(data, train=part), recipe, seeds=[0], device=device
        )
        seconds.append(run.train_seconds)
    return 1000 * (seconds[2] - seconds[1]) / (steps[1] - steps[0]), run


# -- 3: equality with the CPU --------------------------------------------------------------------


def equality(device: torch.device, sizes: Sizes) -> pd.DataFrame:
    """Largest differences of losses between the device and the CPU, one epoch of a group."""
    archs = connected_cells(sizes.equal_cells)
    data = distorted_digits(train=sizes.equal_images, validation=200, test=50)
    torch.backends.cudnn.allow_tf32 = False
    rows = []
    for dtype in (torch.float64, torch.float32):
        typed = {
            name: replace(split, inputs=split.inputs.to(dtype))
            for name in ("train", "validation", "test")
            for split in [getattr(data, name)]
        }
        for graphs in (False, True):
            recipe = Recipe(epochs=1, batch_size=64, learning_rate=0.02, cuda_graphs=graphs)
            found = [
                train_together(
                    [initialised(lambda a=a: CellNetwork(SPACE, a), 0).to(dtype) for a in archs],
                    Data(**typed),
                    recipe,
                    seeds=[0] * len(archs),
                    device=place,
                )
                for place in (CPU, device)
            ]
            rows.append(
                {
                    "type": str(dtype).removeprefix("torch."),
                    "way": "CUDA graph" if graphs else "eager",
                    "train_loss": difference(found, lambda run: run.train_loss[0]),
                    "validation_cross_entropy": difference(
                        found, lambda run: run.validation_cross_entropy[0]
                    ),
                    "note": notes(found[1]),
                }
            )
    torch.backends.cudnn.allow_tf32 = True
    return pd.DataFrame(rows)


def difference(
    found: Sequence[Sequence[TrainingRun]], number: Callable[[TrainingRun], float]
) -> float:
    """Largest absolute difference of a number between two lists of runs."""
    return max(abs(number(a) - number(b)) for a, b in zip(*found, strict=True))


# -- all of it -----------------------------------------------------------------------------------


def main(folder: Path, device_name: str) -> None:
    """Measure everything, write the tables, and print them."""
    device = choose_device(device_name)
    sizes = SMALL if device.type == "cpu" else Sizes()
    gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else "none"
    bytes_a_second = bandwidth(device, sizes.copied_bytes)
    tables = {
        "equality": equality(device, sizes),
        "default-task": default_task(device, sizes, bytes_a_second),
        "official-skeleton": official_skeleton(device, sizes, bytes_a_second),
    }
    folder.mkdir(parents=True, exist_ok=True)
    facts = {
        **describe_machine(),
        "device": device.type,
        "gpu": gpu,
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
        "bandwidth_gb_a_second": round(bytes_a_second / 1e9, 1),
    }
    (folder / "environment.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    text = [f"# Training on {gpu if device.type == 'cuda' else device.type}\n"]
    if device.type != "cuda":
        text.append(
            "A run of the code on small sizes. Not measured here: anything about a GPU, that is "
            "speed in groups and as CUDA graphs, bfloat16, and equality with the CPU.\n"
        )
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False, float_format="%.4g")
        headings = {column: column.replace("_", " ") for column in table}
        text += [f"## {name.replace('-', ' ')}\n", markdown(table, headings)]
    (folder / "README.md").write_text("\n".join(text), encoding="utf-8")
    print("\n".join(text))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--device", default="cuda")
    arguments = parser.parse_args()
    main(arguments.folder, arguments.device)
