"""The distorted digits: disjoint, reproducible, standardised, and geometrically right."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from surrobench.training.datasets.data import Data
from surrobench.training.datasets.digits import Distortion, distorted_digits, divide_sources, render


@pytest.fixture(scope="module")
def data() -> Data:
    return distorted_digits(3, train=600, validation=200, test=300)


def test_no_source_digit_is_in_two_splits(data: Data) -> None:
    train, validation, test = (
        set(split.sources.tolist()) for split in (data.train, data.validation, data.test)
    )
    assert not train & validation
    assert not train & test
    assert not validation & test


def test_sources_are_divided_sixty_twenty_twenty() -> None:
    pools = divide_sources(1797, seed=0)
    assert [len(pool) for pool in pools] == [1078, 360, 359]
    assert sorted(np.concatenate(pools).tolist()) == list(range(1797))


def test_shapes_and_types(data: Data) -> None:
    for split, n in ((data.train, 600), (data.validation, 200), (data.test, 300)):
        assert split.inputs.shape == (n, 1, 8, 8)
        assert split.inputs.dtype == torch.float32
        assert split.labels.dtype == torch.int64
        assert len(split) == n
        assert set(split.labels.tolist()) == set(range(10))


def test_training_images_alone_decide_the_standardisation(data: Data) -> None:
    assert data.train.inputs.mean().item() == pytest.approx(0, abs=1e-6)
    assert data.train.inputs.std(correction=0).item() == pytest.approx(1, abs=1e-6)
    assert data.validation.inputs.mean().item() != pytest.approx(0, abs=1e-6)
    more = distorted_digits(3, train=600, validation=250, test=10)
    assert torch.equal(more.train.inputs, data.train.inputs)


def test_same_seed_same_images_another_seed_others(data: Data) -> None:
    again = distorted_digits(3, train=600, validation=200, test=300)
    other = distorted_digits(4, train=600, validation=200, test=300)
    assert torch.equal(again.test.inputs, data.test.inputs)
    assert torch.equal(again.test.labels, data.test.labels)
    assert not torch.equal(other.test.inputs, data.test.inputs)


def test_rendering_leaves_the_global_generators_alone() -> None:
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    torch_before = torch.get_rng_state()
    distorted_digits(0, train=10, validation=10, test=10)
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), torch_before)


def test_without_distortion_the_source_comes_back() -> None:
    sources = np.random.default_rng(0).random((5, 8, 8))
    still = Distortion(rotation=0, zoom=(1, 1), noise=0)
    np.testing.assert_allclose(render(sources, still, np.random.default_rng(1)), sources, atol=1e-9)


def test_a_quarter_turn_is_exact() -> None:
    source = np.random.default_rng(0).random((1, 8, 8))
    angle = _FixedDraws(zoom=1.0, angle=90.0, shift=0.0)
    turned = render(source, Distortion(rotation=90, noise=0), angle)  # type: ignore[arg-type]
    np.testing.assert_allclose(turned[0], np.rot90(source[0], -1), atol=1e-9)


def test_resampling_equals_scipy() -> None:
    source = np.random.default_rng(0).random((1, 8, 8))
    zoom, degrees, shift = 0.85, 17.0, 0.7
    draws = _FixedDraws(zoom=zoom, angle=degrees, shift=shift)
    mine = render(source, Distortion(noise=0), draws)[0]  # type: ignore[arg-type]
    turn = np.deg2rad(degrees)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) / zoom
    centre = 3.5 + shift * 4 * (1 - zoom)
    theirs = ndimage.affine_transform(
        np.pad(source[0], 2),
        matrix,
        offset=5.5 - matrix @ np.array([centre, centre]),
        output_shape=(8, 8),
        order=1,
    )
    np.testing.assert_allclose(mine, theirs, atol=1e-12)


class _FixedDraws:
    """Stands in for a generator: zoom, angle and shift as told, no noise."""

    def __init__(self, zoom: float, angle: float, shift: float) -> None:
        self._draws = iter((zoom, angle, shift))

    def uniform(self, _low: float, _high: float, size: object) -> np.ndarray:
        return np.full(size, next(self._draws))  # type: ignore[call-overload]

    def standard_normal(self, shape: tuple[int, ...]) -> np.ndarray:
        return np.zeros(shape)
