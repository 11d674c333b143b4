"""Procedurally distorted handwritten digits: an image task that needs no download.

The 1,797 real 8 x 8 digits that scikit-learn carries are nearly linearly separable, so networks
trained on them differ by less than their training noise. Rotating, shrinking, shifting and adding
noise makes the task hard enough to tell architectures apart, and any number of images can be drawn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from surrobench.training.datasets.data import Data, Split

SIDE = 8
CLASSES = 10
SOURCE_SHARES = (0.6, 0.2, 0.2)
"""Share of the source digits that train, validation and test images are rendered from."""


@dataclass(frozen=True)
class Distortion:
    """How a source digit is turned into an image.

    Attributes:
        rotation: largest angle in degrees, drawn uniformly on both sides.
        zoom: smallest and largest scale, drawn uniformly; a shrunken digit is also moved by as
            much as the frame leaves room for.
        noise: standard deviation of Gaussian noise added to grey values in [0, 1].
    """

    rotation: float = 30.0
    zoom: tuple[float, float] = (0.8, 1.0)
    noise: float = 0.25


def distorted_digits(
    seed: int = 0,
    *,
    train: int = 4096,
    validation: int = 2000,
    test: int = 4000,
    distortion: Distortion | None = None,
) -> Data:
    """Render the data set: a pure function of its arguments.

    The source digits are divided 60/20/20 before anything is rendered, so no digit appears in two
    splits. All images are standardised by the mean and deviation of the training images. The size
    of one split does not change the images of another. The ``sources`` of a split are rows of
    scikit-learn's ``load_digits``.

    Args:
        seed: decides the division of the source digits and every distortion.
        train: number of training images.
        validation: number of validation images.
        test: number of test images.
        distortion: strength of the distortions; the default one if omitted.
    """
    distortion = distortion or Distortion()
    digits = load_digits()
    pixels = np.asarray(digits.images, dtype=np.float64) / 16.0
    labels = np.asarray(digits.target, dtype=np.int64)
    rendered = []
    for stream, (pool, n) in enumerate(
        zip(divide_sources(len(pixels), seed), (train, validation, test), strict=True), start=1
    ):
        rng = np.random.default_rng([seed, stream])
        sources = rng.choice(pool, size=n)
        rendered.append((render(pixels[sources], distortion, rng), sources))
    mean, deviation = rendered[0][0].mean(), rendered[0][0].std()
    train_split, validation_split, test_split = (
        _split((images - mean) / deviation, labels, sources) for images, sources in rendered
    )
    return Data(train_split, validation_split, test_split, classes=CLASSES)


def divide_sources(n: int, seed: int) -> list[NDArray[np.int64]]:
    """Indices 0..n-1 divided at random into the three disjoint pools of ``SOURCE_SHARES``."""
    order = np.random.default_rng([seed, 0]).permutation(n)
    bounds = np.rint(n * np.cumsum(SOURCE_SHARES[:-1])).astype(int)
    return list(np.split(order, bounds))


def render(
    sources: NDArray[np.float64], distortion: Distortion, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Distort every source once.

    Args:
        sources: ``n x 8 x 8`` grey values in [0, 1].
        distortion: strength of the distortions.
        rng: source of all draws.

    Returns:
        ``n x 8 x 8`` grey values with noise, not clipped.
    """
    n = len(sources)
    zoom = rng.uniform(*distortion.zoom, size=n)
    angle = np.deg2rad(rng.uniform(-distortion.rotation, distortion.rotation, size=n))
    room = SIDE / 2 * np.maximum(0.0, 1.0 - zoom)
    shift = rng.uniform(-1.0, 1.0, size=(2, n)) * room
    images = _resample(sources, zoom, angle, shift)
    return images + distortion.noise * rng.standard_normal(images.shape)


def _resample(
    sources: NDArray[np.float64],
    zoom: NDArray[np.float64],
    angle: NDArray[np.float64],
    shift: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Rotate, scale and shift by bilinear interpolation; grey value 0 outside the source."""
    centre = (SIDE - 1) / 2
    grid = np.arange(SIDE) - centre
    row = grid[None, :, None] - shift[0][:, None, None]
    column = grid[None, None, :] - shift[1][:, None, None]
    cosine, sine = (f(angle)[:, None, None] / zoom[:, None, None] for f in (np.cos, np.sin))
    # A border of two zeros lets coordinates outside the source be clipped onto it.
    padded = np.pad(sources, ((0, 0), (2, 2), (2, 2)))
    last = float(SIDE + 2)
    source_row = np.clip(cosine * row - sine * column + centre + 2, 0.0, last)
    source_column = np.clip(sine * row + cosine * column + centre + 2, 0.0, last)
    top, left = source_row.astype(np.int64), source_column.astype(np.int64)
    down, right = source_row - top, source_column - left
    image = np.arange(len(sources))[:, None, None]
    upper = (1 - right) * padded[image, top, left] + right * padded[image, top, left + 1]
    lower = (1 - right) * padded[image, top + 1, left] + right * padded[image, top + 1, left + 1]
    blended: NDArray[np.float64] = (1 - down) * upper + down * lower
    return blended


def _split(
    images: NDArray[np.float64], labels: NDArray[np.int64], sources: NDArray[np.int64]
) -> Split:
    return Split(
        inputs=torch.from_numpy(images.astype(np.float32)[:, None]),
        labels=torch.from_numpy(labels[sources]),
        sources=sources,
    )
