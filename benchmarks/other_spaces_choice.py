"""What was tried with the encoding ``other-spaces``, on tasks that it is not reported on.

    surrobench prepare tnb101-micro
    python benchmarks/other_spaces_choice.py results/literature   # goes on where it was stopped

As ``stacking_choice.py``: members of ``stacking`` and equal means of their normal scores on the
seven tasks of TransNAS-Bench-101 micro, protocol ``graf``. No table of that space is among those
that the columns of ``other-spaces`` come from, as no space ever sees itself. Every variant's tau on
every split is a row of ``other-spaces-cells.csv``. The table has the mean over tasks and seeds, and
the mean of paired differences from what ``stacking`` was before, with a 95 % interval by 10,000
bootstrap samples of tasks and, within each, of seeds.
"""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_variable] = "1"

import numpy as np
import pandas as pd
import torch
from markdown_table import markdown
from stacking_choice import COLUMNS, FULL, NO_LABELS, PRODUCT, TABLE, scores

from surrobench import load_task
from surrobench.arrays import FloatArray
from surrobench.metrics.ranking import kendall_tau
from surrobench.studies.prediction.protocols import split
from surrobench.tasks import expand_tasks

SEEDS: Mapping[int, Sequence[int]] = {32: range(10, 15), 128: range(10, 13)}
"""Draws for each number of examples: others than those that prototypes were looked at on."""
OTHERS = f"{FULL}+other-spaces"
DEEPER = "measured+graph+wl:2"
PROCESS = {**PRODUCT, "kernel": "matern-3/2", "ard": ["measured", "other-spaces"]}
FOREST = {"use": "random-forest", "max_features": 0.33}
MEMBERS: Mapping[str, tuple[Mapping[str, Any], str]] = {
    "process": (PROCESS, FULL),
    "forest": (FOREST, FULL),
    "process with others": (PROCESS, OTHERS),
    "process with their mean": (PROCESS, f"{FULL}+other-spaces:mean"),
    "process with others and one-hot": (PROCESS, f"{OTHERS}+one-hot"),
    "process with others, wl:2": (PROCESS, f"{DEEPER}+other-spaces"),
    "forest with others": (FOREST, OTHERS),
    "forest with their mean": (FOREST, f"{FULL}+other-spaces:mean"),
    "process, wl:2": (PROCESS, DEEPER),
    "forest, wl:2": (FOREST, DEEPER),
    "forest without wl": (FOREST, NO_LABELS),
    "xgb-plus-fast with others": ({"use": "xgb-plus-fast"}, OTHERS),
    "bayesian-ridge with others": ({"use": "bayesian-ridge"}, OTHERS),
    "svr with others": ({"use": "svr"}, OTHERS),
    "mlp-listmle with others": ({"use": "mlp-listmle"}, OTHERS),
}
BEFORE = "process + forest"
KEPT: Mapping[str, str] = {
    "process with others + forest": "yes",
    "process with others, wl:2 + forest, wl:2": "where time allows",
}
MEANS: Mapping[str, tuple[str, ...]] = {
    " + ".join(parts): parts
    for parts in (
        ("process", "forest"),
        ("process with others", "forest"),
        ("process with others", "forest with others"),
        ("process with others", "forest with their mean"),
        ("process with their mean", "forest"),
        ("process with others", "forest without wl"),
        ("process, wl:2", "forest"),
        ("process with others, wl:2", "forest"),
        ("process with others, wl:2", "forest without wl"),
        ("process with others, wl:2", "forest, wl:2"),
        ("process with others and one-hot", "forest"),
        ("process with others", "forest", "xgb-plus-fast with others"),
        ("process with others", "forest", "bayesian-ridge with others"),
        ("process with others", "forest", "svr with others"),
        ("process with others", "forest", "mlp-listmle with others"),
    )
}
SAMPLES = 10_000


VARIANTS: Mapping[str, tuple[str, ...]] = {**{name: (name,) for name in MEMBERS}, **MEANS}


def rows_of(variants: Sequence[str], name: str, n: int, seed: int) -> list[tuple[str, float]]:
    """Tau of some variants on one split."""
    task = load_task(name)
    truth = task.truth[split(task, "graf", n, seed)[1]]
    needed = dict.fromkeys(part for variant in variants for part in VARIANTS[variant])
    own = {member: scores(*MEMBERS[member], name, n, seed) for member in needed}
    means = (np.mean([own[part] for part in VARIANTS[variant]], axis=0) for variant in variants)
    return [
        (variant, kendall_tau(truth, answer))
        for variant, answer in zip(variants, means, strict=True)
    ]


def interval(differences: FloatArray) -> tuple[float, float]:
    """95 % of the mean of ``tasks x seeds`` by samples of tasks and, within each, of seeds."""
    tasks, seeds = differences.shape
    rng = np.random.default_rng(0)
    rows = rng.integers(tasks, size=(SAMPLES, tasks, 1))
    columns = rng.integers(seeds, size=(SAMPLES, tasks, seeds))
    low, high = np.quantile(differences[rows, columns].mean(axis=(1, 2)), [0.025, 0.975])
    return float(low), float(high)


def table(cells: pd.DataFrame) -> str:
    """A row for each variant: mean tau of each size, and how far it is from what was before."""
    lines = pd.DataFrame({"variant": [*MEMBERS, *MEANS]})
    for n in SEEDS:
        own = cells[cells["train_size"] == n]
        wide = own.pivot_table(index="variant", columns=["task", "seed"], values="tau")
        apart = wide - wide.loc[BEFORE]
        shape = (own["task"].nunique(), own["seed"].nunique())
        lines[f"{n} examples"] = [f"{wide.loc[variant].mean():.3f}" for variant in lines["variant"]]
        said = []
        for variant in lines["variant"]:
            low, high = interval(apart.loc[variant].to_numpy().reshape(shape))
            mean = apart.loc[variant].mean()
            said.append("" if variant == BEFORE else f"{mean:+.4f} ({low:+.4f} to {high:+.4f})")
        lines[f"difference, {n}"] = said
    lines["kept"] = [KEPT.get(variant, "") for variant in lines["variant"]]
    return markdown(lines, {column: column for column in lines}).strip()


def main(arguments: Sequence[str]) -> None:
    """Run what is missing and write the table."""
    torch.set_num_threads(1)
    folder = Path(arguments[0])
    file = folder / "other-spaces-cells.csv"
    if not file.exists():
        file.write_text(",".join(COLUMNS) + "\n", encoding="utf-8")
    known = pd.read_csv(file)
    done = {*map(tuple, known[["variant", "task", "train_size", "seed"]].to_numpy().tolist())}
    for n, seeds in SEEDS.items():
        for seed in seeds:
            for name in expand_tasks(TABLE, Path()):
                left = [v for v in VARIANTS if (v, name, n, seed) not in done]
                if not left:
                    continue
                found = rows_of(left, name, n, seed)
                with file.open("a", newline="", encoding="utf-8") as stream:
                    csv.writer(stream).writerows(
                        (variant, name, n, seed, f"{tau:.6g}") for variant, tau in found
                    )
                print(name, n, seed, flush=True)
    text = table(pd.read_csv(file))
    (folder / "other-spaces-choice.md").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
