"""How well architectures are ranked without any example: proxies, and what other spaces say.

    surrobench prepare nb201 tnb101-micro nb101-sample suite-zero-nb201 suite-zero-tnb101-micro
    surrobench prepare nb301-surrogate suite-zero-nb301 tnb101-macro
    python benchmarks/zero_shot.py results/literature

Kendall's tau with the values of a task over the architectures that have all of its proxies:
``params``, ``flops`` and ``nwot`` alone, the best of all proxies (known only afterwards), the mean
of their pool ranks, ``proxies elsewhere`` and ``other-spaces:mean``. ``proxies elsewhere`` is the
line through pool ranks of the proxies that minimises squared errors of normal scores in all other
spaces (500 architectures a task, every space of equal weight, ridge 1): a prior over proxies that
no task of the space itself had a part in.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from markdown_table import markdown
from scipy.stats import norm, rankdata

from surrobench import load_task
from surrobench.arrays import FloatArray
from surrobench.encodings.measured import pool_ranks
from surrobench.metrics.ranking import kendall_tau
from surrobench.tasks import expand_tasks

SPACES: Mapping[str, Sequence[str]] = {
    "NAS-Bench-101": ("nb101-sample",),
    "DARTS": ("nb301-surrogate", "suite-zero-nb301"),
    "TransNAS-Bench-101 micro": ("tnb101-micro", "suite-zero-tnb101-micro"),
    "TransNAS-Bench-101 macro": ("tnb101-macro",),
    "NAS-Bench-201": ("nb201", "suite-zero-nb201", "live-cells/digits"),
}
SHOWN = ("NAS-Bench-101", "TransNAS-Bench-101 micro", "NAS-Bench-201")
"""Spaces whose architectures are cells with a graph form."""
UNUSED = ("nb201/cifar10-val", "nb201/cifar10-test")
"""Tasks that repeat another one, ``nb201/cifar10-val-run``."""
ALONE = ("params", "flops", "nwot")
DRAWN, RIDGE = 500, 1.0
SHOWN_AS = {
    "best_proxy": "best proxy",
    "mean_rank": "mean rank",
    "proxies_elsewhere": "proxies elsewhere",
    "other_spaces": "other-spaces",
}


@dataclass(frozen=True)
class Ranks:
    """A task's proxies as pool ranks between -1 and 1, and its values.

    Attributes:
        space: that it belongs to.
        proxies: by name, ``n`` values each.
        truth: ``n``.
        said: of other spaces, ``n``; None without a graph form.
    """

    space: str
    proxies: Mapping[str, FloatArray]
    truth: FloatArray
    said: FloatArray | None


def _names(space: str) -> Iterator[str]:
    for spec in SPACES[space]:
        yield from (name for name in expand_tasks(spec, Path()) if name not in UNUSED)


@cache
def ranks_of(space: str, name: str) -> Ranks:
    """What a task says of the architectures that have all its proxies."""
    task = load_task(name)
    whole = np.all([np.isfinite(column) for column in task.columns.values()], axis=0)
    proxies = {key: 2 * pool_ranks(column[whole]) - 1 for key, column in task.columns.items()}
    said = np.array(task.encode("other-spaces:mean"))[whole, 0] if space in SHOWN else None
    return Ranks(space, proxies, task.truth[whole], said)


def elsewhere(target: Ranks) -> FloatArray:
    """What the line of the other spaces says of a task's architectures."""
    names = tuple(target.proxies)
    gram, moments = RIDGE * np.eye(len(names)), np.zeros(len(names))
    for space in (space for space in SPACES if space != target.space):
        tasks = [ranks_of(space, name) for name in _names(space)]
        for task in tasks:
            n = len(task.truth)
            few = np.random.default_rng(n).permutation(n)[:DRAWN]
            rows = np.stack([task.proxies.get(name, np.zeros(n))[few] for name in names], axis=1)
            scores = norm.ppf((rankdata(task.truth) - 0.5) / n)[few]
            gram += rows.T @ rows / len(few) / len(tasks)
            moments += rows.T @ scores / len(few) / len(tasks)
    weights = np.linalg.solve(gram, moments)
    total: FloatArray = np.stack(list(target.proxies.values()), axis=1) @ weights
    return total


def row_of(space: str, name: str) -> dict[str, object]:
    """Tau of every way to rank without examples."""
    task = ranks_of(space, name)
    tau = {key: kendall_tau(task.truth, column) for key, column in task.proxies.items()}
    assert task.said is not None
    return {
        "space": space,
        "task": name,
        "architectures": len(task.truth),
        **{key: tau.get(key, float("nan")) for key in ALONE},
        "best_proxy": max(tau.values()),
        "which": max(tau, key=lambda key: tau[key]),
        "mean_rank": kendall_tau(task.truth, np.mean(list(task.proxies.values()), axis=0)),
        "proxies_elsewhere": kendall_tau(task.truth, elsewhere(task)),
        "other_spaces": kendall_tau(task.truth, task.said),
    }


def main(arguments: Sequence[str]) -> None:
    """Compute and write."""
    folder = Path(arguments[0])
    rows = pd.DataFrame([row_of(space, name) for space in SHOWN for name in _names(space)])
    rows.to_csv(folder / "zero-shot.csv", index=False, float_format="%.6g")
    numbers = rows.select_dtypes("float").columns
    rows[numbers] = rows[numbers].map(lambda tau: f"{tau:.3f}" if np.isfinite(tau) else "–")
    text = markdown(rows, {column: SHOWN_AS.get(column, column) for column in rows}).strip()
    (folder / "zero-shot.md").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
