"""``surrobench info``: what a task measures, how noisy it is, and whose data it is."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from surrobench.base.wording import counted
from surrobench.cli.console import say, tell
from surrobench.cli.formats import print_json

if TYPE_CHECKING:
    from surrobench.tasks.info import TaskInfo
    from surrobench.tasks.tables.accounts import DecisionAccount

_LABEL_WIDTH = 14
_LINE_WIDTH = 96


def info_command(spec: str, *, as_json: bool = False) -> None:
    """Explain one task, or every task of a card."""
    from surrobench.tasks import expand_tasks, task_info

    if as_json:
        names = expand_tasks(spec, Path.cwd())
        print_json([_for_programs(task_info(task, Path.cwd())) for task in names])
        return
    for number, task in enumerate(expand_tasks(spec, Path.cwd())):
        if number:
            say()
        _explain(task_info(task, Path.cwd()))


def _for_programs(info: TaskInfo) -> dict[str, Any]:
    content = asdict(info)
    content["decisions"] = [
        {"names": list(account.names), "read_as": account.sentence()} for account in info.decisions
    ]
    return content


def _explain(info: TaskInfo) -> None:
    say(info.name, style="bold")
    for label, text in _facts(info):
        lines = textwrap.wrap(text, _LINE_WIDTH - _LABEL_WIDTH, break_on_hyphens=False) or [""]
        say(f"{label:<{_LABEL_WIDTH}}{lines[0]}")
        for line in lines[1:]:
            say(" " * _LABEL_WIDTH + line)
    for remark in info.remarks:
        tell(f"Note: {remark}", style="yellow")
    if info.bibtex:
        say()
        say(info.bibtex.strip())


def _facts(info: TaskInfo) -> Iterator[tuple[str, str]]:
    """Label and text of each line; what is not known is left out or said to be unknown."""
    if info.description:
        yield "measures", info.description
    if info.protocol:
        yield "obtained by", info.protocol
    better = "larger is better" if info.direction == "maximize" else "smaller was better"
    unit = info.unit or "not stated"
    yield "unit", f"{unit} ({better} at the source; here larger is always better)"
    yield "space", f"{info.space}, {counted(info.space_size, 'architecture')}"
    yield from decision_lines(info.decisions)
    yield (
        "pool",
        f"{counted(info.pool_size, 'architecture')} with a value{_left_out(info)}",
    )
    yield "duplicates", _duplicates(info)
    yield "values", f"best {info.optimum:.6g}, median {info.median:.6g}, worst {info.worst:.6g}"
    if info.ranks_as is not None:
        yield "ranking", f"the same as that of {info.ranks_as}: do not count both"
    yield "resolution", _resolution(info)
    yield "runs", _runs(info)
    yield "noise", _noise(info)
    if info.fidelities:
        yield "epochs", _listed(map(str, info.fidelities))
    yield "training time", "known" if info.has_cost else "not known"
    if info.measured:
        yield "measured", _listed(_measured(info))
    if info.subsets:
        yield "subsets", _listed(f"{name} ({size:,})" for name, size in info.subsets.items())
    yield "encodings", f"{', '.join(info.encodings)} (default: {info.default_encoding})"
    yield "licence", info.licence
    if info.citation:
        yield "cite", info.citation
    if info.url:
        yield "source", info.url


def decision_lines(accounts: Iterable[DecisionAccount]) -> Iterator[tuple[str, str]]:
    """How every decision was read, a label and a text each."""
    for account in accounts:
        names = list(account.names)
        shown = names[0] if len(names) == 1 else f"{names[0]} … {names[-1]} ({len(names)})"
        yield "decision", f"{shown}: {account.sentence()}"


_MERGED = "averaged into another with the same decisions"


def _left_out(info: TaskInfo) -> str:
    counts = (
        (info.missing, "has no value", "have no value"),
        (info.dropped, "is wrong and left out", "are wrong and left out"),
        (info.merged, f"is {_MERGED}", f"are {_MERGED}"),
    )
    told = [counted(count, f"row {one}", f"rows {many}") for count, one, many in counts if count]
    return f" ({'; '.join(told)})" if told else ""


def _duplicates(info: TaskInfo) -> str:
    if not info.repeated:
        return "no two architectures are the same network"
    spread = ""
    if info.group_spread is not None:
        spread = (
            f"; values of equal networks differ by {info.group_spread:.3g} (standard deviation)"
        )
    published = ""
    if info.published_groups is not None:
        published = f" ({info.published_groups:,} by the published key)"
    shared = counted(
        info.repeated, "architecture shares its network", "architectures share their network"
    )
    return f"{shared} with another; {counted(info.groups, 'different network')}{published}{spread}"


def _resolution(info: TaskInfo) -> str:
    if info.resolution is not None:
        return f"{info.resolution:.3g}: values are rounded to it, and equal ones are ties"
    if not info.near_ties:
        return "not stated; values are as the table has them"
    return (
        f"not stated, and {counted(info.near_ties, 'value differs', 'values differ')} from the "
        "next by rounding noise alone: "
        "set the key 'resolution' in the card, or ties and fronts follow the noise"
    )


def _runs(info: TaskInfo) -> str:
    """How many runs stand behind the values, and whether the best of them is a lucky one."""
    most = max(info.run_counts)
    if len(info.run_counts) == 1:
        return f"{_so_many(most)} behind each value"
    counts = sorted(info.run_counts.items(), reverse=True)
    told = ", ".join(
        f"{_so_many(runs)} behind {counted(values, 'value')}" for runs, values in counts
    )
    if info.optimum_runs == most:
        return told
    return (
        f"{told}; the best value, {info.optimum:.6g}, is of {_so_many(info.optimum_runs)}; the "
        f"best of those with {_so_many(most)} is {info.best_of_most_runs:.6g}"
    )


def _so_many(runs: int) -> str:
    return counted(runs, "run")


def _noise(info: TaskInfo) -> str:
    if info.noise is None:
        return "how much runs of one architecture differ is not known"
    return f"standard deviation of one run {info.noise:.3g}"


def _measured(info: TaskInfo) -> Iterator[str]:
    for name, missing in info.measured.items():
        counts = ((missing, "missing"), (info.infinite.get(name, 0), "infinite"))
        told = ", ".join(f"{count:,} {what}" for count, what in counts if count)
        yield f"{name} ({told})" if told else name


def _listed(names: Iterator[str]) -> str:
    return ", ".join(names)
