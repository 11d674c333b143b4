"""Our speed beside named peers and beside the bare linear algebra: one table of ratios.

    python benchmarks/speed.py results/speed

Runs the benchmarks of this folder, one module after another on one thread, and writes after each of
them what is known by then: ``timings.json`` (medians, rounds, likelihoods and regrets),
``ratios.csv`` and ``ratios.md``, ``regret.csv`` and ``regret.md``, ``environment.json``. Ensembles
of trees, the start of workers and commands are scripts of their own with tables of their own.
Timings of modules that are not run again are kept, so ``--only`` repairs or repeats a part. Leave
the machine alone meanwhile.

``history.csv`` gets a line for every row that was measured, with the commit; rows that lost a fifth
against their baseline since an earlier commit are named in the end.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
os.environ.update(dict.fromkeys(THREADS, "1"))

import pandas as pd
import ratio_table
import speed_history
from machine import write_machine
from markdown_table import markdown
from speed_parts import SCRIPTS
from speed_rows import ROWS

HERE = Path(__file__).parent
MODULES = (
    "search",
    "search_peers",
    "gp",
    "acquisition",
    "ensembles",
    "seeds",
    "tables",
    "runner",
    "study",
)
RATIO_HEADINGS = {
    "work": "work",
    "baseline": "baseline",
    "ours_s": "ours (s)",
    "baseline_s": "baseline (s)",
    "floor_s": "floor (s)",
    "ratio": "baseline / ours",
    "over_floor": "ours / floor",
    "required": "required",
    "met": "met",
    "rounds": "rounds",
    "notes": "notes",
}
REGRET_HEADINGS = {
    "search": "search",
    "seeds": "seeds",
    "mean_after_50": "mean after 50",
    "mean_after_100": "after 100",
    "mean_regret": "after 150",
    "standard_error": "standard error",
    "found_optimum": "found the optimum",
    "median_seconds": "seconds a search",
}


def measure(module: str, options: list[str]) -> tuple[ratio_table.Timings, int]:
    """Run one module of benchmarks; its timings and pytest's exit status."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "benchmark.json"
        command = [sys.executable, "-m", "pytest", str(HERE / f"{module}.py"), "-q", "-rs"]
        command += ["--benchmark-enable", "--benchmark-only", f"--benchmark-json={path}"]
        command += ["--benchmark-columns=median,iqr,rounds", "-p", "no:cacheprovider"]
        status = subprocess.run([*command, *options], check=False).returncode
        return ratio_table.read_benchmarks(path), status


def run_script(name: str, folder: Path) -> tuple[pd.DataFrame, int]:
    """Run a script of this folder; the rows of the history and its exit status."""
    command = [sys.executable, str(HERE / f"{name}.py"), str(folder)]
    status = subprocess.run(command, check=False).returncode
    return (SCRIPTS[name](folder) if status == 0 else pd.DataFrame()), status


def remember(folder: Path, rows: pd.DataFrame) -> pd.DataFrame:
    """Write rows into the history; those of this commit that have become slower."""
    path = folder / "history.csv"
    commit, day = speed_history.commit_of(HERE)
    history = speed_history.with_rows(speed_history.read(path), rows, commit, day)
    history.to_csv(path, index=False, float_format="%.6g")
    return speed_history.slower(history, commit)


def write(folder: Path, timings: ratio_table.Timings) -> str:
    """Write all tables; the table of ratios in Markdown."""
    ratio_table.save(timings, folder / "timings.json")
    ratios, regrets = ratio_table.ratio_table(timings, ROWS), ratio_table.regret_table(timings)
    ratios.to_csv(folder / "ratios.csv", index=False, float_format="%.6g")
    text = markdown(ratios, RATIO_HEADINGS)
    (folder / "ratios.md").write_text(text, encoding="utf-8")
    if len(regrets):
        regrets.to_csv(folder / "regret.csv", index=False, float_format="%.6g")
        told = markdown(regrets, REGRET_HEADINGS)
        (folder / "regret.md").write_text(told, encoding="utf-8")
        text += f"\nRegret after so many evaluations:\n\n{told}"
    return text


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="where the tables go")
    parser.add_argument(
        "--only",
        nargs="+",
        choices=(*MODULES, *SCRIPTS),
        default=(*MODULES, *SCRIPTS),
        metavar="MODULE",
        help=f"some of {', '.join((*MODULES, *SCRIPTS))}",
    )
    parser.add_argument("--select", metavar="EXPRESSION", help="pytest's -k, for a part of them")
    parser.add_argument(
        "--whole-baseline",
        action="store_true",
        help="run BoTorch's search to its end instead of extrapolating it",
    )
    parser.add_argument(
        "--whole-study",
        action="store_true",
        help="all of nb201-predictors instead of one task, up to 400 examples and --study-seeds",
    )
    parser.add_argument("--study-seeds", type=int, default=1, metavar="N")
    parser.add_argument("--table-only", action="store_true", help="measure nothing")
    return parser.parse_args()


def main() -> int:
    """Measure, and write after each module; 1 if a benchmark failed."""
    asked = arguments()
    asked.folder.mkdir(parents=True, exist_ok=True)
    options = [f"--study-seeds={asked.study_seeds}"]
    options += ["--whole-baseline"] if asked.whole_baseline else []
    options += ["--whole-study"] if asked.whole_study else []
    options += ["-k", asked.select] if asked.select else []
    timings, failed = ratio_table.load(asked.folder / "timings.json"), []
    slower = pd.DataFrame()
    for module in [] if asked.table_only else asked.only:
        write_machine(asked.folder)
        if module in SCRIPTS:
            rows, status = run_script(module, asked.folder)
        else:
            fresh, status = measure(f"test_{module}", options)
            timings |= fresh
            write(asked.folder, timings)
            rows = ratio_table.ratio_table(fresh, ROWS)
        if not rows.empty:
            slower = remember(asked.folder, rows.dropna(subset="ours_s"))
        failed += [module] if status not in (0, 5) else []  # 5: nothing was selected
    print(write(asked.folder, timings))
    if not slower.empty:
        told = slower[["work", "baseline", "ratio_before", "commit_before", "ratio"]]
        print("slower than before:\n" + told.to_string(index=False), file=sys.stderr)
    if failed:
        print("benchmarks failed in: " + ", ".join(failed), file=sys.stderr)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
