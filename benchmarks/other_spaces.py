"""Makes the weights of the encoding ``other-spaces``: a ridge regression for each of eleven tasks.

    surrobench prepare live-cells nb201-360 nb101-sample tnb101-micro
    python benchmarks/other_spaces.py surrobench/encodings/other_spaces.json

Targets are normal scores, features those of the cells over kinds of operations, centred. With them
as the rows of ``F`` (``n x d``) and targets ``z``, the weights are ``(F'F / n + 0.05 I)^-1 F'z /
n``, written with four digits. It prints the SHA-256 that ``surrobench/encodings/other_spaces.py``
compares.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.stats import norm, rankdata

from surrobench import load_task
from surrobench.encodings.kinds_of_operations import KINDS, cells_by_kind
from surrobench.tasks import expand_tasks

TASKS = (
    "live-cells/digits",
    "nb201-360/ninapro",
    "nb201-360/darcy",
    "nb101-sample/cifar10-val",
    *expand_tasks("tnb101-micro", Path()),
)
RIDGE = 0.05
"""In units of the mean square of a feature that lies in [0, 1]; not tuned beyond a factor of 10."""


def fit(name: str) -> tuple[str, dict[str, float]]:
    """The form of a task's cells, and the weight of each feature that only names their kinds."""
    task = load_task(name)
    cells = cells_by_kind(task.archs, task.space)
    absent = [kind for kind in KINDS if kind not in cells.form.partition(": ")[2].split(", ")]
    features = {
        feature: values
        for feature, values in cells.features().items()
        if not set(feature.rpartition(" ")[2].split("|")) & set(absent)
    }
    F = np.stack(list(features.values()), axis=1)
    F = F - F.mean(axis=0)
    n, d = F.shape
    z = norm.ppf((rankdata(task.truth) - 0.5) / n)
    weights = np.linalg.solve(F.T @ F / n + RIDGE * np.eye(d), F.T @ z / n)
    return cells.form, dict(zip(features, (float(f"{w:.4g}") for w in weights), strict=True))


def main(arguments: Sequence[str]) -> None:
    """Fit and write."""
    parts: dict[str, dict[str, object]] = {}
    for name in TASKS:
        form, weights = fit(name)
        part = parts.setdefault(form, {"features": list(weights), "tasks": {}})
        tasks = part["tasks"]
        assert isinstance(tasks, dict)
        tasks[name] = list(weights.values())
    content = (json.dumps(parts, separators=(",", ":")) + "\n").encode()
    Path(arguments[0]).write_bytes(content)
    print(f"{len(content):,} bytes, SHA-256 {hashlib.sha256(content).hexdigest()}")


if __name__ == "__main__":
    main(sys.argv[1:])
