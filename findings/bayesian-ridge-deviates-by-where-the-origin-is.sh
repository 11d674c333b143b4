#!/usr/bin/env bash
# scikit-learn 1.8.0: the deviations that BayesianRidge predicts depend on where the origin of the
# inputs is; 1.9.1 mended it.
#
# With fit_intercept=True (the default) the model is fitted to centred inputs, so that adding a
# constant to every input changes no mean. predict(X, return_std=True) evaluates the posterior
# covariance of the weights at inputs that are not centred: far from the origin the line looks
# uncertain, whatever the data say. No warning, and the means are right.
# Seen: a ratio of deviations of 1.0 within rounding in 1.9.1, of more than 5 in 1.8.0, for the same
# data moved by 100.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cat > "$work/moved.py" <<'PYTHON'
import sys

import numpy as np
import sklearn
from sklearn.linear_model import BayesianRidge

rng = np.random.default_rng(0)
X, at = rng.normal(size=(40, 3)), rng.normal(size=(5, 3))
y = X[:, 0] + 0.1 * rng.normal(size=40)
mean, std = BayesianRidge().fit(X, y).predict(at, return_std=True)
moved_mean, moved_std = BayesianRidge().fit(X + 100, y).predict(at + 100, return_std=True)
ratio = float((moved_std / std).max())
print(sklearn.__version__, "largest ratio of deviations:", round(ratio, 3))
assert np.allclose(mean, moved_mean, atol=1e-6), "the means have moved"
assert (ratio > 5) == (sys.argv[1] == "moves"), "the behaviour has changed"
assert (abs(ratio - 1) < 1e-3) == (sys.argv[1] == "stays"), "the behaviour has changed"
PYTHON
for case in "1.8.0 moves" "1.9.1 stays"; do
  version="${case% *}"
  python3 -m venv "$work/$version"
  "$work/$version/bin/pip" install -q numpy==2.4.6 scipy==1.17.1 "scikit-learn==$version"
  "$work/$version/bin/python" "$work/moved.py" "${case#* }"
done
