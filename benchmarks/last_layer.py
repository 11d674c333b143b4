r"""Is it DNGO whose intervals cover too little, or our reading of it? The published model beside.

    surrobench prepare @core
    python benchmarks/last_layer.py results/last-layer        # goes on where it was stopped
    surrobench run examples/all-tables.toml --out runs/last-layer \
        --predictor dngo --predictor dngo-held-out
    python benchmarks/last_layer.py results/last-layer --others runs/last-layer results/all-tables

**As published.** DNGO (Snoek et al., "Scalable Bayesian Optimization Using Deep Neural Networks",
ICML 2015) in the settings that NASLib gives to pybnn, written anew: three hidden layers of 50 tanh
units, Adam at 0.01 on batches of ten, 500 epochs, standardised targets; then Bayesian linear
regression on the last hidden layer, without an intercept. Its prior precision and noise are
marginalised: 20 draws from their posterior under flat priors on both logarithms between -10 and 10.
Where pybnn runs a Markov chain, the posterior is computed on a grid here, where the singular values
of the features give the evidence of every point.

Variants of it say what matters: the evidence maximised; the misfit in it without its square, as
pybnn (59befe51) computes it; prior and noise as pybnn has them without an optimisation; a penalty
on the weights; and network and line from different halves of the examples, so that the line does
not meet targets that its features were fitted to.

Every fit is a row of ``cells.csv``: the twelve tasks of ``@core``, 32 and 128 examples, two
draws. ``others.csv`` compares on the tables that ``@core`` has no task of.
"""

from __future__ import annotations

import argparse
import csv
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_variable] = "1"

import numpy as np
import pandas as pd
import torch
from markdown_table import markdown
from torch import Tensor, nn

from surrobench import load_task, make_predictor
from surrobench.arrays import FloatArray, IntArray
from surrobench.metrics.calibration import normal_crps
from surrobench.metrics.ranking import kendall_tau
from surrobench.predictors.predictive import predict
from surrobench.studies.prediction.protocols import split
from surrobench.tasks.collections import CORE

SIZES, SEEDS, PROTOCOL = (32, 128), 2, "grouped-2000"
UNITS, EPOCHS, BATCH, RATE, DRAWS = 50, 500, 10, 0.01, 20
BOUND, STEPS = 10.0, 101
"""Logarithms of prior and noise, and how finely they are computed."""
Z90 = 1.6448536269514722
COLUMNS = (
    "variant", "task", "train_size", "seed", "kendall_tau", "coverage_90", "crps", "noise",
    "missed_seen", "missed_unseen", "cpu_seconds",
)  # fmt: skip
"""``noise``, ``missed_…`` (root mean squares) and ``crps`` in deviations of training targets."""
OURS = ("dngo", "dngo-held-out")
HEADS = {"variant": "variant"} | {
    f"{name}_{size}": f"{word}, {size}"
    for name, word in (
        ("tau", "τ"),
        ("coverage", "90 % intervals cover"),
        ("noise", "noise found"),
        ("missed", "missed"),
        ("crps", "CRPS"),
    )
    for size in SIZES
}


@dataclass(frozen=True)
class Prior:
    """Precision of the weights, and of the noise."""

    weights: float
    noise: float


@dataclass(frozen=True)
class Line:
    """The posterior of ``y = phi(x)' w + e`` by the singular vectors of the features, ``n x w``."""

    singular: FloatArray
    right: FloatArray
    along: FloatArray
    missed: float
    n: int

    @classmethod
    def of(cls, features: FloatArray, y: FloatArray) -> Line:
        """Decompose."""
        left, singular, right = np.linalg.svd(features, full_matrices=False)
        along = left.T @ y
        return cls(singular, right, along, float(y @ y - along @ along), len(y))

    def log_evidence(self, weights: FloatArray, noise: FloatArray, *, squared: bool) -> FloatArray:
        """Of every pair of precisions, up to a constant; ``squared``: the misfit, as it should."""
        a, b = weights[..., None], noise[..., None]
        total = a + b * self.singular**2
        misfit = max(self.missed, 0.0) + np.square(self.along * a / total).sum(axis=-1)
        size = np.square(self.along * b * self.singular / total).sum(axis=-1)
        return (
            0.5 * self.n * np.log(noise)
            + 0.5 * np.log(a / total).sum(axis=-1)
            - 0.5 * noise * (misfit if squared else np.sqrt(misfit))
            - 0.5 * weights * size
        )

    def answer(self, features: FloatArray, prior: Prior) -> tuple[FloatArray, FloatArray]:
        """Mean and variance of observations at ``features``, ``m x w``."""
        total = prior.weights + prior.noise * self.singular**2
        inside = features @ self.right.T
        mean = inside @ (prior.noise * self.singular * self.along / total)
        outside = np.maximum(np.square(features).sum(axis=1) - np.square(inside).sum(axis=1), 0.0)
        variance = np.square(inside) @ (1.0 / total) + outside / prior.weights
        return mean, variance + 1.0 / prior.noise


