"""Ensembles of trees beside scikit-learn and XGBoost called directly, and where their time goes.

    python benchmarks/trees.py results/speed

Fits to 200 and 800 random cells of NAS-Bench-201 and predicts all 15,625, on one thread, every way
in turn, and writes ``trees.csv`` and ``trees.md``: processor seconds of fit and prediction (medians
over the rounds) and how often the named library takes as much. Then ``trees-tau.csv`` and
``trees-tau.md``: the mean Kendall τ of exact and of histogram splits over tables of several
families; values that are in the file already are kept. It needs the tables (``surrobench
prepare``); those that are not there are left out.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
os.environ.update(dict.fromkeys(THREADS, "1"))

import numpy as np
import pandas as pd
import torch
import xgboost
from markdown_table import markdown
from sklearn.ensemble import RandomForestRegressor

from surrobench.metrics.ranking import kendall_tau
from surrobench.predictors import make_predictor
from surrobench.predictors.predictive import predict
from surrobench.tasks import load_task

TREES, MEMBERS, ROUNDS = 300, 8, 100
SIZES = (200, 800)
FAMILIES = (
    "live/digits-chain",
    "nb201/cifar10-val",
    "nb201/in16-test",
    "nb101-sample/cifar10-val",
    "nb301-surrogate/cifar10-val",
    "tnb101-micro/class_scene",
    "tnb101-macro/jigsaw",
    "hat/wmt14ende-cpu-xeon-encoder",
    "hwgpt/s-perplexity",
    "darts-oncenas/accuracy-50",
)
HEADINGS = {
    "work": "work",
    "n": "n",
    "fit_s": "fit (CPU s)",
    "prediction_s": "prediction (CPU s)",
    "sum_s": "both",
    "library": "library",
    "ratio": "library / this",
}
TAU_HEADINGS = {
    "n": "n",
    "tables": "tables",
    "seeds": "seeds",
    "exact": "exact splits",
    "exact_tau": "mean τ",
    "hist": "splits between bins",
    "hist_tau": "mean τ of these",
    "difference": "difference",
    "largest": "largest of a table",
}
PAIRS = (("random-forest", "random-forest-hist"), ("xgboost", "xgboost-hist"))
Way = tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]


def ours(name: str, **options: Any) -> Way:
    """One of our predictors."""
    recipe = make_predictor({"use": name, **options})

    def fit(X: Any, y: Any) -> Any:
        return recipe.fit(torch.tensor(X), torch.tensor(y).unsqueeze(-1), seed=0)

    return fit, lambda model, pool: predict(model, torch.tensor(pool))


def forest(X: Any, y: Any) -> Any:
    """Scikit-learn's, as its users write it."""
    return RandomForestRegressor(TREES, n_jobs=1, random_state=0).fit(X, y)


def boosters(X: Any, y: Any) -> Any:
    """XGBoost's, one member after the other."""
    return [
        xgboost.XGBRegressor(n_estimators=ROUNDS, learning_rate=0.1, n_jobs=1, random_state=i).fit(
            X, y
        )
        for i in range(MEMBERS)
    ]


def forest_of_xgboost(X: Any, y: Any) -> Any:
    """Its mode for random forests: means of subsamples, no variances."""
    options = {"tree_method": "hist", "eta": 1.0, "max_depth": 0, "subsample": 0.632, "lambda": 0.0}
    options |= {"num_parallel_tree": TREES, "nthread": 1, "base_score": float(np.mean(y))}
    data = xgboost.QuantileDMatrix(X, label=y, nthread=1)
    booster = xgboost.Booster(options, [data])
    booster.update(data, 0)
    return booster


FOREST, BOOSTED = "random forest of 300 trees", "8 boosted models of 100 trees"
WAYS: dict[tuple[str, str], Way] = {
    (FOREST, "scikit-learn"): (
        forest,
        lambda model, pool: np.stack([tree.predict(pool) for tree in model.estimators_]),
    ),
    (FOREST, "random-forest"): ours("random-forest", trees=TREES),
    (FOREST, "random-forest-hist"): ours("random-forest-hist", trees=TREES),
    (FOREST, "XGBoost's own mode (no variances)"): (
        forest_of_xgboost,
        lambda model, pool: model.inplace_predict(pool),
    ),
    (BOOSTED, "XGBoost"): (boosters, lambda models, pool: [m.predict(pool) for m in models]),
    (BOOSTED, "xgboost"): ours("xgboost", members=MEMBERS, rounds=ROUNDS),
    (BOOSTED, "xgboost-hist"): ours("xgboost-hist", members=MEMBERS, rounds=ROUNDS),
}
LIBRARY = {FOREST: "scikit-learn", BOOSTED: "XGBoost"}


