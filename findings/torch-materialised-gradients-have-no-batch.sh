#!/usr/bin/env bash
# torch 2.13.0: gradients of what an output does not depend on lose the batch.
#
# torch.autograd.grad(..., is_grads_batched=True) returns gradients with the batch of grad_outputs as
# first dimension. With materialize_grads=True as well, a tensor that the output does not depend on
# gets zeros of its own shape, without that dimension; stacking the gradients of a network one of
# whose layers leads nowhere then fails, or mixes up dimensions. Seen: shapes (2, 3) and (3,).
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" - <<'PYTHON'
import torch

used, unused = torch.ones(3, requires_grad=True), torch.ones(3, requires_grad=True)
output = torch.stack([used.sum(), 2 * used.sum()])
found = torch.autograd.grad(
    output, [used, unused], torch.eye(2), is_grads_batched=True, materialize_grads=True
)
shapes = [tuple(gradient.shape) for gradient in found]
print(torch.__version__, shapes)
assert shapes == [(2, 3), (3,)], "the behaviour has changed"
PYTHON
