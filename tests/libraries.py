"""Predictors that only work where an optional package is installed."""

from __future__ import annotations

from importlib.util import find_spec

from random_checkpoints import MAKERS

from surrobench.predictors import PREDICTORS

LIBRARIES = {
    "lightgbm": "lightgbm",
    "catboost": "catboost",
    "ngboost": "ngboost",
    "omni": "ngboost",
    "quantile-forest": "quantile_forest",
    **{name: name for name in MAKERS},
}
INSTALLED = [
    name
    for name in PREDICTORS.names()
    if name not in MAKERS and (name not in LIBRARIES or find_spec(LIBRARIES[name]))
]
"""Predictors that work here, without a file that the user has to name."""
