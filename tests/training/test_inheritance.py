"""A child takes over its parent's weights; where it can it computes the same at once."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from surrobench.errors import UserError
from surrobench.spaces.chains import Chains
from surrobench.spaces.edge_cells import nas_bench_201
from surrobench.training.loop.inheritance import inherit
from surrobench.training.loop.trainer import initialised
from surrobench.training.networks.cells import CellNetwork, Skeleton
from surrobench.training.networks.networks import build_chain

CHAINS, CELLS = Chains(side=8), nas_bench_201()
NONE, SKIP, CONV1, CONV3, POOL = range(5)
IMAGES = torch.randn(40, 1, 8, 8, generator=torch.Generator().manual_seed(0)).double()


def chain(text: str, seed: int) -> nn.Sequential:
    return initialised(lambda: build_chain(CHAINS, CHAINS.parse(text), div=4), seed).double()


def cell(arch: tuple[int, ...], seed: int, channels: int = 4) -> CellNetwork:
    return initialised(lambda: CellNetwork(CELLS, arch, Skeleton(channels=channels)), seed).double()


def lived(network: nn.Module) -> nn.Module:
    """As after a training: nothing is at its initial value."""
    draws = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for value in network.state_dict().values():
            if value.is_floating_point():
                value.add_(0.2 * torch.rand(value.shape, generator=draws, dtype=value.dtype))
    return network


def same(child: nn.Module, parent: nn.Module, *, training: bool = False) -> bool:
    with torch.no_grad():
        scores = [network.train(training)(IMAGES) for network in (child, parent)]
    return bool(torch.allclose(*scores, rtol=0, atol=1e-10))


PARENT = "conv3-16-max+conv3-32-avg+fc128"
WIDER = [
    "conv3-32-max+conv3-32-avg+fc128",
    "conv3-64-max+conv3-64-avg+fc512",
    "conv5-16-max+conv5-32-avg+fc128",
    "conv3-16-max+conv3-32-avg+fc256",
]
DEEPER = [
    "conv3-16-max+conv3-32-avg+conv3-32-max+fc128",
    "conv3-16-max+conv3-32-avg+conv5-64-max+fc128",
    "conv3-16-max+conv3-32-avg+conv3-32-max+conv3-64-max+fc128",
    "conv3-16-max+conv3-32-avg+fc128+fc128",
    "conv3-16-max+conv3-32-avg+fc128+fc512",
    "conv5-64-max+conv3-64-avg+conv3-64-max+fc256+fc512",
]


@pytest.mark.parametrize("text", [PARENT, *WIDER, *DEEPER])
def test_wider_and_deeper_chains_compute_the_same(text: str) -> None:
    parent, child = lived(chain(PARENT, 0)), chain(text, 1)
    assert not same(child, parent)
    inherited = inherit(child, parent)
    assert inherited.exact
    assert inherited.share == 1.0
    assert same(child, parent)


@pytest.mark.parametrize("text", WIDER)
def test_wider_chains_compute_the_same_while_training_too(text: str) -> None:
    parent, child = lived(chain(PARENT, 0)), chain(text, 1)
    inherit(child, parent)
    assert same(child, parent, training=True)


def test_copies_of_a_unit_learn_different_things() -> None:
    parent, child = lived(chain(PARENT, 0)), chain("conv3-32-max+conv3-32-avg+fc128", 1)
    inherit(child, parent)
    nn.functional.cross_entropy(child(IMAGES), torch.arange(40) % 10).backward()
    gradient = child[0].weight.grad
    assert not torch.allclose(gradient[:4], gradient[4:])


@pytest.mark.parametrize(
    "text",
    [
        "conv3-16-avg+conv3-32-avg+fc128",  # another pooling
        "conv3-16-max+conv3-16-avg+fc128",  # narrower
        "conv3-16-max+fc128",  # fewer layers, and larger maps before the head
        "conv3-16-max+conv3-16-max+conv3-32-avg+fc128",  # a layer before a pooling
    ],
)
def test_what_is_not_exact_is_told(text: str) -> None:
    parent, child = lived(chain(PARENT, 0)), chain(text, 1)
    inherited = inherit(child, parent)
    assert not inherited.exact
    assert 0 < inherited.share <= 1
    assert not same(child, parent)


@pytest.mark.parametrize("text", ["conv3-16-max+fc128", "conv5-64-max+conv5-64-avg+fc512+fc128"])
def test_any_chain_can_inherit_from_any(text: str) -> None:
    for other in [PARENT, *WIDER, *DEEPER]:
        for child, parent in ((chain(text, 1), chain(other, 0)), (chain(other, 1), chain(text, 0))):
            inherited = inherit(child, lived(parent))
            assert inherited.exact == same(child, parent)


def test_cells_take_over_equal_operations_of_equal_edges() -> None:
    parent, child = (
        lived(cell((CONV3, CONV1, POOL, SKIP, CONV3, CONV1), 0)),
        cell((CONV3, CONV3, POOL, SKIP, CONV3, NONE), 1),
    )
    fresh = cell((CONV3, CONV3, POOL, SKIP, CONV3, NONE), 1)
    inherited = inherit(child, parent)
    ours, theirs, before = child.state_dict(), parent.state_dict(), fresh.state_dict()
    changed = [name for name in ours if ".operations.1." in name]
    assert changed
    for name in ours:
        # Also the batch norm behind another convolution is another one.
        expected = before if name in changed else theirs
        assert torch.equal(ours[name], expected[name]), name
    sizes = {name: value.numel() for name, value in child.named_parameters()}
    kept = sum(size for name, size in sizes.items() if name not in changed)
    assert inherited.share == pytest.approx(kept / sum(sizes.values()))
    assert not inherited.exact


def test_equal_cells_up_to_what_has_no_influence_are_exact() -> None:
    parent, child = (cell(a, seed) for seed, a in enumerate([
        (NONE, NONE, SKIP, CONV3, POOL, NONE), (NONE, NONE, NONE, CONV3, NONE, NONE),
    ]))  # fmt: skip
    assert inherit(child, lived(parent)).exact
    assert same(child, parent)
    assert not inherit(cell((SKIP, NONE, NONE, CONV3, SKIP, NONE), 2), parent).exact


def test_any_network_takes_over_what_has_equal_names_and_shapes() -> None:
    def network(width: int, seed: int) -> nn.Module:
        return initialised(
            lambda: nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, width)), seed
        )

    assert inherit(network(3, 1), network(3, 0)) == (True, 1.0)
    exact, share = inherit(network(5, 1), network(3, 0))
    assert not exact
    assert share == pytest.approx(30 / 65)


def test_cells_of_different_skeletons_have_nothing_in_common() -> None:
    with pytest.raises(UserError, match="cannot give weights"):
        inherit(cell((SKIP,) * 6, 0, channels=4), cell((SKIP,) * 6, 0, channels=2))
