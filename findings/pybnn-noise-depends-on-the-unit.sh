#!/usr/bin/env bash
# pybnn 0.0.5: the noise that its Bayesian line finds depends on the unit of the targets, and its
# stand-alone line then predicts with the inverse of it.
#
# pybnn's DNGO is the one that architecture search packages wrap. The evidence of its Bayesian line
# (BayesianLinearRegression, and the last layer of DNGO alike) takes the norm of the residuals where
# equation 3.82 of Bishop's book (in section 3.5, which it names) has the squared norm. What
# maximises it is a variance of about sigma / sqrt(N), not sigma^2: right for one sigma alone.
# BayesianLinearRegression moreover optimises the logarithm of a variance and then uses its
# exponential as a precision; DNGO inverts it first.
# Seen with 400 examples of a straight line: noise of 0.001, 0.05 and 1 is found as 0.007, 0.05 and
# 0.22, and predictions have standard deviations of 141, 21 and 4.5.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0
"$work/venv/bin/pip" install -q numpy==2.4.6 scipy==1.17.1 emcee==3.1.6
"$work/venv/bin/pip" install -q --no-deps pybnn==0.0.5 # it also asks for torchvision, unused here
cd "$work"
"$work/venv/bin/python" - <<'PYTHON'
import contextlib
import io
from importlib.metadata import version

import numpy as np
from pybnn.bayesian_linear_regression import BayesianLinearRegression


class Flat:
    """A prior of the hyperparameters that says nothing."""

    def lnprob(self, theta):
        return 0.0


print("pybnn", version("pybnn"))
draw = np.random.default_rng(0)
N = 400
x = draw.uniform(-1, 1, (N, 1))
found, predicted = {}, {}
for sigma in (0.001, 0.05, 1.0):
    y = 2 * x[:, 0] + 1 + sigma * draw.standard_normal(N)
    line = BayesianLinearRegression(prior=Flat(), do_mcmc=False, rng=np.random.RandomState(0))
    with contextlib.redirect_stdout(io.StringIO()):
        line.train(x, y, do_optimize=True)
    found[sigma] = float(np.sqrt(line.hypers[0][1]))  # what the evidence calls the variance
    predicted[sigma] = float(np.sqrt(line.predict(x)[1].mean()))
    print(f"noise {sigma}: found {found[sigma]:.3f}, predicted deviation {predicted[sigma]:.1f}")
for sigma, noise in found.items():
    assert abs(noise / np.sqrt(sigma / np.sqrt(N)) - 1) < 0.1, "the behaviour has changed"
    assert abs(predicted[sigma] * noise - 1) < 0.1, "the behaviour has changed"
PYTHON
