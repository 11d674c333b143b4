"""Signals are drawn as documented, and one-dimensional cells compute what Conv1d does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from surrobench.errors import UserError
from surrobench.spaces.edge_cells import nas_bench_201
from surrobench.training.datasets.signals import (
    TEMPLATES,
    Transformation,
    synthetic_signals,
    transform,
)
from surrobench.training.loop.groups import GroupTrainer, Job
from surrobench.training.loop.trainer import Recipe, initialised
from surrobench.training.networks.cells import CellNetwork, Skeleton
from surrobench.training.networks.costs import count_flops, count_params

SPACE = nas_bench_201()
NONE, SKIP, CONV1, CONV3, POOL = range(5)
ARCHS = [(CONV3, POOL, CONV1, SKIP, CONV3, POOL), (POOL, NONE, SKIP, CONV3, NONE, CONV1)]
PLAIN = Transformation(
    padding=(60, 60),
    scale=0.0,
    translation=1,
    correlated_noise=0.0,
    noise=0.0,
    shear=0.0,
    length=72,
)


def build(arch: tuple[int, ...], reduction: str = "thin") -> CellNetwork:
    return CellNetwork(SPACE, arch, Skeleton(channels=4, ndim=1, reduction=reduction))


def one_dimensional(module: nn.Module) -> nn.Module:
    """The same layer or chain of layers for ``n x channels x length``."""
    if isinstance(module, nn.Conv2d):
        layer = nn.Conv1d(
            module.in_channels, module.out_channels, module.kernel_size[1],
            module.stride[1], int(module.padding[1]), bias=False,
        )  # fmt: skip
        layer.weight = nn.Parameter(module.weight.detach()[:, :, 0])
        return layer
    if isinstance(module, nn.BatchNorm2d):
        return nn.BatchNorm1d(module.num_features)
    if isinstance(module, nn.AvgPool2d):
        (_, size), (_, stride) = module.kernel_size, module.stride
        padding = module.padding[1] if isinstance(module.padding, tuple) else module.padding
        return nn.AvgPool1d(size, stride, padding, module.ceil_mode, module.count_include_pad)
    if isinstance(module, nn.Sequential):
        return nn.Sequential(*map(one_dimensional, module))
    return {nn.AdaptiveAvgPool2d: lambda: nn.AdaptiveAvgPool1d(1)}.get(
        type(module), lambda: module
    )()


def reference(network: CellNetwork, signals: Tensor) -> Tensor:
    """The network as anybody would write it with the layers for signals."""
    maps = one_dimensional(network.stem)(signals)
    for block in network.body:
        if hasattr(block, "operations"):
            nodes = {0: maps}
            for edge, source, target, _ in block.edges:
                passed = one_dimensional(block.operations[str(edge)])(nodes[source])
                nodes[target] = nodes[target] + passed if target in nodes else passed
            maps = nodes[3]
        else:
            reduced = one_dimensional(block.main)(maps)
            shortcut = block.shortcut
            maps = reduced if shortcut is None else reduced + one_dimensional(shortcut)(maps)
    return one_dimensional(network.head)(maps)


@pytest.mark.parametrize("reduction", ["thin", "residual"])
@pytest.mark.parametrize("arch", ARCHS)
@pytest.mark.parametrize("length", [40, 13])
def test_cells_of_one_dimension_equal_layers_for_signals(
    arch: tuple[int, ...], reduction: str, length: int
) -> None:
    network = initialised(lambda: build(arch, reduction), 0)
    signals = torch.randn(6, 1, length, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(network(signals[:, :, None]), reference(network, signals))


def test_parameters_and_operations_of_a_signal_by_hand() -> None:
    network = CellNetwork(SPACE, (NONE, NONE, NONE, CONV3, NONE, NONE), Skeleton(ndim=1))
    stem, reductions, classifier = 3 * 8 * 40, 8 * 16 * 20 + 16 * 32 * 10, 32 * 10
    cells = 3 * (8 * 8 * 40 + 16 * 16 * 20 + 32 * 32 * 10)
    assert count_flops(network, (1, 1, 40)) == 2 * (stem + reductions + cells + classifier)
    norms = 2 * (8 + 8 + 16 + 16 + 32 + 32 + 32)
    weights = 3 * 8 + 8 * 16 + 16 * 32 + 3 * (8**2 + 16**2 + 32**2) + 32 * 10 + 10
    assert count_params(network) == weights + norms


def test_signals_are_trained_in_groups_as_alone() -> None:
    data = synthetic_signals(train=256, validation=100, test=100)
    recipe = Recipe(epochs=1, batch_size=64, learning_rate=0.02)
    jobs = [Job(arch) for arch in ARCHS]
    together = GroupTrainer(build, data, recipe, group_size=2).train(jobs)
    alone = GroupTrainer(build, data, recipe, group_size=1).train(jobs)
    for run, other in zip(together, alone, strict=True):
        assert run.status == "ok"
        assert run.train_loss == pytest.approx(other.train_loss, abs=1e-4)


def test_a_template_without_distortion_comes_back_at_the_front() -> None:
    signals = transform(TEMPLATES, PLAIN, np.random.default_rng(0))
    shapes = (TEMPLATES - TEMPLATES.mean(1, keepdims=True)) / TEMPLATES.std(1, keepdims=True)
    np.testing.assert_allclose(signals[:, :12], shapes, atol=1e-12)
    assert not signals[:, 12:].any()


def test_distortions_are_as_strong_as_they_say() -> None:
    rng, ones = np.random.default_rng(0), TEMPLATES[np.ones(4000, dtype=int)]
    plain = transform(ones, PLAIN, rng)[0]
    scaled = transform(ones, replace(PLAIN, scale=0.4), rng) / plain.max()
    assert 0.8 <= scaled.max(axis=1).min() < 0.81 < 1.19 < scaled.max(axis=1).max() <= 1.2
    moved = transform(ones, replace(PLAIN, translation=48), rng)
    everywhere = np.sort(plain)[None].repeat(4000, 0)
    np.testing.assert_allclose(np.sort(moved, axis=1), everywhere, atol=1e-12)
    assert set(moved.argmin(axis=1) - plain.argmin()) == set(range(48))
    noisy = transform(ones, replace(PLAIN, noise=0.02), rng) - plain
    assert noisy.std() == pytest.approx(0.02, rel=0.02)
    sheared = transform(ones, replace(PLAIN, shear=0.75), rng) - plain
    rise = sheared[:, -1] - sheared[:, 0]
    assert abs(rise).max() == pytest.approx(0.375, rel=0.01)
    filled = transform(ones, replace(PLAIN, correlated_noise=0.25), rng)
    np.testing.assert_allclose(filled[:, :12], plain[None, :12].repeat(4000, 0), atol=1e-12)
    assert np.corrcoef(filled[:, 30], filled[:, 31])[0, 1] > 0.9  # smoothed over 2 points


def test_the_data_set_is_a_function_of_its_seed_with_equal_classes() -> None:
    data, again = (synthetic_signals(train=100, validation=50, test=30) for _ in range(2))
    assert data.fingerprint == again.fingerprint
    assert data.fingerprint != synthetic_signals(1, train=100, validation=50, test=30).fingerprint
    assert data.shape == (1, 1, 40)
    assert torch.bincount(data.train.labels).tolist() == [10] * 10
    assert abs(data.train.inputs.mean()) < 1e-6
    sources = [set(split.sources) for split in (data.train, data.validation, data.test)]
    assert len(set.union(*sources)) == 180
    more = synthetic_signals(train=100, validation=50, test=31)
    assert torch.equal(more.validation.inputs, data.validation.inputs)


def test_wrong_requests_are_refused() -> None:
    with pytest.raises(UserError, match="validation is 0"):
        synthetic_signals(validation=0)
    with pytest.raises(UserError, match="ndim is 3"):
        Skeleton(ndim=3)
