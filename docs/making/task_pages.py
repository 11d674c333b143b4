"""A page for every bundled task, from its card; embedded ones are measured as ``info`` does."""

from __future__ import annotations

import pandas as pd
from made_pages import alone, listing, slug, table
from standings import Standings

from surrobench.report.bibliography import entries
from surrobench.tasks import task_info
from surrobench.tasks.catalogue import bundled
from surrobench.tasks.files.source_file import SourceFile
from surrobench.tasks.live.live import LIVE_TASKS, live_factory
from surrobench.tasks.tables.card import Card, TaskCard, named
from surrobench.tasks.tables.card_file import read_card

MOST = 8
"""How many methods of a result a task's page shows."""


def task_pages(standings: Standings) -> dict[str, str]:
    """Pages of all tasks by their path, and their list."""
    pages, lines = {}, []
    for path, names in bundled().values():
        card = read_card(path)
        for name in names:
            full, task = f"{card.name}/{name}", card.tasks[name]
            pages[f"tasks/{slug(full)}.md"] = alone("Tasks") + _page(full, card, task, standings)
            lines.append((full, task.description or card.description))
    for name in LIVE_TASKS:
        pages[f"tasks/{slug(name)}.md"] = alone("Tasks") + _live(name)
        lines.append((name, "trains what it is asked for"))
    intro = (
        "A task is one quantity to predict or to search for. Those of published tables are fetched "
        "by `surrobench prepare`; embedded ones come with the package; `live:…` train. Larger is "
        "better everywhere: errors and latencies are negated once, at the edge."
    )
    pages["tasks/index.md"] = listing("Tasks", intro, lines)
    return pages


