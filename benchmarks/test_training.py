"""Training cells in groups beside a plain loop (build, DataLoader, train), and measuring them.

Sixteen cells, one epoch on 1,024 distorted digits in the setting of ``live:cells`` (16 channels,
one cell per stage, thin reductions, batches of 16, smoothed labels); then their measures on 2,000
images, as one network and one after the other. One thread each. Compare the minima: the machine
may be busy.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from surrobench.spaces.edge_cells import nas_bench_201
from surrobench.tasks.live.live_images import CELL_RECIPE, CELL_SKELETON
from surrobench.training.datasets.digits import distorted_digits
from surrobench.training.fusing.fusion import fuse
from surrobench.training.loop.evaluation import Evaluation, evaluate
from surrobench.training.loop.groups import GroupTrainer, Job
from surrobench.training.loop.trainer import initialised
from surrobench.training.networks.cells import CellNetwork

SPACE, CELLS = nas_bench_201(), 16
RECIPE = replace(CELL_RECIPE, epochs=1)


@pytest.fixture(scope="module")
def data():
    return distorted_digits(0, train=1024, validation=16, test=16)


@pytest.fixture(scope="module")
def jobs():
    connected = (a for a in SPACE.sample(100, np.random.default_rng(0)))
    return [Job(arch) for arch in connected if not SPACE.disconnected(arch)][:CELLS]


def plain_loop(jobs, data):
    """As most scripts do it; validation is left out."""
    dataset = TensorDataset(data.train.inputs, data.train.labels)
    for job in jobs:
        network = initialised(
            lambda arch=job.arch: CellNetwork(SPACE, arch, CELL_SKELETON), job.seed
        )
        optimiser = torch.optim.SGD(
            network.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4, nesterov=True
        )
        loader = DataLoader(dataset, RECIPE.batch_size, shuffle=True)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, len(loader))
        network.train()
        for images, labels in loader:
            optimiser.zero_grad()
            smoothing = RECIPE.label_smoothing
            loss = nn.functional.cross_entropy(network(images), labels, label_smoothing=smoothing)
            loss.backward()
            optimiser.step()
            schedule.step()


@pytest.mark.benchmark(group="train-16-cells")
@pytest.mark.parametrize("group_size", [1, 4, 8, 16])
def test_groups(benchmark, data, jobs, group_size):
    def build(arch):
        return CellNetwork(SPACE, arch, CELL_SKELETON)

    trainer = GroupTrainer(build, data, RECIPE, group_size=group_size)
    runs = benchmark.pedantic(trainer.train, args=(jobs,), rounds=5, warmup_rounds=1)
    assert {run.status for run in runs} == {"ok"}


@pytest.mark.benchmark(group="train-16-cells")
def test_plain_loop_baseline(benchmark, data, jobs):
    benchmark.pedantic(plain_loop, args=(jobs, data), rounds=5, warmup_rounds=1)


@pytest.fixture(scope="module")
def networks(jobs):
    def build(arch):
        return CellNetwork(SPACE, arch, CELL_SKELETON)

    return [initialised(partial(build, job.arch), 0) for job in jobs]


@pytest.fixture(scope="module")
def validation():
    return distorted_digits(0, train=16, test=16).validation


@pytest.mark.benchmark(group="evaluate-16-cells")
def test_together_baseline(benchmark, networks, validation):
    fused = fuse(networks)
    benchmark.pedantic(evaluate, args=(fused, validation, CELLS), rounds=5, warmup_rounds=1)


@pytest.mark.benchmark(group="evaluate-16-cells")
def test_one_after_the_other(benchmark, networks, validation):
    evaluation = Evaluation(fuse(networks), networks, RECIPE)
    benchmark.pedantic(evaluation, args=(validation,), rounds=5, warmup_rounds=1)
