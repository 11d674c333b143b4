"""Sequences of amino acids, as numbers that a network can embed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

RESIDUES = "ACDEFGHIKLMNPQRSTVWY"
AMBIGUOUS = "BJOUXZ"
"""Letters of IUPAC for rare or uncertain residues; they share one token."""
PADDING = 0
UNKNOWN = len(RESIDUES) + 1
VOCABULARY = len(RESIDUES) + 2


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
