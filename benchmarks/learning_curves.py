"""Predictors that see partial trainings beside those that see none: what they cost and rank.

    surrobench prepare nbnlp-wikitext2 darts-oncenas nb201
    python benchmarks/learning_curves.py results/learning-curves

As White et al. ("How Powerful are Performance Predictors in Neural Architecture Search?", NeurIPS
2021) count, a predictor costs twice: once to begin with, ``n`` full trainings and a fit, and again
for every architecture that it is asked about, here the share of a full training that was seen.
Every finished fit is a row of ``cells.csv``; the table and the figure are made from them.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_variable] = "1"

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from markdown_table import markdown

from surrobench import load_task, make_predictor
from surrobench.arrays import FloatArray
from surrobench.metrics.ranking import kendall_tau
from surrobench.predictors.predictive import predict
from surrobench.report.common.exhibit import save_figure
from surrobench.report.common.style import TWO_COLUMNS, paper_style
from surrobench.report.statistics.intervals import mean_interval
from surrobench.studies.prediction.protocols import split
from surrobench.tasks.task import TableTask

TASKS = (
    "nbnlp-wikitext2/val-loss",
    "darts-oncenas/accuracy-50",
    "nb201/cifar10-val",
    "nb201/cifar100-test",
    "nb201/in16-test",
    "live/digits-chain",
)
EPOCHS = {"nbnlp-wikitext2/val-loss": (1, 2, 5, 10, 20, 35)}
"""After which predictors are asked, of tables with many; else after each but the last."""
DRAWN = ("nbnlp-wikitext2/val-loss", "live/digits-chain")
"""Tables whose partial trainings have several lengths."""
SIZES = (20, 100)
FROM_THE_CURVE = {
    "last-value": "last value",
    "sum-of-losses": "sum of training losses",
    "extrapolation": "power law",
    "lc-svr": "LC-SVR",
}
"""Predictors that see the curve and nothing else -> what the page calls them."""
MODEL, WITH_CURVE, WITHOUT = "gp-matern52+quantile-normal", "GP, one-hot and curve", "GP, one-hot"
KEY = ["task", "epochs", "n", "predictor", "seed"]


class Fit(NamedTuple):
    """One predictor on one task, told ``epochs`` of each training (0: none)."""

    task: str
    epochs: int
    n: int
    predictor: str
    seed: int


def asked_after(task: TableTask) -> Sequence[int]:
    """Epochs of partial trainings that are looked at."""
    return EPOCHS.get(task.name, task.fidelities[:-1])


def fits(seeds: int) -> Iterator[Fit]:
    """All that there are, first seeds first."""
    for seed in range(seeds):
        for name in TASKS:
            task = load_task(name)
            for n in SIZES:
                yield Fit(name, 0, n, WITHOUT, seed)
                for epochs in asked_after(task):
                    for use, label in FROM_THE_CURVE.items():
                        no_losses = use == "sum-of-losses" and "train_loss" not in task.curves
                        too_few = (
                            use == "extrapolation" and sum(t <= epochs for t in task.fidelities) < 3
                        )
                        if not no_losses and not too_few:
                            yield Fit(name, epochs, n, label, seed)
                    yield Fit(name, epochs, n, WITH_CURVE, seed)


def share(task: TableTask, epochs: int) -> float:
    """Seconds of the partial trainings over those of the full ones; epochs where none are known."""
    if not epochs:
        return 0.0
    if task.seconds is None:
        return epochs / task.fidelities[-1]
    spent: FloatArray = np.nansum(task.seconds, axis=0)
    return float(spent[list(task.fidelities).index(epochs)] / spent[-1])


def run(fit: Fit) -> dict[str, object]:
    """Kendall's tau on the test architectures, and what the answers cost."""
    torch.set_num_threads(1)
    task = load_task(fit.task)
    fraction = fit.epochs / task.fidelities[-1]
    uses = {label: use for use, label in FROM_THE_CURVE.items()}
    if fit.predictor in uses:
        recipe = make_predictor(uses[fit.predictor], fraction=fraction)
        encoding = recipe.encoding
    else:
        recipe = make_predictor(MODEL)
        encoding = "one-hot" + (f"+curve:{fraction:g}" if fit.epochs else "")
    X = torch.tensor(np.array(task.encode(encoding)))
    y = torch.tensor(task.truth).unsqueeze(-1)
    train, test = split(task, "grouped", fit.n, fit.seed)
    started = time.process_time()
    model = recipe.fit(X[train], y[train], seed=fit.seed)
    seconds = time.process_time() - started
    median = np.asarray(predict(model, X[test]).median)
    told = {"share": share(task, fit.epochs), "fit_cpu_seconds": seconds}
    return {**fit._asdict(), **told, "tau": kendall_tau(task.truth[test], median)}


