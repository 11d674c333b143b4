"""Whether two run folders hold the same numbers, and what may have made them different."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path

from surrobench.base.wording import counted
from surrobench.errors import UserError
from surrobench.studies.run_folder.environment import differences
from surrobench.studies.run_folder.plan_file import read_plan_file
from surrobench.studies.run_folder.record import Record, canonical_json
from surrobench.studies.run_folder.run_files import read_environments
from surrobench.studies.run_folder.store import ResultStore

_SHOWN = 5


def disagreements(first: Path, second: Path) -> list[str]:
    """Sentences about what differs between two run folders; none if the numbers are the same.

    Cells that both have are compared by their reproducible part; then come the cells that only one
    of them has, and the environments.
    """
    one, other = _current(first), _current(second)
    common = [key for key in one if key in other]
    changed = [
        key
        for key in common
        if canonical_json(one[key].numbers) != canonical_json(other[key].numbers)
    ]
    sentences = [*_missing(one, other, first, second)]
    if changed:
        sentences.append(
            f"{len(changed)} of {counted(len(common), 'common cell')} with other numbers:"
        )
        sentences += [f"  {difference(one[key], other[key])}" for key in changed[:_SHOWN]]
        if len(changed) > _SHOWN:
            sentences.append(f"  and {len(changed) - _SHOWN} more")
        sentences += _reasons(first, second)
    return sentences


def _current(folder: Path) -> dict[str, Record]:
    """The intact records that the folder's plan names."""
    store = ResultStore(folder)
    if not store.exists:
        raise UserError(f"{folder} is not a run folder with cells.")
    records = store.scan().records
    planned = set(read_plan_file(folder).keys.values())
    return {key: record for key, record in records.items() if key in planned or not planned}


def _missing(
    one: Mapping[str, Record], other: Mapping[str, Record], first: Path, second: Path
) -> Iterator[str]:
    for here, there, folder in ((one, other, first), (other, one, second)):
        lonely = [key for key in here if key not in there]
        if lonely:
            names = {str(named(here[key])): None for key in lonely}
            text = "; ".join(list(names)[:_SHOWN])
            more = "; …" if len(names) > _SHOWN else ""
            yield f"{counted(len(lonely), 'cell is', 'cells are')} in {folder} alone: {text}{more}"


def named(record: Record) -> str:
    """Task, method (with its encoding), train size and seed of a record, in one line."""
    payload = record.payload
    names = ("task", "predictor", "strategy", "encoding", "train_size", "seed")
    parts = [payload.get(name) for name in names]
    return ", ".join(str(part) for part in parts if part not in (None, ""))


def difference(one: Record, other: Record) -> str:
    """A cell and where its two payloads are furthest apart."""
    names = [
        name
        for name in {**one.payload, **other.payload}
        if canonical_json(one.payload.get(name)) != canonical_json(other.payload.get(name))
    ]
    numbers = [name for name in names if _is_number(one, name) and _is_number(other, name)]
    if not numbers:
        return f"{named(one)}: {', '.join(names)}"
    worst = max(numbers, key=lambda name: abs(one.payload[name] - other.payload[name]))
    before, now = one.payload[worst], other.payload[worst]
    many = counted(len(names), "value differs", "values differ")
    return f"{named(one)}: {worst} is {before!r} and {now!r} ({many})"


def _is_number(record: Record, name: str) -> bool:
    value = record.payload.get(name)
    return isinstance(value, int | float) and math.isfinite(value)


def _reasons(first: Path, second: Path) -> list[str]:
    """What differs between the environments that the folders were computed in."""
    before, now = read_environments(first), read_environments(second)
    if not before or not now:
        return ["Of one of them no environment is kept, so the reason is not known."]
    found = differences(before[-1], now[-1])
    several = [
        f"{folder} was computed in {len(seen)} environments"
        for folder, seen in ((first, before), (second, now))
        if len(seen) > 1
    ]
    if not found and not several:
        return [
            "Versions, threads and kernels are the same, so something else decides: code of one's "
            "own that draws without a seed, or another processor behind the same kernels."
        ]
    return ["What differs around them: " + "; ".join([*found, *several]) + "."]
