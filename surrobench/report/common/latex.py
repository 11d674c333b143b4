r"""A report as LaTeX: floats for the figures, one file that inputs everything, and an appendix.

In a paper, ``\newcommand{\srfolder}{path/of/report/}`` and then ``\input{\srfolder report}``, or
the files of single exhibits (``\input{\srfolder tables/summary}``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from surrobench.base.wording import counted
from surrobench.report.common import escaping
from surrobench.report.common.folder import Saved
from surrobench.report.common.provenance import Provenance, RunFacts, TaskFacts

_NEEDS = r"""% needs \usepackage{graphicx, booktabs, longtable}, and outside of this folder
% \newcommand{\srfolder}{the/report/} before the file is input
\providecommand{\srfolder}{}
"""
_PER_PAGE = 4
"""After so many floats LaTeX gets rid of them."""

_MACHINE = ("system", "release", "architecture")

Facts = Sequence[tuple[str, str]]


def report_tex(saved: Sequence[Saved]) -> str:
    """The file that inputs every table and shows every figure; empty without LaTeX files."""
    lines, floats = [_NEEDS.rstrip()], 0
    for exhibit, paths in saved:
        suffixes = {path.suffix for path in paths}
        if ".tex" in suffixes and (exhibit.kind == "table" or ".pdf" in suffixes):
            lines.append(rf"\input{{\srfolder {exhibit.section}/{exhibit.name}}}")
        else:
            continue
        floats += 1
        if floats % _PER_PAGE == 0:
            lines.append(r"\clearpage")
    return "\n".join(lines) + "\n" if floats else ""


def appendix_tex(origin: Provenance, facts: Facts) -> str:
    """The reproducibility appendix: sections for runs, tasks, environment and cost.

    Args:
        origin: of the numbers.
        facts: label and text of what the results themselves say (seeds, cost, failures).
    """
    parts = [r"\section{Reproducibility}\label{sec:reproducibility}"]
    parts += [_description([(label, escaping.latex(text)) for label, text in facts])]
    parts += [_run(run) for run in origin.runs]
    if origin.tasks:
        parts += [r"\subsection{Tasks}", *map(_task, origin.tasks)]
    if origin.citations:
        keys = ",".join(citation.key for citation in origin.citations)
        parts += [r"\subsection{Sources}", rf"Tables, methods and statistics: \cite{{{keys}}}."]
    if origin.uncited:
        names = escaping.latex(", ".join(origin.uncited))
        parts.append(f"No publication is known for: {names}.")
    return "\n\n".join(part for part in parts if part) + "\n"


def _description(pairs: Sequence[tuple[str, str]]) -> str:
    items = [rf"  \item[{escaping.latex(label)}] {text}" for label, text in pairs if text]
    return "\n".join([r"\begin{description}", *items, r"\end{description}"]) if items else ""


def _run(run: RunFacts) -> str:
    title = rf"\subsection{{Study {escaping.latex(run.name)}}}"
    facts = [("Command", _typewriter(run.command))]
    for place, environment in enumerate(run.environments, start=1):
        label = "Environment" if len(run.environments) == 1 else f"Environment {place}"
        facts.append((label, escaping.latex(environment_text(environment))))
    parts = [title, _description(facts)]
    if run.study:
        lines = [_typewriter(line) for line in run.study.splitlines() if line.strip()]
        parts.append("{\\footnotesize\\raggedright\\noindent\n" + " \\\\\n".join(lines) + "\\par}")
    return "\n\n".join(parts)


def environment_text(environment: object) -> str:
    """Versions, threads and machine in one line."""
    content = environment if isinstance(environment, dict) else {}
    machine = content.get("machine", {})
    packages = content.get("packages", {})
    threads = {str(value) for value in content.get("threads", {}).values()}
    parts = [
        f"surrobench {content.get('surrobench', 'of unknown version')}",
        f"Python {content.get('python', 'of unknown version')}",
        *(f"{name} {version}" for name, version in packages.items()),
        " ".join(
            str(machine[key]) for key in ("system", "release", "architecture") if key in machine
        ),
        *([counted(machine["cores"], "core")] if machine.get("cores") else []),
        *([f"{'/'.join(sorted(threads))} thread(s) per worker"] if threads else []),
    ]
    return ", ".join(part for part in parts if part)


def _typewriter(line: str) -> str:
    """A line of code: nothing in it is a command, and it may break after commas and slashes."""
    text = escaping.latex(line)
    for mark in (",", "/"):
        text = text.replace(mark, mark + r"\allowbreak{}")
    return rf"\texttt{{{text}}}"


def _task(task: TaskFacts) -> str:
    pairs = [
        ("measures", task.measures),
        ("obtained by", task.protocol),
        ("unit", task.unit),
        ("space", task.space),
        ("pool", task.pool),
        ("licence", task.licence),
        ("from", task.citation),
    ]
    text = "; ".join(f"{label}: {escaping.latex(text)}" for label, text in pairs if text)
    return rf"\paragraph{{{escaping.latex(task.name)}.}} {text or 'nothing more is known'}."


def latex_pages(
    origin: Provenance, facts: Callable[[], Facts]
) -> Iterator[tuple[str, Callable[[Sequence[Saved]], str]]]:
    """The LaTeX files of a folder, for :func:`~surrobench.report.common.folder.write_folder`."""

    def with_tex(make: Callable[[], str]) -> Callable[[Sequence[Saved]], str]:
        def page(saved: Sequence[Saved]) -> str:
            tex = any(path.suffix == ".tex" for _, paths in saved for path in paths)
            return make() if tex else ""

        return page

    yield "report.tex", report_tex
    yield "appendix.tex", with_tex(lambda: appendix_tex(origin, facts()))
    yield "references.bib", with_tex(lambda: origin.bibtex)
