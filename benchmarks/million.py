"""What a study of up to a million cells costs around its cells.

    python benchmarks/million.py results/million
    python benchmarks/million.py results/million --cells 10000 --label before

Plans studies of 10,000, 100,000 and 1,000,000 cells on a table of 64 rows, gives every cell a
record through the store (the cells are not computed; nothing is synchronised to the disk while the
records are made) and measures in processes of their own, one after another: planning into an
empty folder; going on in the finished folder (every byte of every record is checked); the same
where the saved view is lost; the commands ``status`` and ``hash``; and how many files there are.
Seconds are those of the processor, which on a machine that does nothing else are those that one
waits; what was waited here is in the table of numbers (``…_wall``). Of runs they are those of the
run alone, the imports done; of commands, those of the whole process. ``--planned-only`` gives no
records from that many cells on.

Writes ``costs.csv`` and ``costs.md``; rows of other labels that are there already are kept.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_variable] = "1"

SIZES = 50
CELLS = (10_000, 100_000, 1_000_000)
CARD = """\
name = "tiny"
data = "tiny.csv"
decisions = ["a", "b"]

[tasks.value]
target = "value"
direction = "maximize"
unit = ""
"""
STUDY = """\
kind = "prediction"
name = "many"
tasks = ["tiny.toml"]
predictors = ["constant"]
train_sizes = [{sizes}]
seeds = {seeds}
"""
COLUMNS = {
    "label": "version",
    "cells": "cells",
    "plan_seconds": "plan (s)",
    "plan_gib": "plan (GiB)",
    "resume_seconds": "resume (s)",
    "resume_gib": "resume (GiB)",
    "view_seconds": "resume, view lost (s)",
    "status_seconds": "`status` (s)",
    "hash_seconds": "`hash` (s)",
    "files": "files",
    "mib": "MiB",
}


def lay_out(folder: Path, cells: int) -> None:
    """The table, its card and the study."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [f"{a},{b},{a + b / 10}" for a in range(8) for b in range(8)]
    (folder / "tiny.csv").write_text("\n".join(["a,b,value", *rows]) + "\n")
    (folder / "tiny.toml").write_text(CARD)
    sizes = ", ".join(map(str, range(1, SIZES + 1)))
    (folder / "study.toml").write_text(STUDY.format(sizes=sizes, seeds=cells // SIZES))


def warm_up(folder: Path) -> None:
    """Import whatever a run imports."""
    from surrobench import run_study

    with tempfile.TemporaryDirectory() as place:
        study = {"train_sizes": [1], "seeds": 1}
        run_study(str(folder / "study.toml"), out=place, limit=0, **study)


def timed_run(folder: Path) -> dict:
    """A run that computes nothing; with its peak of memory."""
    from surrobench import run_study

    warm_up(folder)
    started, busy = time.perf_counter(), time.process_time()
    frame = run_study(str(folder / "study.toml"), out=folder / "run", workers=1, limit=0)
    busy, wall = time.process_time() - busy, time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {"seconds": busy, "wall": wall, "gib": peak, "rows": len(frame)}


def fill(folder: Path) -> dict:
    """Records for all cells, each with numbers of its own."""
    from surrobench import run_study
    from surrobench.studies.prediction.plan import make_plan
    from surrobench.studies.run_folder.record import Record
    from surrobench.studies.run_folder.store import ResultStore
    from surrobench.studies.study_file import load_study

    run = folder / "run"
    run_study(str(folder / "study.toml"), out=run, workers=1, limit=1)
    store = ResultStore(run)
    ((_, done),) = store.scan().records.items()
    scores = [name for name, value in done.payload.items() if isinstance(value, float)]
    study, origin = load_study(str(run / "study.toml"))

    def records() -> Iterator:
        for place, cell in enumerate(make_plan(study, origin.base).cells):
            own = {name: done.payload[name] + place / 7e6 for name in scores}
            payload = {**done.payload, **own, **cell.identity()}
            timing = {name: value + place / 3e9 for name, value in done.timing.items()}
            if cell.key != done.key:
                yield Record(cell.key, payload, timing, done.provenance)

    os.fsync = lambda descriptor: None
    started = time.perf_counter()
    if hasattr(store, "write_all"):
        store.write_all(records())
    else:
        for record in records():
            store.write(record)
    return {"seconds": time.perf_counter() - started}


def view(folder: Path) -> dict:
    """As the run that goes on, but without the saved view."""
    (folder / "run" / "results.parquet").unlink()
    return timed_run(folder)


STEPS = {"plan": timed_run, "fill": fill, "resume": timed_run, "view": view}


def step(name: str, folder: Path) -> dict:
    """One step in a process of its own."""
    command = [sys.executable, __file__, str(folder), "--step", name]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def command_seconds(name: str, run: Path) -> dict:
    started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "surrobench", name, str(run)]
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {f"{name}_seconds": busy, f"{name}_wall": time.perf_counter() - started}


def named(what: str, measured: dict) -> dict:
    return {f"{what}_{name}": measured[name] for name in ("seconds", "wall", "gib")}


def measure(cells: int, planned_only: bool) -> dict:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "study"
        lay_out(folder, cells)
        planned = step("plan", folder)
        row = {"cells": cells, **named("plan", planned)}
        if planned_only:
            return row
        shutil.rmtree(folder / "run")
        step("fill", folder)
        run = folder / "run"
        lost = step("view", folder)
        resumed = step("resume", folder)
        assert resumed["rows"] == lost["rows"] == cells
        files = [path.stat().st_size for path in run.rglob("*") if path.is_file()]
        return {
            **row,
            **named("resume", resumed),
            **named("view", lost),
            **command_seconds("status", run),
            **command_seconds("hash", run),
            "files": len(files),
            "mib": sum(files) / 2**20,
        }


def main(folder: Path, cells: list[int], label: str, planned_only: int) -> None:
    import pandas as pd
    from markdown_table import markdown

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "costs.csv"
    for count in cells:
        row = {"label": label, **measure(count, count >= planned_only)}
        print(json.dumps(row), flush=True)
        known = pd.read_csv(path) if path.exists() else pd.DataFrame(columns=["label", "cells"])
        known = known[(known["label"] != label) | (known["cells"] != count)]
        frame = pd.concat([known, pd.DataFrame([row])]) if len(known) else pd.DataFrame([row])
        frame = frame.sort_values(["cells", "label"], ascending=[True, False])
        frame.to_csv(path, index=False, float_format="%.4g")
    shown = pd.read_csv(path)
    for name in ("cells", "files"):
        shown[name] = shown[name].map("{:,.0f}".format).replace("nan", "–")
    table = markdown(shown, COLUMNS)
    (folder / "costs.md").write_text(table)
    _into_page(folder / "README.md", table)


def _into_page(page: Path, table: str) -> None:
    """Put the table in the place of the one that the page has."""
    if page.exists():
        lines = page.read_text(encoding="utf-8").splitlines(keepends=True)
        rows = [number for number, line in enumerate(lines) if line.startswith("| ")]
        if rows:
            lines[rows[0] : rows[-1] + 1] = [table]
            page.write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cells", type=int, nargs="+", default=list(CELLS))
    parser.add_argument("--label", default="after")
    parser.add_argument("--planned-only", type=int, default=10**9)
    parser.add_argument("--step", choices=STEPS)
    asked = parser.parse_args()
    if asked.step:
        print(json.dumps(STEPS[asked.step](asked.folder)))
    else:
        main(asked.folder, asked.cells, asked.label, asked.planned_only)
