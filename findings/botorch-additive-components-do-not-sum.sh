#!/usr/bin/env bash
# BoTorch 0.18.1: the parts of its additive process do not add up to what it predicts, by default.
#
# OrthogonalAdditiveGP.posterior(X, infer_all_components=True) answers the bias and one effect for
# each input. The outcome transform that the model has unless it is told otherwise (Standardize) is
# undone for each of them as if it were a prediction, so the mean of the targets is added 1 + d
# times: the parts sum to the prediction plus d times that mean, and an input that has no influence
# is shown with an effect as large as the mean. With outcome_transform=None they add up.
# Seen with targets around 11.6 and three inputs: sum less prediction 34.9, effect of the idle input
# 11.6; without the transform 0.0 and 0.0.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0
"$work/venv/bin/pip" install -q botorch==0.18.1
cd "$work"
"$work/venv/bin/python" - <<'PYTHON'
import warnings

import botorch
import torch
from botorch.fit import fit_gpytorch_mll
from botorch.models.additive_gp import OrthogonalAdditiveGP
from gpytorch.mlls import ExactMarginalLogLikelihood

warnings.simplefilter("ignore")
torch.set_default_dtype(torch.double)
draw = torch.Generator().manual_seed(0)
X = torch.rand(30, 3, generator=draw)
y = 10 + 3 * X[:, :1] + torch.sin(6 * X[:, 1:2])  # the third input is idle
new = torch.rand(5, 3, generator=draw)


def parts(**options):
    """Sum of the parts less the prediction, and the effect of the idle input, both at new."""
    model = OrthogonalAdditiveGP(X, y, **options)
    fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
    with torch.no_grad():
        whole = model.posterior(new).mean
        each = model.posterior(new, infer_all_components=True).mean
    return (each.sum(0) - whole).abs().max().item(), each[-1].abs().max().item()


print("botorch", botorch.__version__, "mean of the targets", round(y.mean().item(), 1))
gap, idle = parts()
print(f"by default: sum less prediction {gap:.1f}, effect of the idle input {idle:.1f}")
plain_gap, plain_idle = parts(outcome_transform=None)
print(f"without a transform: {plain_gap:.1f} and {plain_idle:.1f}")
assert abs(gap - 3 * y.mean().item()) < 0.1, "the behaviour has changed"
assert abs(idle - y.mean().item()) < 0.1, "the behaviour has changed"
assert plain_gap < 1e-6 and plain_idle < 0.1, "the behaviour has changed"
PYTHON
