"""Several objectives: expected hypervolume improvement and random scalarisations over a pool."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from botorch.acquisition.logei import qLogExpectedImprovement
from botorch.acquisition.multi_objective import logei
from botorch.acquisition.objective import GenericMCObjective
from botorch.models import ModelList
from botorch.utils.multi_objective.box_decompositions.non_dominated import (
    FastNondominatedPartitioning,
)
from botorch.utils.multi_objective.pareto import is_non_dominated
from botorch.utils.multi_objective.scalarization import get_chebyshev_scalarization
from torch import Tensor

from surrobench.acquisition.acquisition import Acquisition
from surrobench.acquisition.constrained import log_feasibility
from surrobench.acquisition.context import AcquisitionContext
from surrobench.acquisition.hypervolume import log_hypervolume_improvement
from surrobench.acquisition.monte_carlo import evaluate
from surrobench.acquisition.pool_model import PoolModel, as_inputs, as_rows
from surrobench.acquisition.samplers import joint_sampler
from surrobench.base.options import check_counts
from surrobench.base.wording import counted
from surrobench.errors import UserError
from surrobench.metrics.fronts import reference_point

JOINTLY_PENDING = 1
"""Pending candidates that enter qLogEHVI as random; its cost doubles with each of them."""
_BASELINE_SAMPLES = 64


@dataclass(frozen=True)
class _ManyObjectives(Acquisition):
    """What the functions of this module share.

    Args:
        samples: joint samples of the objectives.
    """

    samples: int = 64

    batch: ClassVar[bool] = True
    objectives: ClassVar[Literal["one", "many"]] = "many"

    def __post_init__(self) -> None:
        """Refuse options that are not valid."""
        check_counts(self, "samples")

    def scores(self, context: AcquisitionContext) -> Tensor:
        """Values of the allowed candidates, plus the log probability that they are feasible.

        Until something feasible was seen, that probability alone.
        """
        feasible = log_feasibility(context)
        if context.feasible is not None and not bool(context.feasible.any()):
            return feasible
        with _python_only():
            return self._values(context, observed_values(context)) + feasible

    @abstractmethod
    def _values(self, context: AcquisitionContext, observed: Tensor) -> Tensor:
        """Values of the allowed candidates, given the feasible observed objectives ``n x k``."""

    def _common(self, context: AcquisitionContext, pending: Sequence[int]) -> dict[str, Any]:
        rows = torch.tensor(pending, dtype=torch.long)
        return {
            "model": ModelList(*(PoolModel(posterior) for posterior in context.posteriors)),
            "sampler": joint_sampler(context.posteriors, self.samples, context.seed),
            "X_pending": as_inputs(rows) if len(rows) else None,
        }


@dataclass(frozen=True)
class _Hypervolume(_ManyObjectives):
    """Improvement of a hypervolume.

    Args:
        reference: of the hypervolume, in units of the task; by default
            :func:`reference_point` of what was observed, on the surrogates' scales.
    """

    reference: Sequence[float] | None = None

    def reference_of(self, context: AcquisitionContext, observed: Tensor) -> Tensor:
        """The reference point on the surrogates' scales, ``k``.

        Raises:
            UserError: if there are not as many numbers as objectives.
        """
        if self.reference is None:
            return reference_point(observed)
        if len(self.reference) != len(context.posteriors):
            raise UserError(
                f"the reference point {list(self.reference)} has "
                f"{counted(len(self.reference), 'number')} "
                f"for {counted(len(context.posteriors), 'objective')}."
            )
        given = torch.tensor(list(self.reference), dtype=observed.dtype)
        moved = [b.to_scale(v.reshape(1)) for b, v in zip(context.posteriors, given, strict=True)]
        return torch.cat(moved)


@dataclass(frozen=True)
class QLogEHVI(_Hypervolume):
    """Log expected hypervolume improvement (Daulton et al. 2020; Ament et al. 2023).

    BoTorch's ``qLogExpectedHypervolumeImprovement`` over the observed front. The last pending
    candidate enters as random; earlier ones count as observed at their means, because the cost
    doubles with each.
    """

    def _values(self, context: AcquisitionContext, observed: Tensor) -> Tensor:
        reference = self.reference_of(context, observed)
        believed = list(context.pending[:-JOINTLY_PENDING])
        random = context.pending[-JOINTLY_PENDING:]
        means = torch.stack([posterior.mean[believed] for posterior in context.posteriors], dim=1)
        partitioning: Any = FastNondominatedPartitioning(reference, torch.cat([observed, means]))
        function = logei.qLogExpectedHypervolumeImprovement(
            ref_point=reference,
            partitioning=partitioning,
            **self._common(context, random),
        )
        if not random and _all_normal(context):
            return log_hypervolume_improvement(function, torch.empty(0, dtype=torch.long), context)
        cells = partitioning.get_hypercell_bounds().shape[-2]
        subsets = 2 ** (1 + len(random))
        return evaluate(function, context, self.samples * cells * subsets * observed.shape[1])


@dataclass(frozen=True)
class QLogNEHVI(_Hypervolume):
    """The same over the front of what the observed candidates really are (Daulton et al. 2021).

    BoTorch's ``qLogNoisyExpectedHypervolumeImprovement``: every sample has a front of its own,
    over the ``baseline`` observed candidates that are most often on it, and what is pending.

    Args:
        baseline: observed candidates that may be on the front.
    """

    baseline: int = 16

    def __post_init__(self) -> None:
        """Refuse options that are not valid."""
        check_counts(self, "samples", "baseline")

    def _values(self, context: AcquisitionContext, observed: Tensor) -> Tensor:
        reference = self.reference_of(context, observed)
        kept = self.baseline_rows(context, reference)
        function: Any = logei.qLogNoisyExpectedHypervolumeImprovement(
            ref_point=reference,
            X_baseline=as_inputs(kept),
            prune_baseline=False,
            cache_root=False,
            **self._common(context, context.pending),
        )
        if _all_normal(context):
            # What is pending is in the baseline of the function by now.
            return log_hypervolume_improvement(function, as_rows(function.X_baseline), context)
        cells = function.cell_lower_bounds.shape[-2]
        points = 1 + len(kept) + len(context.pending)
        width = max(self.samples * max(cells, points) * observed.shape[1], points**2)
        return evaluate(function, context, width)

    def baseline_rows(self, context: AcquisitionContext, reference: Tensor) -> Tensor:
        """Observed rows that are most often on the front of a joint sample, ascending."""
        rows = context.posterior.rows
        if context.feasible is not None:
            rows = rows[context.feasible]
        rows = torch.unique(rows)
        drawn = [
            posterior.sample(_BASELINE_SAMPLES, seed=context.seed + i, rows=rows)
            for i, posterior in enumerate(context.posteriors)
        ]
        points = torch.stack(drawn, dim=-1)
        often = (is_non_dominated(points) & (points > reference).all(dim=-1)).sum(dim=0)
        best = torch.argsort(often, descending=True, stable=True)[: self.baseline]
        return rows[best].sort().values


@dataclass(frozen=True)
class ParEGO(_ManyObjectives):
    """Log expected improvement of a random scalarisation (Knowles 2006).

    The augmented Chebyshev scalarisation of the objectives, moved to [0, 1] by what was observed,
    with weights drawn uniformly from the simplex anew for each choice, also within a batch.
    """

    def _values(self, context: AcquisitionContext, observed: Tensor) -> Tensor:
        # Spread by a large prime, so that choices of neighbouring steps do not share weights.
        generator = torch.Generator().manual_seed(
            (context.seed + 1_000_003 * len(context.pending)) % 2**63
        )
        cuts = torch.rand(observed.shape[1], generator=generator, dtype=observed.dtype)
        weights = -cuts.clamp_min(1e-12).log()
        scalarise = get_chebyshev_scalarization(weights / weights.sum(), observed)
        function = qLogExpectedImprovement(
            best_f=scalarise(observed, None).max(),
            objective=GenericMCObjective(scalarise),
            **self._common(context, context.pending),
        )
        width = self.samples * (1 + len(context.pending)) * observed.shape[1]
        return evaluate(function, context, width)


def _all_normal(context: AcquisitionContext) -> bool:
    return all(posterior.kind != "ensemble" for posterior in context.posteriors)


def observed_values(context: AcquisitionContext) -> Tensor:
    """Feasible observed objectives on the surrogates' scales, ``n x k``.

    Raises:
        ValueError: if the posteriors are not about the same observations.
    """
    rows = context.posterior.rows
    if any(not torch.equal(posterior.rows, rows) for posterior in context.posteriors[1:]):
        raise ValueError("the posteriors about several objectives are of different observations.")
    values = torch.stack([posterior.targets for posterior in context.posteriors], dim=1)
    return values if context.feasible is None else values[context.feasible]


@contextmanager
def _python_only() -> Iterator[None]:
    """Keep BoTorch from compiling an extension in the middle of a search.

    It would take half a minute where there is a compiler, and round differently from where there
    is none.
    """
    names = {"_load_attempted": True, "_C": None}
    before = {name: getattr(logei, name) for name in names if hasattr(logei, name)}
    for name in before:
        setattr(logei, name, names[name])
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(logei, name, value)
