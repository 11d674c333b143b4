"""Networks of cells: what is counted, what is computed, and what has no influence."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from surrobench.errors import UserError
from surrobench.spaces.edge_cells import nas_bench_201, trans_nas_bench_101_micro
from surrobench.training.loop.trainer import initialised
from surrobench.training.networks.cells import OFFICIAL, Cell, CellNetwork, Skeleton, useful_edges
from surrobench.training.networks.costs import count_flops, count_params

SPACE = nas_bench_201()
NONE, SKIP, CONV1, CONV3, POOL = range(5)
RESNET = "|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|none~1|skip_connect~2|"


@pytest.mark.parametrize(
    ("arch", "params"),
    [
        # NAS-Bench-201 publishes these sizes, in millions, for CIFAR-10.
        ((CONV3,) * 6, 1.531546),
        ((SKIP,) * 6, 0.073306),
        (SPACE.parse(RESNET), 0.559386),
    ],
)
def test_parameters_of_the_official_skeleton(arch: tuple[int, ...], params: float) -> None:
    network = CellNetwork(SPACE, arch, OFFICIAL, channels=3)
    assert count_params(network) / 1e6 == pytest.approx(params, abs=1e-9)


def test_flops_of_the_default_skeleton_by_hand() -> None:
    network = CellNetwork(SPACE, (NONE, NONE, NONE, CONV3, NONE, NONE))
    stem, reductions, classifier = 9 * 8 * 64, 8 * 16 * 16 + 16 * 32 * 4, 32 * 10
    cells = 9 * (8 * 8 * 64 + 16 * 16 * 16 + 32 * 32 * 4)
    assert count_flops(network, (1, 8, 8)) == 2 * (stem + reductions + cells + classifier)


def test_residual_reductions_cost_two_3x3_convolutions_more() -> None:
    arch = (NONE, NONE, NONE, SKIP, NONE, NONE)
    thin = CellNetwork(SPACE, arch, Skeleton())
    residual = CellNetwork(SPACE, arch, Skeleton(reduction="residual"))
    blocks = [(9 * c * 2 * c + 4 * c) + (9 * 4 * c * c + 4 * c) for c in (8, 16)]
    shortcut_norms = [4 * c for c in (8, 16)]
    assert count_params(residual) - count_params(thin) == sum(blocks) - sum(shortcut_norms)


def test_cell_by_hand() -> None:
    """Node 1 is the input, node 2 twice the input, the output their pooled sum and the input."""
    cell = Cell(SPACE, (SKIP, SKIP, SKIP, SKIP, NONE, POOL), 1)
    maps = torch.arange(9.0).view(1, 1, 3, 3)
    # The corner has four neighbours inside, 0, 1, 3 and 4, itself among them.
    assert cell(maps)[0, 0, 0, 0].item() == 0.0 + 2 * (0 + 1 + 3 + 4) / 4


@pytest.mark.parametrize(
    ("arch", "useful"),
    [
        ((SKIP, NONE, NONE, NONE, NONE, NONE), []),
        ((CONV3, NONE, NONE, SKIP, NONE, NONE), [3]),
        ((NONE, NONE, SKIP, SKIP, POOL, SKIP), [3]),
        # A convolution of a node that is always zero still adds its learned shift.
        ((NONE, NONE, CONV1, NONE, NONE, SKIP), [2, 5]),
        ((NONE, CONV1, NONE, CONV3, CONV3, SKIP), [1, 3, 4, 5]),
        ((SKIP,) * 6, [0, 1, 2, 3, 4, 5]),
    ],
)
def test_useful_edges(arch: tuple[int, ...], useful: list[int]) -> None:
    assert useful_edges(SPACE, arch) == useful


def test_leaving_useless_edges_out_changes_nothing() -> None:
    for arch in SPACE.sample(40, np.random.default_rng(0)):
        cell = Cell(SPACE, arch, 2)
        for module in cell.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.normal_(module.bias)
        nodes = [torch.randn(3, 2, 4, 4)]
        for target in range(1, 4):
            terms = [
                cell.operations[str(e)](nodes[s])
                for e, (s, t) in enumerate(SPACE.edges)
                if t == target and arch[e] != NONE
            ]
            nodes.append(sum(terms, torch.zeros_like(nodes[0])))
        torch.testing.assert_close(cell(nodes[0]), nodes[-1])


@pytest.mark.parametrize("side", [8, 7])
@pytest.mark.parametrize("reduction", ["thin", "residual"])
def test_any_cell_and_side_gives_scores(reduction: str, side: int) -> None:
    skeleton = Skeleton(channels=4, cells=2, reduction=reduction)
    archs = [*SPACE.sample(5, np.random.default_rng(1)), (NONE,) * 6]
    for arch in archs:
        network = CellNetwork(SPACE, arch, skeleton, channels=3, classes=5)
        assert network(torch.zeros(2, 3, side, side)).shape == (2, 5)


def test_initial_weights_are_decided_by_the_seed() -> None:
    first, again, other = (
        initialised(lambda: CellNetwork(SPACE, (CONV3,) * 6), seed).stem[0].weight
        for seed in (3, 3, 4)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_another_space_with_the_same_operations_is_built() -> None:
    space = trans_nas_bench_101_micro()
    network = CellNetwork(space, (1, 0, 2, 3, 3, 3))
    assert network(torch.zeros(2, 1, 8, 8)).shape == (2, 10)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"channels": 0}, "channels is 0"),
        ({"cells": -1}, "cells is -1"),
        ({"reduction": "fat"}, "'fat'"),
    ],
)
def test_an_impossible_skeleton_is_refused(options: dict[str, object], complaint: str) -> None:
    with pytest.raises(UserError, match=complaint):
        Skeleton(**options)  # type: ignore[arg-type]


def test_an_arch_of_another_space_is_refused() -> None:
    with pytest.raises(UserError, match="nb201"):
        CellNetwork(SPACE, (0, 1, 2))
