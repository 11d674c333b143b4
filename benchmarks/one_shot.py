"""One-shot methods against stand-alone training on cells of eight channels.

    python benchmarks/one_shot.py results/one-shot [--seeds 3] [--cells 24] [--scale 1.0]

Every method of the registry searches the cells of live:cells with each seed, with half the channels
of the default, twice the images and plain labels; 24 connected cells are trained alone three times
each, and so is every cell that a method chooses. Trainings and searches are kept in the cache of
live tasks, so a run that was broken off goes on where it was.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path

for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_variable] = "1"

import torch

from surrobench.report.one_shot import one_shot_exhibits, save_exhibits
from surrobench.strategies.one_shot import ONE_SHOT
from surrobench.studies.one_shot.comparison import compare_one_shot
from surrobench.tasks.live.live_images import CELL_RECIPE, live_cells
from surrobench.training.datasets.digits import distorted_digits
from surrobench.training.networks.cells import Skeleton

OPTIONS: dict[str, dict[str, int]] = {
    "spos": {"epochs": 12, "evaluations": 100},
    "random-sharing": {"epochs": 12, "evaluations": 100},
    "darts": {"epochs": 4},
    "darts-second-order": {"epochs": 1},
    "gdas": {"epochs": 8},
    "enas": {"epochs": 12, "controller_steps": 20, "evaluations": 50},
}
"""Passes over the images, such that all methods take about equally long: a step of a mixture costs
several times one of a path, and half of the steps of GDAS are those of the architecture."""


def scaled(options: dict[str, int], scale: float) -> dict[str, int]:
    """More epochs, or fewer; at least one."""
    return {**options, "epochs": max(1, round(scale * options.get("epochs", 12)))}


def main() -> None:
    """Compare, and write tables and figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=3, help="runs of each method")
    parser.add_argument("--cells", type=int, default=24, help="cells that are ranked")
    parser.add_argument("--scale", type=float, default=1.0, help="epochs, times this")
    parser.add_argument("--methods", nargs="+", default=ONE_SHOT.names())
    given = parser.parse_args()
    torch.set_num_threads(1)
    found = compare_one_shot(
        live_cells(
            distorted_digits(train=2048),
            skeleton=Skeleton(channels=8),
            recipe=replace(CELL_RECIPE, label_smoothing=0.0),
            device="cpu",
        ),
        given.methods,
        seeds=given.seeds,
        cells=given.cells,
        options={method: scaled(OPTIONS.get(method, {}), given.scale) for method in given.methods},
        tell=lambda message: print(message, file=sys.stderr, flush=True),
    )
    exhibits = one_shot_exhibits(found.scores, found.ranking, found.choices)
    save_exhibits(exhibits, given.folder)
    print(found.ranking.groupby("method", sort=False)[["tau", "tau_top_half"]].mean())
    print(found.choices.groupby("method", sort=False)[["accuracy", "seconds"]].mean())


if __name__ == "__main__":
    main()
