"""Sequences of amino acids in three splits, as numbers that a network can embed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from surrobench.training.data import fingerprint

RESIDUES = "ACDEFGHIKLMNPQRSTVWY"
AMBIGUOUS = "BJOUXZ"
"""Letters of IUPAC for rare or uncertain residues; they share one token."""
PADDING = 0
UNKNOWN = len(RESIDUES) + 1
VOCABULARY = len(RESIDUES) + 2


@dataclass(frozen=True)
class SequenceSplit:
    """Sequences of one split.

    Attributes:
        tokens: ``n x length`` int64: residues from 1 in the order of :data:`RESIDUES`,
            :data:`UNKNOWN`, and :data:`PADDING` behind the end of shorter sequences.
        labels: ``n`` int64, counted from 0.
        sources: ``n`` number of each sequence; no number is in two splits.
    """

    tokens: Tensor
    labels: Tensor
    sources: NDArray[np.int64]

    @property
    def inputs(self) -> Tensor:
        """The tokens."""
        return self.tokens

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device: torch.device) -> SequenceSplit:
        """The split on another device (itself if it is there already)."""
        return replace(self, tokens=self.tokens.to(device), labels=self.labels.to(device))


@dataclass(frozen=True)
class SequenceData:
    """Training, validation and test sequences, resident in memory.

    Attributes:
        train: what the weights are fitted to.
        validation: what candidates are compared by.
        test: looked at once, after training.
        classes: number of different labels.
    """

    train: SequenceSplit
    validation: SequenceSplit
    test: SequenceSplit
    classes: int

    @property
    def shape(self) -> tuple[int, ...]:
        """The length to which all sequences are padded."""
        return tuple(self.train.tokens.shape[1:])

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of all sequences and labels."""
        return fingerprint(self.classes, (self.train, self.validation, self.test))

    def to(self, device: torch.device) -> SequenceData:
        """The same sequences on another device."""
        return replace(
            self,
            train=self.train.to(device),
            validation=self.validation.to(device),
            test=self.test.to(device),
        )


def tokenise(sequences: Sequence[str], length: int) -> Tensor:
    """Tokens of sequences, ``n x length``, padded at the end.

    Args:
        sequences: of upper-case letters from :data:`RESIDUES` and :data:`AMBIGUOUS`, none longer
            than ``length``.
        length: of the result.
    """
    codes = np.zeros(256, np.int64)
    codes[list(RESIDUES.encode())] = np.arange(1, len(RESIDUES) + 1)
    codes[list(AMBIGUOUS.encode())] = UNKNOWN
    tokens = np.full((len(sequences), length), PADDING, np.int64)
    for row, sequence in zip(tokens, sequences, strict=True):
        row[: len(sequence)] = codes[np.frombuffer(sequence.encode("ascii"), np.uint8)]
    return torch.from_numpy(tokens)
