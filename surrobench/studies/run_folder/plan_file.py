"""``plan.json`` of a run folder: which cells were asked for, over all runs into that folder.

A folder may hold a part of a study (a shard). Then the file says of which whole the cells are, and
where in it each of them stands, so that parts can be put together in the order of the study.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from surrobench.base.atomic import write_atomically
from surrobench.base.sealed import seal, unseal
from surrobench.base.wording import counted
from surrobench.errors import DamagedStoreError
from surrobench.studies.kinds import KINDS
from surrobench.studies.plan import Plan, Skipped
from surrobench.studies.run_folder.key_list import KeyList

PLAN_FILE = "plan.json"
WHAT = "plan"
SINGULAR = {"tasks": "task", "predictors": "predictor", "strategies": "strategy"}
MANY = 20_000
"""With more cells than this a plan is written in columns, which take a fraction of the room."""
_WIDTHS = (1, 2, 4)
Name = tuple[Any, ...]
T = TypeVar("T")


@dataclass(frozen=True)
class Whole:
    """A study as a whole, of which a folder may hold a part.

    Attributes:
        digest: of the keys of all its cells, whatever their order.
        cells: how many there are.
    """

    digest: str
    cells: int

    @classmethod
    def of(cls, keys: Iterable[str]) -> Whole:
        """The study that has cells of these keys."""
        known = sorted(keys)
        return cls(hashlib.sha256("\n".join(known).encode()).hexdigest(), len(known))


@dataclass
class PlannedCells:
    """The cells of a run folder, in the order of the report.

    Attributes:
        keys: name of the cell (its identity) -> key of its current version.
        skipped: what the studies left out on purpose.
        ingredients: what entered the keys, by kind and name.
        kind: of the studies.
        methods: of the latest study, each by its parts (:class:`~surrobench.studies.kind.Kind`)
            or by its name alone; empty where they are not known.
        rankings: of tasks; see :class:`~surrobench.studies.plan.Plan`.
        version: of the numbers of this kind of study; 0 where that is not known.
        whole: the latest study as a whole; None if the cells here are all of it, in its order.
        places: of the cells here in that study; those that it does not have are missing.
    """

    keys: dict[Name, str] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)
    ingredients: dict[str, dict[str, str]] = field(default_factory=dict)
    kind: str = "prediction"
    methods: list[Name] = field(default_factory=list)
    rankings: dict[str, str] = field(default_factory=dict)
    version: int = 0
    whole: Whole | None = None
    places: dict[Name, int] = field(default_factory=dict)

    def changed(self, plan: Plan) -> list[Name]:
        """Names of cells that the folder knows under another key."""
        if not self.keys:
            return []
        names = ((cell.name(), cell.key) for cell in plan.cells)
        return [name for name, key in names if self.keys.get(name, key) != key]

    def explain(self, plan: Plan) -> list[str]:
        """Which tasks and predictors are no longer what they were."""
        sentences = []
        for kind, now in plan.ingredients.items():
            before = self.ingredients.get(kind, {})
            for name, value in now.items():
                if name in before and before[name] != value:
                    sentences.append(difference(SINGULAR[kind], name, before[name], value))
        return sentences

    def add(self, plan: Plan, share: Plan | None = None) -> None:
        """Take in the cells of a plan; newer versions replace older ones of the same name.

        Args:
            plan: of the study.
            share: with those of its cells that are asked for here; by default all.
        """
        self.kind, self.version = plan.kind, plan.version
        parts = KINDS[plan.kind].parts
        named = {cell.name(): cell.key for cell in plan.cells}
        columns = list(plan.cells[0].identity()) if plan.cells else []
        method = [columns.index(part) for part in parts if columns]
        self.methods = list(dict.fromkeys(tuple(name[at] for at in method) for name in named))
        mine = named
        if share is not None and share is not plan:
            mine = {cell.name(): cell.key for cell in share.cells}
        for name, key in named.items():
            if name not in mine and self.keys.get(name, key) != key:
                del self.keys[name]  # another shard computes it anew
        self.keys.update(mine)
        places = {name: place for place, name in enumerate(named)}
        whole = Whole.of(named.values())
        self.arrange(whole, places, in_order=self.whole == whole)
        for kind, values in plan.ingredients.items():
            self.ingredients.setdefault(kind, {}).update(values)
        self.rankings.update(plan.rankings)
        kept = [skip for skip in self.skipped if skip not in plan.skipped]
        self.skipped = [*kept, *plan.skipped]

    def arrange(self, whole: Whole, places: Mapping[Name, int], *, in_order: bool) -> None:
        """Say of which study the cells are.

        Args:
            whole: the study.
            places: of its cells, at least of those that are here.
            in_order: put the cells in the order of the study, those that it does not have behind;
                otherwise what came first stays first.
        """
        if in_order:
            end = len(places)
            ordered = sorted(self.keys, key=lambda name: places.get(name, end))
            self.keys = {name: self.keys[name] for name in ordered}
        self.places = {name: places[name] for name in self.keys if name in places}
        self.whole = whole
        if len(self.keys) == whole.cells and list(self.places.values()) == list(range(whole.cells)):
            self.whole, self.places = None, {}  # all of it, in its order

    @property
    def is_known(self) -> bool:
        """Whether the folder has a plan, which may be of no cells at all."""
        return bool(self.keys) or self.whole is not None

    @property
    def elsewhere(self) -> int:
        """Cells of the study that are not here."""
        return 0 if self.whole is None else self.whole.cells - len(self.places)

    @property
    def study(self) -> Whole:
        """The study as a whole, which may be all that is here."""
        return self.whole or Whole.of(self.keys.values())

    def places_in_study(self) -> dict[Name, int]:
        """Where the cells stand in the study; those that it does not have are missing."""
        if self.whole is not None:
            return self.places
        return {name: place for place, name in enumerate(self.keys)}

    def save(self, folder: Path) -> None:
        """Write ``plan.json``, sealed."""
        content = {
            "kind": self.kind,
            "cells": _written(self.keys),
            "skipped": [asdict(skip) for skip in self.skipped],
            "ingredients": self.ingredients,
            "methods": self.methods,
            "rankings": self.rankings,
            "version": self.version,
        }
        if self.whole is not None:
            content["whole"] = asdict(self.whole)
            content["places"] = [self.places.get(name) for name in self.keys]
        body = json.dumps(content, ensure_ascii=False).encode()
        write_atomically(folder / PLAN_FILE, seal(body, WHAT))


def _written(keys: Mapping[Name, str]) -> Any:
    """Cells as rows of key and name; where there are many, as columns of numbered values."""
    if len(keys) <= MANY:
        return [[key, *name] for name, key in keys.items()]
    columns = []
    for column in zip(*keys, strict=True):
        values: dict[Any, int] = {}
        numbers = [values.setdefault(value, len(values)) for value in column]
        columns.append({"values": list(values), "numbers": _packed(numbers)})
    return {"keys": KeyList(keys.values()).written(), "columns": columns}


def _read(cells: Any) -> dict[Name, str]:
    if isinstance(cells, list):
        return {tuple(name): key for key, *name in cells}
    texts = [
        [column["values"][n] for n in _unpacked(column["numbers"])] for column in cells["columns"]
    ]
    return dict(zip(zip(*texts, strict=True), KeyList.read(cells["keys"]), strict=True))


def _packed(numbers: Sequence[int]) -> Any:
    """Numbers below 2^32 as text: so many bytes each, the lowest first, in base 64."""
    width = next(width for width in _WIDTHS if max(numbers, default=0) < 256**width)
    content = np.array(numbers, dtype=f"<u{width}").tobytes()
    return {"width": width, "base64": base64.b64encode(content).decode()}


def _unpacked(written: Any) -> list[int]:
    """The same numbers; earlier versions wrote a list."""
    if isinstance(written, list):
        return written
    if written["width"] not in _WIDTHS:
        raise ValueError(f"numbers of {written['width']!r} bytes")
    content = base64.b64decode(written["base64"], validate=True)
    return list(np.frombuffer(content, dtype=f"<u{written['width']}").tolist())


def difference(kind: str, name: str, before: str, now: str) -> str:
    """What changed, option by option where the description is that of an object."""
    try:
        changes = list(_changes("", json.loads(before), json.loads(now)))
    except ValueError:  # the fingerprint of a table
        changes = ["its data changed"]
    return f"{kind} {name!r}: " + "; ".join(changes)


def _changes(path: str, before: Any, now: Any) -> Iterator[str]:
    if before == now:
        return
    if isinstance(before, dict) and isinstance(now, dict):
        for key in sorted({*before, *now}):
            inner = path if key == "options" else f"{path}.{key}".lstrip(".")
            yield from _changes(inner, before.get(key), now.get(key))
    elif path.endswith("class"):
        yield f"its code changed ({now.partition('#')[0]})"
    else:
        yield f"{path} was {json.dumps(before)}, is {json.dumps(now)}"


@dataclass(frozen=True)
class PlanOverview:
    """What a plan says without the names of its cells, which take the most time to read.

    Attributes:
        keys: of the cells.
        elsewhere: cells of the study that are not here.
        skipped: what the studies left out on purpose.
        kind: of the studies.
        is_known: whether there is a plan.
    """

    keys: KeyList
    elsewhere: int = 0
    skipped: Sequence[Skipped] = ()
    kind: str = "prediction"
    is_known: bool = True


def read_plan_file(folder: Path) -> PlannedCells:
    """The plan of a run folder; empty if there is none.

    Raises:
        DamagedStoreError: if the file is damaged.
    """
    return _understood(folder / PLAN_FILE, _planned, PlannedCells)


def read_overview(folder: Path) -> PlanOverview:
    """The plan of a run folder without names; without a plan one that ``is_known`` tells apart.

    Raises:
        DamagedStoreError: if the file is damaged.
    """
    return _understood(
        folder / PLAN_FILE, _overview, lambda: PlanOverview(KeyList(()), is_known=False)
    )


def _understood(path: Path, read: Callable[[Any], T], missing: Callable[[], T]) -> T:
    if not path.is_file():
        return missing()
    try:
        return read(_content(path.read_bytes()))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise DamagedStoreError(
            f"{path} is damaged ({error}); delete it and run the study again: "
            "finished cells are kept."
        ) from error


def _planned(content: Any) -> PlannedCells:
    keys = _read(content["cells"])
    methods = [
        (method,) if isinstance(method, str) else tuple(method)
        for method in content.get("methods", [])
    ]
    rankings = content.get("rankings", {})
    version = content.get("version", 0)
    planned = PlannedCells(
        keys, _skipped(content), content["ingredients"], _kind(content), methods, rankings, version
    )
    if "whole" in content:
        planned.whole = Whole(**content["whole"])
        places = zip(keys, content["places"], strict=True)
        planned.places = {name: place for name, place in places if place is not None}
    return planned


def _overview(content: Any) -> PlanOverview:
    cells = content["cells"]
    many = not isinstance(cells, list)
    keys = KeyList.read(cells["keys"]) if many else KeyList(key for key, *_ in cells)
    elsewhere = 0
    if "whole" in content:
        here = sum(place is not None for place in content["places"])
        elsewhere = Whole(**content["whole"]).cells - here
    known = len(keys) > 0 or "whole" in content
    return PlanOverview(keys, elsewhere, _skipped(content), _kind(content), known)


def _skipped(content: Any) -> list[Skipped]:
    return [Skipped(**skip) for skip in content["skipped"]]


def _kind(content: Any) -> str:
    return str(content.get("kind", "prediction"))


def _content(written: bytes) -> Any:
    """What is in a plan; those of earlier versions are not sealed."""
    if not written.startswith(b'{"sha256"'):
        plain = json.loads(written)
        if "cells" in plain:
            return plain
    return json.loads(unseal(written, WHAT))


def summarise_skipped(skipped: Iterable[Skipped]) -> list[str]:
    """One line per reason and set of train sizes, with the predictors that it concerns."""
    places: dict[tuple[str, str], list[Skipped]] = {}
    for skip in skipped:
        places.setdefault((skip.predictor, skip.reason), []).append(skip)
    groups: dict[tuple[str, str, int], list[tuple[str, int]]] = {}
    for (predictor, reason), skips in places.items():
        sizes = ", ".join(map(str, sorted({skip.train_size for skip in skips})))
        tasks = len({skip.task for skip in skips})
        cells = sum(skip.cells for skip in skips)
        groups.setdefault((reason, sizes, tasks), []).append((predictor, cells))
    return [
        f"{_named([predictor for predictor, _ in members])}: "
        f"{counted(sum(cells for _, cells in members), 'cell')} at train size {sizes} "
        f"on {counted(tasks, 'task')} ({reason})"
        for (reason, sizes, tasks), members in groups.items()
    ]


def _named(names: list[str], most: int = 4) -> str:
    return ", ".join(names) if len(names) <= most else f"{len(names)} predictors"
