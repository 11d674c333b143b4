"""All cells of NAS-Bench-201 on three data sets, scored with and without twins of training cells.

    surrobench prepare nb201
    python benchmarks/literature_all_cells.py results/literature     # goes on where it was stopped

Publications train on cells of which equal networks are tested; without them the same fits are
scored again. Two comparisons: the splits of PINAT's table 1 (Lu et al., AAAI 2023), where no method
sees proxies, and the model-driven rows of VKDNW (Týbl and Neumann, CVPR 2025): random forests on
proxies and graph features. What their table does not say is in the authors' files of
ondratybl/VKDNW (``NB201/paper_preparation.ipynb`` 19cad2f2, ``NB201/tss_analyze.py`` 2578255e):
1,024 of the cells with graph features train and all others of these test, on mean test accuracies,
and nDCG is cut at 1,000. Gains of ``2**accuracy``, accuracies in percent, give the number of
operations the nDCG that the notebook prints for it (0.745, 0.576 and 0.403; here 0.743, 0.576 and
0.403). The script keeps columns with ``op_`` or ``node_`` in their names, which GRAF's shortest
paths (``min_path_len_…``) have not; so there is a fit without these too.

Every fit is a row of ``all-cells.csv``; ``all-cells.md`` and ``splits.md`` are the page's tables.
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
from sklearn.metrics import ndcg_score

from surrobench import load_task, make_predictor
from surrobench.arrays import FloatArray
from surrobench.encodings.column_blocks import with_blocks
from surrobench.metrics.ranking import kendall_tau
from surrobench.predictors.predictive import predict
from surrobench.studies.prediction.protocols import split

COLUMNS = (
    "fit", "task", "pool", "train_size", "seed", "tau", "tau_grouped", "ndcg", "ndcg_grouped",
    "cpu_seconds",
)  # fmt: skip
CUT = 1000
"""Of nDCG, as the authors' table has it."""
PINAT = {
    "Neural Predictor": (0.343, 0.413, 0.584, 0.634, 0.646),
    "TNASP": (0.539, 0.589, 0.640, 0.689, 0.724),
    "PINAT": (0.549, 0.631, 0.706, 0.761, 0.784),
}
"""Of the table of the paper (assets/pinat_table1.jpg, ShunLu91/PINAT 741eb10b)."""
SPLITS = (78, 156, 469, 781, 1563)
VKDNW = {
    "nb201/cifar10-test": ((0.820, 0.935), (0.859, 0.946)),
    "nb201/cifar100-test": ((0.809, 0.858), (0.847, 0.895)),
    "nb201/in16-test": ((0.796, 0.828), (0.842, 0.867)),
}
"""tau and nDCG of GRAF alone and of VKDNW, proxies and GRAF (table1.png, ondratybl/VKDNW)."""


@dataclass(frozen=True)
class Fit:
    """A predictor on an encoding."""

    name: str
    predictor: str
    encoding: str


BLIND = Fit("stacking, no proxies", "stacking", "graph+wl")
FULL = Fit("stacking", "stacking", "measured+graph+wl")
GRAPH = Fit("forest on graph features", "random-forest", "graph:published")
PART = Fit(
    "forest on graph features but shortest paths",
    "random-forest",
    "graph:published,counts,longest,degrees",
)
BOTH = Fit("forest on proxies and graph features", "random-forest", "measured+graph:published")


def wanted() -> Iterator[tuple[Fit, str, str, int, int]]:
    """Fit, task, pool, training size and number of seeds."""
    for size in SPLITS:
        yield BLIND, "nb201/cifar10-val", "grouped", size, 3 if size < 1000 else 2
    for task in VKDNW:
        for size in (156, 1563):
            yield FULL, task, "grouped", size, 5 if size == 156 else 2
        for fit in (PART, GRAPH, BOTH, FULL):
            yield fit, task, "graf", 1024, 3


def ndcg(truth: FloatArray, answer: FloatArray) -> float:
    """nDCG of accuracies in percent with gains that double with every point."""
    gain = np.exp2(truth - truth.max())
    return float(ndcg_score(gain[None], answer[None], k=CUT))


