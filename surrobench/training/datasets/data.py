"""Labelled examples in three splits, resident on one device: what every training reads."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from surrobench.errors import UserError


@dataclass(frozen=True)
class Split:
    """Images or sequences of one split.

    Attributes:
        inputs: what a network takes: standardised images, ``n x channels x height x width``
            floating point, or tokens (:mod:`~.sequences`), ``n x length`` int64. Several inputs lie
            side by side along the second axis.
        labels: ``n`` int64, counted from 0.
        sources: ``n`` number of the source image or sequence that each example stems from; no
            source has examples in two splits.
    """

    inputs: Tensor
    labels: Tensor
    sources: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device: torch.device) -> Split:
        """The split on another device (itself if it is there already)."""
        return replace(self, inputs=self.inputs.to(device), labels=self.labels.to(device))

    def first(self, n: int) -> Split:
        """The first ``n`` examples."""
        return Split(self.inputs[:n], self.labels[:n], self.sources[:n])


@dataclass(frozen=True)
class Data:
    """Training, validation and test examples, resident in memory.

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
    def shape(self) -> tuple[int, ...]:
        """Shape of one input: channels, height and width of images, the length of sequences."""
        return tuple(self.train.inputs.shape[1:])

    @property
    def kind(self) -> Literal["images", "sequences"]:
        """What the inputs are: floating point is images, whole numbers are tokens."""
        return "images" if self.train.inputs.is_floating_point() else "sequences"

    def check_kind(self, kind: Literal["images", "sequences"], task: str) -> None:
        """What a task cannot train on is refused.

        Raises:
            UserError: for inputs of the other kind.
        """
        if self.kind != kind:
            raise UserError(f"{task} needs {kind}, not {self.kind}.")

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the number of classes, and inputs and labels of all splits."""
        digest = hashlib.sha256(str(self.classes).encode())
        for split in (self.train, self.validation, self.test):
            for tensor in (split.inputs, split.labels):
                digest.update(f"{tensor.dtype}{tuple(tensor.shape)}".encode())
                digest.update(tensor.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()

    def to(self, device: torch.device) -> Data:
        """The same examples on another device."""
        return replace(
            self,
            train=self.train.to(device),
            validation=self.validation.to(device),
            test=self.test.to(device),
        )

    def with_fewer(self, train: int) -> Data:
        """The same but for its training examples, of which the first ones are left."""
        return replace(self, train=self.train.first(train))
