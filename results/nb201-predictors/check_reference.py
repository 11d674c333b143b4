"""Checks behind the comparison with known values: one neighbour, and BoTorch's own fit.

    python results/nb201-predictors/check_reference.py

Uses the training sets of the study (``nb201/cifar10-val-run``, protocol ``grouped``, 15 seeds).
"""

from __future__ import annotations

import os

for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_variable] = "1"

import numpy as np
import torch
from botorch.fit import fit_gpytorch_mll
from botorch.models import SingleTaskGP
from gpytorch.kernels import MaternKernel, ScaleKernel
from gpytorch.mlls import ExactMarginalLogLikelihood

from surrobench import load_task, make_predictor
from surrobench.metrics.ranking import kendall_tau
from surrobench.predictors.predictive import predict
from surrobench.studies.prediction.protocols import split

TASK, SEEDS = load_task("nb201/cifar10-val-run"), 15
POOL, TRUTH = torch.tensor(TASK.encode("one-hot")), TASK.truth


def ours(name: str, train: np.ndarray, **options: object) -> np.ndarray:
    """Predictions of the pool by a registered predictor."""
    y = torch.tensor(TRUTH[train])[:, None]
    return predict(make_predictor(name, **options).fit(POOL[train], y, seed=0), POOL).median


def botorch(train: np.ndarray) -> np.ndarray:
    """Predictions of the pool by BoTorch's own model, priors and fit."""
    y = torch.tensor(TRUTH[train])[:, None]
    model = SingleTaskGP(POOL[train], y, covar_module=ScaleKernel(MaternKernel(2.5)))
    fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
    with torch.no_grad():
        return torch.cat([model.posterior(chunk).mean for chunk in POOL.split(2048)])[:, 0].numpy()


def report(label: str, values: list[float]) -> None:
    """Mean and standard error."""
    error = np.std(values, ddof=1) / np.sqrt(len(values))
    print(f"{label:52} {np.mean(values):.3f} ± {error:.3f}", flush=True)


def main() -> None:
    """Print every number."""
    torch.set_num_threads(1)
    for n in (25, 50, 100, 200, 400, 800):
        taus = []
        for seed in range(SEEDS):
            train, test = split(TASK, "grouped", n, seed)
            taus.append(kendall_tau(TRUTH[test], ours("knn", train, neighbours=1)[test]))
        report(f"one neighbour, n = {n}", taus)
    theirs, own = [], []
    for seed in range(SEEDS):
        train, test = split(TASK, "grouped", 100, seed)
        theirs.append(kendall_tau(TRUTH[test], botorch(train)[test]))
        own.append(kendall_tau(TRUTH[test], ours("gp-matern52", train)[test]))
    report("BoTorch SingleTaskGP, Matérn-5/2, n = 100", theirs)
    report("gp-matern52, the same samples", own)
    rng, free = np.random.default_rng(0), []
    for _ in range(60):
        order = rng.permutation(len(TRUTH))
        train, test = order[:100], order[100:]
        free.append(kendall_tau(TRUTH[test], ours("gp-matern52", train)[test]))
    report("gp-matern52, 60 other samples, ungrouped, n = 100", free)
    tens = np.reshape(free, (6, 10)).mean(1)
    print(f"means of ten of these: {tens.min():.2f} to {tens.max():.2f}")


if __name__ == "__main__":
    main()
