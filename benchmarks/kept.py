"""What the repository keeps of the reports in ``results/``: the files that a page shows or quotes.

    python benchmarks/kept.py              # list files of reports that no page names
    python benchmarks/kept.py --remove     # delete them

``surrobench report results/NAME`` makes all of them again from ``results.parquet``; a clone stays
small. A file is named by a link, by an image, or by its path from the page's folder in backquotes.
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "docs/**/*.md", "results/*/README.md")
MADE = Path("docs") / "made"
"""Pages that are made when the site is built, and checked then."""
_LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
_QUOTED = re.compile(r"`([\w./-]*report/[\w./-]+)`")


def pages(root: Path = ROOT) -> list[Path]:
    """The Markdown pages that readers are sent to."""
    found = {page for pattern in PAGES for page in root.glob(pattern)}
    return sorted(page for page in found if not page.is_relative_to(root / MADE))


def links(page: Path) -> Iterator[Path]:
    """The files that a page links to or shows, but for pages that are made with the site."""
    for target in _LINK.findall(page.read_text(encoding="utf-8")):
        if "://" not in target and not target.startswith("mailto:"):
            file = Path(os.path.normpath(page.parent / target))
            if not file.is_relative_to(ROOT / MADE):
                yield file


def quoted(page: Path) -> Iterator[Path]:
    """The files of a report that a page names in its text."""
    for target in _QUOTED.findall(page.read_text(encoding="utf-8")):
        yield Path(os.path.normpath(page.parent / target))


def unnamed(files: Iterable[Path], root: Path = ROOT) -> list[Path]:
    """Those of the files that no page names."""
    named = {file for page in pages(root) for file in (*links(page), *quoted(page))}
    return sorted(file for file in files if file not in named)


def report_files(root: Path = ROOT) -> list[Path]:
    """Every file of a report in ``results/``."""
    return [file for file in sorted(root.glob("results/*/report/**/*")) if file.is_file()]


def main() -> None:
    """List or delete what no page names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--remove", action="store_true", help="delete these files")
    remove = parser.parse_args().remove
    files = unnamed(report_files())
    for file in files:
        print(file.relative_to(ROOT))
        if remove:
            file.unlink()
    for folder in sorted(ROOT.glob("results/*/report/**/"), reverse=True):
        if remove and not any(folder.iterdir()):
            folder.rmdir()


if __name__ == "__main__":
    main()
