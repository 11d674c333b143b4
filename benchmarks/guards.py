"""Whether tests fail when the guard that they are about is removed.

    python benchmarks/guards.py results/reliability [F16 D5 …]

Copies the package and its tests into a temporary folder, and there, for every case of
``fault_cases.py`` that names a guard, removes it, runs the first test of the case and puts it back.
Writes ``guards.csv``; rows of cases that are not tried now are kept.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from fault_cases import CASES, Case

ROOT = Path(__file__).parents[1]
COPIED = ("surrobench", "tests", "benchmarks", "pyproject.toml", "README.md", "docs", "examples")


def outcome(case: Case, tree: Path) -> str:
    """``fails`` (as it should) or ``passes`` without the guard, or why that is not known."""
    assert case.guard is not None
    file = tree / case.guard.file
    content = file.read_text(encoding="utf-8")
    if content.count(case.guard.text) != 1:
        return f"the guard stands {content.count(case.guard.text)} times in {case.guard.file}"
    file.write_text(content.replace(case.guard.text, case.guard.instead), encoding="utf-8")
    try:
        return "fails" if run(case.tests[0], tree) == 1 else "passes"
    finally:
        file.write_text(content, encoding="utf-8")


def run(test: str, tree: Path) -> int:
    """The exit status of pytest: 1 if a test failed."""
    environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", test]
    done = subprocess.run(
        command, cwd=tree, env=environment, check=False, stdout=subprocess.DEVNULL, timeout=1800
    )
    return done.returncode


def main(folder: Path, names: Sequence[str]) -> int:
    chosen = [case for case in CASES if case.guard and (not names or case.name in names)]
    path = folder / "guards.csv"
    folder.mkdir(parents=True, exist_ok=True)
    rows = {}
    if path.exists():
        rows = {row["case"]: row for row in pd.read_csv(path).to_dict("records")}
    with tempfile.TemporaryDirectory() as place:
        tree = Path(place) / "tree"
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                leave = shutil.ignore_patterns("__pycache__", "*.parquet")
                if name == "surrobench":
                    leave = shutil.ignore_patterns("__pycache__")
                shutil.copytree(source, tree / name, ignore=leave)
            else:
                shutil.copyfile(source, tree / name)
        for case in chosen:
            found = outcome(case, tree)
            print(f"{case.name:4} {found}: {case.tests[0]}", flush=True)
            rows[case.name] = {"case": case.name, "without_guard": found, "test": case.tests[0]}
            pd.DataFrame(rows.values()).to_csv(path, index=False)
    return int(any(rows[case.name]["without_guard"] != "fails" for case in chosen))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
