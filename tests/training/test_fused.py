"""Fused networks compute what their members compute alone."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from surrobench.errors import UserError
from surrobench.spaces.chains import Chains
from surrobench.training.fused import fuse
from surrobench.training.networks import build_chain
from surrobench.training.trainer import initialised

SPACE = Chains(side=8)
MEMBERS = 3


@pytest.mark.parametrize(
    "text", ["conv3-16-max+fc128", "conv5-32-avg+conv3-64-max+conv3-16-max+fc256+fc128"]
)
def test_twenty_sgd_steps_equal_separate_training(text: str) -> None:
    separate = [
        initialised(lambda: build_chain(SPACE, SPACE.parse(text)), seed).double()
        for seed in range(MEMBERS)
    ]
    fused = fuse(separate).double()
    draws = torch.Generator().manual_seed(0)
    optimisers = [_optimiser(network) for network in (fused, *separate)]
    for _ in range(20):
        images = torch.randn(16, MEMBERS, 8, 8, generator=draws, dtype=torch.float64)
        labels = torch.randint(10, (MEMBERS, 16), generator=draws)
        scores = [network(images[:, [i]]) for i, network in enumerate(separate)]
        losses = [functional.cross_entropy(s, y) for s, y in zip(scores, labels, strict=True)]
        together = functional.cross_entropy(fused(images).flatten(0, 1), labels.flatten())
        assert together.item() == pytest.approx(
            sum(loss.item() for loss in losses) / MEMBERS, abs=1e-10
        )
        for optimiser in optimisers:
            optimiser.zero_grad()
        (MEMBERS * together).backward()
        sum(losses, torch.zeros(())).backward()
        for optimiser in optimisers:
            optimiser.step()
    fused.eval()
    images = torch.randn(5, MEMBERS, 8, 8, generator=draws, dtype=torch.float64)
    for i, network in enumerate(separate):
        network.eval()
        torch.testing.assert_close(fused(images)[i], network(images[:, [i]]), rtol=0, atol=1e-9)


def _optimiser(network: nn.Module) -> torch.optim.SGD:
    return torch.optim.SGD(
        network.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4, nesterov=True
    )


def test_members_keep_their_own_weights() -> None:
    network = initialised(lambda: build_chain(SPACE, SPACE.parse("conv3-16-max+fc128")), 0)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with torch.no_grad():
        for parameter in fuse([network, network]).parameters():
            parameter.zero_()
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_a_layer_that_mixes_channels_is_refused() -> None:
    with pytest.raises(UserError, match="Softmax"):
        fuse([nn.Sequential(nn.Softmax(dim=1))])
