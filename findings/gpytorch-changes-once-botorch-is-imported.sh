#!/usr/bin/env bash
# GPyTorch 1.15.2 computes differently once BoTorch 0.18.1 has been imported in the same process.
#
# Importing botorch, and using nothing of it, raises two global settings of GPyTorch: exact
# factorisation up to 4,096 training points instead of 800, and six attempts with growing jitter
# instead of three. A comparison with 'plain GPyTorch' at 801 to 4,096 points therefore depends on
# an import: without it, conjugate gradients and Lanczos; with it, a Cholesky factorisation.
# Seen: before (800, 3), after (4096, 6).
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0
"$work/venv/bin/pip" install -q gpytorch==1.15.2 botorch==0.18.1
cd "$work"
"$work/venv/bin/python" - <<'PYTHON'
import gpytorch


def settings():
    return (
        gpytorch.settings.max_cholesky_size.value(),
        gpytorch.settings.cholesky_max_tries.value(),
    )


before = settings()
import botorch

after = settings()
print("gpytorch", gpytorch.__version__, "botorch", botorch.__version__)
print("largest exact factorisation and attempts, before and after:", before, after)
assert before == (800, 3) and after == (4096, 6), "the behaviour has changed"
PYTHON
