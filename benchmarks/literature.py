"""Published numbers beside ours under the same protocol: one row of ``results/literature`` each.

    surrobench prepare nb201
    python benchmarks/literature.py results/literature            # goes on where it was stopped
    python benchmarks/literature.py results/literature --only graf-cifar10-gp-32

What is run, and what was published, stands in ``literature_rows.csv``. Every finished fit is a row
of ``cells.csv`` (its seconds are CPU seconds of one thread); the page's table is made from them.
"""

from __future__ import annotations

import argparse
import csv
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_variable] = "1"

import numpy as np
import pandas as pd
import torch
from markdown_table import markdown

from surrobench import load_task, make_predictor
from surrobench.arrays import FloatArray, IntArray
from surrobench.encodings.column_blocks import with_blocks
from surrobench.metrics.ranking import kendall_tau
from surrobench.predictors.predictive import predict
from surrobench.studies.prediction.protocols import Pool, split

ROWS = Path(__file__).with_name("literature_rows.csv")
COLUMNS = ("row", "seed", "tau", "fit_cpu_seconds", "query_cpu_seconds")
MARKERS = ("<!-- rows -->", "<!-- end of rows -->")
UNGROUPED = "ungrouped"
"""A protocol of this page alone: equal networks may stand on both sides, as in publications."""
KEPT = 8
"""Encoded pools that are kept in memory."""


@dataclass(frozen=True)
class Row:
    """A published number, and what we run beside it.

    Attributes:
        name: of the row; what comes before the last hyphen is shared by its training sizes.
        options: of the predictor, where the defaults are others.
        published: Kendall tau, NaN where ours has no counterpart of its own.
        deviation: that was published with it, NaN if none was.
        published_seeds: draws that both are of.
        source: where it stands.
        differs: what our protocol does otherwise.
    """

    name: str
    task: str
    protocol: str
    train_size: int
    seeds: int
    predictor: str
    options: dict[str, float]
    encoding: str
    published: float
    deviation: float
    published_seeds: int
    published_method: str
    source: str
    differs: str


def read_rows(path: Path = ROWS) -> list[Row]:
    """The rows of the file, in its order."""
    frame = pd.read_csv(path, keep_default_na=False, dtype=str)
    return [
        Row(
            name=line["name"],
            task=line["task"],
            protocol=line["protocol"],
            train_size=int(line["train_size"]),
            seeds=int(line["seeds"]),
            predictor=line["predictor"],
            options=read_options(line["options"]),
            encoding=line["encoding"],
            published=float(line["published"] or "nan"),
            deviation=float(line["deviation"] or "nan"),
            published_seeds=int(line["published_seeds"]),
            published_method=line["published_method"],
            source=line["source"],
            differs=line["differs"],
        )
        for line in frame.to_dict("records")
    ]


def read_options(text: str) -> dict[str, float]:
    """Options as the file has them: ``rounds=500 learning_rate=0.3``."""
    pairs = (pair.split("=") for pair in text.split())
    return {name: float(value) if "." in value else int(value) for name, value in pairs}


@lru_cache(maxsize=KEPT)
def inputs(task: str, encoding: str) -> torch.Tensor:
    """The encoded pool of a task."""
    return torch.tensor(np.array(load_task(task).encode(encoding)))


def parts(task: Pool, row: Row, seed: int) -> tuple[IntArray, IntArray]:
    """Training and test architectures; ``ungrouped``: those of ``grouped``, and all others."""
    if row.protocol != UNGROUPED:
        return split(task, row.protocol, row.train_size, seed)
    train, _ = split(task, "grouped", row.train_size, seed)
    return train, np.setdiff1d(np.arange(len(task.groups)), train)