def _page(full: str, card: Card, task: TaskCard, standings: Standings) -> str:
    prepare = f"surrobench prepare {card.recipe or card.name}\n" if card.sources else ""
    parts = [
        f"# {full}\n\n{_sentence(task.description or card.description)}",
        f"```bash\n{prepare}surrobench info {full}\nsurrobench run quickstart --task {full}\n```",
        table(["", ""], _facts(card, task)),
        "" if card.sources else _measured(full),
        _section("How the numbers were obtained", _sentence(task.protocol)),
        _section("Licence and source", _origin(card)),
        _section("BibTeX", _bibtex(card)),
        _section("In our results", _results(full, standings)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _section(title: str, text: str) -> str:
    return f"## {title}\n\n{text}" if text else ""


def _sentence(text: str) -> str:
    text = " ".join(text.split())
    return f"{text[:1].upper()}{text[1:].rstrip('.')}." if text else ""


def _facts(card: Card, task: TaskCard) -> list[list[str]]:
    known = [*named(card.measured), *named(task.measured)]
    facts = {
        "unit": task.unit,
        "better": "larger" if task.direction == "maximize" else "smaller; negated here",
        "space": _link(card.space, "spaces") if card.space else "spanned by the rows of the table",
        "epochs": str(task.epochs or ""),
        "shorter trainings": _lengths(task),
        "training runs": _runs(task),
        "seconds of training": "known" if task.cost_columns else "",
        "measured without training": ", ".join(f"`{name}`" for name in known),
        "ranks architectures as": _link(f"{card.name}/{task.ranks_as}") if task.ranks_as else "",
    }
    return [[name, value] for name, value in facts.items() if value]


def _link(name: str, kind: str = "tasks") -> str:
    return f"[`{name}`](../{kind}/{slug(name)}.md)"


def _lengths(task: TaskCard) -> str:
    curve = "a learning curve" if "epochs" in task.layout else ""
    return ", ".join(f"{epochs} epochs" for epochs in task.fidelities) or curve


def _runs(task: TaskCard) -> str:
    several = max(len(task.targets), task.seeds)
    if several > 1:
        return f"{several}, each by itself"
    if isinstance(task.runs, str):
        return f"averaged; how many says the column `{task.runs}`"
    return str(task.runs)


def _measured(full: str) -> str:
    """Facts of an embedded table, computed now."""
    info = task_info(full)
    noise = f"{info.noise:.3g}" if info.noise is not None else "not known"
    rows = [
        ["architectures", f"{info.pool_size:,}"],
        ["different networks", f"{info.groups:,}"],
        [
            "highest, median and lowest value",
            f"{info.optimum:.4g}, {info.median:.4g}, {info.worst:.4g}",
        ],
        ["deviation of a single training", noise],
        ["encodings that fit", ", ".join(f"`{name}`" for name in info.encodings)],
    ]
    remarks = "".join(f"\n- {_sentence(remark)}" for remark in info.remarks)
    return _section("The table", table(["", ""], rows) + remarks)


def _origin(card: Card) -> str:
    cite = " ".join(card.citation.split()).rstrip(".")
    lines = [_sentence(card.licence), f"Cite: {cite}." if cite else ""]
    lines.append(f"Home: <{card.url}>" if card.url else "")
    for file in card.sources.values():
        size = f" ({file.bytes:,} bytes)" if file.bytes else ""
        lines.append(f"File: {_home(file)}{size}")
    return "\n\n".join(line for line in lines if line)


def _home(file: SourceFile) -> str:
    """Where a file is published."""
    if file.url:
        return f"<{file.url}>"
    if file.package:
        return f"`{file.path}` in the wheel of `{file.package}=={file.version}`"
    return f"`{file.repo}` at `{(file.commit or '')[:12]}`, `{file.path}`"


def _bibtex(card: Card) -> str:
    text = "\n\n".join(entries(card.bibtex).values())
    return f"```bibtex\n{text}\n```" if text else ""


def _results(full: str, standings: Standings) -> str:
    """The methods that rank highest on the task, of every published result that has it."""
    texts = []
    rows = standings.predictions[standings.predictions["task"] == full]
    for results, own in rows.groupby("results"):
        largest = own["train_size"].max()
        texts.append(
            _ranked(
                own[own["train_size"] == largest],
                "predictor",
                "tau",
                "mean τ",
                f"with {largest} examples",
                str(results),
                standings,
            )
        )
    rows = standings.searches[standings.searches["task"] == full]
    for results, own in rows.groupby("results"):
        last = own["budget"].max()
        measure = str(own["measure"].iloc[0])
        texts.append(
            _ranked(
                own[own["budget"] == last],
                "method",
                "score",
                f"mean {measure}",
                f"after {last} evaluations",
                str(results),
                standings,
            )
        )
    return "\n".join(texts)


def _ranked(
    own: pd.DataFrame,
    subject: str,
    column: str,
    what: str,
    when: str,
    results: str,
    standings: Standings,
) -> str:
    own = own.sort_values(["rank", subject], kind="stable").head(MOST)
    lines = [
        [f"{r.rank:.0f}", f"`{getattr(r, subject)}`", f"{getattr(r, column):.4g}"]
        for r in own.itertuples()
    ]
    count = int(own["methods"].max())
    command = standings.commands.get(results)
    made = f" (`{command}`)" if command else ""
    return (
        f"The first of {count} by their means over seeds, {when}, in "
        f"[{results}](../results/{results}.md){made}; that page says which differences are "
        f"significant.\n\n" + table(["rank", subject, what], lines)
    )


def _live(name: str) -> str:
    factory = live_factory(name)
    target = f"{factory.__module__}.{factory.__name__}"
    return (
        f"# {name}\n\nTrains what it is asked for, and keeps what was trained.\n\n"
        "```python\nfrom surrobench.tasks.live.live import live_task\n\n"
        f'task = live_task("{name}")\n```\n\n'
        f"```{{eval-rst}}\n.. autofunction:: {target}\n   :no-index:\n```\n\n"
        "How live tasks are used in studies and searches: [train live](../../how-to/live.md).\n"
    )
