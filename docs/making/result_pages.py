"""The pages of the published results, the changes and the guide for contributors, on the site."""

from __future__ import annotations

from pathlib import Path

from repository_links import MADE, PAGES, moved, on_site


def result_pages(root: Path) -> dict[str, str]:
    """A page for every results folder that has a README, for other files, and a list."""
    files = [path.relative_to(root) for path in sorted((root / "results").glob("*/README.md"))]
    files += [path for path in PAGES if path.suffix] + [Path("examples/paper/README.md")]
    texts = {}
    for file in files:
        page = on_site(file)
        text = moved((root / file).read_text(encoding="utf-8"), file, page)
        texts[page.relative_to(MADE).as_posix()] = text
    names = [page.removeprefix("results/") for page in texts if page.startswith("results/")]
    rows = [f"- [{_title(texts[f'results/{name}'])}]({name})" for name in names]
    tree = "\n".join(name.removesuffix(".md") for name in names)
    texts["results/index.md"] = (
        "# Results\n\nEverything that was computed, each page with the command that makes it. "
        "Sentences that compare methods are recomputed and tested: "
        "[claims](claims.md).\n\n" + "\n".join(rows) + "\n\n"
        f"```{{toctree}}\n:hidden:\n\n{tree}\n```\n"
    )
    return texts


def _title(text: str) -> str:
    return next(line[2:].strip() for line in text.splitlines() if line.startswith("# "))
