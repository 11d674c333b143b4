"""The pages of the published results, the changes and the guide for contributors, on the site."""

from __future__ import annotations

import os
import re
from pathlib import Path

_LINK = re.compile(r"(?<=\]\()([^)\s#]+)(#[^)\s]*)?(?=\))")
_FENCE = re.compile(r"^```.*?^```[^\n]*$", re.MULTILINE | re.DOTALL)
_WRITTEN = ("docs", "results", "examples")


def result_pages(root: Path) -> dict[str, str]:
    """A page for every results folder that has a README, and their list."""
    pages = {_page(path.parent): path for path in sorted((root / "results").glob("*/README.md"))}
    pages["results/leaderboard.md"] = root / "results" / "leaderboard.md"
    pages["results/claims.md"] = root / "results" / "claims.md"
    pages["paper-example.md"] = root / "examples" / "paper" / "README.md"
    pages["changes.md"] = root / "CHANGELOG.md"
    pages["contributing.md"] = root / "CONTRIBUTING.md"
    texts = {page: moved(path, page, root) for page, path in pages.items()}
    rows = [
        f"- [{_title(text)}]({page.removeprefix('results/')})"
        for page, text in texts.items()
        if page.startswith("results/")
    ]
    tree = "\n".join(p.removeprefix("results/")[:-3] for p in pages if p.startswith("results/"))
    texts["results/index.md"] = (
        "# Results\n\nEverything that was computed, each page with the command that makes it. "
        "Sentences that compare methods are recomputed and tested: "
        "[claims](claims.md).\n\n" + "\n".join(rows) + "\n\n"
        f"```{{toctree}}\n:hidden:\n\n{tree}\n```\n"
    )
    return texts


def _page(folder: Path) -> str:
    return f"results/{folder.name}.md"


def _title(text: str) -> str:
    return next(line[2:].strip() for line in text.splitlines() if line.startswith("# "))


def moved(path: Path, page: str, root: Path) -> str:
    """The text of a page of the repository with its links as they are from ``docs/made/page``."""
    text = path.read_text(encoding="utf-8")
    fences = [match.span() for match in _FENCE.finditer(text)]

    def link(match: re.Match[str]) -> str:
        if any(start <= match.start() < end for start, end in fences) or "://" in match[1]:
            return match[0]
        return _from(page, (path.parent / match[1]).resolve(), root) + _kept(match, path, root)

    return _LINK.sub(link, text)


def _kept(match: re.Match[str], path: Path, root: Path) -> str:
    """The part of a link behind ``#``, where the page is one of the site."""
    return match[2] or ""


def _from(page: str, target: Path, root: Path) -> str:
    """The link from a page to a file or folder of the repository."""
    place = target.relative_to(root.resolve())
    start = Path("docs/made") / Path(page).parent
    inside = _on_site(place, root)
    return os.path.relpath(inside, start)


def _on_site(place: Path, root: Path) -> Path:
    """Where something of the repository is on the site; a file that is no page is a download."""
    if place.name == "README.md":
        place = place.parent
    known = {
        Path(): Path("docs/index.md"),
        Path("CHANGELOG.md"): Path("docs/made/changes.md"),
        Path("CONTRIBUTING.md"): Path("docs/made/contributing.md"),
        Path("results"): Path("docs/made/results/index.md"),
        Path("examples/paper"): Path("docs/made/paper-example.md"),
        Path("results/leaderboard.md"): Path("docs/made/results/leaderboard.md"),
        Path("results/claims.md"): Path("docs/made/results/claims.md"),
    }
    if place in known:
        return known[place]
    if len(place.parts) == 2 and place.parts[0] == "results" and (root / place).is_dir():
        return Path("docs/made") / _page(place)
    if (root / place).is_dir():
        raise ValueError(f"a link to the folder {place}, which has no page on the site")
    return place
