"""Members of a fused network are measured alike together and alone."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from surrobench.spaces.edge_cells import nas_bench_201
from surrobench.training.datasets.data import Data, Split
from surrobench.training.datasets.digits import distorted_digits
from surrobench.training.fusing.fusion import fuse
from surrobench.training.loop.evaluation import Evaluation, evaluate
from surrobench.training.loop.trainer import Recipe, initialised, make_optimiser, train_step
from surrobench.training.networks.cells import CellNetwork, Skeleton

SPACE = nas_bench_201()


@pytest.fixture(scope="module")
def data() -> Data:
    return distorted_digits(0, train=256, validation=700, test=300)


def test_evaluation_is_in_percent_and_nats(data: Data) -> None:
    constant = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    with torch.no_grad():
        for parameter in constant.parameters():
            parameter.zero_()
    zeros = (data.test.labels == 0).double().mean().item()
    for measures in evaluate(fuse([constant, constant]), data.test, members=2):
        assert measures.accuracy == pytest.approx(100 * zeros)
        assert measures.cross_entropy == pytest.approx(math.log(10), abs=1e-6)
        assert measures.macro_recall == pytest.approx(10)  # all of one class of ten


@pytest.mark.slow
def test_cells_are_measured_as_they_are_after_every_step(data: Data) -> None:
    recipe = Recipe(batch_size=64, learning_rate=0.1)
    networks = [
        initialised(lambda arch=arch: CellNetwork(SPACE, arch, Skeleton(channels=4)), 0).double()
        for arch in SPACE.sample(5, np.random.default_rng(0))
    ]
    fused = fuse(networks)
    optimiser, evaluation = make_optimiser(fused, recipe), Evaluation(fused, networks, recipe)
    split: Split = replace(data.validation, inputs=data.validation.inputs.double())
    found = []
    for start in (0, 64):
        images = data.train.inputs[start : start + 64].double()
        fused.train()
        train_step(
            fused, optimiser, images, data.train.labels[start : start + 64].expand(5, -1), recipe
        )
        found.append(evaluation(split))
        for alone, together in zip(found[-1], evaluate(fused, split, 5), strict=True):
            assert alone == pytest.approx(together, abs=1e-10)
    assert len({measures.cross_entropy for measures in found[0] + found[1]}) == 10
