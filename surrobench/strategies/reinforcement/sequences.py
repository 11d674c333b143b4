"""From sequences of choices, as a learned policy draws them, to candidates."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence

import numpy as np

from surrobench.spaces.architecture import Arch
from surrobench.strategies.candidates import Candidates


def first_new(
    sequences: Iterable[Sequence[int]],
    candidates: Candidates,
    rng: np.random.Generator,
    exclude: Container[Arch],
) -> Arch | None:
    """The first sequence that is a candidate outside ``exclude``.

    If none is, the candidate outside ``exclude`` that is nearest to the first sequence in Hamming
    distance; None if nothing is left. Sequences are consumed only as far as needed.
    """
    first: Arch | None = None
    for sequence in sequences:
        arch = tuple(int(choice) for choice in sequence)
        if arch in candidates and arch not in exclude:
            return arch
        first = arch if first is None else first
    return None if first is None else candidates.nearest(first, rng, exclude)
