"""Which acquisition functions a predictor's posterior can serve, known before any data are."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import torch

from surrobench.acquisition import ACQUISITIONS, make_acquisition
from surrobench.errors import UserError
from surrobench.predictors import make_predictor
from surrobench.predictors.pool_session import open_pool
from surrobench.predictors.posterior import Kind
from surrobench.predictors.protocol import Predictor

Spec = str | Mapping[str, Any]
_EXAMPLES, _COLUMNS = 12, 4


def check_pairing(acquisition: Spec, predictor: Spec) -> None:
    """Refuse an acquisition function that a predictor's posterior cannot serve.

    A predictor that cannot be fitted to a made-up problem (it needs columns of a certain kind, say)
    is let through: it is then refused, or not, when it meets its data.

    Args:
        acquisition: as for :func:`~surrobench.acquisition.make_acquisition`.
        predictor: as for :func:`~surrobench.predictors.make_predictor`.

    Raises:
        UserError: naming both, and the functions that would work.
    """
    function = make_acquisition(acquisition)
    kind = posterior_kind(make_predictor(predictor))
    if kind is None or kind in function.serves:
        return
    needed = " or ".join(sorted(function.serves))
    raise UserError(
        f"acquisition {_name(acquisition)!r} needs a posterior of kind {needed}, but predictor "
        f"{_name(predictor)!r} gives one of kind {kind}. With it these work: "
        f"{', '.join(acquisitions_for(kind, function.objectives))}."
    )


def acquisitions_for(kind: Kind, objectives: str = "one") -> list[str]:
    """Names of the registered functions that serve a kind of posterior, in their order."""
    return [
        name
        for name in ACQUISITIONS.names()
        if kind in (function := make_acquisition(name)).serves and function.objectives == objectives
    ]


def posterior_kind(predictor: Predictor) -> Kind | None:
    """What sort of posterior a predictor gives; None if a small made-up problem cannot tell.

    A predictor may declare it as an attribute ``posterior_kind``; any other is fitted to a dozen
    made-up examples.
    """
    declared: Kind | None = getattr(predictor, "posterior_kind", None)
    if declared is not None:
        return declared
    try:
        hash(predictor)
    except TypeError:  # nothing can be remembered of it
        return _try(predictor)
    return _tried(predictor)  # type: ignore[arg-type]


def _try(predictor: Predictor) -> Kind | None:
    generator = torch.Generator().manual_seed(0)
    X = torch.randint(2, (_EXAMPLES, _COLUMNS), generator=generator).to(torch.float64)
    X[:, 0] = torch.linspace(0.0, 1.0, _EXAMPLES, dtype=torch.float64)
    if getattr(predictor, "encoding", None) is not None:
        X = X[:, :1]
    y = X.sum(dim=1, keepdim=True) + X[:, :1] ** 2
    try:
        return open_pool(predictor, X).update(range(_EXAMPLES), y, seed=0).kind
    except Exception:  # whatever a foreign fit raises, the study will meet it and record it
        return None


@lru_cache(maxsize=256)
def _tried(predictor: Any) -> Kind | None:
    return _try(predictor)


def _name(spec: Spec) -> str:
    return spec if isinstance(spec, str) else str(spec["use"])
