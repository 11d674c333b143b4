"""Predictors that only work where an optional package is installed."""

from __future__ import annotations

from importlib.util import find_spec

from surrobench.predictors import PREDICTORS

LIBRARIES = {
    "lightgbm": "lightgbm",
    "catboost": "catboost",
    "ngboost": "ngboost",
    "omni": "ngboost",
    "quantile-forest": "quantile_forest",
}
INSTALLED = [
    name for name in PREDICTORS.names() if name not in LIBRARIES or find_spec(LIBRARIES[name])
]
"""Predictors that work here."""
