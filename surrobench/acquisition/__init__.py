"""Acquisition functions over finite pools: from a posterior to the candidates to train next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from surrobench.base.registry import Registry

if TYPE_CHECKING:
    from surrobench.acquisition.acquisition import Acquisition

ACQUISITIONS: Registry[Acquisition] = Registry("acquisition", '{use = "ucb", beta = 2.0}')

for _name, _target, _summary in (
    ("posterior-mean", "analytic:PosteriorMean", "the highest mean (pure exploitation)"),
    ("ei", "analytic:ExpectedImprovement", "expected improvement"),
    ("log-ei", "analytic:LogExpectedImprovement", "logarithm of expected improvement"),
    ("pi", "analytic:ProbabilityOfImprovement", "probability of improvement"),
    ("ucb", "analytic:UpperConfidenceBound", "mean plus a multiple of the deviation"),
    ("thompson", "thompson:ThompsonSampling", "the best of one joint sample"),
    ("its", "thompson:IndependentThompsonSampling", "independent samples (BANANAS)"),
    ("qei", "monte_carlo:QExpectedImprovement", "joint expected improvement of a batch"),
    ("qlog-ei", "monte_carlo:QLogExpectedImprovement", "smooth joint log-EI of a batch"),
    ("qlog-nei", "monte_carlo:QLogNoisyExpectedImprovement", "the same with a noisy incumbent"),
    ("qucb", "monte_carlo:QUpperConfidenceBound", "joint upper confidence bound of a batch"),
    ("mes", "information:MaxValueEntropy", "information about the maximum"),
    ("gibbon", "information:Gibbon", "a bound on the information about the maximum, for batches"),
    ("jes", "information:JointEntropy", "information about the optimum and its place"),
    ("knowledge-gradient", "knowledge:KnowledgeGradient", "gain in the highest posterior mean"),
    ("constrained-ei", "constrained:ConstrainedExpectedImprovement", "EI times feasibility"),
    ("qlog-ehvi", "multi_objective:QLogEHVI", "expected hypervolume improvement"),
    ("qlog-nehvi", "multi_objective:QLogNEHVI", "the same with a noisy front"),
    ("parego", "multi_objective:ParEGO", "log-EI of random scalarisations"),
):
    ACQUISITIONS.register(_name, f"surrobench.acquisition.{_target}", _summary)


def make_acquisition(spec: str | Mapping[str, Any], **options: Any) -> Acquisition:
    """Build an acquisition function from what a study file says.

    Args:
        spec: a registered name, a dotted path ``"module:Attribute"``, or a mapping with the name
            under ``use`` and options beside it (``{use = "ucb", beta = 2.0}``).
        options: options that override those of ``spec``.

    Raises:
        UserError: for an unknown name or option, with the nearest valid ones.
    """
    return ACQUISITIONS.make(spec, **options)
