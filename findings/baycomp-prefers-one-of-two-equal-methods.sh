#!/usr/bin/env bash
# The Bayesian signed-rank test of baycomp 1.0.3 prefers the first of two equal methods.
#
# Two methods with the same scores on every data set, without a region of practical equivalence
# (rope = 0): both probabilities should be one half. Ties count half for each side, so every sample
# of the posterior is one half up to rounding, and the probability is the share of samples whose
# rounding error falls on one side: the first method is 'better' with about .70. With a region of
# any width above zero the answer is 'equivalent'.
# Seen: (0.70, 0.30) for rope 0; (0, 1, 0) for rope 0.01.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q numpy==2.4.6 scipy==1.17.1 matplotlib==3.11.2 baycomp==1.0.3
cd "$work"
"$work/venv/bin/python" - <<'PYTHON'
import importlib.metadata

import numpy as np
from baycomp import SignedRankTest

scores = np.linspace(0.1, 0.9, 20)
plain = SignedRankTest.probs(scores, scores, rope=0, random_state=0)
within = SignedRankTest.probs(scores, scores, rope=0.01, random_state=0)
print("baycomp", importlib.metadata.version("baycomp"))
print("rope 0:", [round(float(p), 2) for p in plain], "rope 0.01:", [float(p) for p in within])
assert plain[0] > 0.6, "the behaviour has changed"
assert within[1] == 1.0, "the behaviour has changed"
PYTHON
