#!/usr/bin/env bash
# quantile-forest 1.4.2: a fit with a random_state seeds the generator of Python's `random` module,
# for the whole process.
#
# To keep one training example of each leaf (max_samples_leaf=1, the default) the forest calls
# random.seed with the seed of each tree and shuffles with the global generator. Whatever else in
# the process draws from `random` then goes on from the seed of the last tree: in a loop that draws
# a sample, fits and draws again, all "random" draws after the fits are the same ones. scikit-learn,
# whose interface it has, leaves global generators alone.
# Seen: after fits with the same random_state, random.random() gives the same number, whatever
# random.seed was called with before; scikit-learn's forest gives the number that would have come.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1
"$work/venv/bin/pip" install -q quantile-forest==1.4.2
cd "$work"
"$work/venv/bin/python" - <<'PYTHON'
import random
from importlib.metadata import version

import numpy as np
from quantile_forest import RandomForestQuantileRegressor
from sklearn.ensemble import RandomForestRegressor

print("quantile-forest", version("quantile-forest"), "scikit-learn", version("scikit-learn"))
draw = np.random.default_rng(0)
X = draw.uniform(size=(50, 3))
y = X.sum(axis=1) + 0.1 * draw.standard_normal(50)


def next_draws(make):
    """What `random` gives after a fit, for three seeds of it, and what it would have given."""
    after, expected = [], []
    for seed in (1, 2, 3):
        random.seed(seed)
        expected.append(random.random())
        random.seed(seed)
        make(n_estimators=5, random_state=0).fit(X, y)
        after.append(random.random())
    return after, expected


ours, _ = next_draws(RandomForestQuantileRegressor)
plain, expected = next_draws(RandomForestRegressor)
print("after quantile forests:", [round(value, 4) for value in ours])
print("after scikit-learn's:  ", [round(value, 4) for value in plain])
print("without any fit:       ", [round(value, 4) for value in expected])
assert len(set(ours)) == 1, "the behaviour has changed"
assert plain == expected, "the behaviour has changed"
PYTHON
