"""Two commits side by side: this checkout and another commit, in turn, in the same environment.

    python benchmarks/compare.py e23950e
    python benchmarks/compare.py HEAD~1 --modules gp ensembles --rounds 5

The other commit is checked out into a temporary folder. Each round runs the commands of
``commands.py``, or the named modules of benchmarks, in both; the table has medians and how often
the other commit takes as much as this checkout. Under a load that changes, trust the processor.
Both are compiled to byte code beforehand: a fresh checkout has none, which costs every process.
"""

from __future__ import annotations

import argparse
import compileall
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import commands
import pandas as pd
import ratio_table
import speed_history
from markdown_table import markdown

HERE = Path(__file__).resolve().parent.parent
Rows = list[dict[str, Any]]


@contextmanager
def checkout(commit: str, repository: Path = HERE) -> Iterator[Path]:
    """A temporary working tree of a commit.

    Raises:
        SystemExit: if there is no such commit.
    """
    git = ["git", "-C", str(repository)]
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "other"
        add = [*git, "worktree", "add", "--detach", str(tree), commit]
        done = subprocess.run(add, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{commit}: {done.stderr.strip().splitlines()[-1]}")
        try:
            yield tree
        finally:
            subprocess.run([*git, "worktree", "remove", "--force", str(tree)], check=False)


def benchmarks(tree: Path, modules: Sequence[str]) -> Rows:
    """Medians of the benchmarks of a checkout."""
    rows: Rows = []
    for module in modules:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "benchmark.json"
            command = [sys.executable, "-m", "pytest", f"benchmarks/test_{module}.py", "-q"]
            command += ["--benchmark-enable", "--benchmark-only", f"--benchmark-json={path}"]
            environment = {**os.environ, "PYTHONPATH": str(tree)}
            subprocess.run([*command, "-p", "no:cacheprovider"], cwd=tree, env=environment)
            timings = ratio_table.read_benchmarks(path)
        rows += [{"work": name, "wall_s": timing.seconds} for name, timing in timings.items()]
    return rows


def compared(trees: dict[str, Path], rounds: int, measure: Callable[[Path], Rows]) -> pd.DataFrame:
    """Measure trees in turn; the order changes from round to round.

    Returns:
        Per work and quantity the medians of both, and ``ratio``: the first over the second.
    """
    rows: Rows = []
    for number in range(rounds):
        turn = list(trees) if number % 2 == 0 else list(reversed(trees))
        for name in turn:
            rows += [{**row, "tree": name} for row in measure(trees[name])]
    long = pd.DataFrame(rows).melt(["work", "tree"], var_name="quantity", value_name="value")
    medians = long.dropna().pivot_table(
        index=["work", "quantity"], columns="tree", values="value", aggfunc="median", sort=False
    )
    first, second = trees
    medians = medians.reindex(columns=[first, second])
    return medians.assign(ratio=medians[first] / medians[second]).reset_index()


def with_others(found: pd.DataFrame, file: Path) -> pd.DataFrame:
    """What was measured now, in place of the same works in a file; its others stay."""
    if not file.is_file():
        return found
    known = pd.read_csv(file)
    return pd.concat([known[~known["work"].isin(found["work"])], found], ignore_index=True)


def of_history(found: pd.DataFrame, commit: str) -> pd.DataFrame:
    """Rows of the history: processor seconds of whole commands beside those of the other commit."""
    whole = found[(found["quantity"] == "cpu_s") & found[commit].notna()]
    return pd.DataFrame(
        {
            "work": whole["work"],
            "baseline": f"the same at {commit}",
            "ours_s": whole["here"],
            "baseline_s": whole[commit],
            "ratio": whole["ratio"],
        }
    )


def remember(found: pd.DataFrame, commit: str, path: Path) -> None:
    """Write what was compared into the history beside the tables."""
    name, day = speed_history.commit_of(HERE)
    rows = of_history(found, commit)
    history = speed_history.with_rows(speed_history.read(path), rows, name, day)
    history.to_csv(path, index=False, float_format="%.6g")


def main() -> int:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("commit")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seeds", type=int, help="of quickstart; all by default")
    parser.add_argument("--only", nargs="+", default=(), help="commands that begin like this")
    parser.add_argument("--modules", nargs="+", help="of benchmarks, instead of the commands")
    parser.add_argument(
        "--csv",
        type=Path,
        help="where rows go too, beside it in Markdown and history.csv; others there stay",
    )
    asked = parser.parse_args()

    def measure(tree: Path) -> Rows:
        if asked.modules:
            return benchmarks(tree, asked.modules)
        return [dict(row) for row in commands.one_round(tree, asked.seeds, asked.only)]

    with checkout(asked.commit) as other:
        for tree in (other, HERE):
            compileall.compile_dir(tree / "surrobench", quiet=1)
        found = compared({asked.commit: other, "here": HERE}, asked.rounds, measure)
    print(found.to_string(index=False, float_format="{:.3g}".format))
    if asked.csv is not None:
        found = with_others(found, asked.csv)
        found.to_csv(asked.csv, index=False, float_format="%.4g")
        headings = {name: name for name in found} | {"work": "command"}
        text = markdown(found, headings)
        asked.csv.with_suffix(".md").write_text(text, encoding="utf-8")
        remember(found, asked.commit, asked.csv.with_name("history.csv"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
