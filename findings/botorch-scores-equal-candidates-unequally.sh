#!/usr/bin/env bash
# BoTorch 0.18.1 gives six copies of one candidate six different values under an ensemble model.
#
# For ensembles (EnsembleModel) the default sampler is IndexSampler. In a batch of candidates
# (batch x q x d, as optimize_acqf_discrete builds it) it draws other members for every candidate
# of the batch, so equal candidates are scored by different sub-ensembles and the arg-max among
# close candidates is partly chance, though the ensemble itself is deterministic and small enough
# to use every member once. Seen: qEI of six equal candidates from 0.10 to 0.19.
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
from botorch.acquisition import qExpectedImprovement
from botorch.models.ensemble import EnsembleModel
from botorch.sampling.get_sampler import get_sampler
from botorch.sampling.index_sampler import IndexSampler

warnings.simplefilter("ignore")


class Lines(EnsembleModel):
    """Twenty fixed linear functions of two inputs."""

    num_outputs = 1

    def __init__(self):
        super().__init__()
        draw = torch.Generator().manual_seed(0)
        self.weights = torch.randn(20, 2, generator=draw, dtype=torch.double)

    def forward(self, X):
        return (X @ self.weights.T).transpose(-1, -2).unsqueeze(-1)


model = Lines()
copies = torch.full((6, 1, 2), 0.5, dtype=torch.double)
sampler = get_sampler(model.posterior(copies), sample_shape=torch.Size([64]), seed=1)
values = qExpectedImprovement(model, best_f=0.0, sampler=sampler)(copies)
print("botorch", botorch.__version__, type(sampler).__name__)
print("qEI of six equal candidates:", [round(v, 3) for v in values.tolist()])
assert isinstance(sampler, IndexSampler), "the behaviour has changed"
assert values.max() > 1.3 * values.min(), "the behaviour has changed"
PYTHON
