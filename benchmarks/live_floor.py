"""What training of cells cannot avoid: its convolutions and matrix products, and nothing else.

    python benchmarks/live_floor.py results/speed [--images 64]

One group of cells of the default task is trained, and once more while its convolutions and matrix
products, forward and backward, are written down. These are then repeated alone, on random numbers
of the same shapes, strides and types. All seconds are those of one thread.
"""

from __future__ import annotations

import argparse
import os
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_variable] = "1"

import pandas as pd
import torch
from live_gpu import connected_cells
from live_throughput import default_task, grouped
from torch.utils._python_dispatch import TorchDispatchMode

from surrobench.training.groups import Job, alike

PRODUCTS = {"convolution", "convolution_backward", "mm", "bmm", "addmm", "baddbmm"}
REPETITIONS = 2


class Recorder(TorchDispatchMode):
    """Counts calls of products by the shapes of what they are given."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: Counter[str] = Counter()
        self.examples: dict[str, tuple[Any, Sequence[Any], Mapping[str, Any]]] = {}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        """Note a call and make it."""
        if func.overloadpacket.__name__ in PRODUCTS:
            shapes = [_shape(value) for value in args]
            key = f"{func} {shapes}"
            self.calls[key] += 1
            self.examples.setdefault(key, (func, shapes, dict(kwargs or {})))
        return func(*args, **(kwargs or {}))


def _shape(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return "tensor", tuple(value.shape), value.stride(), value.dtype
    return value


def _filled(value: Any) -> Any:
    if isinstance(value, tuple) and value and value[0] == "tensor":
        _, shape, stride, kind = value
        return torch.empty_strided(shape, stride, dtype=kind).normal_()
    return value


def products_alone(recorder: Recorder) -> float:
    """Seconds of all recorded calls, by the quickest of a few repetitions of each."""
    seconds = 0.0
    with torch.no_grad():
        for key, count in recorder.calls.items():
            call, shapes, options = recorder.examples[key]
            arguments = [_filled(value) for value in shapes]
            times = []
            for _ in range(REPETITIONS + 1):
                started = time.process_time()
                call(*arguments, **options)
                times.append(time.process_time() - started)
            seconds += count * min(times[1:])
    return seconds


def measure(images: int) -> dict[str, float]:
    """Training of one group, and its products alone, in CPU seconds."""
    torch.set_num_threads(1)
    size = default_task(images).group_size or 8
    archs = sorted(connected_cells(4 * size), key=lambda arch: alike(Job(arch)))
    middle = archs[len(archs) // 2 :][:size]
    grouped(images, False, middle)
    trained = min(grouped(images, False, middle).building_and_training for _ in range(2))
    with Recorder() as recorder:
        grouped(images, False, middle)
    floor = products_alone(recorder)
    return {
        "cells": len(middle),
        "images": images,
        "calls": recorder.calls.total(),
        "training_s": trained,
        "products_s": floor,
        "training_over_products": trained / floor,
    }


def main() -> None:
    """Write the row and print it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=64)
    asked = parser.parse_args()
    row = measure(asked.images)
    asked.folder.mkdir(parents=True, exist_ok=True)
    pd.DataFrame([row]).to_csv(asked.folder / "live-floor.csv", index=False, float_format="%.4g")
    print("\n".join(f"{name:24} {value:.4g}" for name, value in row.items()))


if __name__ == "__main__":
    main()
