"""Proxies of blocks, of the Fisher information and InTrain on networks small enough to work out."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from surrobench.training.loop.trainer import initialised
from surrobench.training.zero_cost.blocks import SMALL
from surrobench.training.zero_cost.fisher_spectrum import SPREAD
from surrobench.training.zero_cost.proxy import Batch, score

N, CLASSES = 12, 3


def value(name: str, network: nn.Module, images: Tensor) -> float:
    labels = torch.arange(len(images)) % CLASSES
    return score(network, Batch(images, labels), [name])[name]


def linear(weight: list[list[float]]) -> nn.Linear:
    layer = nn.Linear(len(weight[0]), len(weight), bias=False).double()
    layer.weight = nn.Parameter(torch.tensor(weight, dtype=torch.float64))
    return layer


@pytest.fixture
def classifier() -> nn.Sequential:
    return initialised(lambda: nn.Sequential(nn.Flatten(), nn.Linear(4, CLASSES)), 1).double()


@pytest.fixture
def images() -> Tensor:
    draws = torch.Generator().manual_seed(0)
    return torch.randn(N, 1, 2, 2, generator=draws, dtype=torch.float64)


def entropy(shares: object) -> float:
    p = np.asarray(shares, dtype=float)
    p = p[p > 0] / p.sum()
    return float(-(p * np.log(p)).sum())


def noise(*shape: int) -> Tensor:
    """What is drawn in place of the images with seed 0."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def spectrum(points: Tensor) -> object:
    return np.linalg.eigvalsh(np.cov(points.detach().numpy().T))


def test_expressivity_is_the_entropy_of_the_spectrum() -> None:
    points = noise(20, 3)
    stretch = linear([[4, 0, 0], [0, 1, 0], [0, 0, 1]])
    first, second = points.relu(), stretch(points.relu()).relu()
    alone = value("expressivity", nn.Sequential(nn.ReLU()), torch.zeros_like(points))
    assert alone == pytest.approx(entropy(spectrum(first)))
    network = nn.Sequential(nn.ReLU(), stretch, nn.ReLU())
    steps = entropy(spectrum(first)), entropy(spectrum(second))
    assert value("expressivity", network, points) == pytest.approx(sum(steps))
    assert value("progressivity", network, points) == pytest.approx(steps[1] - steps[0])


def test_channels_of_maps_are_compared_over_images_and_positions() -> None:
    maps = noise(5, 3, 4, 2)
    channels = maps.permute(0, 2, 3, 1).reshape(-1, 3).relu()
    expected = entropy(spectrum(channels))
    assert value("expressivity", nn.Sequential(nn.ReLU()), maps) == pytest.approx(expected)


def test_progressivity_is_the_smallest_step() -> None:
    stretch, back = linear([[2, 0], [0, 1]]), linear([[0.5, 0], [0, 1]])
    network = nn.Sequential(nn.ReLU(), stretch, nn.ReLU(), back, nn.ReLU())
    first = noise(20, 2).relu()
    down = entropy(spectrum(stretch(first))) - entropy(spectrum(first))
    expected = min(down, -down)
    assert value("progressivity", network, torch.zeros(20, 2).double()) == pytest.approx(expected)
    assert math.isnan(value("progressivity", nn.Sequential(nn.ReLU()), noise(4, 2)))


def test_a_block_of_constant_output_is_the_worst() -> None:
    network = nn.Sequential(nn.ReLU(), linear([[-1, 0], [0, -1]]), nn.ReLU())
    assert value("expressivity", network, noise(4, 2)) == -math.inf
    assert value("progressivity", network, noise(4, 2)) == -math.inf


@pytest.mark.parametrize("gain", [0.5, 1.0, 3.0])
def test_trainability_of_one_channel_is_told_by_its_weight(gain: float) -> None:
    network = nn.Sequential(nn.Softplus(), nn.ReLU(), linear([[gain]]), nn.ReLU())
    expected = -math.inf if gain == 1 else 2 - gain - 1 / (gain + SMALL)
    assert value("trainability", network, noise(4, 1)) == pytest.approx(expected)


