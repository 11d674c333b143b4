"""Proxies of an architecture: one network, one batch, decided by the seed."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from surrobench.errors import UserError
from surrobench.spaces.edge_cells import nas_bench_201
from surrobench.training.datasets.data import Data
from surrobench.training.datasets.digits import distorted_digits
from surrobench.training.loop.trainer import initialised
from surrobench.training.networks.cells import CellNetwork, Skeleton
from surrobench.training.zero_cost import PROXIES
from surrobench.training.zero_cost.proxy import score
from surrobench.training.zero_cost.scoring import all_proxies, draw_batch


@pytest.fixture(scope="module")
def data() -> Data:
    return distorted_digits(0, train=100, validation=10, test=10)


def build() -> nn.Module:
    return CellNetwork(nas_bench_201(), (3, 1, 2, 3, 4, 3), Skeleton(channels=2))


@pytest.mark.slow
def test_every_proxy_is_what_it_is_alone(data: Data) -> None:
    found = all_proxies(build, data, 3, images=16)
    batch, network = draw_batch(data, 16, 3), initialised(build, 3)
    assert list(found) == PROXIES.names()
    for name, value in found.items():
        # Proxies that only read share a copy, and must not see what another left behind.
        assert PROXIES.create(name)(network, batch, seed=3) == value
    backwards = list(reversed(PROXIES.names()))
    assert score(network, batch, backwards, seed=3) == found


@pytest.mark.slow
def test_the_seed_decides_weights_and_images(data: Data) -> None:
    state = torch.get_rng_state()
    first, again, other = (all_proxies(build, data, s, images=16) for s in (0, 0, 1))
    assert first == again
    assert [name for name in first if first[name] == other[name]] == ["params", "flops", "layers"]
    assert torch.equal(torch.get_rng_state(), state)


def test_a_batch_holds_different_training_images(data: Data) -> None:
    batch = draw_batch(data, 1000, 0)
    assert len(batch.images) == 100
    rows = {tuple(image.flatten().tolist()) for image in batch.images}
    assert rows == {tuple(image.flatten().tolist()) for image in data.train.inputs}
    assert not torch.equal(draw_batch(data, 16, 0).images, draw_batch(data, 16, 1).images)


def test_one_image_is_refused(data: Data) -> None:
    with pytest.raises(UserError, match="images is 1"):
        all_proxies(build, data, images=1)
