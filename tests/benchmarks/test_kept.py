"""Pages show files that are there, and the repository keeps no file of a report that none shows."""

from __future__ import annotations

import runpy
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
kept = runpy.run_path(str(ROOT / "benchmarks" / "kept.py"))
links, pages, quoted, unnamed = (kept[name] for name in ("links", "pages", "quoted", "unnamed"))


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    assert [str(file) for file in (*links(page), *quoted(page)) if not file.exists()] == []


def test_only_what_pages_name_is_kept_of_reports() -> None:
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a checkout")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "results/*/report/*"], cwd=ROOT, capture_output=True, check=True
    )
    files = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    assert [str(file) for file in unnamed(files)] == []


def test_a_file_is_named_by_a_link_an_image_or_its_path(tmp_path: Path) -> None:
    folder = tmp_path / "results" / "mine"
    folder.mkdir(parents=True)
    (folder / "README.md").write_text(
        "![curves](report/figures/a.png) and [b](report/b.md#part), `report/c.csv`, d.csv; "
        "[elsewhere](https://example.org/report/e.csv)",
        encoding="utf-8",
    )
    files = [folder / "report" / name for name in ("figures/a.png", "b.md", "c.csv", "d.csv")]
    assert unnamed(files, tmp_path) == [folder / "report" / "d.csv"]
