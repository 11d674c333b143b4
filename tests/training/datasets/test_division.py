"""Splits never overlap, not even in copies; they are reproducible, standardised and nested."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from surrobench.errors import UserError
from surrobench.spaces.edge_cells import nas_bench_201
from surrobench.training.datasets.data import Data
from surrobench.training.datasets.division import divide, read_images
from surrobench.training.datasets.raw import RawImages, RawSplits
from surrobench.training.loop.trainer import Recipe, train
from surrobench.training.networks.cells import CellNetwork

ALL: Mapping[str, int | None] = {"train": None, "validation": None, "test": None}
N = 100


def part(first: int, n: int, *, copies: int = 0) -> RawImages:
    """Images whose pixels and labels tell their number; the first ``copies`` are the image 0."""
    numbers = np.arange(first, first + n)
    numbers[:copies] = 0
    pixels = np.zeros((n, 1, 4, 4), np.uint8)
    pixels[:, 0, 0, 0], pixels[:, 0, 0, 1] = numbers // 256, numbers % 256
    return RawImages(pixels, numbers % 3 * 10)


def contents(data: Data) -> list[set[bytes]]:
    splits = (data.train, data.validation, data.test)
    return [{image.numpy().tobytes() for image in split.inputs} for split in splits]


def check_disjoint(data: Data) -> None:
    train, validation, test = contents(data)
    assert train
    assert validation
    assert test
    assert not train & validation
    assert not train & test
    assert not validation & test
    sources = [set(s.sources.tolist()) for s in (data.train, data.validation, data.test)]
    assert not sources[0] & sources[1]
    assert not sources[0] & sources[2]
    assert not sources[1] & sources[2]


@pytest.mark.parametrize(
    ("raw", "sizes"),
    [
        (RawSplits(part(0, N)), (60, 20, 20)),
        (RawSplits(part(0, N), test=part(N, 30)), (80, 20, 30)),
        (RawSplits(part(0, N), part(N, 30)), (80, 30, 20)),
        (RawSplits(part(0, N), part(N, 30), part(200, 40)), (100, 30, 40)),
        # The last 10 images of training are also in the test part, and 5 of validation.
        (RawSplits(part(0, N), part(115, 30), part(90, 30)), (90, 25, 30)),
        # All 20 copies of one image stay together, wherever that is.
        (RawSplits(part(0, N), part(95, 10)), (79, 10, 16)),
    ],
)
def test_splits_do_not_overlap(raw: RawSplits, sizes: tuple[int, int, int]) -> None:
    data = divide(raw, seed=0, sizes=ALL, side=None, name="mine")
    check_disjoint(data)
    if raw.test is None and raw.validation is not None and len(raw.validation.labels) == 10:
        sizes = (len(data.train), 10, len(data.test))
        assert len(data.train) + len(data.test) == 95
    assert (len(data.train), len(data.validation), len(data.test)) == sizes


@pytest.mark.parametrize("seed", range(8))
def test_copies_stay_together(seed: int) -> None:
    raw = RawSplits(part(0, N, copies=40))
    data = divide(raw, seed=seed, sizes=ALL, side=None, name="mine")
    check_disjoint(data)
    assert len(data.train) + len(data.validation) + len(data.test) == N


def test_the_same_seed_gives_the_same_splits_and_another_seed_does_not() -> None:
    first, again, other = (
        divide(RawSplits(part(0, N)), seed=seed, sizes=ALL, side=None, name="mine")
        for seed in (1, 1, 2)
    )
    assert torch.equal(first.train.inputs, again.train.inputs)
    assert np.array_equal(first.test.sources, again.test.sources)
    assert set(first.test.sources) != set(other.test.sources)


def test_fewer_images_are_part_of_more_and_leave_the_other_splits_alone() -> None:
    sizes = {**ALL, "train": 20}
    some = divide(RawSplits(part(0, N)), seed=0, sizes=sizes, side=None, name="mine")
    every = divide(RawSplits(part(0, N)), seed=0, sizes=ALL, side=None, name="mine")
    assert some.train.sources.tolist() == every.train.sources.tolist()[:20]
    assert np.array_equal(some.validation.sources, every.validation.sources)


def test_labels_are_counted_from_zero_and_follow_their_images() -> None:
    data = divide(RawSplits(part(0, N)), seed=0, sizes=ALL, side=None, name="mine")
    assert data.classes == 3
    for split in (data.train, data.validation, data.test):
        assert split.labels.dtype == torch.int64
        assert split.labels.tolist() == [int(source) % 3 for source in split.sources]


def test_each_channel_is_standardised_by_the_training_images() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (50, 3, 4, 4), dtype=np.uint8)
    pixels[:, 2] = 7  # a constant channel
    raw = RawSplits(RawImages(pixels, np.arange(50) % 2))
    data = divide(raw, seed=0, sizes=ALL, side=None, name="mine")
    moments: list[Tensor] = [data.train.inputs.mean((0, 2, 3)), data.train.inputs.std((0, 2, 3))]
    torch.testing.assert_close(moments[0], torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(moments[1], torch.tensor([1.0, 1.0, 0.0]), atol=1e-2, rtol=0)
    chosen = pixels[data.train.sources, :2] / 255
    scale = chosen.std((0, 2, 3), keepdims=True)
    expected = (pixels[data.test.sources, :2] / 255 - chosen.mean((0, 2, 3), keepdims=True)) / scale
    np.testing.assert_allclose(data.test.inputs[:, :2].numpy(), expected, atol=1e-5)


@pytest.mark.parametrize("side", [2, 8])
def test_images_are_resized(side: int) -> None:
    data = divide(RawSplits(part(0, N)), seed=0, sizes=ALL, side=side, name="mine")
    assert data.shape == (1, side, side)


@pytest.mark.parametrize(
    ("sizes", "complaint"),
    [
        ({"train": 61}, "61 train images were asked for, but there are 60"),
        ({"test": 0}, "0 test images"),
    ],
)
def test_more_images_than_there_are(sizes: dict[str, int], complaint: str) -> None:
    with pytest.raises(UserError, match=complaint):
        divide(RawSplits(part(0, N)), seed=0, sizes={**ALL, **sizes}, side=None, name="mine")


def test_training_images_that_are_all_in_the_test_part_are_not_a_data_set() -> None:
    raw = RawSplits(part(0, N), part(N, 10), part(0, N))
    with pytest.raises(UserError, match="there are 0 that are in no other split"):
        divide(raw, seed=0, sizes=ALL, side=None, name="mine")


def test_parts_of_different_shapes_are_refused() -> None:
    other = RawImages(np.zeros((3, 1, 5, 5), np.uint8), np.zeros(3, np.int64))
    with pytest.raises(UserError, match="different kinds of images"):
        divide(RawSplits(part(0, N), test=other), seed=0, sizes=ALL, side=None, name="mine")


@pytest.mark.parametrize(
    ("name", "shape", "classes"),
    [
        ("usps", (1, 16, 16), 10),
        ("mnist_t10k", (1, 28, 28), 10),
        ("flowers17_16px", (3, 16, 16), 17),
        ("pneumoniamnist", (1, 28, 28), 2),
    ],
)
def test_published_archives(
    images: Path, name: str, shape: tuple[int, int, int], classes: int
) -> None:
    data = read_images(images / f"{name}.npz")
    assert (data.shape, data.classes) == (shape, classes)
    check_disjoint(data)


@pytest.mark.slow
def test_a_network_learns_from_a_published_archive(images: Path) -> None:
    data = read_images(images / "usps.npz", train=2048, validation=200, test=500, side=8)
    (run,) = train(
        lambda: CellNetwork(nas_bench_201(), (0, 0, 0, 3, 0, 0)),
        data,
        Recipe(epochs=4, batch_size=64, learning_rate=0.1),
        seeds=[0],
    )
    assert run.test_accuracy > 80
