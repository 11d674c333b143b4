"""Parts of the table of speed that are scripts of their own: their rows for the history."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd


def of_trees(folder: Path) -> pd.DataFrame:
    """Our ensembles of trees beside the library that each is compared with."""
    frame = pd.read_csv(folder / "trees.csv")
    frame = frame[
        [not work.endswith(f": {name}") for work, name in frame[["work", "library"]].values]
    ]
    return pd.DataFrame(
        {
            "work": [f"{row.work}, n = {row.n}" for row in frame.itertuples()],
            "baseline": frame["library"],
            "ours_s": frame["sum_s"],
            "baseline_s": frame["sum_s"] * frame["ratio"],
            "ratio": frame["ratio"],
        }
    )


def of_worker_start(folder: Path) -> pd.DataFrame:
    """Processor seconds of forks beside new interpreters."""
    frame = pd.read_csv(folder / "worker-start.csv").dropna(subset="cpu_s")
    wide = frame.pivot_table(index=["cell", "start"], columns="way", values="cpu_s", sort=False)
    wide = wide.reset_index()
    return pd.DataFrame(
        {
            "work": [f"{row.start} worker for {row.cell}" for row in wide.itertuples()],
            "baseline": "a new interpreter",
            "ours_s": wide["fork"],
            "baseline_s": wide["interpreter"],
            "ratio": wide["interpreter"] / wide["fork"],
        }
    )


def of_commands(folder: Path) -> pd.DataFrame:
    """Processor seconds of commands, which are compared with other commits alone."""
    frame = pd.read_csv(folder / "commands.csv")
    return pd.DataFrame({"work": frame["work"], "baseline": "", "ours_s": frame["cpu_s"]})


SCRIPTS: dict[str, Callable[[Path], pd.DataFrame]] = {
    "trees": of_trees,
    "worker_start": of_worker_start,
    "commands": of_commands,
}
