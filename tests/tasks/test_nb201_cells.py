from __future__ import annotations

import numpy as np
import pytest

from surrobench.spaces.edge_cells import nas_bench_201, trans_nas_bench_101_micro
from surrobench.tasks.recipes.naslib_samples import MICRO_OPERATIONS
from surrobench.tasks.recipes.nb201_cells import flops, from_naslib, naslib_arch, parameters

SPACE = nas_bench_201()
NONE, SKIP, ONE, THREE, POOL = range(5)


@pytest.mark.parametrize(
    ("operations", "count"),
    [
        ((NONE,) * 6, 73_306),
        ((SKIP, POOL, SKIP, NONE, POOL, SKIP), 73_306),
        ((THREE,) * 6, 1_531_546),
        ((POOL, ONE, SKIP, ONE, SKIP, SKIP), 129_306),
    ],
)
def test_parameters_are_the_published_ones(operations, count):
    assert parameters(SPACE, np.array([operations])).tolist() == [count]


def test_flops_of_the_largest_cell_are_the_published_ones():
    """220.13 M multiply-accumulates are published for CIFAR-100, whose classifier is larger."""
    cifar100 = flops(SPACE, np.array([(THREE,) * 6]))[0] + 64 * 90
    assert cifar100 / 1e6 == pytest.approx(220.13, abs=0.005)


def test_naslib_cells_become_published_strings():
    assert from_naslib(["(4, 0, 3, 1, 4, 3)"]) == [
        "|avg_pool_3x3~0|+|skip_connect~0|none~1|+|nor_conv_1x1~0|avg_pool_3x3~1|nor_conv_1x1~2|"
    ]


def test_micro_cells_that_naslib_numbers_are_those_of_transnas():
    space = trans_nas_bench_101_micro()
    # Edges 0>1, 0>2, 0>3, 1>2, 1>3, 2>3 there.
    arch = naslib_arch(space, MICRO_OPERATIONS, "(0, 3, 1, 2, 1, 2)")
    words = [space.operations[choice] for choice in arch]
    assert dict(zip(space.edges, words, strict=True)) == {
        (0, 1): "skip_connect",
        (0, 2): "nor_conv_1x1",
        (0, 3): "none",
        (1, 2): "nor_conv_3x3",
        (1, 3): "none",
        (2, 3): "nor_conv_3x3",
    }
