"""Elo ratings: who beats whom, as one number for each method.

In the model of Bradley and Terry (Biometrika 1952) the odds that ``i`` beats ``j`` are
``exp(s_i - s_j)``. Ratings are its strengths by maximum likelihood on the scale of Elo: 400 points
are odds of ten to one, and the mean of all methods is 1000. Only differences mean anything, and
only among the methods that were compared.

A method that always wins has no finite strength of greatest likelihood, and with few blocks there
is always one. Every pair is therefore taken to have met once more, with a weight of
``2 / methods`` and a tie. For two methods that is half a win for either side, the correction of
Haldane and of Anscombe (1956); for more it is what Firth's penalty (Biometrika 1993) adds where
the methods are alike, which removes the leading term of the bias away from zero. Its weight does
not grow with the blocks, so that it vanishes where there are many.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse.csgraph import connected_components
from scipy.special import expit

from surrobench.arrays import FloatArray
from surrobench.errors import UserError

SCALE = 400.0 / np.log(10.0)
"""Points of Elo of a unit of log odds."""
MEAN = 1000.0
_EQUAL = 1e-12
"""Relative to the largest score: what differs by less is a tie."""
_LONGEST = 2.0
_STEPS = 200
_CLOSE = 1e-10


def pairwise_wins(scores: FloatArray, larger_is_better: bool = True) -> FloatArray:
    """Who beats whom in every block.

    Args:
        scores: blocks × methods; NaN where a method has none, which then meets nobody.
        larger_is_better: who wins.

    Returns:
        Blocks × methods × methods: 1 where the row wins, 0.5 for a tie, 0 elsewhere.
    """
    values = np.asarray(scores, dtype=np.float64)
    signed = values if larger_is_better else -values
    known = np.isfinite(signed)
    size = np.abs(np.where(known, signed, 0.0)).max(axis=1, initial=0.0)[:, None, None]
    first = np.where(known, signed, 0.0)
    ahead = first[:, :, None] - first[:, None, :]
    both = known[:, :, None] & known[:, None, :]
    wins = np.where(np.abs(ahead) <= _EQUAL * size, 0.5, (ahead > 0).astype(np.float64))
    wins = np.where(both, wins, 0.0)
    wins[:, np.arange(values.shape[1]), np.arange(values.shape[1])] = 0.0
    return np.asarray(wins, dtype=np.float64)


def elo(wins: FloatArray, prior: float | None = None) -> FloatArray:
    """Ratings by how often each method beats each other.

    Args:
        wins: ``… × methods × methods``, wins of the row over the column, a tie half for each; any
            weights that are not negative.
        prior: weight of a further tie of every pair; ``2 / methods`` by default.

    Returns:
        ``… × methods``, with a mean of 1000.

    Raises:
        UserError: without a prior, if there is no greatest likelihood: some methods never lose to,
            or never met, the others (Ford, The American Mathematical Monthly 1957).
    """
    table = np.asarray(wins, dtype=np.float64)
    methods = table.shape[-1]
    weight = 2.0 / max(methods, 1) if prior is None else prior
    if not weight > 0:
        _refuse_infinite(table)
    others = 1.0 - np.eye(methods)
    table = table * others + weight / 2 * others
    return MEAN + SCALE * _strengths(table)


def _strengths(wins: FloatArray) -> FloatArray:
    """Log strengths that sum to zero, by Newton's method with steps of limited length."""
    met = wins + np.swapaxes(wins, -1, -2)
    found = wins.sum(axis=-1)
    strengths = np.zeros(wins.shape[:-1])
    diagonal = np.arange(wins.shape[-1])
    for _ in range(_STEPS):
        odds = expit(strengths[..., :, None] - strengths[..., None, :])
        slope = found - (met * odds).sum(axis=-1)
        curvature = -met * odds * (1 - odds)
        curvature[..., diagonal, diagonal] = -curvature.sum(axis=-1)
        # the strengths are known up to a constant: one that sums to zero is asked for
        step = np.linalg.solve(curvature + 1.0 / len(diagonal), slope[..., None])[..., 0]
        longest = np.abs(step).max(axis=-1, keepdims=True)
        step = step * np.minimum(1.0, _LONGEST / np.maximum(longest, _LONGEST))
        strengths = strengths + step
        strengths = strengths - strengths.mean(axis=-1, keepdims=True)
        if longest.max(initial=0.0) < _CLOSE:
            break
    return strengths


def _refuse_infinite(wins: FloatArray) -> None:
    for table in wins.reshape(-1, *wins.shape[-2:]):
        parts, _ = connected_components(table > 0, directed=True, connection="strong")
        if parts > 1:
            raise UserError(
                "these wins have no Elo of greatest likelihood: some methods never lose to, or "
                "never met, the others. Give a prior above 0."
            )