def test_pixels_that_a_block_merges_are_channels() -> None:
    convolution = nn.Conv2d(1, 1, 2, stride=2, bias=False).double()
    nn.init.uniform_(convolution.weight, 0.1, 1)
    gain = convolution.weight.norm().item()
    network = nn.Sequential(nn.Softplus(), nn.ReLU(), convolution, nn.ReLU())
    found = value("trainability", network, noise(5, 1, 4, 4))
    assert found == pytest.approx(2 - gain - 1 / (gain + SMALL))
    layer = linear([[0.1, 0.2, 0.3, 0.4]])
    flat = nn.Sequential(nn.Softplus(), nn.ReLU(), nn.Flatten(), layer, nn.ReLU())
    gain = math.sqrt(0.01 + 0.04 + 0.09 + 0.16)
    found = value("trainability", flat, noise(5, 1, 2, 2))
    assert found == pytest.approx(2 - gain - 1 / (gain + SMALL))


def test_a_block_that_passes_nothing_on_has_no_gain() -> None:
    network = nn.Sequential(nn.Softplus(), nn.ReLU(), linear([[-1.0]]), nn.ReLU())
    assert value("trainability", network, noise(4, 1)) == pytest.approx(2 - 1 / SMALL)


def test_vkdnw_of_a_linear_classifier(classifier: nn.Sequential, images: Tensor) -> None:
    p = (classifier(images).softmax(1).detach() * (1 - SPREAD) + SPREAD / CLASSES)[:, 0].numpy()
    x = images[:, 0, 0, 0].numpy()
    # The first weight and the first bias move the first score alone.
    fisher = np.mean(
        [q * (1 - q) * np.array([[v * v, v], [v, 1]]) for q, v in zip(p, x, strict=True)], axis=0
    )
    deciles = np.quantile(np.linalg.eigvalsh(fisher), np.arange(1, 10) / 10)
    assert value("vkdnw", classifier, images) == pytest.approx(entropy(deciles))


def test_vkdnw_of_one_image_has_one_eigenvalue(classifier: nn.Sequential, images: Tensor) -> None:
    # Between 0 and the only one, deciles are its tenths.
    assert value("vkdnw", classifier, images[:1]) == pytest.approx(entropy(range(1, 10)))


def test_vkdnw_needs_no_labels_and_no_passes_before(images: Tensor) -> None:
    network = nn.Sequential(nn.Conv2d(1, 4, 1), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(16, 3))
    network = initialised(lambda: network, 0).double()
    labels = torch.zeros(N, dtype=torch.int64)
    alone = value("vkdnw", network, images)
    assert score(network, Batch(images, labels), ["grad_norm", "vkdnw"])["vkdnw"] == alone


def test_vkdnw_single_adds_the_layers(classifier: nn.Sequential, images: Tensor) -> None:
    entropy_alone = value("vkdnw", classifier, images)
    assert value("vkdnw_single", classifier, images) == pytest.approx(1 + entropy_alone)


def test_vkdnw_is_not_defined_where_nothing_moves_the_output(images: Tensor) -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, 1)).double()  # a single class is certain
    assert math.isnan(value("vkdnw", network, images))


def test_intrain_of_a_linear_classifier(classifier: nn.Sequential, images: Tensor) -> None:
    drawn = noise(N, 1, 2, 2)
    X, labels = drawn.flatten(1), torch.arange(N) % CLASSES
    scores = classifier(drawn).detach()
    variances = np.linalg.eigvalsh(np.cov(scores.numpy().T))
    capacity = math.log(variances.sum() ** 2 / np.square(variances).sum())
    error = (scores.softmax(1) - functional.one_hot(labels, CLASSES)) / N
    health = sum(
        min(1.0, float(g.numpy().std() / g.abs().max())) for g in (error.T @ X, error.sum(0))
    )
    expected = capacity * (1 + health) / math.log(2)
    assert value("intrain", classifier, images) == pytest.approx(expected, rel=1e-6)


def test_intrain_needs_layers(images: Tensor) -> None:
    class Free(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(()))

        def forward(self, maps: Tensor) -> Tensor:
            return self.scale * maps.flatten(1)[:, :CLASSES]

    assert math.isnan(value("intrain", Free(), images))
