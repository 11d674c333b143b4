"""What commands cost from the shell: seconds of the processor, of wall, and until the first table.

    python benchmarks/commands.py results/speed

Every command is a process of its own with what it starts; ``commands.csv`` has the medians. Used by
``compare.py`` for two commits in turn. Reports of the published studies and live trainings take
minutes, so they are measured only if they are named: ``--only "report of all-tables"``,
``--only "live training"``.
"""

from __future__ import annotations

import argparse
import compileall
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

TABLE = "Kendall τ"
"""Stands in the first line of a ranking."""
PUBLISHED = ("nb201-predictors", "all-tables")
"""Studies whose results are part of this repository."""
LIVE = "live training of"
CELLS = 64


def commands(folder: Path, seeds: int | None) -> Iterator[tuple[str, list[str]]]:
    """Names and arguments, in the order in which they can run."""
    cells = [] if seeds is None else ["--seeds", str(seeds)]
    which = "" if seeds is None else ", one seed" if seeds == 1 else f", {seeds} seeds"
    run = str(folder / "run")
    yield "surrobench --help", ["--help"]
    yield f"run quickstart{which}", ["run", "quickstart", "--workers", "2", "--out", run, *cells]
    yield f"run quickstart{which}, all cells there", ["run", "quickstart", "--out", run, *cells]
    yield f"report of quickstart{which}", ["report", run]
    for name in PUBLISHED:
        results = str(Path(__file__).resolve().parent.parent / "results" / name)
        yield f"report of {name}", ["report", results, "--out", str(folder / name)]
    training = ["tabulate", "digits-cells", "--archs", str(CELLS), "--seeds", "1"]
    table = str(folder / "cells.parquet")
    yield f"{LIVE} {CELLS} cells", [*training, "--workers", "2", "--out", table]


def waits_to_be_named(name: str) -> bool:
    """Whether a command takes minutes."""
    return name.endswith(PUBLISHED) or name.startswith(LIVE)


def measured(tree: Path, arguments: Sequence[str]) -> dict[str, float]:
    """Run ``surrobench`` of a checkout.

    Raises:
        RuntimeError: with its last words, if it fails.
    """
    compileall.compile_dir(tree / "surrobench", quiet=2)  # as an installer does
    environment = {**os.environ, "PYTHONPATH": str(tree)}
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    until_table = float("nan")
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(
            [sys.executable, "-m", "surrobench", *arguments],
            cwd=tree,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            if TABLE in line and until_table != until_table:
                until_table = time.perf_counter() - began
        status = process.wait()
        wall = time.perf_counter() - began
        if status:
            errors.seek(0)
            raise RuntimeError(f"{' '.join(arguments)}: status {status}\n{errors.read()[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    found = {"cpu_s": cpu, "wall_s": wall, "until_table_s": until_table}
    page = Path(arguments[-1]) / "report.html"
    return {**found, "page_mb": page.stat().st_size / 1e6} if page.is_file() else found


def one_round(
    tree: Path, seeds: int | None, only: Sequence[str] = ()
) -> list[dict[str, float | str]]:
    """Every command once, or those alone whose names begin like one of ``only``.

    Raises:
        RuntimeError: if a command fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        return [
            {"work": name, **measured(tree, arguments)}
            for name, arguments in commands(Path(folder), seeds)
            if (name.startswith(tuple(only)) if only else not waits_to_be_named(name))
        ]


def main() -> int:
    """Measure this checkout."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seeds", type=int, help="of the study; all by default")
    parser.add_argument("--only", nargs="+", default=(), help="commands that begin like this")
    asked = parser.parse_args()
    tree = Path(__file__).resolve().parent.parent
    rows = [row for _ in range(asked.rounds) for row in one_round(tree, asked.seeds, asked.only)]
    found = pd.DataFrame(rows).groupby("work", sort=False).median().reset_index()
    asked.folder.mkdir(parents=True, exist_ok=True)
    found.to_csv(asked.folder / "commands.csv", index=False, float_format="%.4g")
    print(found.to_string(index=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
