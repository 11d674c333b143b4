"""The knowledge gradient over a finite pool, exactly (Frazier, Powell and Dayanik 2009).

An observation of one candidate moves all means along a line: ``mean + slope * Z`` with a standard
normal ``Z`` and slopes from the posterior covariance. Its worth is the expected rise of the highest
mean, a sum over the upper envelope of those lines.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from surrobench.acquisition.acquisition import Acquisition
from surrobench.acquisition.analytic import improvement_scores, log_improvement
from surrobench.acquisition.context import AcquisitionContext
from surrobench.base.options import check_counts
from surrobench.predictors.posterior import Kind, SurrogatePosterior

_BLOCK = 1_000_000


@dataclass(frozen=True)
class KnowledgeGradient(Acquisition):
    """Expected rise of the highest posterior mean after one more noisy observation, its logarithm.

    A pool of ``m`` candidates has ``m`` lines for each of ``m`` observations. Beyond a few hundred,
    only the ``candidates`` with the highest log expected improvement (and no others) are scored,
    and the maximum is taken over the ``alternatives`` with the highest means and the candidate
    itself. What is pending counts as observed at its mean, so that a batch spreads out.

    Args:
        candidates: that are scored; the others rank behind all of them.
        alternatives: that the maximum is taken over.
    """

    candidates: int = 500
    alternatives: int = 500

    serves: ClassVar[frozenset[Kind]] = frozenset({"gp"})
    batch: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Refuse options that are not valid."""
        check_counts(self, "candidates", "alternatives")

    def scores(self, context: AcquisitionContext) -> Tensor:
        """Log knowledge gradients of the allowed candidates; minus infinity if not scored."""
        rows, posterior = context.choices(), context.posterior
        u, std = improvement_scores(context)
        promise = log_improvement(u) + std.log()
        if context.pending:
            posterior = posterior.condition(
                context.pending, posterior.mean[torch.tensor(context.pending)]
            )
        scored = _highest(promise, self.candidates)
        scores = torch.full_like(promise, -torch.inf)
        scores[scored] = self._gradients(posterior, rows[scored])
        return scores

    def _gradients(self, posterior: SurrogatePosterior, rows: Tensor) -> Tensor:
        # A noisy value at x moves all means along one line each (Frazier, Powell & Dayanik 2009):
        #     mean(j) + b_j Z,    b_j = cov(j, x) / sqrt(var(x) + noise),    Z ~ N(0, 1),
        # so the gain is E max_j (mean(j) + b_j Z) - max_j mean(j). The line of x itself, with
        # b = var(x) / sqrt(var(x) + noise), belongs to them wherever its mean ranks.
        others = _highest(posterior.mean, self.alternatives)
        parts = []
        for part in rows.split(max(1, _BLOCK // (len(others) + 1))):
            spread = (posterior.variance[part] + posterior.noise).sqrt().unsqueeze(-1)
            slopes = posterior.covariance(part, others) / spread
            own = posterior.variance[part].unsqueeze(-1) / spread
            means = posterior.mean[others].expand(len(part), -1)
            parts.append(
                log_expected_rise(
                    torch.cat([means, posterior.mean[part].unsqueeze(-1)], dim=1),
                    torch.cat([slopes, own], dim=1),
                )
            )
        return torch.cat(parts)


def _highest(values: Tensor, count: int) -> Tensor:
    """Places of the highest values, lower places first among equals."""
    return torch.argsort(values, descending=True, stable=True)[:count]


def log_expected_rise(intercepts: Tensor, slopes: Tensor) -> Tensor:
    """``log(E max_j (a_j + b_j Z) - max_j a_j)`` for a standard normal ``Z``.

    The upper envelope is walked from line to line, for all batch elements at once. With slopes
    ``b_1 < ... < b_k`` on the envelope and breakpoints ``c_i`` between them, the rise is the sum of
    ``(b_{i+1} - b_i) f(-|c_i|)`` with ``f(z) = phi(z) + z Phi(z)``. Its logarithm does not
    underflow where an observation hardly matters.

    Args:
        intercepts: ``a``, ``batch x j``.
        slopes: ``b``, ``batch x j``.

    Returns:
        Logarithms, ``batch``; minus infinity where no mean can overtake another.
    """
    # From the far left: the least slope, and of equal slopes the highest line.
    steepest = slopes.amin(dim=1, keepdim=True)
    now = torch.where(slopes <= steepest, intercepts, -torch.inf).argmax(dim=1, keepdim=True)
    total = torch.full_like(intercepts[:, 0], -torch.inf)
    while True:
        a, b = intercepts.gather(1, now), slopes.gather(1, now)
        gap = slopes - b
        crossing = torch.where(gap > 0, (a - intercepts) / gap, torch.inf)
        first = crossing.amin(dim=1, keepdim=True)
        going = torch.isfinite(first).squeeze(1)
        if not bool(going.any()):
            return total
        # Where several lines cross at one point, the steepest goes on.
        following = torch.where(crossing <= first, slopes, -torch.inf).argmax(dim=1, keepdim=True)
        change = (slopes.gather(1, following) - b).squeeze(1)
        part = change.clamp_min(1e-300).log() + log_improvement(-first.squeeze(1).abs())
        total = torch.where(going, torch.logaddexp(total, part), total)
        now = torch.where(going.unsqueeze(1), following, now)
