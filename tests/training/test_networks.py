"""Networks of the chain space against parameters and operations counted by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from surrobench.errors import UserError
from surrobench.spaces.chains import Chains
from surrobench.training.networks.costs import count_flops, count_params
from surrobench.training.networks.networks import build_chain

SHALLOW = "conv3-16-max+fc128"
DEEP = "conv5-32-avg+conv3-64-max+conv3-16-max+fc256+fc128"


@pytest.fixture(scope="module")
def space() -> Chains:
    return Chains(side=8)


def build(space: Chains, text: str, div: int = 4) -> nn.Sequential:
    return build_chain(space, space.parse(text), div=div)


def test_parameters_of_one_block(space: Chains) -> None:
    # Four 3 x 3 filters of one channel, batch norm, 4 maps of 4 x 4 into 32 units into 10 classes.
    convolution, norm, hidden, output = 4 * (9 + 1), 2 * 4, 32 * (4 * 16 + 1), 10 * (32 + 1)
    assert count_params(build(space, SHALLOW)) == convolution + norm + hidden + output


def test_flops_of_one_block(space: Chains) -> None:
    macs = 9 * 1 * 4 * 64 + 64 * 32 + 32 * 10
    assert count_flops(build(space, SHALLOW), (1, 8, 8)) == 2 * macs


def test_parameters_and_flops_of_three_blocks(space: Chains) -> None:
    # Sides 8, 4, 2: the third block no longer pools, so 4 maps of 2 x 2 reach the layers.
    network = build(space, DEEP)
    convolutions = 8 * (25 + 1) + 16 * (8 * 9 + 1) + 4 * (16 * 9 + 1)
    norms = 2 * (8 + 16 + 4)
    layers = 64 * (16 + 1) + 32 * (64 + 1) + 10 * (32 + 1)
    assert count_params(network) == convolutions + norms + layers
    macs = 25 * 8 * 64 + 9 * 8 * 16 * 16 + 9 * 16 * 4 * 4 + 16 * 64 + 64 * 32 + 32 * 10
    assert count_flops(network, (1, 8, 8)) == 2 * macs


def test_order_and_kinds_of_layers(space: Chains) -> None:
    kinds = [type(layer).__name__ for layer in build(space, DEEP)]
    block = ["Conv2d", "BatchNorm2d", "ReLU"]
    assert kinds == [
        *block, "AvgPool2d", *block, "MaxPool2d", *block,
        "Flatten", "Linear", "ReLU", "Linear", "ReLU", "Linear",
    ]  # fmt: skip


def test_div_one_gives_the_widths_of_the_space(space: Chains) -> None:
    first = build(space, DEEP, div=1)[0]
    assert isinstance(first, nn.Conv2d)
    assert first.out_channels == 32
    assert first.kernel_size == (5, 5)


def test_every_kind_of_chain_gives_ten_scores(space: Chains) -> None:
    for arch in space.sample(25, np.random.default_rng(0)):
        assert build_chain(space, arch)(torch.zeros(2, 1, 8, 8)).shape == (2, 10)


def test_equal_networks_are_built_alike(space: Chains) -> None:
    inactive = "conv5-32-avg+conv3-64-max+conv3-16-avg+fc256+fc128"
    canonical = space.canonical(space.parse(inactive))
    assert space.to_string(canonical) == DEEP
    assert str(build(space, inactive)) == str(build_chain(space, canonical))


def test_counting_leaves_the_network_as_it_was(space: Chains) -> None:
    network = build(space, SHALLOW)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    network.train()
    count_flops(network, (1, 8, 8))
    assert network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_an_arch_of_another_space_is_refused(space: Chains) -> None:
    with pytest.raises(UserError, match="chain"):
        build_chain(space, (0, 1, 2))