def run(row: Row, seed: int) -> tuple[float, float, float]:
    """Kendall tau on the test architectures, and CPU seconds of fitting and of answering."""
    torch.set_num_threads(1)
    task = load_task(row.task)
    X, y = inputs(row.task, row.encoding), torch.tensor(task.truth).unsqueeze(-1)
    train, test = parts(task, row, seed)
    recipe = make_predictor(row.predictor, **row.options)
    recipe = with_blocks(recipe, row.encoding, task.space, task.columns)
    started = time.process_time()
    model = recipe.fit(X[train], y[train], seed=seed)
    fitted = time.process_time()
    answer = predict(model, X[test]).median
    asked = time.process_time() - fitted
    return kendall_tau(task.truth[test], np.asarray(answer)), fitted - started, asked


def wanted(rows: Sequence[Row], done: set[tuple[str, int]]) -> Iterator[tuple[Row, int]]:
    """What is missing, first seeds of all rows before second ones."""
    for seed in range(max((row.seeds for row in rows), default=0)):
        for row in rows:
            if seed < row.seeds and (row.name, seed) not in done:
                yield row, seed


def _standard_errors(row: Row, difference: float, taus: FloatArray) -> float:
    """The difference over the error of a difference of means; NaN where too little is known."""
    if len(taus) < 2 or not np.isfinite(row.deviation):
        return float("nan")
    ours, theirs = np.var(taus, ddof=1) / len(taus), row.deviation**2 / (row.published_seeds - 1)
    return float(difference / np.sqrt(ours + theirs))


def summary(rows: Sequence[Row], cells: pd.DataFrame) -> pd.DataFrame:
    """One line for each row that was run: published, ours, and the difference in deviations."""
    lines = []
    for row in rows:
        own = cells[cells["row"] == row.name]
        if own.empty:
            continue
        mean, spread = float(own["tau"].mean()), float(own["tau"].std(ddof=0))
        known = np.isfinite(row.published)
        named = ", ".join(f"{name} {value:g}" for name, value in row.options.items())
        apart = _standard_errors(row, mean - row.published, own["tau"].to_numpy())
        lines.append(
            {
                "row": row.name,
                "published": f"{row.published:.3f}" if known else "–",
                "by": row.published_method,
                "ours": f"{mean:.3f} ± {spread:.3f}",
                "with": f"{row.predictor}{f' ({named})' * bool(named)} on {row.encoding}",
                "seeds": len(own),
                "difference": f"{mean - row.published:+.3f}" if known else "–",
                "in standard errors": f"{apart:+.1f}" if np.isfinite(apart) else "–",
                "fit, CPU s": f"{own['fit_cpu_seconds'].mean():.2f}",
                "source": row.source,
                "what differs": row.differs,
            }
        )
    return pd.DataFrame(lines)


def write_page(folder: Path, rows: Sequence[Row]) -> None:
    """Put the table of today between the markers of the page."""
    page = folder / "README.md"
    cells = pd.read_csv(folder / "cells.csv")
    lines = summary(rows, cells)
    table = markdown(lines, {column: column for column in lines}).strip()
    (folder / "rows.md").write_text(table + "\n", encoding="utf-8")
    text = page.read_text(encoding="utf-8")
    head, _, rest = text.partition(MARKERS[0])
    _, _, tail = rest.partition(MARKERS[1])
    page.write_text(f"{head}{MARKERS[0]}\n\n{table}\n\n{MARKERS[1]}{tail}", encoding="utf-8")


def main() -> None:
    """Run what is missing and write the page."""
    rows = read_rows()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="of the page and its cells.csv")
    parser.add_argument(
        "--only", nargs="+", metavar="ROW", choices=[row.name for row in rows], help="these rows"
    )
    given = parser.parse_args()
    folder = given.folder
    chosen = [row for row in rows if not given.only or row.name in given.only]
    file = folder / "cells.csv"
    if not file.exists():
        file.write_text(",".join(COLUMNS) + "\n", encoding="utf-8")
    known = pd.read_csv(file)
    done = set(zip(known["row"], known["seed"], strict=True))
    for row, seed in wanted(chosen, done):
        numbers = run(row, seed)
        with file.open("a", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerow([row.name, seed, *(f"{value:.6g}" for value in numbers)])
        print(row.name, seed, f"tau {numbers[0]:.4f}, {numbers[1]:.2f} s", flush=True)
    write_page(folder, rows)


if __name__ == "__main__":
    main()
