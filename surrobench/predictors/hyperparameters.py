"""Which settings of a predictor may be tuned, over which values, and how they are drawn.

One space for each family, used for its defaults (``benchmarks/tuning.py``) and by the variants that
tune themselves (:class:`~.tuned.Tuned`). Values are round numbers, so that what is chosen can be
written down. Settings that only serve the uncertainty (members of an ensemble, folds) and those
that more computing always improves (trees of a forest) are left alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatch

import numpy as np

from surrobench.errors import UserError

Value = float | int | str
Space = Mapping[str, tuple[Value, ...]]
Setting = dict[str, Value]

_PRIORS: Space = {
    "lengthscale_location": (-0.5, 0.0, 0.5, 1.0, 1.5),
    "lengthscale_spread": (0.3, 0.6, 1.0, 1.7),
    "outputscale_spread": (0.5, 1.0, 2.0),
    # Wide only: the development tables are all noisy, a training function of one's own need not be.
    "noise_location": (-5.0, -4.0, -3.0, -2.0, -1.0),
    "noise_spread": (1.5, 2.0, 3.0),
    "max_evaluations": (25, 50, 100),
}

SPACES: Mapping[str, Space] = {
    "gp-*": _PRIORS,
    "random-forest": {
        "min_samples_leaf": (1, 2, 3, 5, 8),
        "min_samples_split": (2, 4, 8),
        "max_features": (0.1, 0.2, 0.33, 0.5, 0.7, 1.0),
        "max_depth": (4, 8, 1000),
        "max_samples": (0.5, 0.7, 1.0),
    },
    "xgboost": {
        "rounds": (100, 200, 400),
        "learning_rate": (0.02, 0.05, 0.1, 0.2, 0.3),
        "max_depth": (2, 3, 4, 6),
        "min_child_weight": (1.0, 2.0, 5.0),
        "subsample": (0.5, 0.7, 0.85, 1.0),
        "colsample": (0.2, 0.4, 0.7, 1.0),
        "reg_lambda": (0.1, 0.3, 1.0, 3.0, 10.0),
    },
    "mlp-ensemble": {
        "width": (16, 32, 64, 128),
        "steps": (50, 100, 200, 400),
        "learning_rate": (2e-3, 5e-3, 1e-2, 2e-2, 5e-2),
        "weight_decay": (1e-3, 1e-2, 0.1, 1.0, 3.0),
        "initial_gain": (0.1, 0.25, 0.5, 1.0, 2.0),
    },
    "svr": {
        "C": (0.3, 1.0, 3.0, 10.0, 30.0, 100.0),
        "epsilon": (0.01, 0.03, 0.1, 0.2, 0.3),
        "gamma": (0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0),
    },
    "knn": {
        "neighbours": (1, 2, 3, 5, 7, 10, 15, 20),
        "distance_power": (0.0, 1.0, 2.0, 4.0),
        "metric": ("euclidean", "manhattan"),
    },
    "bayesian-ridge": {
        "pseudo_observations": (1e-6, 0.1, 1.0, 3.0, 10.0, 30.0),
        "pseudo_error": (0.01, 0.03, 0.1, 0.3, 1.0),
        "weight_shape": (1e-6, 1e-2, 0.1, 1.0, 10.0),
        "weight_rate": (1e-6, 1e-3, 1e-2, 0.1, 1.0),
    },
}
"""Values of each setting, by the pattern of the predictors' names.

Support vectors and neighbours have three settings that change a point prediction, and no more.
"""


def space_of(name: str) -> Space:
    """The settings of a predictor that may be tuned.

    Raises:
        UserError: for a predictor that has none, naming those that do.
    """
    for pattern, space in SPACES.items():
        if fnmatch(name, pattern):
            return space
    raise UserError(f"predictor {name!r} has no space to tune in; there is one for {[*SPACES]}.")


def draw_settings(space: Space, count: int, seed: int) -> list[Setting]:
    """So many different settings, uniformly at random; all of them where there are fewer."""
    sizes = [len(values) for values in space.values()]
    total = int(np.prod(sizes)) if sizes else 0
    places = np.random.default_rng(seed).permutation(total)[:count]
    return [
        {
            name: values[index]
            for (name, values), index in zip(
                space.items(), np.unravel_index(place, sizes), strict=True
            )
        }
        for place in places
    ]
