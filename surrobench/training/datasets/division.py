"""Three splits that do not overlap, from whatever parts a data set has."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from surrobench.errors import UserError
from surrobench.training.datasets.cifar import is_cifar, read_cifar
from surrobench.training.datasets.data import Data, Split
from surrobench.training.datasets.idx import is_idx, read_idx
from surrobench.training.datasets.npz import read_npz
from surrobench.training.datasets.raw import RawImages, RawSplits
from surrobench.training.datasets.splits import Rows, content_numbers, disjoint, some_rows


def read_images(
    path: str | Path,
    *,
    seed: int = 0,
    train: int | None = None,
    validation: int | None = None,
    test: int | None = None,
    side: int | None = None,
) -> Data:
    """A data set on disk: a pure function of its files and the arguments.

    Splits that the files name are used; others are drawn from the training part, a fifth of it
    each. No image is in two splits, equal pixels counting as one image: copies stay together when
    a split is drawn, and are removed from training (and then from validation) where the files have
    them twice. Pixels are standardised for each channel by the training images.

    Args:
        path: the folder of CIFAR-10 or CIFAR-100 (Python version), a folder of IDX files (MNIST and
            its kin, plain or gzipped), or an ``.npz`` file.
        seed: decides what is drawn, and the order of images.
        train: number of training images, all if omitted; fewer are part of more.
        validation: number of validation images.
        test: number of test images.
        side: height and width to resize the images to.

    Raises:
        UserError: for a path that holds none of these, files that are not what they should be, or
            more images than there are.
    """
    raw = _read(Path(path))
    sizes = {"train": train, "validation": validation, "test": test}
    return divide(raw, seed=seed, sizes=sizes, side=side, name=str(path))


def _read(path: Path) -> RawSplits:
    if path.suffix == ".npz" and path.is_file():
        return read_npz(path)
    if path.is_dir() and is_cifar(path):
        return read_cifar(path)
    if path.is_dir() and is_idx(path):
        return read_idx(path)
    problem = "holds no images that are known" if path.exists() else "does not exist"
    raise UserError(
        f"{path} {problem}; expected a folder with CIFAR's data_batch_1 … or with "
        "train-images-idx3-ubyte …, or an .npz file."
    )


def divide(
    raw: RawSplits, *, seed: int, sizes: Mapping[str, int | None], side: int | None, name: str
) -> Data:
    """The three splits of a data set; see :func:`read_images`.

    Args:
        raw: the parts that there are.
        seed: decides what is drawn, and the order.
        sizes: number of images of each split, None for all.
        side: height and width to resize to, None to leave them.
        name: of the data set, for messages.

    Raises:
        UserError: for images of different shapes, or more images than there are.
    """
    parts = {"train": raw.train, "validation": raw.validation, "test": raw.test}
    known = {split: part for split, part in parts.items() if part is not None}
    pixels, labels, rows = _pool(known, name)
    names, labels = np.unique(labels, return_inverse=True)
    rows = disjoint(rows, content_numbers(image.tobytes() for image in pixels), seed)
    chosen = {
        split: some_rows(rows[split], sizes[split], seed, split, name, "images") for split in parts
    }
    images = {split: _floats(pixels[chosen[split]], side) for split in parts}
    mean, deviation = _moments(images["train"])
    splits = {
        split: Split(
            (images[split] - mean) / deviation, torch.from_numpy(labels[chosen[split]]), some
        )
        for split, some in chosen.items()
    }
    return Data(**splits, classes=len(names))


def _pool(
    parts: Mapping[str, RawImages], name: str
) -> tuple[NDArray[Any], NDArray[np.int64], dict[str, Rows]]:
    """All images one after the other, and which rows belong to which part."""
    shapes = {part.pixels.shape[1:] for part in parts.values()}
    kinds = {part.pixels.dtype.kind for part in parts.values()}
    if len(shapes) > 1 or len(kinds) > 1:
        found = sorted(f"{part.pixels.dtype} {part.pixels.shape[1:]}" for part in parts.values())
        raise UserError(f"{name}: the parts hold different kinds of images: {', '.join(found)}.")
    pixels = np.concatenate([part.pixels for part in parts.values()])
    labels = np.concatenate([part.labels for part in parts.values()])
    bounds = np.cumsum([len(part.labels) for part in parts.values()])[:-1]
    return pixels, labels, dict(zip(parts, np.split(np.arange(len(labels)), bounds), strict=True))


def _floats(pixels: NDArray[Any], side: int | None) -> Tensor:
    """Floating point in [0, 1] (as it is if it was), resized."""
    images = torch.from_numpy(np.ascontiguousarray(pixels)).float()
    if pixels.dtype == np.uint8:
        images /= 255
    if side is None or images.shape[2:] == (side, side):
        return images
    if side < 1:
        raise UserError(f"side is {side}; it must be at least 1.")
    shrinks = side <= min(images.shape[2:])
    return functional.interpolate(images, (side, side), mode="area" if shrinks else "bilinear")


def _moments(images: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation of each channel, 1 where it is constant."""
    mean = images.mean(dim=(0, 2, 3), keepdim=True)
    deviation = images.std(dim=(0, 2, 3), keepdim=True, correction=0)
    return mean, torch.where(deviation > 0, deviation, torch.ones_like(deviation))
