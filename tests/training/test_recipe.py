"""Optimisers, warm-up, clipping and label smoothing do what torch does with one network."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from surrobench.errors import UserError
from surrobench.spaces.chains import Chains
from surrobench.spaces.edge_cells import nas_bench_201
from surrobench.training.datasets.digits import distorted_digits
from surrobench.training.fusing.fusion import fuse
from surrobench.training.loop.clipping import clip_gradients
from surrobench.training.loop.trainer import (
    Recipe,
    cosine,
    initialised,
    make_optimiser,
    train,
    train_step,
)
from surrobench.training.networks.cells import CellNetwork, Skeleton
from surrobench.training.networks.networks import build_chain

CHAINS, CELLS = Chains(side=8), nas_bench_201()
ADAMW = Recipe(
    learning_rate=0.01, weight_decay=0.02, optimiser="adamw", clip=0.5, label_smoothing=0.1
)
AWKWARD = [(0,) * 6, (3,) * 6, (3,) * 6, (0, 3, 0, 3, 2, 0), (1, 4, 4, 0, 1, 4)]


def chains() -> list[nn.Module]:
    def build() -> nn.Module:
        return build_chain(CHAINS, CHAINS.parse("conv3-16-max+conv5-16-avg+fc128"))

    return [initialised(build, seed).double() for seed in range(3)]


def cells() -> list[nn.Module]:
    archs = [*AWKWARD, *CELLS.sample(3, np.random.default_rng(0))]
    return [
        initialised(lambda a=arch: CellNetwork(CELLS, a, Skeleton(channels=4)), seed).double()
        for seed, arch in enumerate(archs)
    ]


def plain_optimiser(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    if recipe.optimiser == "adamw":
        return torch.optim.AdamW(network.parameters(), lr=0.01, weight_decay=0.02)
    return torch.optim.SGD(
        network.parameters(), lr=0.01, momentum=0.9, weight_decay=0.02, nesterov=True
    )


def plain_step(
    network: nn.Module, optimiser: torch.optim.Optimizer, x: Tensor, y: Tensor, recipe: Recipe
) -> float:
    """A step as anybody would write it."""
    optimiser.zero_grad()
    loss = functional.cross_entropy(network(x), y, label_smoothing=recipe.label_smoothing)
    loss.backward()
    if recipe.clip is not None:
        nn.utils.clip_grad_norm_(network.parameters(), recipe.clip)
    optimiser.step()
    return loss.item()


@pytest.mark.slow
@pytest.mark.parametrize("networks", [chains, cells])
@pytest.mark.parametrize("recipe", [ADAMW, replace(ADAMW, optimiser="sgd")], ids=["adamw", "sgd"])
def test_twenty_steps_of_a_group_equal_those_of_each_network_alone(networks, recipe) -> None:
    separate = networks()
    fused, members = fuse(separate), len(separate)
    together = make_optimiser(fused, recipe)
    alone = [plain_optimiser(network, recipe) for network in separate]
    draws = torch.Generator().manual_seed(0)
    for _ in range(20):
        images = torch.randn(16, members, 8, 8, generator=draws, dtype=torch.float64)
        labels = torch.randint(10, (members, 16), generator=draws)
        expected = [
            plain_step(network, optimiser, images[:, [i]], labels[i], recipe)
            for i, (network, optimiser) in enumerate(zip(separate, alone, strict=True))
        ]
        losses = train_step(fused, together, images, labels, recipe)
        assert losses.tolist() == pytest.approx(expected, abs=1e-10, rel=0)


def test_clipping_shortens_each_member_by_itself() -> None:
    separate = cells()
    fused = fuse(separate)
    images = torch.randn(8, 1, 8, 8, dtype=torch.float64)
    weights = torch.logspace(-2, 2, len(separate), dtype=torch.float64)
    (fused(images).square().mean(dim=(1, 2)) * weights).sum().backward()
    expected = []
    for network, weight in zip(separate, weights, strict=True):
        (network(images).square().mean() * weight).backward()
        expected.append(nn.utils.clip_grad_norm_(network.parameters(), 0.05).item())
    before = clip_gradients(fused, len(separate), 0.05)
    assert before.tolist() == pytest.approx(expected, rel=1e-9)
    assert min(expected) < 0.05 < max(expected)
    after = clip_gradients(fused, len(separate), 1e9)
    assert after.tolist() == pytest.approx([min(norm, 0.05) for norm in expected], rel=1e-3)


def test_a_member_without_a_finite_gradient_leaves_the_others_alone() -> None:
    separate = cells()
    with torch.no_grad():
        next(separate[1].parameters()).fill_(math.inf)
    fused = fuse(separate)
    labels = torch.zeros(len(separate), 8, dtype=torch.int64)
    images = torch.randn(8, 1, 8, 8, dtype=torch.float64)
    optimiser = make_optimiser(fused, ADAMW)
    train_step(fused, optimiser, images, labels, ADAMW)
    losses = train_step(fused, optimiser, images, labels, ADAMW)
    assert torch.isfinite(losses).tolist() == [i != 1 for i in range(len(separate))]


def test_frozen_parameters_and_scalars_are_no_obstacle_to_clipping() -> None:
    network = nn.Linear(2, 1)
    network.scale = nn.Parameter(torch.tensor(2.0))
    network.bias.requires_grad_(False)
    (network(torch.ones(1, 2)) * network.scale).sum().backward()
    norm = clip_gradients(network, 1, 1.0)
    assert norm.item() > 1
    kept = torch.cat([network.weight.grad.flatten(), network.scale.grad[None]])
    assert kept.norm().item() == pytest.approx(1, abs=1e-5)


def test_the_rate_rises_to_the_peak_and_then_falls() -> None:
    recipe = Recipe(learning_rate=0.2, warm_up=0.1)
    rates = [cosine(step, 100, recipe) for step in range(100)]
    assert rates[:10] == pytest.approx([0.02 * (i + 1) for i in range(10)])
    assert rates[10] == 0.2
    assert rates[55] == pytest.approx(0.1)
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert 0 < rates[-1] < 1e-3


def test_a_warm_up_of_less_than_a_step_is_none() -> None:
    recipe = Recipe(warm_up=0.1)
    assert [cosine(s, 4, recipe) for s in range(4)] == [cosine(s, 4, Recipe()) for s in range(4)]


@pytest.mark.slow
def test_adamw_learns() -> None:
    data = distorted_digits(0, train=1024, validation=200, test=200)
    recipe = replace(ADAMW, epochs=2, batch_size=64, warm_up=0.1)
    (run,) = train(lambda: build_chain(CHAINS, CHAINS.parse("conv3-16-max+fc128")), data, recipe,
                   seeds=[0])  # fmt: skip
    assert run.status == "ok"
    assert run.validation_accuracy[-1] > 30


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("epochs", 0),
        ("batch_size", 0),
        ("learning_rate", 0.0),
        ("learning_rate", math.nan),
        ("momentum", 1.0),
        ("weight_decay", -1e-4),
        ("optimiser", "adam"),
        ("warm_up", 1.0),
        ("clip", 0.0),
        ("clip", math.inf),
        ("label_smoothing", 1.0),
    ],
)
def test_a_field_that_is_out_of_range_is_named(field: str, value: object) -> None:
    with pytest.raises(UserError, match=f"recipe: {field} is {value!r}"):
        Recipe(**{field: value})


def test_settings_that_are_new_and_unused_do_not_change_older_keys() -> None:
    before = ["epochs", "batch_size", "learning_rate", "momentum", "weight_decay"]
    assert list(Recipe().settings) == before
    digest = hashlib.sha256(json.dumps(Recipe().settings, sort_keys=True).encode()).hexdigest()
    assert (
        digest
        == hashlib.sha256(
            b'{"batch_size": 128, "epochs": 3, "learning_rate": 0.05, "momentum": 0.9, '
            b'"weight_decay": 0.0005}'
        ).hexdigest()
    )
    unused = {"warm_up", "stop_hopeless", "precision", "cuda_graphs"}
    assert ADAMW.settings == {k: v for k, v in asdict(ADAMW).items() if k not in unused}
