"""Images in three splits, resident on one device: what every training reads."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from surrobench.training.data import fingerprint


@dataclass(frozen=True)
class Split:
    """Images of one split.

    Attributes:
        images: ``n x channels x height x width`` floating point, standardised.
        labels: ``n`` int64, counted from 0.
        sources: ``n`` number of the source image that each image stems from; no source has images
            in two splits.
    """

    images: Tensor
    labels: Tensor
    sources: NDArray[np.int64]

    @property
    def inputs(self) -> Tensor:
        """The images."""
        return self.images

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device: torch.device) -> Split:
        """The split on another device (itself if it is there already)."""
        return replace(self, images=self.images.to(device), labels=self.labels.to(device))


@dataclass(frozen=True)
class ImageData:
    """Training, validation and test images, resident in memory.

    Attributes:
        train: what the weights are fitted to.
        validation: what candidates are compared by.
        test: looked at once, after training.
        classes: number of different labels.
    """

    train: Split
    validation: Split
    test: Split
    classes: int = 10

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of an image."""
        channels, height, width = self.train.images.shape[1:]
        return channels, height, width

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of all images and labels."""
        return fingerprint(self.classes, (self.train, self.validation, self.test))

    def to(self, device: torch.device) -> ImageData:
        """The same images on another device."""
        return replace(
            self,
            train=self.train.to(device),
            validation=self.validation.to(device),
            test=self.test.to(device),
        )