def drawn(line: Line, rng: np.random.Generator, *, squared: bool = True) -> list[Prior]:
    """Draws from the posterior of the precisions on a grid."""
    logs = np.linspace(-BOUND, BOUND, STEPS)
    weights, noise = np.meshgrid(np.exp(logs), np.exp(logs))
    evidence = line.log_evidence(weights, noise, squared=squared).ravel()
    share = np.exp(evidence - evidence.max())
    chosen = rng.choice(share.size, size=DRAWS, p=share / share.sum())
    return [Prior(float(weights.ravel()[i]), float(noise.ravel()[i])) for i in chosen]


def best(line: Line) -> list[Prior]:
    """The precisions of the largest evidence on the grid."""
    logs = np.linspace(-BOUND, BOUND, STEPS)
    weights, noise = np.meshgrid(np.exp(logs), np.exp(logs))
    at = int(line.log_evidence(weights, noise, squared=True).argmax())
    return [Prior(float(weights.ravel()[at]), float(noise.ravel()[at]))]


def trained(X: Tensor, y: Tensor, seed: int, decay: float = 0.0) -> nn.Sequential:
    """The network without its output: three hidden layers."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layers: list[nn.Module] = []
        for inputs in (X.shape[1], UNITS, UNITS):
            layers += [nn.Linear(inputs, UNITS), nn.Tanh()]
        hidden, output = nn.Sequential(*layers), nn.Linear(UNITS, 1)
    whole = nn.Sequential(hidden, output)
    adam = torch.optim.Adam(whole.parameters(), lr=RATE, weight_decay=decay)
    order, size = np.random.default_rng(seed), min(BATCH, len(X))
    for _ in range(EPOCHS):
        rows = torch.from_numpy(order.permutation(len(X)))
        for begin in range(0, len(X) - size + 1, size):
            batch = rows[begin : begin + size]
            adam.zero_grad(set_to_none=True)
            nn.functional.mse_loss(whole(X[batch]), y[batch]).backward()
            adam.step()
    return hidden


def published(
    X: FloatArray, y: FloatArray, train: IntArray, test: IntArray, seed: int
) -> Iterator[tuple[str, FloatArray, FloatArray, FloatArray, float, float]]:
    """Every variant: its name, mean and variance at the test rows, answers at its training rows,
    the deviation of its noise, and CPU seconds; targets are standardised."""
    inputs, targets = torch.from_numpy(X).float(), torch.from_numpy(y).float().unsqueeze(-1)
    rng = np.random.default_rng(seed)
    half = np.isin(np.arange(len(train)), rng.permutation(len(train))[: len(train) // 2])
    networks = {
        "published": (train, train, 0.0),
        "published, weight decay 0.01": (train, train, 0.01),
        "published, other half for the line": (train[half], train[~half], 0.0),
    }
    for name, (seen, lined, decay) in networks.items():
        began = time.process_time()
        hidden = trained(inputs[seen], targets[seen], seed, decay)
        with torch.no_grad():
            features = hidden(inputs).double().numpy()
        line = Line.of(features[lined], y[lined])
        spent = time.process_time() - began
        priors = {name: drawn(line, rng)}
        if name == "published":
            priors["published, evidence maximised"] = best(line)
            priors["published, misfit as pybnn has it"] = drawn(line, rng, squared=False)
            priors["published, nothing fitted"] = [Prior(1.0, 1000.0)]
        for variant, draws in priors.items():
            answers = [line.answer(features, prior) for prior in draws]
            means = np.stack([mean for mean, _ in answers])
            inner = np.mean([variance for _, variance in answers], axis=0)
            mean, variance = means.mean(axis=0), inner + means.var(axis=0)
            noise = float(np.sqrt(np.mean([1.0 / prior.noise for prior in draws])))
            yield variant, mean[test], variance[test], mean[train], noise, spent


def cells(task_name: str, size: int, seed: int) -> Iterator[dict[str, object]]:
    """All variants on one draw of training examples."""
    torch.set_num_threads(1)
    task = load_task(task_name)
    X = np.asarray(task.encode(task.default_encoding), dtype=np.float64)
    train, test = split(task, PROTOCOL, size, seed)
    centre, unit = task.truth[train].mean(), task.truth[train].std()
    y = (task.truth - centre) / unit
    fits = [*published(X, y, train, test, seed)]
    for name in OURS:
        began = time.process_time()
        given = torch.from_numpy(X), torch.from_numpy(y).unsqueeze(-1)
        model = make_predictor(name).fit(given[0][train], given[1][train], seed=seed)
        found, seen = predict(model, given[0][test]), predict(model, given[0][train])
        some = given[0][test[:1]]
        both = [model.posterior(some, observation_noise=flag).variance for flag in (True, False)]
        noise = float((both[0] - both[1]).clamp_min(0.0).sqrt())
        spent = time.process_time() - began
        fits.append((name, found.mean, np.square(found.std), seen.mean, noise, spent))
    for variant, mean, variance, at_train, noise, spent in fits:
        deviation = np.sqrt(variance)
        yield {
            "variant": variant,
            "task": task_name,
            "train_size": size,
            "seed": seed,
            "kendall_tau": kendall_tau(y[test], mean),
            "coverage_90": float((np.abs(y[test] - mean) <= Z90 * deviation).mean()),
            "crps": float(np.mean(normal_crps((y[test] - mean) / deviation, deviation))),
            "noise": noise,
            "missed_seen": float(np.sqrt(np.mean(np.square(y[train] - at_train)))),
            "missed_unseen": float(np.sqrt(np.mean(np.square(y[test] - mean)))),
            "cpu_seconds": spent,
        }


def run_missing(file: Path) -> None:
    """Append every missing draw of the twelve tasks."""
    if not file.exists():
        file.write_text(",".join(COLUMNS) + "\n", encoding="utf-8")
    known = pd.read_csv(file)
    done = set(zip(known["task"], known["train_size"], known["seed"], strict=True))
    for seed in range(SEEDS):
        for task in CORE:
            for size in SIZES:
                if (task, size, seed) in done:
                    continue
                rows = [[_text(row[name]) for name in COLUMNS] for row in cells(task, size, seed)]
                with file.open("a", newline="", encoding="utf-8") as stream:
                    csv.writer(stream).writerows(rows)
                print(task, size, seed, flush=True)


def _text(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def by_variant(found: pd.DataFrame) -> pd.DataFrame:
    """A line for each variant; means over tasks and draws, of coverage with its range of tasks."""
    lines = []
    for variant, mine in found.groupby("variant", sort=False):
        line: dict[str, object] = {"variant": f"`{variant}`" if variant in OURS else variant}
        for size in SIZES:
            means = mine[mine["train_size"] == size].groupby("task").mean(numeric_only=True)
            line[f"tau_{size}"] = f"{means['kendall_tau'].mean():.2f}"
            line[f"coverage_{size}"] = f"{100 * means['coverage_90'].mean():.0f} %"
            line[f"noise_{size}"] = f"{means['noise'].median():.2f}"
            line[f"missed_{size}"] = f"{means['missed_unseen'].median():.2f}"
            line[f"crps_{size}"] = f"{means['crps'].mean():.2f}"
        lines.append(line)
    return pd.DataFrame(lines)


def others(run: Path, beside: Path) -> pd.DataFrame:
    """Means within the tables that ``@core`` has no task of: both of ours and all others there."""
    parts = [pd.read_parquet(folder / "results.parquet") for folder in (run, beside)]
    both = pd.concat([parts[0], parts[1][parts[1]["predictor"].astype(str) != OURS[0]]])
    both = both.assign(predictor=both["predictor"].astype(str), task=both["task"].astype(str))
    both["table"] = both["task"].str.split("/").str[0]
    both = both[~both["table"].isin({task.split("/")[0] for task in CORE})]
    both = both[~both["predictor"].isin(("constant", "params", "flops", "layers"))]
    both = both[both["status"].astype(str) == "ok"]
    several = both.groupby(["task", "train_size"])["predictor"].transform("nunique")
    both = both[several == several.max()]
    scores = ["kendall_tau", "coverage_90", "crps", "cpu_seconds"]
    both["crps"] = both["crps"] / both.groupby(["task", "train_size"])["crps"].transform("min")
    means = both.groupby(["table", "train_size", "predictor"])[scores].mean().reset_index()
    grouped = means.groupby(["table", "train_size"])
    means["crps_rank"] = grouped["crps"].rank()
    means["tau_rank"] = grouped["kendall_tau"].rank(ascending=False)
    return means


def others_table(means: pd.DataFrame) -> pd.DataFrame:
    """A line for each predictor, at the larger size, the least mean rank by CRPS first."""
    lines = []
    for name, mine in means[means["train_size"] == SIZES[-1]].groupby("predictor"):
        held = mine["coverage_90"].between(0.85, 0.95)
        lines.append(
            {
                "predictor": f"`{name}`",
                "tau": f"{mine['kendall_tau'].mean():.2f}",
                "tau_rank": f"{mine['tau_rank'].mean():.1f}",
                "crps_rank": f"{mine['crps_rank'].mean():.1f}",
                "coverage": f"{100 * mine['coverage_90'].mean():.0f} %",
                "held": f"{held.sum()} of {len(mine)}",
                "order": mine["crps_rank"].mean(),
            }
        )
    return pd.DataFrame(lines).sort_values("order")


def main() -> None:
    """Run what is missing, or compare on the other tables, and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--others", nargs=2, type=Path, metavar=("RUN", "ALL"), help="of both, of all others"
    )
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    if given.others:
        means = others(*given.others)
        means.to_csv(given.folder / "others.csv", index=False, float_format="%.5f")
        heads = {
            "predictor": "predictor",
            "tau": "mean τ",
            "tau_rank": "mean rank by τ",
            "crps_rank": "mean rank by CRPS",
            "coverage": "90 % intervals cover",
            "held": "tables where 85 to 95 %",
        }
        name, text = "others.md", markdown(others_table(means), heads)
    else:
        run_missing(given.folder / "cells.csv")
        name, text = (
            "variants.md",
            markdown(by_variant(pd.read_csv(given.folder / "cells.csv")), HEADS),
        )
    (given.folder / name).write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
