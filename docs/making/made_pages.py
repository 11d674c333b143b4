"""All pages that are made from the code and the results, written where Sphinx looks for them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

MADE = "made"


def write_pages(docs: Path) -> None:
    """Write ``docs/made``; unchanged files keep their time, and those of before are removed.

    Raises:
        RuntimeError: if a figure of the gallery cannot be drawn.
    """
    from gallery import figure_files

    folder = docs / MADE
    command = [sys.executable, str(Path(__file__).with_name("gallery.py"))]
    drawing = subprocess.Popen([*command, str(docs.parent), str(folder / "gallery")])
    texts = made_texts(docs.parent)
    if drawing.wait() != 0:
        raise RuntimeError("the gallery could not be drawn; see above")
    write_texts(folder, texts, keep=figure_files(folder / "gallery"))


def made_texts(root: Path) -> dict[str, str]:
    """Path below ``docs/made`` -> text of every page of a repository."""
    from gallery import gallery_page
    from part_pages import part_pages
    from reference_pages import reference_pages
    from result_pages import result_pages
    from standings import Standings
    from task_pages import task_pages

    standings = Standings.of(root)
    return {
        **part_pages(root, standings),
        **task_pages(standings),
        **reference_pages(),
        **result_pages(root),
        "gallery.md": gallery_page(),
    }


def write_texts(folder: Path, texts: Mapping[str, str], keep: set[Path]) -> None:
    """Make a folder hold these files, those to ``keep``, and no others."""
    wanted = {folder / name: text for name, text in texts.items()}
    for path in sorted(folder.rglob("*")) if folder.is_dir() else []:
        if path.is_file() and path not in wanted and path not in keep:
            path.unlink()
    for path, text in wanted.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table; empty text for no rows."""
    if not rows:
        return ""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(c) for c in line) + " |" for line in lines) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def alone(title: str) -> str:
    """The head of a page that the list of its kind links to, and the menu leaves out.

    A menu of hundreds of names on every page is neither read nor quickly made.
    """
    return f"---\norphan: true\n---\n\n[← {title}](index.md)\n\n"


def listing(title: str, intro: str, pages: list[tuple[str, str]]) -> str:
    """The page of a kind: a table with one line about each page.

    Args:
        title: the heading.
        intro: what stands below it.
        pages: name, and one line.
    """
    rows = [[f"[`{name}`]({slug(name)}.md)", line] for name, line in pages]
    return f"# {title}\n\n{intro}\n\n{table(['name', 'what it is'], rows)}"


def slug(name: str) -> str:
    """A file name for a part or a task."""
    return name.replace("/", "--").replace(":", "-")
