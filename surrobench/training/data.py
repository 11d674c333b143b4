"""What a training needs to know about its data, whether images or sequences."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Protocol, Self

import torch
from torch import Tensor


class Split(Protocol):
    """Labelled examples of one split."""

    @property
    def inputs(self) -> Tensor:
        """``n x ...``; what a network takes. Several lie side by side along the second axis."""

    @property
    def labels(self) -> Tensor:
        """``n`` int64, counted from 0."""

    def __len__(self) -> int:
        """Number of examples."""


class Data(Protocol):
    """Training, validation and test examples, resident on one device."""

    @property
    def train(self) -> Split:
        """What the weights are fitted to."""

    @property
    def validation(self) -> Split:
        """What candidates are compared by."""

    @property
    def test(self) -> Split:
        """Looked at once, after training."""

    @property
    def classes(self) -> int:
        """Number of different labels."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one input."""

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all inputs and labels."""

    def to(self, device: torch.device) -> Self:
        """The same examples on another device."""


def fingerprint(classes: int, splits: Iterable[Split]) -> str:
    """SHA-256 of the number of classes, and inputs and labels of all splits."""
    digest = hashlib.sha256(str(classes).encode())
    for split in splits:
        for tensor in (split.inputs, split.labels):
            digest.update(f"{tensor.dtype}{tuple(tensor.shape)}".encode())
            digest.update(tensor.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
