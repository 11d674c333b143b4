"""Where the numbers of a report come from: runs, machines, tasks and whom to cite.

Plain data that whoever starts the report collects; a report can be written without.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class RunFacts:
    """One run folder.

    Attributes:
        name: of the study.
        kind: ``prediction`` or ``search``.
        command: that computes it.
        study: the checked study file as text; empty if it is not known.
        environments: versions, threads and machine of every environment that computed a part.
    """

    name: str
    kind: str
    command: str
    study: str = ""
    environments: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class TaskFacts:
    """What one task measures and whose data it is; all of it text."""

    name: str
    measures: str = ""
    protocol: str = ""
    unit: str = ""
    space: str = ""
    pool: str = ""
    licence: str = ""
    citation: str = ""
    url: str = ""


@dataclass(frozen=True)
class Citation:
    """A BibTeX entry and what of the report rests on it (tasks, predictors, strategies)."""

    key: str
    bibtex: str
    cited_for: tuple[str, ...]


@dataclass(frozen=True)
class Provenance:
    """Everything that a report says of its origin.

    Attributes:
        command: that makes the report.
        runs: whose results it shows.
        tasks: in the order of the report.
        citations: sorted by key.
        uncited: names of parts and tasks without a known citation.
    """

    command: str = ""
    runs: tuple[RunFacts, ...] = ()
    tasks: tuple[TaskFacts, ...] = ()
    citations: tuple[Citation, ...] = ()
    uncited: tuple[str, ...] = ()

    @property
    def bibtex(self) -> str:
        """The content of a BibTeX file."""
        return "\n".join(citation.bibtex.strip() + "\n" for citation in self.citations)
