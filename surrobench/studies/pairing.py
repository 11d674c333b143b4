"""Whether an acquisition function can work with what a predictor believes."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any, get_args

import torch

from surrobench.acquisition import make_acquisition
from surrobench.errors import UserError
from surrobench.predictors import make_predictor
from surrobench.predictors.belief import Kind
from surrobench.predictors.model_belief import ModelBelief
from surrobench.studies.parts import spec_text

_NAMES = {
    "gp": "a Gaussian process",
    "ensemble": "an ensemble",
    "moments": "a mean and a deviation alone",
}
_EXAMPLES = 12


def check_pairing(predictor: Any, acquisition: Any) -> None:
    """Refuse an acquisition function that the predictor's posterior cannot serve.

    Raises:
        UserError: naming both, and what the function needs.
    """
    serves = make_acquisition(acquisition).serves
    if serves >= set(get_args(Kind)):
        return
    kind = _kind(json.dumps(predictor, sort_keys=True))
    if kind is not None and kind not in serves:
        needed = " or ".join(_NAMES[name] for name in sorted(serves))
        raise UserError(
            f"acquisition {spec_text(acquisition)!r} needs {needed}, but predictor "
            f"{spec_text(predictor)!r} has {_NAMES[kind]}; choose another of the two."
        )


@lru_cache(maxsize=64)
def _kind(predictor: str) -> Kind | None:
    """What sort of posterior a predictor has, by a fit to a few points; None if that fails."""
    generator = torch.Generator().manual_seed(0)
    X = torch.rand(_EXAMPLES, 3, generator=generator, dtype=torch.float64)
    y = X.sum(dim=1, keepdim=True)
    try:
        model = make_predictor(json.loads(predictor)).fit(X, y, seed=0)
        return ModelBelief(model, X, range(_EXAMPLES), y).kind
    except UserError:
        raise
    except Exception:  # it may still do its work on real examples; if not, its cells say why
        return None