def timed(function: Callable[[], Any]) -> tuple[float, Any]:
    """Processor seconds and the answer."""
    started = time.process_time()
    answer = function()
    return time.process_time() - started, answer


def speeds(rounds: int) -> pd.DataFrame:
    """Medians of all ways, which take turns."""
    task = load_task("nb201/cifar10-val", Path.cwd())
    pool, truth = np.asarray(task.encode("one-hot"), dtype=np.float64), task.truth
    rows = []
    for seed in range(rounds + 1):  # the first is a warm-up
        for n in SIZES:
            drawn = np.random.default_rng(seed).permutation(len(pool))[:n]
            y = (truth[drawn] - truth[drawn].mean()) / truth[drawn].std()
            for (kind, name), (fit, answer) in WAYS.items():
                fit_s, model = timed(partial(fit, pool[drawn], y))
                prediction_s, _ = timed(partial(answer, model, pool))
                row = {"kind": kind, "name": name, "n": n}
                rows += [row | {"fit_s": fit_s, "prediction_s": prediction_s}] * (seed > 0)
    frame = pd.DataFrame(rows).assign(sum_s=lambda f: f.fit_s + f.prediction_s)
    found = frame.groupby(["kind", "n", "name"], sort=False).median().reset_index()
    libraries = {(r.kind, r.n): r.sum_s for r in found.itertuples() if r.name == LIBRARY[r.kind]}
    found["library"] = found.kind.map(LIBRARY)
    found["ratio"] = [libraries[r.kind, r.n] / r.sum_s for r in found.itertuples()]
    return found.assign(work=found.kind + ": " + found["name"])


def taus(seeds: int, known: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """τ of both kinds of splits on every table that is there and large enough."""
    there = {(r["task"], r["n"], r["seed"]): r for r in known.to_dict("records")}
    for spec in FAMILIES:
        try:
            task = load_task(spec, Path.cwd())
        except Exception as error:
            print(f"left out: {spec}: {error}", file=sys.stderr)
            continue
        X = np.asarray(task.encode("one-hot"), dtype=np.float64)
        for n in SIZES:
            for seed in range(seeds * (len(X) >= 2 * n)):
                order = np.random.default_rng(seed).permutation(len(X))
                train, test = order[:n], order[n : n + 4000]
                row: dict[str, Any] = {"task": spec, "n": n, "seed": seed}
                old = there.get((spec, n, seed), {})
                for name in (name for pair in PAIRS for name in pair):
                    row[name] = old.get(name, np.nan)
                    if np.isnan(row[name]):
                        fit, answer = ours(name)
                        told = answer(fit(X[train], task.truth[train]), X[test])
                        row[name] = kendall_tau(task.truth[test], told.median)
                yield row


def differences(frame: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Means of both kinds of splits, one line for each size and method."""
    for exact, hist in PAIRS:
        for n, part in frame.groupby("n"):
            difference = part[hist] - part[exact]
            by_table = difference.groupby(part["task"]).mean()
            yield {
                "n": n,
                "tables": len(by_table),
                "seeds": part["seed"].nunique(),
                "exact": exact,
                "exact_tau": part[exact].mean(),
                "hist": hist,
                "hist_tau": part[hist].mean(),
                "difference": difference.mean(),
                "largest": by_table.abs().max(),
            }


def main() -> int:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--tau-only", action="store_true", help="leave the seconds as they are")
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    if not asked.tau_only:
        found = speeds(asked.rounds)
        found[list(HEADINGS)].to_csv(asked.folder / "trees.csv", index=False, float_format="%.6g")
        (asked.folder / "trees.md").write_text(markdown(found, HEADINGS), encoding="utf-8")
        print(markdown(found, HEADINGS))
    kept = asked.folder / "trees-tau.csv"
    known = pd.read_csv(kept) if kept.is_file() else pd.DataFrame()
    frame = pd.DataFrame(taus(asked.seeds, known))
    frame.to_csv(kept, index=False, float_format="%.6g")
    text = markdown(pd.DataFrame(differences(frame)), TAU_HEADINGS)
    (asked.folder / "trees-tau.md").write_text(text, encoding="utf-8")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
