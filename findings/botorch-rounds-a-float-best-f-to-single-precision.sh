#!/usr/bin/env bash
# BoTorch 0.18.1 keeps an incumbent that is given as a Python float in single precision.
#
# best_f may be a float or a tensor. A float becomes a tensor of torch's default type, so beside a
# model in double precision the incumbent 94.37 is wrong by 2e-6. The smoothed improvement of
# qLogExpectedImprovement has a temperature of 1e-6: its scores depend on how the same number is
# handed over. At 1000.1 a candidate three temperatures better than the incumbent is scored a quarter
# of a nat above one that is three temperatures worse, instead of four nats.
# Seen: scores that differ by 2.4 nats at 94.37 and by 5.9 at 1000.1; none with tensors of doubles.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0
"$work/venv/bin/pip" install -q gpytorch==1.15.2 botorch==0.18.1
cd "$work"
"$work/venv/bin/python" - <<'PYTHON'
import warnings

import botorch
import torch
from botorch.acquisition.logei import qLogExpectedImprovement
from botorch.models.deterministic import GenericDeterministicModel

warnings.simplefilter("ignore")
certain = GenericDeterministicModel(lambda X: X)
off = torch.tensor([-3e-6, -1e-6, 0.0, 1e-6, 3e-6], dtype=torch.float64).reshape(-1, 1, 1)
print("botorch", botorch.__version__, "torch", torch.__version__)
apart = {}
for best in (94.37, 1000.1):
    scores = [
        qLogExpectedImprovement(certain, best_f=incumbent)(best + off)
        for incumbent in (best, torch.tensor(best, dtype=torch.float64))
    ]
    apart[best] = float((scores[0] - scores[1]).abs().max())
    print(f"incumbent {best}: a float gives {[round(x, 2) for x in scores[0].tolist()]}")
    print(f"incumbent {best}: a double gives {[round(x, 2) for x in scores[1].tolist()]}")
assert apart[94.37] > 2.0 and apart[1000.1] > 5.0, "the behaviour has changed"
PYTHON
