"""Fused networks compute what their members compute alone."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from surrobench.errors import UserError
from surrobench.spaces.chains import Chains
from surrobench.spaces.edge_cells import nas_bench_201
from surrobench.training.fusing.fused import NeighbourMean, fuse_chains
from surrobench.training.fusing.fusion import fuse, fusion_key
from surrobench.training.loop.trainer import Recipe, initialised, make_optimiser, train_step
from surrobench.training.networks.cells import CellNetwork, Skeleton
from surrobench.training.networks.networks import build_chain

CHAINS, CELLS = Chains(side=8), nas_bench_201()
RECIPE = Recipe(learning_rate=0.05, momentum=0.9, weight_decay=5e-4)
STEPS = 20
SKELETONS = [
    Skeleton(channels=4),
    Skeleton(channels=4, cells=2),
    Skeleton(channels=4, reduction="residual"),
]
NONE, SKIP, CONV1, CONV3, POOL = range(5)
AWKWARD = [
    (NONE,) * 6,  # the output is always zero
    (NONE, CONV3, NONE, CONV3, CONV1, NONE),  # a convolution of a node that is always zero
    (CONV3, CONV3, CONV3, CONV3, CONV3, CONV3),
    (CONV3, CONV3, CONV3, CONV3, CONV3, CONV3),  # the same cell twice
    (SKIP, POOL, POOL, NONE, SKIP, POOL),  # nothing to learn
]


def chains(text: str) -> list[nn.Module]:
    return [
        initialised(lambda: build_chain(CHAINS, CHAINS.parse(text)), seed).double()
        for seed in range(3)
    ]


def cells(skeleton: Skeleton, archs: Sequence[tuple[int, ...]]) -> list[nn.Module]:
    return [
        initialised(lambda a=arch: CellNetwork(CELLS, a, skeleton), seed).double()
        for seed, arch in enumerate(archs)
    ]


def plain_step(network: nn.Module, optimiser: torch.optim.SGD, x: Tensor, y: Tensor) -> float:
    """A step as anybody would write it."""
    optimiser.zero_grad()
    loss = functional.cross_entropy(network(x), y)
    loss.backward()
    optimiser.step()
    return loss.item()


def check_twenty_steps(separate: list[nn.Module], *, shared: bool) -> None:
    """Losses and outputs of training together and alone differ by less than 1e-10."""
    members = len(separate)
    fused = fuse(separate)
    together = make_optimiser(fused, RECIPE)
    alone = [
        torch.optim.SGD(n.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4, nesterov=True)
        for n in separate
    ]
    draws = torch.Generator().manual_seed(0)
    for _ in range(STEPS):
        orders = 1 if shared else members
        images = torch.randn(16, orders, 8, 8, generator=draws, dtype=torch.float64)
        labels = torch.randint(10, (orders, 16), generator=draws).expand(members, -1)
        inputs = images.expand(-1, members, -1, -1)
        expected = [
            plain_step(network, optimiser, inputs[:, [i]], labels[i])
            for i, (network, optimiser) in enumerate(zip(separate, alone, strict=True))
        ]
        losses = train_step(fused, together, images, labels, RECIPE)
        assert losses.tolist() == pytest.approx(expected, abs=1e-10, rel=0)
    fused.eval()
    images = torch.randn(5, 1, 8, 8, generator=draws, dtype=torch.float64)
    with torch.no_grad():
        scores = fused(images.repeat(1, members, 1, 1))
        for i, network in enumerate(separate):
            network.eval()
            torch.testing.assert_close(scores[i], network(images), rtol=0, atol=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize(
    "text", ["conv3-16-max+fc128", "conv5-32-avg+conv3-64-max+conv3-16-max+fc256+fc128"]
)
def test_chains_twenty_steps_equal_separate_training(text: str, shared: bool) -> None:
    check_twenty_steps(chains(text), shared=shared)


@pytest.mark.parametrize("shared", [False, True])
def test_layers_without_convolutions_twenty_steps_equal_separate_training(shared: bool) -> None:
    def build() -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(64, 7), nn.ReLU(), nn.Linear(7, 10))

    check_twenty_steps([initialised(build, seed).double() for seed in range(3)], shared=shared)


@pytest.mark.slow
@pytest.mark.parametrize("skeleton", SKELETONS, ids=str)
def test_cells_twenty_steps_equal_separate_training(skeleton: Skeleton) -> None:
    archs = [*AWKWARD, *CELLS.sample(3, np.random.default_rng(0))]
    check_twenty_steps(cells(skeleton, archs), shared=False)


@pytest.mark.slow
def test_cells_with_the_same_images_twenty_steps_equal_separate_training() -> None:
    archs = CELLS.sample(6, np.random.default_rng(1))
    check_twenty_steps(cells(Skeleton(channels=4), archs), shared=True)


ALIKE = [
    [(CONV3, SKIP, POOL, CONV1, CONV3, SKIP)] * 3,  # no member differs
    [(SKIP, POOL, SKIP, POOL, SKIP, CONV3)],
    [  # all skip from the first node to the third, which gets more from some
        (CONV3, SKIP, CONV1, POOL, NONE, CONV3),
        (CONV3, SKIP, POOL, CONV3, SKIP, CONV1),
        (POOL, SKIP, CONV3, NONE, NONE, SKIP),
    ],
]


@pytest.mark.slow
@pytest.mark.parametrize("archs", ALIKE)
def test_cells_that_share_edges_twenty_steps_equal_separate_training(
    archs: list[tuple[int, ...]],
) -> None:
    check_twenty_steps(cells(Skeleton(channels=4), archs), shared=False)


@pytest.mark.slow
def test_every_operation_alone_on_every_edge_equals_separate_computation() -> None:
    archs = [
        tuple(operation if e == edge else CONV1 for e in range(6))
        for edge in range(6)
        for operation in range(5)
    ]
    separate = cells(Skeleton(channels=4), archs)
    images = torch.randn(4, 1, 8, 8, dtype=torch.float64)
    scores = fuse(separate)(images)
    for i, network in enumerate(separate):
        torch.testing.assert_close(scores[i], network(images), rtol=0, atol=1e-10)


def test_the_order_of_members_does_not_matter() -> None:
    archs = CELLS.sample(6, np.random.default_rng(3))
    networks = cells(Skeleton(), archs)
    images = torch.randn(4, 1, 8, 8, dtype=torch.float64)
    forwards, backwards = fuse(networks)(images), fuse(networks[::-1])(images)
    torch.testing.assert_close(forwards, backwards.flip(0), rtol=0, atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
def test_a_broken_member_leaves_its_neighbours_alone(dtype: torch.dtype, tolerance: float) -> None:
    archs = CELLS.sample(5, np.random.default_rng(5))
    healthy, broken = (
        [network.to(dtype) for network in cells(Skeleton(), archs)] for _ in range(2)
    )
    with torch.no_grad():
        for parameter in broken[2].parameters():
            parameter.fill_(math.inf)
    losses = []
    for networks in (healthy, broken):
        fused, draws = fuse(networks), torch.Generator().manual_seed(0)
        optimiser = make_optimiser(fused, RECIPE)
        for _ in range(5):
            images = torch.randn(16, 1, 8, 8, generator=draws, dtype=dtype)
            labels = torch.randint(10, (16,), generator=draws).expand(5, -1)
            last = train_step(fused, optimiser, images, labels, RECIPE)
        losses.append(last)
    others = [0, 1, 3, 4]
    assert math.isnan(losses[1][2].item())
    torch.testing.assert_close(losses[0][others], losses[1][others], rtol=0, atol=tolerance)


@pytest.mark.parametrize("side", [1, 2, 5])
def test_neighbour_mean_is_pooling_that_does_not_count_padding(side: int) -> None:
    maps = torch.randn(2, 3, side, side + 1, dtype=torch.float64)
    expected = functional.avg_pool2d(maps, 3, 1, 1, count_include_pad=False)
    torch.testing.assert_close(NeighbourMean()(maps), expected)


def test_members_keep_their_own_weights() -> None:
    chain = initialised(lambda: build_chain(CHAINS, CHAINS.parse("conv3-16-max+fc128")), 0)
    for network in (chain, CellNetwork(CELLS, (CONV3,) * 6), nn.Sequential(nn.Softmax(dim=1))):
        before = {name: value.clone() for name, value in network.state_dict().items()}
        with torch.no_grad():
            for parameter in fuse([network]).parameters():
                parameter.zero_()
        assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_what_can_be_trained_together() -> None:
    def chain(text: str) -> nn.Module:
        return build_chain(CHAINS, CHAINS.parse(text))

    def cell(arch: tuple[int, ...], **options: object) -> nn.Module:
        return CellNetwork(CELLS, arch, Skeleton(channels=4), **options)  # type: ignore[arg-type]

    assert fusion_key(chain("conv3-16-max+fc128")) == fusion_key(chain("conv3-16-max+fc128"))
    assert fusion_key(chain("conv3-16-max+fc128")) != fusion_key(chain("conv3-16-avg+fc128"))
    assert fusion_key(cell((CONV3,) * 6)) == fusion_key(cell((NONE,) * 6))
    assert fusion_key(cell((CONV3,) * 6)) != fusion_key(cell((CONV3,) * 6, classes=3))
    assert fusion_key(cell((CONV3,) * 6)) != fusion_key(CellNetwork(CELLS, (CONV3,) * 6))
    assert fusion_key(nn.Sequential(nn.Softmax(dim=1))) is None
    assert fusion_key(nn.Linear(3, 2)) is None


def test_a_network_of_any_kind_can_be_alone() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Softmax(dim=1))
    images = torch.randn(3, 1, 2, 2)
    assert torch.equal(fuse([network])(images), network(images)[None])


def test_networks_of_different_shapes_are_refused() -> None:
    chain = build_chain(CHAINS, CHAINS.parse("conv3-16-max+fc128"))
    with pytest.raises(UserError, match="2 different shapes"):
        fuse([chain, CellNetwork(CELLS, (CONV3,) * 6)])
    with pytest.raises(UserError, match="cannot be trained together"):
        fuse([nn.Linear(3, 2), nn.Linear(3, 2)])


def test_a_layer_that_mixes_channels_is_refused() -> None:
    with pytest.raises(UserError, match="Softmax"):
        fuse_chains([nn.Sequential(nn.Softmax(dim=1))])
