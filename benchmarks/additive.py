"""BoTorch's additive process beside processes that multiply: a table of the study.

    PYTHONPATH=benchmarks surrobench run benchmarks/additive.toml --out runs/additive --allow-code
    python benchmarks/additive.py runs/additive results/additive

Means over the tasks on which every predictor has a result: ``means.csv`` and ``means.md``; copies
what the run has of its numbers, study and environment. The CRPS is a ratio to that of
``gp-matern52``, the geometric mean over tasks.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from markdown_table import markdown
from published_run import keep

BASELINE = "gp-matern52"
NAMES = {"additive_peer:OrthogonalAdditive": "OrthogonalAdditiveGP"}


def whole(cells: pd.DataFrame) -> pd.DataFrame:
    """Cells of the tasks on which nothing failed."""
    cells = cells.astype({"task": str, "predictor": str}).replace({"predictor": NAMES})
    failed = cells.loc[cells["status"] != "ok", "task"].unique()
    return cells[~cells["task"].isin(failed)]


def means(cells: pd.DataFrame) -> pd.DataFrame:
    """A row for each train size and predictor."""
    of_tasks = cells.groupby(["train_size", "predictor", "task"])[
        ["kendall_tau", "crps", "coverage_90", "cpu_seconds"]
    ].mean()
    base = of_tasks.xs(BASELINE, level="predictor")["crps"]
    ratio = np.log(of_tasks["crps"]) - np.log(base)
    of_tasks["crps_ratio"] = ratio.reorder_levels(of_tasks.index.names)
    found = of_tasks.drop(columns="crps").groupby(["train_size", "predictor"]).mean()
    found["crps_ratio"] = np.exp(found["crps_ratio"])
    return found.assign(tasks=of_tasks.groupby(["train_size", "predictor"]).size()).reset_index()


def table(found: pd.DataFrame) -> str:
    """The page's table."""
    shown = pd.DataFrame(
        {
            "train_size": found["train_size"],
            "predictor": [f"`{name}`" for name in found["predictor"]],
            "tau": found["kendall_tau"].map("{:.3f}".format),
            "crps": found["crps_ratio"].map("{:.3f}".format),
            "coverage": [f"{100 * share:.0f} %" for share in found["coverage_90"]],
            "seconds": found["cpu_seconds"].map("{:.2g}".format),
        }
    )
    labels = {
        "train_size": "examples",
        "predictor": "predictor",
        "tau": "mean τ",
        "crps": "CRPS, ratio",
        "coverage": "90 % intervals cover",
        "seconds": "CPU s of a cell",
    }
    return markdown(shown, labels)


def main(arguments: Sequence[str]) -> None:
    """Average and write."""
    run, folder = map(Path, arguments)
    found = means(whole(pd.read_parquet(run / "results.parquet")))
    folder.mkdir(parents=True, exist_ok=True)
    found.to_csv(folder / "means.csv", index=False, float_format="%.4f")
    (folder / "means.md").write_text(table(found), encoding="utf-8")
    keep(run, folder)
    print(table(found))


if __name__ == "__main__":
    main(sys.argv[1:])
