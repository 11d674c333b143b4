"""Links between files of the repository, as they are on the site.

Pages are written so that their links also lead somewhere in the repository itself.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

MADE = Path("docs") / "made"
PAGES = {
    Path(): Path("docs/index.md"),
    Path("CHANGELOG.md"): MADE / "changes.md",
    Path("CONTRIBUTING.md"): MADE / "contributing.md",
    Path("results"): MADE / "results/index.md",
    Path("results/leaderboard.md"): MADE / "results/leaderboard.md",
    Path("results/claims.md"): MADE / "results/claims.md",
    Path("examples/paper"): MADE / "paper-example.md",
}
"""Files and folders of the repository -> their pages, beside the folders of results."""
_LINK = re.compile(r"(?P<image>!?)\[(?P<text>[^\]]*)\]\((?P<to>[^)\s#]+)(?P<place>#[^)\s]*)?\)")
_FENCE = re.compile(r"^```.*?^```[^\n]*$", re.MULTILINE | re.DOTALL)


def moved(text: str, source: Path, page: Path) -> str:
    """A text whose links lead from a page of the site.

    Args:
        text: Markdown.
        source: the file that it is from, in the repository.
        page: where it is shown, in the repository.

    Raises:
        ValueError: for a link to a folder that has no page.
    """
    fences = [match.span() for match in _FENCE.finditer(text)]

    def link(match: re.Match[str]) -> str:
        fenced = any(start <= match.start() < end for start, end in fences)
        if fenced or "://" in match["to"] or match["to"].startswith("mailto:"):
            return match[0]
        target = Path(os.path.normpath(source.parent / match["to"]))
        inside = on_site(target)
        where = os.path.relpath(inside, page.parent)
        if not match["image"] and inside.suffix in (".md", ".py") and inside.parts[0] != "docs":
            return f"{{download}}`{match['text'].replace('`', '')} <{where}>`"
        return f"{match['image']}[{match['text']}]({where}{match['place'] or ''})"

    return _LINK.sub(link, text)


def on_site(place: Path) -> Path:
    """Where a file or folder of the repository is on the site; what is no page is a download."""
    place = place.parent if place.name == "README.md" else place
    if place in PAGES:
        return PAGES[place]
    if place.parts[0] == "results" and len(place.parts) == 2 and not place.suffix:
        return MADE / "results" / f"{place.name}.md"
    if not place.suffix and place.parts[0] != "docs":
        raise ValueError(f"a link to {place}, which has no page on the site")
    return place
