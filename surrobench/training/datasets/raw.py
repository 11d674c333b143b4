"""Images and labels as their files hold them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surrobench.base.wording import counted
from surrobench.errors import UserError

CHANNELS = (1, 3, 4)


@dataclass(frozen=True)
class RawImages:
    """Images of one part of a data set.

    Attributes:
        pixels: ``n x channels x height x width``, uint8 or floating point.
        labels: ``n`` integers.
    """

    pixels: NDArray[Any]
    labels: NDArray[np.int64]


@dataclass(frozen=True)
class RawSplits:
    """The parts of a data set; those that its files do not name are None."""

    train: RawImages
    validation: RawImages | None = None
    test: RawImages | None = None


def raw_images(pixels: NDArray[Any], labels: NDArray[Any], name: str) -> RawImages:
    """Check images and labels and bring them into one form.

    Args:
        pixels: ``n x height x width``, ``n x height x width x channels`` or ``n x channels x height
            x width``, integers from 0 to 255 or floating point.
        labels: ``n`` or ``n x 1`` integers.
        name: of the file or array, for messages.

    Raises:
        UserError: naming what is wrong.
    """
    labels = labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise UserError(
            f"{name}: labels are {labels.dtype} of shape {labels.shape}; expected one integer per "
            "image."
        )
    pixels = _numbers(_channels_first(pixels, name), name)
    if not len(labels) or len(labels) != len(pixels):
        raise UserError(
            f"{name}: {counted(len(pixels), 'image')} but {counted(len(labels), 'label')}."
        )
    return RawImages(pixels, labels.astype(np.int64))


def _channels_first(pixels: NDArray[Any], name: str) -> NDArray[Any]:
    if pixels.ndim == 3:
        return pixels[:, None]
    if pixels.ndim != 4:
        raise UserError(f"{name}: images of shape {pixels.shape}; expected 3 or 4 dimensions.")
    first, last = pixels.shape[1] in CHANNELS, pixels.shape[3] in CHANNELS
    if first == last:
        raise UserError(
            f"{name}: which axis of {pixels.shape} holds the channels? Exactly one of the second "
            f"and the last must have {', '.join(map(str, CHANNELS[:-1]))} or {CHANNELS[-1]}."
        )
    return pixels if first else pixels.transpose(0, 3, 1, 2)


def _numbers(pixels: NDArray[Any], name: str) -> NDArray[Any]:
    if pixels.dtype.kind == "f":
        if not np.isfinite(pixels).all():
            raise UserError(f"{name}: some pixels are not finite numbers.")
        return pixels
    if pixels.dtype.kind not in "iu":
        raise UserError(f"{name}: pixels are {pixels.dtype}; expected numbers.")
    if pixels.size and (pixels.min() < 0 or pixels.max() > 255):
        raise UserError(
            f"{name}: integer pixels from {pixels.min()} to {pixels.max()}; expected 0 to 255."
        )
    return pixels.astype(np.uint8)