def run(fit: Fit, name: str, pool: str, size: int, seed: int) -> list[float]:
    """Both scores on both sets of test cells, and CPU seconds of fitting."""
    torch.set_num_threads(1)
    task = load_task(name)
    X, y = torch.tensor(np.array(task.encode(fit.encoding))), torch.tensor(task.truth)
    train, test = split(task, pool, size, seed)
    if pool == "grouped":
        test = np.setdiff1d(np.arange(len(task.groups)), train)
    recipe = with_blocks(make_predictor(fit.predictor), fit.encoding, task.space, task.columns)
    began = time.process_time()
    model = recipe.fit(X[train], y[train].unsqueeze(-1), seed=seed)
    spent = time.process_time() - began
    answer, truth = np.asarray(predict(model, X[test]).median), task.truth[test]
    apart = ~np.isin(task.groups[test], task.groups[train])
    return [
        kendall_tau(truth, answer),
        kendall_tau(truth[apart], answer[apart]),
        ndcg(truth, answer),
        ndcg(truth[apart], answer[apart]),
        spent,
    ]


def run_missing(file: Path) -> None:
    """Append what is missing, first seeds of all before second ones."""
    if not file.exists():
        file.write_text(",".join(COLUMNS) + "\n", encoding="utf-8")
    known = pd.read_csv(file)
    keys = ["fit", "task", "pool", "train_size", "seed"]
    done = set(known[keys].itertuples(index=False, name=None))
    for seed in range(max(seeds for *_, seeds in wanted())):
        for fit, task, pool, size, seeds in wanted():
            key = (fit.name, task, pool, size, seed)
            if seed >= seeds or key in done:
                continue
            numbers = run(fit, task, pool, size, seed)
            with file.open("a", newline="", encoding="utf-8") as stream:
                csv.writer(stream).writerow([*key, *(f"{value:.6g}" for value in numbers)])
            print(*key, f"tau {numbers[0]:.4f}, {numbers[-1]:.1f} s", flush=True)


def _text(values: pd.Series) -> str:
    return f"{values.mean():.3f} ± {values.std(ddof=0):.3f}"


def splits_table(found: pd.DataFrame) -> pd.DataFrame:
    """A line for each method of PINAT's table and two for ours."""
    lines = [
        {"method": f"{name}, published"}
        | dict(zip(map(str, SPLITS), map("{:.3f}".format, row), strict=True))
        for name, row in PINAT.items()
    ]
    mine = found[(found["fit"] == BLIND.name) & (found["pool"] == "grouped")]
    for word, column in (("", "tau"), (", without twins of training cells", "tau_grouped")):
        line = {"method": f"`stacking` on graph+wl{word}"}
        for size in SPLITS:
            line[str(size)] = _text(mine[mine["train_size"] == size][column])
        lines.append(line)
    return pd.DataFrame(lines)


def cells_table(found: pd.DataFrame) -> pd.DataFrame:
    """A line for each fit, task and size, with what VKDNW's table has beside it."""
    lines = []
    rest = found[found["fit"] != BLIND.name]
    order = ["task", "train_size", "fit"]
    for (task, size, fit), mine in rest.groupby(order, sort=False):
        graph, both = VKDNW[task]
        published = graph if fit in (PART.name, GRAPH.name) else both
        lines.append(
            {
                "task": task,
                "train_size": size,
                "fit": fit,
                "cells": "with proxies" if mine["pool"].iloc[0] == "graf" else "all",
                "published_tau": f"{published[0]:.3f}",
                "tau": _text(mine["tau"]),
                "tau_grouped": _text(mine["tau_grouped"]),
                "published_ndcg": f"{published[1]:.3f}",
                "ndcg": _text(mine["ndcg"]),
                "ndcg_grouped": _text(mine["ndcg_grouped"]),
                "seeds": len(mine),
            }
        )
    table = pd.DataFrame(lines)
    return table.sort_values(["task", "train_size"], kind="stable")


def main() -> None:
    """Run what is missing and write both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    run_missing(folder / "all-cells.csv")
    found = pd.read_csv(folder / "all-cells.csv")
    splits = splits_table(found)
    heads = {
        "task": "task",
        "train_size": "examples",
        "fit": "ours",
        "cells": "cells",
        "published_tau": "published τ, 1,024",
        "tau": "τ",
        "tau_grouped": "τ without twins",
        "published_ndcg": "published nDCG, 1,024",
        "ndcg": "nDCG",
        "ndcg_grouped": "nDCG without twins",
        "seeds": "seeds",
    }
    tables = {
        "splits.md": markdown(splits, {name: name for name in splits}),
        "all-cells.md": markdown(cells_table(found), heads),
    }
    for name, text in tables.items():
        (folder / name).write_text(text, encoding="utf-8")
        print(text)


if __name__ == "__main__":
    main()
