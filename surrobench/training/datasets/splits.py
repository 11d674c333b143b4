"""Which examples belong to which split, so that none is in two, not even as a copy."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from surrobench.errors import UserError

DRAWN_SHARE = 0.2
"""Share of the training part that a split gets which the files do not name."""

Rows = NDArray[np.int64]


def content_numbers(examples: Iterable[bytes]) -> Rows:
    """A number for each example; equal examples have equal numbers."""
    digests = [hashlib.blake2b(example, digest_size=16).digest() for example in examples]
    numbers: dict[bytes, int] = {}
    return np.array([numbers.setdefault(digest, len(numbers)) for digest in digests])


def disjoint(rows: dict[str, Rows], contents: Rows, seed: int) -> dict[str, Rows]:
    """Draw the splits that are missing and take copies out of the earlier ones.

    Args:
        rows: of each part that there is; ``train`` always is.
        contents: of :func:`content_numbers`, for all rows.
        seed: decides what is drawn.
    """
    rows = dict(rows)
    share = round(DRAWN_SHARE * len(np.unique(contents[rows["train"]])))
    for stream, split in enumerate(("test", "validation")):
        later = [rows[name] for name in ("test", "validation") if name in rows and name != split]
        seen = contents[np.concatenate(later)] if later else np.array([], dtype=np.int64)
        if split in rows:
            if split == "validation":
                rows[split] = rows[split][~np.isin(contents[rows[split]], seen)]
        else:
            free = np.setdiff1d(contents[rows["train"]], seen)
            drawn = np.random.default_rng([seed, stream]).permutation(free)[:share]
            rows[split] = rows["train"][np.isin(contents[rows["train"]], drawn)]
    seen = contents[np.concatenate([rows["test"], rows["validation"]])]
    rows["train"] = rows["train"][~np.isin(contents[rows["train"]], seen)]
    return rows


def some_rows(rows: Rows, size: int | None, seed: int, split: str, name: str, what: str) -> Rows:
    """The first ``size`` rows in an order that the seed decides.

    Args:
        rows: of one split.
        size: how many, None for all.
        seed: decides the order.
        split: its name.
        name: of the data set, for messages.
        what: the examples are, for messages.

    Raises:
        UserError: for fewer than one row, or more than there are.
    """
    wanted = len(rows) if size is None else size
    if not 1 <= wanted <= len(rows):
        raise UserError(
            f"{name}: {wanted} {split} {what} were asked for, but there are {len(rows)} that are "
            "in no other split."
        )
    stream = ("train", "validation", "test").index(split) + 2
    return np.random.default_rng([seed, stream]).permutation(rows)[:wanted]
