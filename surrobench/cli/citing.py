"""``surrobench cite``: what to cite for the tasks and parts of runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def cite_command(runs: Sequence[Path], *, as_json: bool = False) -> None:
    """Print BibTeX, and on the other stream what has none."""
    from surrobench.cli.console import say, tell
    from surrobench.cli.formats import print_json
    from surrobench.reporting.origin import collect
    from surrobench.studies.run_folder.view import load_methods

    origin = collect(load_methods(runs)[0], runs)
    if as_json:
        print_json(
            {
                "citations": [
                    {"key": one.key, "for": list(one.cited_for), "bibtex": one.bibtex}
                    for one in origin.citations
                ],
                "without": list(origin.uncited),
            }
        )
        return
    for citation in origin.citations:
        say(f"% for {', '.join(map(str, citation.cited_for))}")
        say(citation.bibtex + "\n")
    if origin.uncited:
        tell(f"No publication is known for: {', '.join(origin.uncited)}.", style="yellow")
