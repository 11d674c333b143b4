"""The gradient through one step of the weights, against differentiation of the step itself."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor
from torch.func import functional_call
from torch.nn import functional

from surrobench.spaces.edge_cells import nas_bench_201
from surrobench.strategies.one_shot.unrolled import Loss, unrolled_gradient
from surrobench.training.loop.trainer import initialised
from surrobench.training.networks.cells import Skeleton
from surrobench.training.supernet import Supernet, mixture

RATE = 0.1


def draws(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def exact(
    train: Loss, validation: Loss, weights: Sequence[Tensor], alpha: Tensor, drift: Sequence[Tensor]
) -> Tensor:
    """By differentiating twice."""
    start = [weight.clone().requires_grad_() for weight in weights]
    alpha = alpha.clone().requires_grad_()
    slope = torch.autograd.grad(train(start, alpha), start, create_graph=True)
    moved = [w - RATE * (g + d) for w, g, d in zip(start, slope, drift, strict=True)]
    return torch.autograd.grad(validation(moved, alpha), alpha)[0]


def smooth(seed: int) -> Loss:
    """A small network of two layers, whose units the architecture weighs."""
    X, y = draws(8, 3, seed=seed), draws(8, seed=seed + 1)

    def loss(weights: Sequence[Tensor], alpha: Tensor) -> Tensor:
        hidden = torch.tanh(X @ weights[0]) * alpha.softmax(0)
        return (hidden @ weights[1] - y).square().mean()

    return loss


def test_on_a_smooth_network() -> None:
    train, validation = smooth(1), smooth(5)
    weights, alpha = [draws(3, 4), draws(4)], draws(4, seed=3)
    drift = [draws(3, 4, seed=7), draws(4, seed=8)]
    expected = exact(train, validation, weights, alpha, drift)
    arguments = {"rate": RATE, "drift": drift}
    precise = unrolled_gradient(train, validation, weights, alpha, scale=1e-4, **arguments)
    torch.testing.assert_close(precise, expected, rtol=1e-6, atol=1e-9)
    usual = unrolled_gradient(train, validation, weights, alpha, **arguments)
    torch.testing.assert_close(usual, expected, rtol=1e-3, atol=1e-6)
    first_order = torch.autograd.grad(validation(weights, a := alpha.requires_grad_()), a)[0]
    assert (expected - first_order).norm() > 0.05 * expected.norm()


def test_without_a_step_it_is_the_plain_gradient() -> None:
    weights, alpha = [draws(3, 4), draws(4)], draws(4, seed=3).requires_grad_()
    expected = torch.autograd.grad(smooth(5)(weights, alpha), alpha)[0]
    found = unrolled_gradient(smooth(1), smooth(5), weights, alpha, rate=0.0)
    torch.testing.assert_close(found, expected)
    assert alpha.grad is None


def test_where_nothing_depends_on_the_weights() -> None:
    def by_alpha(_weights: Sequence[Tensor], alpha: Tensor) -> Tensor:
        return alpha.square().sum()

    alpha = draws(4)
    found = unrolled_gradient(smooth(1), by_alpha, [draws(3, 4), draws(4)], alpha, rate=RATE)
    torch.testing.assert_close(found, 2 * alpha)


def test_on_a_supernet() -> None:
    shared = initialised(lambda: Supernet(nas_bench_201(), Skeleton(channels=2)), 0).double()
    named = dict(shared.named_parameters())
    alpha = 0.1 * draws(6, 5)

    def on(seed: int) -> Loss:
        images, labels = draws(12, 1, 4, 4, seed=seed), torch.arange(12) % 10

        def loss(weights: Sequence[Tensor], alpha: Tensor) -> Tensor:
            values = dict(zip(named, weights, strict=True))
            scores = functional_call(shared, values, (images, mixture(alpha.softmax(1))))
            return functional.cross_entropy(scores, labels)

        return loss

    weights = [weight.detach() for weight in named.values()]
    drift = [torch.zeros_like(weight) for weight in weights]
    expected = exact(on(1), on(2), weights, alpha, drift)
    found = unrolled_gradient(on(1), on(2), weights, alpha, rate=RATE, scale=1e-6)
    assert (found - expected).norm() < 1e-4 * expected.norm()
    plain = unrolled_gradient(on(1), on(2), weights, alpha, rate=0.0)
    assert (plain - expected).norm() > 1e-2 * expected.norm()


@pytest.mark.parametrize("rate", [0.05, 0.2])
def test_weights_are_left_as_they_are(rate: float) -> None:
    weights, alpha = [draws(3, 4), draws(4)], draws(4)
    before = [weight.clone() for weight in weights]
    unrolled_gradient(smooth(1), smooth(2), weights, alpha, rate=rate)
    assert all(torch.equal(a, b) for a, b in zip(weights, before, strict=True))
