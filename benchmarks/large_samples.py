"""Gaussian processes on thousands of examples and a pool of 300,000, beside GPyTorch's exact one.

    surrobench prepare hpob && surrobench prepare nb201
    python benchmarks/large_samples.py results/speed

The space is that of the HPO-B pool ``6794-31`` (random forests; six numbers and choices, 102,306
configurations), its rows repeated up to 300,000 and moved by at most a hundredth of each range.
Every line of ``large-samples.csv`` and ``.md`` has a process of its own on one thread, measured
once: processor seconds of the fit and of means and variances of the pool, and peak memory. Where
the pool was too much, a part of it was predicted and its seconds are scaled up, but for those that
come once; a fit that was cut short says after how many evaluations. ``large-samples-tau.csv`` and
``.md`` have Kendall's tau at 2,000 examples on four pools. ``--only 3`` measures one line again.
"""

from __future__ import annotations

import os

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
os.environ.update(dict.fromkeys(THREADS, "1"))

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from markdown_table import markdown
from scaling_point import peak_mib

from surrobench import load_task
from surrobench.metrics.ranking import kendall_tau
from surrobench.predictors import make_predictor
from surrobench.predictors.predictive import predict

POOL, MOVED, FEW = 300_000, 0.01, 256
SPACE = "hpob/6794-31"
TASKS = (
    ("hpob/5965-145836", "numeric"),
    ("hpob/6767-31", "numeric"),
    ("hpob/5971-6566", "numeric"),
    ("nb201/cifar10-val", "one-hot"),
)
TAUS = ("gp-matern52-ard", "gp-sparse", "random-forest")
TAU_EXAMPLES, TAU_TEST = 2000, 8000
EXACT, PEER = "gp-matern52-ard", "GPyTorch"


@dataclass(frozen=True)
class Line:
    """What is measured.

    Attributes:
        who: one of our predictors, or GPyTorch with the model of ``gp-matern52-ard``.
        n: examples.
        points: of the pool that are predicted.
        evaluations: of the likelihood, if the fit is cut short; 0 for a whole fit.
    """

    who: str
    n: int
    points: int = POOL
    evaluations: int = 0


LINES = (
    Line(EXACT, 2000),
    Line("gp-sparse", 2000),
    Line(PEER, 2000),
    Line("gp-sparse", 10_000),
    Line(EXACT, 10_000, 5_000, 1),
    Line(PEER, 4000, 2_000, 1),
)
HEADINGS = {
    "who": "who",
    "n": "n",
    "evaluations": "likelihoods of all examples",
    "fit_s": "fit (CPU s)",
    "prediction_s": "pool of 300,000 (CPU s)",
    "points": "of which predicted",
    "sum_s": "both",
    "peak_mib": "peak (MiB)",
    "imports_mib": "of which imports (MiB)",
    "log_posterior": "log posterior per example",
}


