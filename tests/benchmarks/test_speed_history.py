"""The history of speed: one line per row and commit, and what became slower."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))
try:
    import compare
    import speed_history as history
    import speed_parts
finally:
    sys.path.remove(str(BENCHMARKS))

PUBLISHED = BENCHMARKS.parent / "results" / "speed"


def rows(**ratios: float) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "work": list(ratios),
            "baseline": "peer",
            "ours_s": 1.0,
            "baseline_s": list(ratios.values()),
            "ratio": list(ratios.values()),
        }
    )


def test_a_row_has_one_line_per_commit(tmp_path: Path) -> None:
    found = history.read(tmp_path / "history.csv")
    for commit, ratio in (("a", 2.0), ("b", 3.0), ("b", 4.0)):
        found = history.with_rows(found, rows(fit=ratio, search=9.0), commit, "2026-01-01")
    found.to_csv(tmp_path / "history.csv", index=False)
    kept = history.read(tmp_path / "history.csv")
    fits = kept[kept["work"] == "fit"]
    assert fits[["commit", "ratio"]].values.tolist() == [["a", 2.0], ["b", 4.0]]
    assert len(kept) == 4


def test_a_row_that_lost_a_fifth_is_slower_and_no_other() -> None:
    found = history.with_rows(history.read(Path("none")), rows(fit=10, search=10), "a", "day")
    found = history.with_rows(found, rows(fit=7.9, search=8.1, new=1), "b", "day")
    assert history.slower(found, "b")["work"].tolist() == ["fit"]
    assert history.slower(found, "a").empty


def test_every_published_line_belongs_to_one_row_and_commit() -> None:
    found = history.read(PUBLISHED / "history.csv")
    assert not found.duplicated(["commit", *history.KEY]).any()
    assert set(pd.read_csv(PUBLISHED / "ratios.csv")["work"]) <= set(found["work"])


@pytest.mark.parametrize("part", ["trees", "worker_start", "commands"])
def test_scripts_of_their_own_are_in_the_history(part: str) -> None:
    fresh = speed_parts.SCRIPTS[part](PUBLISHED)
    assert len(fresh) > 1
    assert (fresh["ours_s"] > 0).all()
    assert set(fresh["work"]) <= set(history.read(PUBLISHED / "history.csv")["work"])


def test_two_trees_are_measured_in_turn() -> None:
    turns: list[str] = []

    def measure(tree: Path) -> list[dict[str, object]]:
        turns.append(tree.name)
        return [{"work": "fit", "cpu_s": 6.0 if tree.name == "old" else 2.0, "wall_s": 1.0}]

    found = compare.compared({"e23950e": Path("old"), "here": Path("new")}, 3, measure)
    assert turns == ["old", "new", "new", "old", "old", "new"]
    told = found.set_index("quantity")
    assert told.loc["cpu_s", ["e23950e", "here", "ratio"]].tolist() == [6.0, 2.0, 3.0]
    assert told.loc["wall_s", "ratio"] == 1.0


def test_the_other_commit_is_checked_out_beside_and_removed(tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        settings = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
        subprocess.run(["git", "-C", str(tmp_path), *settings, *arguments], check=True)

    git("init", "-q")
    for content in ("old", "new"):
        (tmp_path / "file").write_text(content)
        git("add", "file")
        git("commit", "-qm", content)
    with compare.checkout("HEAD~1", tmp_path) as tree:
        assert (tree / "file").read_text() == "old"
    assert not tree.exists()
    with pytest.raises(SystemExit, match="no-such: fatal"), compare.checkout("no-such", tmp_path):
        pass


def test_compared_commands_have_a_line_of_their_processor_seconds() -> None:
    found = pd.read_csv(PUBLISHED / "compare-e23950e.csv")
    lines = compare.of_history(found, "e23950e")
    assert lines["work"].is_unique
    assert "live training of 64 cells" in set(lines["work"])
    assert lines["baseline"].eq("the same at e23950e").all()
    assert lines["ratio"].to_numpy() == pytest.approx(
        (lines["baseline_s"] / lines["ours_s"]).to_numpy(), rel=1e-3
    )
