"""Draws of GDAS, and the gradients that the numbers of an architecture follow."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from surrobench.spaces.edge_cells import nas_bench_201
from surrobench.strategies.one_shot.differentiable import drawn_only, hard_sample
from surrobench.training.loop.trainer import initialised
from surrobench.training.networks.cells import Skeleton
from surrobench.training.supernet import Supernet, mixture, path

SPACE = nas_bench_201()


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def shared() -> Supernet:
    skeleton = Skeleton(channels=2, cells=2)
    return initialised(lambda: Supernet(SPACE, skeleton, classes=4), 0).double()


def loss(shared: Supernet, mix: object) -> Tensor:
    images = torch.randn(8, 1, 4, 4, generator=generator(), dtype=torch.float64)
    return functional.cross_entropy(shared(images, mix), torch.arange(8) % 4)


def numbers(seed: int = 0) -> Tensor:
    return torch.randn(6, 5, generator=generator(seed), dtype=torch.float64).requires_grad_()


def test_draws_are_one_hot_with_the_probabilities_of_a_softmax() -> None:
    alpha, draws = numbers(), generator(1)
    drawn = torch.stack([hard_sample(alpha, 0.5, draws).detach() for _ in range(4000)])
    assert set(drawn.unique().tolist()) == {0.0, 1.0}
    assert (drawn.sum(dim=2) == 1).all()
    expected = alpha.detach().softmax(dim=1)
    assert (drawn.mean(dim=0) - expected).abs().max() < 0.03


def test_the_gradient_of_a_draw_is_that_of_the_disturbed_softmax() -> None:
    alpha, temperature = numbers(), 2.0
    drawn = hard_sample(alpha, temperature, generator(3))
    noise = -torch.empty(6, 5).exponential_(generator=generator(3)).log()
    other = alpha.detach().clone().requires_grad_()
    soft = ((other.log_softmax(1) + noise) / temperature).softmax(1)
    assert torch.equal(drawn.argmax(1), soft.argmax(1))
    factors = torch.randn(6, 5, generator=generator(4), dtype=torch.float64)
    (found,) = torch.autograd.grad((drawn * factors).sum(), alpha)
    (expected,) = torch.autograd.grad((soft * factors).sum(), other)
    torch.testing.assert_close(found, expected)
    assert (found != 0).all()


def test_only_the_drawn_operation_is_computed_and_moves_its_edge(shared: Supernet) -> None:
    alpha, arch = numbers(), (3, 1, 2, 3, 4, 3)
    one_hot = functional.one_hot(torch.tensor(arch), 5).double()
    soft = alpha.softmax(1)
    mix = drawn_only(one_hot + (soft - soft.detach()))
    value = loss(shared, mix)
    torch.testing.assert_close(value, loss(shared, path(SPACE, arch)))
    (found,) = torch.autograd.grad(value, alpha)
    # The loss moves with the weight of the drawn operation alone.
    weights = torch.ones(6, dtype=torch.float64).requires_grad_()
    weighted = [[(choice, weight)] for choice, weight in zip(arch, weights, strict=True)]
    (slopes,) = torch.autograd.grad(loss(shared, weighted), weights)
    other = alpha.detach().clone().requires_grad_()
    chosen = other.softmax(1).gather(1, torch.tensor(arch)[:, None])[:, 0]
    (expected,) = torch.autograd.grad((slopes * chosen).sum(), other)
    torch.testing.assert_close(found, expected)
    assert (found != 0).all()


def test_the_gradient_of_a_mixture_is_that_of_finite_differences(shared: Supernet) -> None:
    alpha = numbers(1)
    (found,) = torch.autograd.grad(loss(shared, mixture(alpha.softmax(1))), alpha)
    step = 1e-6 * torch.eye(30, dtype=torch.float64).view(30, 6, 5)

    @torch.no_grad()
    def at(moved: Tensor) -> Tensor:
        return loss(shared, mixture(moved.softmax(1)))

    expected = [(at(alpha + d) - at(alpha - d)) / 2e-6 for d in step]
    torch.testing.assert_close(found.flatten(), torch.stack(expected), rtol=1e-4, atol=1e-8)
