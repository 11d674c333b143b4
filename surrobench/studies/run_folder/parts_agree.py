"""Whether run folders are parts of one study: compared by what their plans say, refused by name."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from surrobench.base.wording import counted, one_or_many
from surrobench.errors import UserError, near_path
from surrobench.studies.run_folder.plan_file import (
    PLAN_FILE,
    SINGULAR,
    PlannedCells,
    read_plan_file,
)
from surrobench.studies.run_folder.plan_file import difference as changes
from surrobench.studies.run_folder.run_files import STUDY_FILE

_SHOWN = 5
_NOT_OF_CELLS = ("name", "description", "timeout_seconds", "memory_gib", "tasks", "live")
"""Keys of a study that its cells do not depend on, or that other sentences are about."""


@dataclass(frozen=True)
class Part:
    """A run folder with its plan."""

    folder: Path
    planned: PlannedCells

    @classmethod
    def read(cls, folder: Path) -> Part:
        """The part in a folder.

        Raises:
            UserError: if it is no run folder.
            DamagedStoreError: if its plan cannot be read.
        """
        part = cls.found(folder)
        if part is None:
            what = f"holds no {PLAN_FILE}" if folder.exists() else "does not exist"
            raise UserError(
                f"{folder} {what}, so it is no run folder. {near_path(folder)}Parts of a study are "
                "made by: "
                "surrobench run STUDY --shard 1/4 --out FOLDER"
            )
        return part

    @classmethod
    def found(cls, folder: Path) -> Part | None:
        """The part in a folder, if one was begun there."""
        if not (folder / PLAN_FILE).is_file():
            return None
        return cls(folder, read_plan_file(folder))

    @property
    def file(self) -> Path:
        """Its plan."""
        return self.folder / PLAN_FILE


def refuse_other_studies(parts: Sequence[Part]) -> None:
    """Refuse parts of different studies, versions of the numbers or data.

    Raises:
        UserError: naming files, and what differs between them.
    """
    first = parts[0]
    for other in parts[1:]:
        found = list(_differences(first, other))
        if found:
            shown = found[:_SHOWN]
            shown += (
                [f"and {counted(len(found) - _SHOWN, 'more difference')}"]
                if len(found) > _SHOWN
                else []
            )
            raise UserError(
                f"{first.folder} and {other.folder} are not parts of one study:\n  "
                + "\n  ".join(shown)
                + "\nRun the same study with the same version on the same data for every part, or "
                "compare whole runs by: surrobench report RUN OTHER"
            )


def _differences(one: Part, other: Part) -> Iterator[str]:
    first, second = one.planned, other.planned
    if first.kind != second.kind:
        yield f"{one.file} is of a {first.kind} study, {other.file} of a {second.kind} study"
        return
    if first.version and second.version and first.version != second.version:
        yield (
            f"{one.file} has version {first.version} of the numbers of {first.kind} studies, "
            f"{other.file} has version {second.version}: they were made by different versions of "
            "surrobench"
        )
        return
    if first.study == second.study:
        return
    told = [*ingredients_that_differ(one, other), *settings_that_differ(one, other)]
    yield from told
    if told:
        return
    changed = [n for n, key in first.keys.items() if second.keys.get(n, key) != key]
    if changed:
        name = ", ".join(str(part) for part in changed[0] if part not in ("", None))
        yield (
            f"{counted(len(changed), 'cell')} of one name "
            f"{one_or_many(len(changed), 'has', 'have')} other keys, such as {name}: "
            f"{first.keys[changed[0]]} in {one.file}, {second.keys[changed[0]]} in {other.file}"
        )
    else:
        yield (
            f"{one.file} is of {counted(first.study.cells, 'cell')}, {other.file} of "
            f"{second.study.cells} "
            f"({first.study.digest[:12]} and {second.study.digest[:12]})"
        )


def ingredients_that_differ(one: Part, other: Part) -> Iterator[str]:
    """Tasks and methods that only one has, or that are not the same."""
    for kind, before in one.planned.ingredients.items():
        now = other.planned.ingredients.get(kind, {})
        singular = SINGULAR[kind]
        for name in [*before, *(name for name in now if name not in before)]:
            if name not in now or name not in before:
                place = other if name in now else one
                yield f"{singular} {name!r} is in {place.file} alone"
            elif before[name] != now[name] and kind == "tasks":
                yield (
                    f"{singular} {name!r} is other data: its fingerprint is "
                    f"{before[name][:16]} in {one.file}, {now[name][:16]} in {other.file}"
                )
            elif before[name] != now[name]:
                what = changes(singular, name, before[name], now[name])
                yield f"{what} (in {one.file} and {other.file})"


def settings_that_differ(one: Part, other: Part) -> Iterator[str]:
    """Keys of the study files that decide which cells there are."""
    before, now = _study(one.folder), _study(other.folder)
    for key in [*before, *(key for key in now if key not in before)]:
        if key not in _NOT_OF_CELLS and before.get(key) != now.get(key):
            yield (
                f"{key} is {_short(before.get(key))} in {one.folder / STUDY_FILE}, "
                f"{_short(now.get(key))} in {other.folder / STUDY_FILE}"
            )


def _study(folder: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads((folder / STUDY_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _short(value: Any) -> str:
    text = "not given" if value is None else str(value)
    return text if len(text) <= 60 else text[:59] + "…"
