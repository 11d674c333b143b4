"""What accuracies with a supernet's weights are worth as columns: a table of the study.

    surrobench run examples/supernet-columns.toml --out runs/supernet-columns
    python benchmarks/supernet_columns.py runs/supernet-columns results/supernet-columns

Mean Kendall τ over seeds for every encoding, predictor and train size: ``tau.csv`` and ``tau.md``.
Copies what the run has of its numbers, study and environment.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from markdown_table import markdown
from published_run import keep


def means(cells: pd.DataFrame) -> pd.DataFrame:
    """Encodings × (train size, predictor)."""
    if (cells["status"] != "ok").any():
        raise SystemExit("some cells have no result")
    named = cells.astype({"encoding": str, "predictor": str})
    return named.pivot_table(
        index="encoding", columns=["train_size", "predictor"], values="kendall_tau"
    )


def table(found: pd.DataFrame) -> str:
    """The page's table, encodings in the order of the means over everything."""
    order = found.mean(axis=1).sort_values(ascending=False).index
    lines = pd.DataFrame({"encoding": [f"`{name}`" for name in order]})
    labels = {"encoding": "encoding"}
    for size, predictor in found:
        column = f"{predictor} {size}"
        lines[column] = [f"{value:.2f}" for value in found.loc[order, (size, predictor)]]
        labels[column] = f"`{predictor}`, {size}"
    return markdown(lines, labels)


def main(arguments: Sequence[str]) -> None:
    """Average and write."""
    run, folder = map(Path, arguments)
    found = means(pd.read_parquet(run / "results.parquet"))
    folder.mkdir(parents=True, exist_ok=True)
    flat = found.stack(["train_size", "predictor"]).rename("tau").reset_index()
    flat.to_csv(folder / "tau.csv", index=False, float_format="%.4f")
    (folder / "tau.md").write_text(table(found), encoding="utf-8")
    keep(run, folder)
    print(table(found))


if __name__ == "__main__":
    main(sys.argv[1:])
