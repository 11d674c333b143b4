from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from surrobench.predictors.learners.neural import MLPEnsemble, used_rows
from surrobench.predictors.learners.rank_losses import SquaredError
from surrobench.predictors.learners.resampling import fold_masks
from surrobench.predictors.learners.stacked_networks import Gradient, StackedNetworks
from surrobench.predictors.recipe import canonical_rows
from surrobench.testing.problems import cells

MEMBERS, N, D, WIDTH = 3, 11, 4, 6


def outputs(layers: list[Tensor], X: Tensor) -> Tensor:
    """What networks say whose biases are the last rows of their layers, ``s x n``."""
    hidden = X
    for i, layer in enumerate(layers):
        hidden = hidden @ layer[:, :-1] + layer[:, -1:]
        if i < len(layers) - 1:
            hidden = hidden.relu()
    return hidden.squeeze(-1)


def copied(networks: StackedNetworks) -> list[Tensor]:
    """Layers in double precision without padding."""
    layers = [
        torch.tensor(layer, dtype=torch.float64)
        for layer in networks.layers_of(networks.parameters)
    ]
    return [*layers[:2], layers[2][:, : networks.width + 1]]


def scattered(seed: int = 0) -> StackedNetworks:
    """Networks none of whose weights and biases is zero."""
    networks = StackedNetworks(MEMBERS, D, WIDTH)
    generator = torch.Generator().manual_seed(seed)
    for layer in networks.layers_of(networks.parameters):
        used = layer[:, : WIDTH + 1]
        used[:] = torch.randn(used.shape, generator=generator).numpy()
    return networks


def test_the_gradient_is_that_of_automatic_differentiation() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(MEMBERS, N, D)), rng.normal(size=(MEMBERS, N))
    share = rng.random((MEMBERS, N)) * (rng.random((MEMBERS, N)) < 0.8)
    networks = scattered()
    gradient = Gradient(networks, X, SquaredError(y, share))
    layers = [layer.requires_grad_(True) for layer in copied(networks)]
    squares = (outputs(layers, torch.from_numpy(X)) - torch.from_numpy(y)).square()
    expected = torch.autograd.grad((torch.from_numpy(share) * squares).sum(), layers)
    for _ in range(2):  # the buffers of the first call are filled again
        slopes = networks.layers_of(gradient.differentiate())
        for slope, wanted in zip(slopes, expected, strict=True):
            used = slope[:, : wanted.shape[1]]
            np.testing.assert_allclose(used, wanted.numpy(), rtol=1e-4, atol=1e-5)
    assert not slopes[2][:, WIDTH + 1 :].any()


def test_outputs_do_not_depend_on_the_chunks_of_a_pool() -> None:
    networks = scattered()
    X = np.random.default_rng(1).normal(size=(20_011, D))
    found = networks(X, lambda rows: 2.0 * rows)
    expected = outputs(copied(networks), 2.0 * torch.from_numpy(X))
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-4, atol=1e-4)
    assert networks(X[:0], lambda rows: rows).shape == (MEMBERS, 0)


@pytest.mark.parametrize("n", [9, 23])
def test_training_is_adamw_on_the_rows_outside_a_fold(n: int) -> None:
    """Against autograd in double precision, with the published update written out."""
    problem, members, width, steps = cells(n, 50), 4, 16, 12
    predictor = MLPEnsemble(
        members=members,
        width=width,
        steps=steps,
        learning_rate=2e-2,
        weight_decay=1e-2,
        initial_gain=0.5,
    )
    model: Any = predictor.fit(problem.X, problem.y, seed=3)
    X, y = canonical_rows(problem.X, (problem.y - problem.y.mean()) / problem.y.std())
    low = X.amin(dim=0)
    span = torch.where(X.amax(dim=0) > low, X.amax(dim=0) - low, 1.0)
    left_out = fold_masks(n, members, 3) if n >= 10 else np.zeros((members, n), dtype=bool)
    used = torch.from_numpy(~left_out).double()

    layers = copied(StackedNetworks(members, X.shape[1], width).draw(float(y.mean()), 3))
    first = [torch.zeros_like(layer) for layer in layers]
    second = [torch.zeros_like(layer) for layer in layers]
    for t in range(1, steps + 1):
        for layer in layers:
            layer.requires_grad_(True)
        squares = (outputs(layers, (X - low) / span) - y[:, 0]).square()
        loss = ((squares * used).sum(dim=1) / used.sum(dim=1)).sum()
        gradients = torch.autograd.grad(loss, layers)
        rate = 2e-2 * 0.5 * (1.0 + math.cos(math.pi * (t - 1) / steps))
        for i, gradient in enumerate(gradients):
            first[i] = 0.9 * first[i] + 0.1 * gradient
            second[i] = 0.999 * second[i] + 0.001 * gradient**2
            move = (first[i] / (1 - 0.9**t)) / ((second[i] / (1 - 0.999**t)).sqrt() + 1e-8)
            layers[i] = (layers[i].detach() * (1 - rate * 1e-2) - rate * move).detach()

    values = model.base.posterior(problem.pool).values[..., 0]
    expected = outputs(layers, (problem.pool - low) / span)
    torch.testing.assert_close(values, expected, rtol=0.0, atol=2e-4)


def test_members_use_every_row_that_they_do_not_leave_out_equally() -> None:
    left_out = fold_masks(11, 4, seed=0)
    rows, share = used_rows(left_out)
    assert rows.shape == (4, 9)  # two rows are left out at least
    for own, weights, hidden in zip(rows, share, left_out, strict=True):
        np.testing.assert_array_equal(np.sort(own[weights > 0]), np.flatnonzero(~hidden))
        np.testing.assert_allclose(weights[weights > 0], 1.0 / (~hidden).sum())
