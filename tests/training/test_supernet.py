"""A path through the shared weights is the network of its cell."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from surrobench.errors import UserError
from surrobench.spaces.edge_cells import nas_bench_201
from surrobench.training.datasets.digits import distorted_digits
from surrobench.training.loop.trainer import initialised
from surrobench.training.networks.cells import CellNetwork, ReductionKind, Skeleton
from surrobench.training.supernet import Supernet, mixture, path, supernet_around

SPACE = nas_bench_201()
ARCHS = [
    *SPACE.sample(12, np.random.default_rng(0)),
    (0,) * 6,
    (0, 0, 0, 2, 0, 0),
    (0, 4, 0, 3, 3, 1),  # a convolution of a node that is always zero
]


def supernet(reduction: ReductionKind = "thin", ndim: int = 2) -> Supernet:
    skeleton = Skeleton(channels=3, cells=2, reduction=reduction, ndim=ndim)
    return initialised(lambda: Supernet(SPACE, skeleton, channels=2, classes=4), 0).double()


def images(n: int = 6, height: int = 8) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(n, 2, height, 8, dtype=torch.float64, generator=generator)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("reduction", "ndim"), [("thin", 2), ("residual", 2), ("thin", 1), ("residual", 1)]
)
def test_a_path_is_the_network_of_its_cell(reduction: ReductionKind, ndim: int) -> None:
    shared, shown = supernet(reduction, ndim), images(height=8 if ndim == 2 else 1)
    for arch in ARCHS:
        alone = shared.extract(arch).train()
        assert isinstance(alone, CellNetwork)
        with torch.no_grad():
            difference = shared(shown, path(SPACE, arch)) - alone(shown)
        assert difference.abs().max() < 1e-10


def test_training_a_path_is_training_its_network() -> None:
    shared, arch = supernet(), (3, 1, 2, 3, 4, 3)
    alone = shared.extract(arch).train()
    labels = torch.arange(6) % 4
    nn.functional.cross_entropy(shared(images(), path(SPACE, arch)), labels).backward()
    nn.functional.cross_entropy(alone(images()), labels).backward()
    torch.testing.assert_close(shared.stem[0].weight.grad, alone.stem[0].weight.grad)
    used = {name for name, p in shared.named_parameters() if p.grad is not None}
    own = [
        f"operations.{e}.{SPACE.operations[arch[e]]}."
        for e in range(6)
        if SPACE.operations[arch[e]].startswith("nor_conv")
    ]
    touched = {name for name in used if ".operations." in name}
    assert touched
    assert all(any(mark in name for mark in own) for name in touched)


def test_a_mixture_of_one_operation_per_edge_is_a_path() -> None:
    shared = supernet()
    for arch in ARCHS:
        weights = nn.functional.one_hot(torch.tensor(arch), 5).double()
        with torch.no_grad():
            difference = shared(images(), mixture(weights)) - shared(images(), path(SPACE, arch))
        assert difference.abs().max() < 1e-10


def test_a_mixture_weighs_its_operations() -> None:
    """With skips alone the cell multiplies its input by the sum over paths of products."""
    shared = supernet()
    weights = torch.zeros(6, 5, dtype=torch.float64)
    weights[:, 1] = torch.tensor([2.0, 3.0, 5.0, 7.0, 11.0, 13.0])
    cell = shared.body[0]
    maps = torch.randn(2, 3, 4, 4, dtype=torch.float64)
    # Edges 0>1, 0>2, 1>2, 0>3, 1>3, 2>3.
    factor = 7 + 2 * 11 + 3 * 13 + 2 * 5 * 13
    torch.testing.assert_close(cell(maps, mixture(weights)), factor * maps)


def test_measures_depend_on_the_weights_alone() -> None:
    data = distorted_digits(0, train=10, validation=101, test=10)
    shared = initialised(lambda: Supernet(SPACE, Skeleton(channels=2)), 0)
    first = shared.measure(ARCHS[0], data.validation, batch_size=100)  # no batch of one
    assert first == shared.eval().measure(ARCHS[0], data.validation, batch_size=100)
    assert first != shared.measure(ARCHS[1], data.validation, batch_size=100)
    assert shared.measure((0,) * 6, data.validation).accuracy < 40


def test_a_supernet_stands_in_the_skeleton_of_a_network() -> None:
    data = distorted_digits(0, train=10, validation=10, test=10)
    network = CellNetwork(SPACE, ARCHS[0], Skeleton(channels=3, reduction="residual"))
    shared = supernet_around(network, SPACE, data)
    assert shared.skeleton == network.skeleton
    assert (shared.channels, shared.classes) == (1, 10)
    with pytest.raises(UserError, match="Linear"):
        supernet_around(nn.Linear(1, 1), SPACE, data)
    with pytest.raises(UserError, match="nb201"):
        shared.extract((9,) * 6)
