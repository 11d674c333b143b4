"""``history.csv``: one line per row of speed and commit, so that a slowdown is seen."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pandas as pd

KEY = ["work", "baseline"]
COLUMNS = ["commit", "date", *KEY, "ours_s", "baseline_s", "ratio"]
SLOWER = 0.8
"""A row whose ratio to its baseline fell below this share of the last commit's is worth a look."""


def commit_of(repository: Path) -> tuple[str, str]:
    """Hash (with a plus sign if files differ from it) and day of the commit."""
    git = ["git", "-C", str(repository)]

    def asked(*arguments: str) -> str:
        done = subprocess.run([*git, *arguments], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    changed = asked("status", "--porcelain", "--untracked-files=no", "--", ":/surrobench")
    name, day = asked("log", "-1", "--format=%h %cs").split()
    return name + "+" * bool(changed), day


def read(path: Path) -> pd.DataFrame:
    """The history; empty if there is none yet."""
    if not path.is_file():
        return pd.DataFrame(columns=COLUMNS)
    return pd.read_csv(path, keep_default_na=False, na_values={"ours_s": [""], "ratio": [""]})


def with_rows(history: pd.DataFrame, rows: pd.DataFrame, commit: str, day: str) -> pd.DataFrame:
    """The history with rows of a commit, which replace those that it has of the same commit.

    Args:
        history: as :func:`read` gives it.
        rows: with ``work``, ``baseline`` ("" for none), ``ours_s``, ``baseline_s``, ``ratio``.
        commit: hash.
        day: of the commit.
    """
    fresh = rows.reindex(columns=COLUMNS).assign(commit=commit, date=day)
    fresh["baseline"] = fresh["baseline"].fillna("")
    together = fresh if history.empty else pd.concat([history, fresh], ignore_index=True)
    return together.drop_duplicates(["commit", *KEY], keep="last", ignore_index=True)


def slower(history: pd.DataFrame, commit: str) -> pd.DataFrame:
    """Rows of a commit that lost against their baseline since the commit that had them before.

    Seconds of different days are no measure; ratios of one run are.
    """
    ratios = history.assign(ratio=pd.to_numeric(history["ratio"])).dropna(subset="ratio")
    mine = ratios[ratios["commit"] == commit]
    before = ratios[ratios["commit"] != commit].drop_duplicates(KEY, keep="last")
    pairs = mine.merge(before, on=KEY, suffixes=("", "_before"))
    return pairs[pairs["ratio"] < SLOWER * pairs["ratio_before"]]
