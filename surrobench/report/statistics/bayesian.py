"""The Bayesian signed-rank test: how probable it is that one method is better than another.

Benavoli, Corani, Demšar and Zaffalon, "Time for a change: a tutorial for comparing multiple
classifiers through Bayesian analysis", JMLR 2017; computed by baycomp, which is optional.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from surrobench.arrays import FloatArray
from surrobench.errors import UserError


@dataclass(frozen=True)
class Verdict:
    """Posterior probabilities that the first is better, that both are equivalent, or the other."""

    better: float
    equivalent: float
    worse: float


def bayesian_signed_rank(
    first: npt.ArrayLike,
    second: npt.ArrayLike,
    rope: float = 0.0,
    *,
    seed: int = 0,
    samples: int = 50_000,
) -> Verdict:
    """Compare paired scores, larger being better.

    Args:
        first: scores of one method.
        second: scores of the other on the same seeds or tasks.
        rope: differences up to this are equivalent in practice, in units of the scores.
        seed: of the draws from the posterior.
        samples: number of these draws.

    Raises:
        UserError: if baycomp is not installed, or there are fewer than two complete pairs.
    """
    try:
        from baycomp import SignedRankTest
    except ImportError as error:
        raise UserError(
            "the Bayesian signed-rank test needs baycomp: pip install 'surrobench[bayes]'."
        ) from error
    x, y = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    both = np.isfinite(x) & np.isfinite(y)
    if both.sum() < 2:
        raise UserError(f"the Bayesian signed-rank test needs two pairs, not {both.sum()}.")

    def probabilities(a: FloatArray, b: FloatArray) -> list[float]:
        drawn = SignedRankTest.probs(a, b, rope, nsamples=samples, random_state=seed)
        return [float(share) for share in drawn]

    first_way = probabilities(x[both], y[both])
    if rope:
        return Verdict(*first_way)
    # Draws that favour neither count for one side: asked both ways, they count half for each.
    other_way = probabilities(y[both], x[both])
    return Verdict((first_way[0] + other_way[1]) / 2, 0.0, (first_way[1] + other_way[0]) / 2)
