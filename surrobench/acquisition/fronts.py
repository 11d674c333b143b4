"""Volumes that fronts dominate, and where they are measured from."""

from __future__ import annotations

import torch
from botorch.utils.multi_objective.hypervolume import Hypervolume, infer_reference_point
from botorch.utils.multi_objective.pareto import is_non_dominated
from torch import Tensor


def hypervolume(points: Tensor, reference: Tensor) -> float:
    """Volume between a reference point and the points that are better in every objective.

    Args:
        points: ``n x k``, larger is better; dominated ones make no difference.
        reference: ``k``.
    """
    better = points[(points > reference).all(dim=1)]
    if not len(better):
        return 0.0
    front = better[is_non_dominated(better)]
    return float(Hypervolume(ref_point=reference).compute(front))


def reference_point(values: Tensor) -> Tensor:
    """A tenth of the front's range below its worst values (Ishibuchi et al. 2011).

    A front of one point has no range; that of all values is taken.

    Args:
        values: observed objectives, ``n x k``, larger is better.
    """
    front = values[is_non_dominated(values)]
    return infer_reference_point(front if len(torch.unique(front, dim=0)) > 1 else values)