def summary(cells: pd.DataFrame) -> pd.DataFrame:
    """Means over seeds, with the intervals that reports have, and beside the last value alone."""
    lines = []
    for (task, epochs, n, predictor), own in cells.groupby(KEY[:-1], sort=False):
        mean = mean_interval(own["tau"].to_numpy())
        lines.append(
            {
                "task": task, "n": n, "predictor": predictor, "epochs": epochs,
                "share": own["share"].iloc[0], "tau": mean.mean, "low": mean.low,
                "high": mean.high, "seeds": len(own),
                "fit_cpu_seconds": own["fit_cpu_seconds"].mean(),
            }
        )  # fmt: skip
    means, same = pd.DataFrame(lines), ["task", "n", "epochs"]
    last = means[means["predictor"] == FROM_THE_CURVE["last-value"]].set_index(same)["tau"]
    means["beside_last_value"] = means["tau"] - means.join(last.rename("last"), on=same)["last"]
    return means


def table(means: pd.DataFrame) -> str:
    """For the page: a line per task, size and share, a column per predictor."""
    wide = means.assign(
        text=[f"{tau:.3f}" for tau in means["tau"]],
        told=[f"{epochs} ({share:.0%})" if epochs else "none"
              for epochs, share in zip(means["epochs"], means["share"], strict=True)],
    )  # fmt: skip
    wide["predictor"] = wide["predictor"].replace(
        {WITHOUT: "GP on architecture", WITH_CURVE: "and curve"}
    )
    order = ["GP on architecture", *FROM_THE_CURVE.values(), "and curve"]
    shown = wide.pivot_table(
        index=["task", "n", "epochs", "told"], columns="predictor", values="text",
        aggfunc="first", sort=False,
    ).reindex(columns=order).fillna("–").sort_index(
        level=["task", "n", "epochs"], sort_remaining=False
    ).reset_index().drop(columns="epochs")  # fmt: skip
    names = {column: column for column in shown} | {"told": "epochs seen (share of the cost)"}
    return markdown(shown, names)


def draw(means: pd.DataFrame, folder: Path) -> None:
    """Tau against the share of a full training that each answer costs, where there are several."""
    panels = [(DRAWN[0], SIZES[0]), (DRAWN[0], SIZES[1]), (DRAWN[1], SIZES[1])]
    with paper_style():
        figure, axes = plt.subplots(1, 3, figsize=(TWO_COLUMNS, 2.8), layout="constrained")
        for axis, (name, n) in zip(axes, panels, strict=True):
            own = means[(means["task"] == name) & (means["n"] == n)].sort_values("share")
            for place, label in enumerate([*FROM_THE_CURVE.values(), WITH_CURVE]):
                line = own[own["predictor"] == label]
                bars = np.abs(line[["low", "high"]].to_numpy().T - line["tau"].to_numpy())
                axis.errorbar(
                    line["share"], line["tau"], bars, label=label, color=f"C{place}",
                    marker="osD^v"[place], capsize=2,
                )  # fmt: skip
            none = own.loc[own["predictor"] == WITHOUT, "tau"].iloc[0]
            axis.axhline(none, color="0.35", dashes=(3, 2), label=WITHOUT)
            shares = sorted(own.loc[own["share"] > 0, "share"].unique())
            axis.set(title=f"{name}\n{n} examples", xscale="log", xlabel="share of a full training")
            axis.set_xticks(shares, [f"{share:.0%}" for share in shares])
            axis.minorticks_off()
        axes[0].set_ylabel("Kendall's τ")
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=6)
        save_figure(figure, folder / "learning-curves.svg")
        plt.close(figure)


def main() -> None:
    """Fit what is missing, and write the tables and the figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="of the page and its cells.csv")
    parser.add_argument("--seeds", type=int, default=5)
    given = parser.parse_args()
    path = given.folder / "cells.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    cells = pd.read_csv(path) if path.is_file() else pd.DataFrame(columns=KEY)
    done = set(cells[KEY].itertuples(index=False, name=None))
    made = []
    for fit in fits(given.seeds):
        if tuple(fit) not in done:
            made.append(run(fit))
            if len(made) % 20 == 0:
                pd.concat([cells, pd.DataFrame(made)]).to_csv(path, index=False)
    cells = pd.concat([cells, pd.DataFrame(made)]) if made else cells
    cells.to_csv(path, index=False, float_format="%.6g")
    cells = pd.read_csv(path)  # so that tables are the same when nothing is missing
    means = summary(cells)
    means.to_csv(given.folder / "means.csv", index=False, float_format="%.5g")
    (given.folder / "means.md").write_text(table(means), encoding="utf-8")
    draw(means, given.folder)


if __name__ == "__main__":
    main()
