"""How soon a worker can begin a cell, and what it holds: new interpreters beside forks.

    python benchmarks/worker_start.py results/speed

Starts workers for the cells of prediction studies both ways, in turn, and writes
``worker-start.csv``: the seconds of wall and processor until the first worker, a second one and the
replacement of a lost one can begin, and the memory of the workers while both live: resident,
proportional (what is shared counts by the share) and their own alone. Linux only.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from markdown_table import markdown

from surrobench.studies.engine.executor import GuardedProcess, Limits
from surrobench.studies.engine.template import Template, settle
from surrobench.studies.prediction.kind import PREDICTION

CELLS = ("constant", "bayesian-ridge", "random-forest", "gp-matern52")
HEADINGS = {
    "cell": "cell",
    "way": "way",
    "first_s": "first worker (CPU s)",
    "second_s": "second (CPU s)",
    "replacement_s": "replacement (CPU s)",
    "wall_s": "replacement (s)",
    "both_mib": "memory of both (MiB)",
    "own_mib": "of its own, each (MiB)",
}
MEMORY = {"rss_mib": "Rss:", "pss_mib": "Pss:", "own_mib": "Private_"}


def modules_of(predictor: str) -> tuple[str, ...]:
    """What a study of one predictor has its template import."""
    study = {"tasks": ["live/digits-chain"], "predictors": [predictor], "name": "start"}
    content = {"kind": "prediction", **study, "train_sizes": [25], "seeds": 1}
    plan = PREDICTION.plan(PREDICTION.build(content), Path.cwd())
    return tuple(sorted(PREDICTION.modules(plan.cells)))


def report(modules: tuple[str, ...]) -> tuple[int, float]:
    """What a worker says once it could begin: who it is, and its processor seconds."""
    import importlib

    _ = PREDICTION.run_cell
    for module in modules:
        importlib.import_module(module)
    return os.getpid(), time.process_time()


def processor_seconds(pid: int) -> float:
    """What a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid: int) -> dict[str, float]:
    """What a process holds, MiB."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    sizes = {line.split()[0]: int(line.split()[1]) / 1024 for line in lines}
    return {
        name: sum(size for key, size in sizes.items() if key.startswith(start))
        for name, start in MEMORY.items()
    }


def once(modules: tuple[str, ...], forked: bool, folder: Path) -> Iterator[dict[str, float | str]]:
    """Start two workers, lose one and have it replaced; one row for each start."""
    began = time.perf_counter()
    template = Template(PREDICTION.worker_target) if forked else None
    if template is not None:
        template.preload(modules)
    target = f"{Path(__file__).stem}:report"
    path = [str(Path(__file__).parent)]
    crew = [
        GuardedProcess(target, Limits(), folder / f"{n}.log", {}, path, template) for n in range(2)
    ]
    try:
        shared = 0.0
        pids = []
        settle(template, lambda: False, 0.01)
        for place, member in enumerate(crew):
            outcome = member.run(modules)
            assert outcome is not None
            wall = time.perf_counter() - began
            assert outcome.ending == "done", outcome.value
            pid, used = outcome.value
            if template is not None and place == 0:
                shared = processor_seconds(template.pid)
            pids.append(pid)
            yield {"start": ("first", "second")[place], "wall_s": wall, "cpu_s": used + shared}
            began, shared = time.perf_counter(), 0.0
        held = [memory(pid) for pid in pids]
        if template is not None:
            held.append(memory(template.pid))
        yield {
            "start": "memory of both",
            **{name: sum(one[name] for one in held) for name in MEMORY},
            "worker_own_mib": max(one["own_mib"] for one in held[:2]),
        }
        os.kill(pids[0], signal.SIGKILL)
        time.sleep(0.3)
        began = time.perf_counter()
        again = crew[0].run(modules)
        assert again is not None
        if again.ending == "died":  # it was not noticed before
            began = time.perf_counter()
            again = crew[0].run(modules)
            assert again is not None
        wall = time.perf_counter() - began
        yield {"start": "replacement", "wall_s": wall, "cpu_s": again.value[1]}
    finally:
        for member in crew:
            member.close()
        if template is not None:
            template.close()


def _told(medians: pd.DataFrame) -> pd.DataFrame:
    """One row for each cell and way."""
    parts = {start: part.set_index(["cell", "way"]) for start, part in medians.groupby("start")}
    held = parts["memory of both"]
    found = {f"{start}_s": parts[start]["cpu_s"] for start in ("first", "second", "replacement")}
    found["wall_s"] = parts["replacement"]["wall_s"]
    found |= {"both_mib": held["pss_mib"], "own_mib": held["worker_own_mib"]}
    return pd.DataFrame(found).reindex(held.index).reset_index()


def main() -> int:
    """Measure both ways in turn and write the medians."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=1)
    asked = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as logs:
        for _ in range(asked.rounds):
            for part in CELLS:
                modules = modules_of(part)
                for forked in (False, True):
                    way = "fork" if forked else "interpreter"
                    for row in once(modules, forked, Path(logs)):
                        rows.append({"cell": part, "way": way, **row})
    frame = pd.DataFrame(rows)
    medians = frame.groupby(["cell", "start", "way"], sort=False).agg(
        lambda values: statistics.median(values) if values.notna().any() else float("nan")
    )
    asked.folder.mkdir(parents=True, exist_ok=True)
    medians.round(3).to_csv(asked.folder / "worker-start.csv")
    text = markdown(_told(medians.reset_index()), HEADINGS)
    (asked.folder / "worker-start.md").write_text(text, encoding="utf-8")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
