"""Bootstrap samples, folds, and the noise that left-out predictions reveal."""

from __future__ import annotations

import numpy as np

from surrobench.arrays import BoolArray, FloatArray, IntArray


def bootstrap_counts(n: int, members: int, seed: int) -> IntArray:
    """How often each member draws each of ``n`` rows, ``s x n``; every row of counts sums to n."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(n, np.full(n, 1.0 / n), size=members).astype(np.int64)


def fold_masks(n: int, folds: int, seed: int) -> BoolArray:
    """Which rows each fold leaves out, ``folds x n``; every row is left out exactly once."""
    rng = np.random.default_rng(seed)
    fold = np.arange(n) % folds
    rng.shuffle(fold)
    mask: BoolArray = fold[None, :] == np.arange(folds)[:, None]
    return mask


def left_out_noise(y: FloatArray, predictions: FloatArray, left_out: BoolArray) -> float:
    """Variance to add to the spread of an ensemble so that it matches its left-out errors.

    By the ambiguity decomposition (Krogh & Vedelsby, 1995) the ensemble's squared error is the
    members' mean squared error less their spread. The noise is what that error exceeds the spread
    by, so that spread plus noise is on average the error that was seen.

    Args:
        y: targets, ``n``.
        predictions: of every member for every training row, ``s x n``.
        left_out: rows that a member has not seen, ``s x n``.
    """
    counts = left_out.sum(axis=0)
    if not counts.any():
        return float(np.var(y))
    errors = float(np.mean(np.square(predictions - y)[left_out]))
    several = counts >= 2
    if several.any():
        hidden = np.where(left_out, predictions, np.nan)[:, several]
        spread = float(np.mean(np.nanvar(hidden, axis=0, ddof=1)))
    else:
        spread = float(np.mean(np.var(predictions, axis=0)))
    return max(errors - 2.0 * spread, 0.0)