def drawn() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The pool (``300,000 x d``), and all configurations of the table with their targets."""
    task = load_task(SPACE)
    X = np.asarray(task.encode("numeric"), dtype=np.float64)
    rng = np.random.default_rng(0)
    pool = X[np.arange(POOL) % len(X)]
    low, high = X.min(axis=0), X.max(axis=0)
    pool[len(X) :] += MOVED * (high - low) * rng.uniform(-1.0, 1.0, size=pool[len(X) :].shape)
    return torch.tensor(pool), torch.tensor(X), torch.tensor(task.truth)[:, None]


def measure(line: Line) -> dict[str, Any]:
    """One line, in this process."""
    torch.set_num_threads(1)
    pool, X, y = drawn()
    rows = np.random.default_rng(1).permutation(len(X))[: line.n]
    X, y = X[rows], y[rows]
    imports, started = peak_mib(), time.process_time()
    model, evaluations, value = (theirs if line.who == PEER else ours)(line, X, y)
    fitted = time.process_time()
    points = pool[torch.randperm(POOL, generator=torch.manual_seed(0))[: line.points]]
    found = asdict(line) | {"fit_s": fitted - started, "evaluations": evaluations}
    return found | {
        "prediction_s": predicting(line, model, points),
        "sum_s": float("nan") if line.evaluations else found["fit_s"] + found["prediction_s"],
        "peak_mib": peak_mib(),
        "imports_mib": imports,
        "log_posterior": value / line.n,
    }


def predicting(line: Line, model: Any, points: torch.Tensor) -> float:
    """Seconds for the pool; what comes once is not scaled up with the points."""

    def seconds(part: torch.Tensor) -> float:
        started = time.process_time()
        answer(line, model, part)
        return time.process_time() - started

    if len(points) == POOL:
        return seconds(points)
    few = points[:FEW]
    first, again, all_of_them = seconds(few), seconds(few), seconds(points)
    return first + (all_of_them - again) / (len(points) - FEW) * (POOL - FEW)


def ours(line: Line, X: torch.Tensor, y: torch.Tensor) -> tuple[Any, int, float]:
    """A fitted model, the evaluations it took and what it reached."""
    if line.evaluations:
        return one_likelihood(X, y), line.evaluations, float("nan")
    model = make_predictor(line.who).fit(X, y, seed=0)
    report = getattr(model, "base", model).fit_report
    return model, report.evaluations, report.log_posterior


def one_likelihood(X: torch.Tensor, y: torch.Tensor) -> Any:
    """A model after one evaluation of value and gradient at the start of the search."""
    from surrobench.predictors.gp.gp_fit import Priors
    from surrobench.predictors.gp.tiled_likelihood import TiledPosterior

    model = make_predictor({"use": EXACT, "max_evaluations": 1}).fit(X[:100], y[:100], seed=0)
    inputs = model.input_transform(X)
    targets = ((y - y.mean()) / y.std()).squeeze(-1)
    priors = Priors.scaled_to(X.shape[1])
    objective = TiledPosterior(
        inputs.numpy(), targets.numpy(), "matern-5/2", ard=True, priors=priors
    )
    objective(priors.start(X.shape[1], X.shape[1]))
    model.set_train_data(inputs, targets, strict=False)
    return model


def theirs(line: Line, X: torch.Tensor, y: torch.Tensor) -> tuple[Any, int, float]:
    """The same by GPyTorch and BoTorch."""
    import gpytorch_peer
    from botorch.fit import fit_gpytorch_mll

    model = gpytorch_peer.new_model(X, y, EXACT)
    objective, calls = gpytorch_peer.objective(model), []
    forward = objective.forward
    objective.forward = lambda *args, **kwargs: calls.append(1) or forward(*args, **kwargs)
    if line.evaluations:
        model.train()
        objective(model(*model.train_inputs), model.train_targets).backward()
        return model.eval(), line.evaluations, float("nan")
    fit_gpytorch_mll(objective)
    return model.eval(), len(calls), gpytorch_peer.log_posterior(model)


def answer(line: Line, model: Any, points: torch.Tensor) -> None:
    """Means and variances of observations."""
    import gpytorch_peer

    if line.who == PEER:
        gpytorch_peer.moments(model, points)
    else:
        predict(model, points)


def taus() -> Iterator[dict[str, Any]]:
    """Tau at 2,000 examples, a row for each table and predictor."""
    torch.set_num_threads(1)
    for name, encoding in TASKS:
        task = load_task(name)
        X = torch.tensor(np.asarray(task.encode(encoding), dtype=np.float64))
        y = torch.tensor(task.truth)[:, None]
        order = np.random.default_rng(0).permutation(len(X))
        known, rest = order[:TAU_EXAMPLES], order[TAU_EXAMPLES : TAU_EXAMPLES + TAU_TEST]
        row: dict[str, Any] = {"task": name}
        for predictor in TAUS:
            model = make_predictor(predictor).fit(X[known], y[known], seed=0)
            row[predictor] = kendall_tau(task.truth[rest], predict(model, X[rest]).median)
        yield row


def measured(line: Line) -> dict[str, Any]:
    """One line, in a process of its own."""
    command = [sys.executable, __file__, "--line", json.dumps(asdict(line))]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(found, flush=True)
    return found


def write(folder: Path, known: dict[tuple[str, int], dict[str, Any]]) -> None:
    """The tables of what was measured so far."""
    lines = [known[line.who, line.n] for line in LINES if (line.who, line.n) in known]
    frame = pd.DataFrame(lines)[list(HEADINGS)]
    frame.to_csv(folder / "large-samples.csv", index=False, float_format="%.6g")
    (folder / "large-samples.md").write_text(markdown(frame, HEADINGS), encoding="utf-8")


def main() -> int:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--only", type=int, nargs="*", help="numbers of lines, from 0")
    parser.add_argument("--line", type=json.loads, help=argparse.SUPPRESS)
    parser.add_argument("--tau", action="store_true", help="tau alone")
    asked = parser.parse_args()
    if asked.line is not None:
        print(json.dumps(measure(Line(**asked.line))))
        return 0
    if asked.folder is None:
        parser.error("name the folder that the tables go to.")
    path = asked.folder / "large-samples.csv"
    if not asked.tau:
        known = {}
        if path.is_file():
            frame = pd.read_csv(path)
            known = {(row["who"], row["n"]): row for row in frame.to_dict("records")}
        for place in range(len(LINES)) if asked.only is None else asked.only:
            known[LINES[place].who, LINES[place].n] = measured(LINES[place])
            write(asked.folder, known)
    if asked.tau or asked.only is None:
        frame = pd.DataFrame(taus())
        frame.to_csv(asked.folder / "large-samples-tau.csv", index=False, float_format="%.6g")
        text = markdown(frame, {column: column for column in frame})
        (asked.folder / "large-samples-tau.md").write_text(text, encoding="utf-8")
        print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
