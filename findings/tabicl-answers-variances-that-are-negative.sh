#!/usr/bin/env bash
# TabICL 2.2.0: TabICLRegressor.predict(X, output_type="variance") answers negative variances, and in
# another unit than that of variances.
#
# The network works on standardised targets. What it answers is taken back to units of the targets by
# the same line for means, quantiles and variances: times the deviation of the targets, plus their
# mean. A variance should be multiplied by the square of the deviation, and nothing be added. The text
# of predict() names means, medians and quantiles alone, that of the network beneath names "variance"
# too, and predict() takes it without a word. Take the variance of output_type="raw_quantiles".
# Seen, with a network of random weights: variances of -39.5 for targets around -40 with a deviation of
# 0.3, of +39.5 for their negatives, of -395 for ten times the targets. The quantiles of all three have
# variances of 0.004, 0.004 and 0.4.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1 torch==2.13.0 \
  tabicl==2.2.0
cd "$work"
"$work/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import numpy as np
import torch
from tabicl import TabICLRegressor
from tabicl._model.tabicl import TabICL

config = {
    "max_classes": 0,
    "embed_dim": 32,
    "col_num_blocks": 1,
    "row_num_blocks": 1,
    "icl_num_blocks": 1,
    "zero_init": False,
}
torch.manual_seed(0)
torch.save({"config": config, "state_dict": TabICL(**config).state_dict()}, "random.ckpt")

rng = np.random.default_rng(0)
X, at = rng.random((40, 3)), rng.random((5, 3))
y = X[:, 0] - 40.0


def ask(targets):
    model = TabICLRegressor(model_path="random.ckpt", allow_auto_download=False, device="cpu")
    model.fit(X, targets)
    told = model.predict(at, output_type=["variance", "raw_quantiles"])
    return told["variance"], told["raw_quantiles"].var(axis=1)


for name, targets in (("around -40", y), ("around +40", -y), ("times ten", 10 * y)):
    told, of_quantiles = ask(targets)
    print(f"targets {name}: variance {told.round(3)}, of the quantiles {of_quantiles.round(5)}")
print("tabicl", version("tabicl"))
(low, quantiles), (high, mirrored) = ask(y), ask(-y)
assert (low < -39).all() and (high > 39).all(), "the behaviour has changed"
assert 0 < quantiles.max() < 1 and 0 < mirrored.max() < 1, "the behaviour has changed"
PYTHON
