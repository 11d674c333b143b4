"""Synthetic signals of ten classes: a task for one-dimensional networks that needs no download.

The generator is that of MNIST-1D (Greydanus, 2020, arXiv:2011.14439) with its published settings.
The ten templates are our own drawings, so results are not those published for MNIST-1D. Nothing
here is measured: signals are drawn, and any number of them can be.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from surrobench.arrays import FloatArray
from surrobench.errors import UserError
from surrobench.training.datasets.data import Data, Split

CLASSES = 10
TEMPLATES = np.array(
    [
        [3, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3],
        [3, 2, 1, 3, 3, 3, 3, 3, 3, 3, 3, 3],
        [2, 4, 5, 5, 5, 4, 3, 2, 1, 0, 2, 5],
        [2, 4, 5, 5, 4, 2, 4, 5, 5, 5, 4, 2],
        [4, 3, 3, 2, 1, 0, 5, 4, 4, 4, 4, 4],
        [5, 2, 0, 0, 1, 3, 5, 5, 5, 4, 2, 0],
        [4, 2, 1, 0, 0, 0, 1, 0, 0, 1, 2, 4],
        [0, 2, 5, 5, 4, 4, 3, 3, 2, 2, 2, 2],
        [3, 5, 5, 4, 3, 2, 3, 4, 5, 5, 5, 3],
        [3, 5, 5, 4, 5, 5, 5, 4, 3, 2, 1, 0],
    ],
    dtype=np.float64,
)
"""One row per class: how far to the right a pen is while it writes the digit downward."""


@dataclass(frozen=True)
class Transformation:
    """How a template is turned into a signal; the defaults are those of MNIST-1D.

    Attributes:
        padding: fewest and most zeros that are appended.
        scale: width of the range around 1 that the height is multiplied by.
        translation: the signal is rotated by a number of points below this.
        correlated_noise: deviation of the noise, smoothed with a Gaussian of deviation 2, that
            stands where the template does not.
        noise: deviation of independent noise on all points.
        shear: width of the range of slopes that are added.
        length: points of the final signal.
    """

    padding: tuple[int, int] = (36, 60)
    scale: float = 0.4
    translation: int = 48
    correlated_noise: float = 0.25
    noise: float = 0.02
    shear: float = 0.75
    length: int = 40


def synthetic_signals(
    seed: int = 42,
    *,
    train: int = 4096,
    validation: int = 2000,
    test: int = 4000,
    transformation: Transformation | None = None,
) -> Data:
    """Draw the data set: a pure function of its arguments.

    Signals are images of height 1, so that whatever trains on images trains on them. Every signal
    is drawn anew from its template: no two splits share one, and the size of one split does not
    change another. Classes are equally frequent. All signals are standardised by the mean and
    deviation of the training signals.

    Args:
        seed: decides every draw.
        train: number of training signals.
        validation: number of validation signals.
        test: number of test signals.
        transformation: strength of the distortions; that of MNIST-1D if omitted.

    Raises:
        UserError: for a split without signals.
    """
    transformation = transformation or Transformation()
    sizes = {"train": train, "validation": validation, "test": test}
    for name, size in sizes.items():
        if size < 1:
            raise UserError(f"{name} is {size}; there must be at least 1 signal.")
    drawn = []
    for stream, size in enumerate(sizes.values(), start=1):
        rng = np.random.default_rng([seed, stream])
        labels = rng.permutation(np.arange(size) % CLASSES)
        drawn.append((transform(TEMPLATES[labels], transformation, rng), labels))
    mean, deviation = drawn[0][0].mean(), drawn[0][0].std()
    first = np.cumsum([0, train, validation])
    splits = [
        Split(
            torch.from_numpy(((signals - mean) / deviation).astype(np.float32)[:, None, None]),
            torch.from_numpy(labels),
            start + np.arange(len(labels)),
        )
        for (signals, labels), start in zip(drawn, first, strict=True)
    ]
    train_split, validation_split, test_split = splits
    return Data(train_split, validation_split, test_split, classes=CLASSES)


def transform(
    templates: FloatArray, transformation: Transformation, rng: np.random.Generator
) -> FloatArray:
    """Turn every template into a signal.

    Args:
        templates: ``n x points``.
        transformation: strength of the distortions.
        rng: source of all draws.

    Returns:
        ``n x length`` signals.
    """
    n, points = templates.shape
    shortest, longest = transformation.padding
    shapes = templates - templates.mean(axis=1, keepdims=True)
    shapes /= shapes.std(axis=1, keepdims=True)
    padded = np.pad(shapes, ((0, 0), (0, longest)))
    ends = points + rng.integers(shortest, longest, size=n, endpoint=True) - 1.0
    signals = resample(padded, ends, points + longest)
    # Resampling widens the template; what lies behind it is empty.
    full = np.linspace(0.0, 1.0, points + longest) * ends[:, None] < points
    signals *= 1 + transformation.scale * (rng.random((n, 1)) - 0.5)
    shift = rng.integers(transformation.translation, size=(n, 1))
    signals, full = _rotated(signals, shift), _rotated(full, shift)
    smooth = gaussian_filter1d(rng.standard_normal(signals.shape), 2.0, axis=1)
    signals = np.where(full, signals, transformation.correlated_noise * smooth)
    signals += transformation.noise * rng.standard_normal(signals.shape)
    slopes = transformation.shear * (rng.random((n, 1)) - 0.5)
    signals -= slopes * np.linspace(-0.5, 0.5, signals.shape[1])
    return resample(signals, np.full(n, signals.shape[1] - 1.0), transformation.length)


def resample(signals: FloatArray, ends: FloatArray, length: int) -> FloatArray:
    """Linear interpolation at ``length`` equally spaced places from point 0 to point ``ends``.

    Args:
        signals: ``n x points``.
        ends: ``n`` last places, at most ``points - 1``.
        length: points of the result.
    """
    places = np.linspace(0.0, 1.0, length) * ends[:, None]
    left = np.minimum(places.astype(np.int64), signals.shape[1] - 2)
    share = places - left
    rows = np.arange(len(signals))[:, None]
    blended: FloatArray = (1 - share) * signals[rows, left] + share * signals[rows, left + 1]
    return blended


def _rotated(values: NDArray[Any], shift: NDArray[np.int64]) -> NDArray[Any]:
    """Each row moved to the right, what falls out at the end entering at the start."""
    columns = (np.arange(values.shape[1]) - shift) % values.shape[1]
    return np.take_along_axis(values, columns, axis=1)
