#!/usr/bin/env bash
# XGBoost 3.2.0 learns less, and at last nothing, when the same targets are given in a larger unit.
#
# Squared error is homogeneous: targets divided by 10,000 should give predictions divided by 10,000.
# They do not, with gamma = 0 (no least gain asked for) as well: splits that gain less than a small
# absolute amount are never made. A latency of a few milliseconds in seconds is enough. Standardise
# the targets before.
# Seen: deviation of the predictions over that of the targets 1.00, .97, .73, 0.00 for targets with
# a range of 1, .01, .001, .0001; the last model answers one constant.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q numpy==2.4.6 scipy==1.17.1 xgboost==3.2.0 scikit-learn==1.9.1
cd "$work"
"$work/venv/bin/python" - <<'PYTHON'
import numpy as np
import xgboost

rng = np.random.default_rng(0)
X = rng.random((200, 3))
y = X[:, 0]
shares = []
for scale in (1.0, 1e-2, 1e-3, 1e-4):
    model = xgboost.XGBRegressor(n_estimators=50, max_depth=3, gamma=0.0, n_jobs=1)
    answers = model.fit(X, y * scale).predict(X)
    shares.append(float(answers.std() / (scale * y.std())))
    print(f"range {scale:g}: {np.unique(answers).size} different answers, share {shares[-1]:.2f}")
print("xgboost", xgboost.__version__)
assert shares[0] > 0.99 and shares[2] < 0.9 and shares[3] < 0.01, "the behaviour has changed"
PYTHON
