"""Parts of a study put together: shards, and runs of it that did not come to the end.

What is copied are records, each checked against its checksum. Everything is looked at first, and
only then written, so that parts which do not belong together leave no trace; writing goes segment
by segment, so that a merge that was cut off goes on when it is repeated.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from surrobench.base.sealed import DamagedError, read_sealed
from surrobench.base.wording import counted
from surrobench.errors import UserError
from surrobench.studies.kinds import KINDS
from surrobench.studies.observer import RunObserver, Silent
from surrobench.studies.run_folder.agreement import difference
from surrobench.studies.run_folder.environment import differences
from surrobench.studies.run_folder.parts_agree import Part, refuse_other_studies
from surrobench.studies.run_folder.plan_file import PlannedCells
from surrobench.studies.run_folder.record import Record, canonical_json
from surrobench.studies.run_folder.run_files import (
    STUDY_FILE,
    add_environments,
    read_environments,
    write_study,
)
from surrobench.studies.run_folder.store import CorruptRecordError, ResultStore
from surrobench.studies.run_folder.tally import Tally
from surrobench.studies.stopping import stopping_when_unable
from surrobench.studies.study_file import load_study

_SHOWN = 5
UNFINISHED = "unfinished"


@dataclass
class Merged:
    """What a merge did.

    Attributes:
        folder: where the parts were put together.
        copied: folder of a part -> records that were copied from it.
        present: records that were there before.
        replaced: records without numbers, or damaged ones, that gave way to such with numbers.
        foreign: records of parts that belong to no cell of the study, and stay where they are.
        damaged: files of parts that were left out.
        tally: of the folder afterwards.
    """

    folder: Path
    copied: dict[Path, int] = field(default_factory=dict)
    present: int = 0
    replaced: int = 0
    foreign: int = 0
    damaged: list[Path] = field(default_factory=list)
    tally: Tally = field(default_factory=lambda: Tally(0, 0, 0, 0, (), 0, ""))


def merge(out: Path, parts: Sequence[Path], observer: RunObserver | None = None) -> Merged:
    """Put parts of a study together into a run folder like any other.

    Args:
        out: the run folder; what it holds already counts as a part.
        parts: run folders of the same study.
        observer: is told what the user should know.

    Raises:
        UserError: for a part that is none, parts of different studies, versions or data, and cells
            that have different numbers in two parts.
        DamagedStoreError: if a plan cannot be read.
        RunStoppedError: if records can no longer be written; repeated, the merge goes on.
    """
    observer = observer or Silent()
    others = {path.resolve(): path for path in parts if path.resolve() != out.resolve()}
    known = [Part.read(path) for path in others.values()]
    here = Part.found(out)
    everything = [*([here] if here else []), *known]
    if not everything:
        raise UserError(f"there is nothing to merge into {out}.")
    refuse_other_studies(everything)
    for part in known:
        holder = ResultStore(part.folder).holder()
        if holder:
            observer.note(f"{part.folder} is still running ({holder}); what is finished is copied")
    store = ResultStore(out)
    planned = _united(here, known)
    work = _Work(store, planned, [ResultStore(part.folder) for part in known])
    work.choose()
    store.prepare()
    with stopping_when_unable(out), store.lock():
        if Part.found(out) != here:
            raise UserError(f"another surrobench changed {out} meanwhile; repeat the merge.")
        store.sweep()
        planned.save(out)
        _copy_files(out, everything)
        _tell_environments(known, observer)
        work.copy()
        work.copy_unfinished()
        _finish(store, planned, work.merged, observer)
    return work.merged


def _united(here: Part | None, parts: Sequence[Part]) -> PlannedCells:
    """The plan of all parts: cells of the study in its order, and what was in the folder before."""
    base = (here or parts[0]).planned
    places = {}
    keys = dict(base.keys) if here else {}
    for part in [*([here] if here else []), *parts]:
        own = part.planned.places_in_study()
        places.update(own)
        keys.update({name: part.planned.keys[name] for name in own})
    planned = PlannedCells(
        keys, base.skipped, base.ingredients, base.kind, base.methods, base.rankings, base.version
    )
    planned.arrange(base.study, places, in_order=True)
    return planned


class _Work:
    """Which record is taken from where."""

    def __init__(
        self, store: ResultStore, planned: PlannedCells, parts: Sequence[ResultStore]
    ) -> None:
        self.store, self.parts = store, parts
        self.wanted = set(planned.keys.values())
        self.merged = Merged(store.folder, dict.fromkeys((part.folder for part in parts), 0))
        self._source: dict[str, ResultStore] = {}
        self._present = store.finished_keys()

    def choose(self) -> None:
        """Compare what stands in several places, and decide where every record comes from.

        Raises:
            UserError: if a cell has different numbers in two of them.
        """
        holders: dict[str, list[ResultStore]] = {}
        for place in (self.store, *self.parts):
            keys = place.finished_keys()
            if place is not self.store:
                self.merged.foreign += len(keys - self.wanted)
            for key in keys & self.wanted:
                holders.setdefault(key, []).append(place)
        conflicts: list[str] = []
        for key, places in sorted(holders.items()):
            if len(places) == 1:
                self._source[key] = places[0]  # checked when it is copied
                continue
            found = [(place, record) for place in places if (record := self._read(place, key))]
            if found:
                chosen = next((one for one in found if one[1].status == "ok"), found[0])
                self._source[key] = chosen[0]
                conflicts += _conflicts(chosen, found)
        if conflicts:
            shown = conflicts[:_SHOWN]
            shown += [f"and {len(conflicts) - _SHOWN} more"] if len(conflicts) > _SHOWN else []
            raise UserError(
                f"{counted(len(conflicts), 'cell has', 'cells have')} different numbers in two "
                "places, so nothing was merged:\n  "
                + "\n  ".join(shown)
                + "\nKeep the one that can be computed again "
                "(surrobench verify RUN OTHER says what differs around them) and remove the other."
            )

    def copy(self) -> None:
        """Copy what is chosen and not there yet, and remove the checkpoints of what is finished."""
        self.store.write_all(self._copies())

    def _copies(self) -> Iterator[Record]:
        merged = self.merged
        for key, place in self._source.items():
            if place is self.store:
                merged.present += 1
                continue
            record = self._read(place, key)
            if record is None:
                continue
            yield record
            merged.copied[place.folder] += 1
            merged.replaced += key in self._present
            if record.status == "ok":
                (self.store.folder / UNFINISHED / f"{key}.json").unlink(missing_ok=True)

    def copy_unfinished(self) -> None:
        """Copy the states of searches that were cut off, so that they go on where they are."""
        for part in self.parts:
            for path in sorted((part.folder / UNFINISHED).glob("*.json")):
                target = self.store.folder / UNFINISHED / path.name
                if path.stem in self.wanted and self._open(path.stem) and _newer(path, target):
                    target.parent.mkdir(exist_ok=True)
                    shutil.copy2(path, target)

    def _open(self, key: str) -> bool:
        """Whether a cell has no numbers yet."""
        try:
            return self.store.read(key).status != "ok"
        except (FileNotFoundError, CorruptRecordError):
            return True

    def _read(self, place: ResultStore, key: str) -> Record | None:
        try:
            return place.read(key)
        except CorruptRecordError:
            if place is not self.store:
                self.merged.damaged.append(place.where(key))
            return None


def _conflicts(
    chosen: tuple[ResultStore, Record], found: Iterable[tuple[ResultStore, Record]]
) -> Iterator[str]:
    """Records with other numbers than the chosen one; one without numbers gives way."""
    place, record = chosen
    for other, another in found:
        if another.status != "ok" or canonical_json(another.numbers) == canonical_json(
            record.numbers
        ):
            continue
        yield (
            f"{difference(record, another)} in {place.where(record.key)} and "
            f"{other.where(record.key)}"
        )


def _newer(path: Path, target: Path) -> bool:
    """Whether an intact file is newer than its copy, or has none."""
    with suppress(OSError, DamagedError, ValueError):
        read_sealed(path)
        return not target.is_file() or path.stat().st_mtime_ns > target.stat().st_mtime_ns
    return False


def _copy_files(out: Path, parts: Sequence[Part]) -> None:
    """The study, the environments, and what its kind keeps beside the results."""
    kind = KINDS[parts[0].planned.kind]
    for part in parts:
        if part.folder == out:
            continue
        add_environments(out, read_environments(part.folder))
        file = part.folder / STUDY_FILE
        if not (out / STUDY_FILE).is_file() and file.is_file():
            study, origin = load_study(str(file), allow_code=True)  # which is not imported
            write_study(study, origin.base, out)
        for name in kind.companions.values():
            if not (out / name).is_file() and (part.folder / name).is_file():
                shutil.copyfile(part.folder / name, out / name)


def _tell_environments(parts: Sequence[Part], observer: RunObserver) -> None:
    """Name parts that were computed with other versions, threads or kernels than the first."""
    known = [(part.folder, read_environments(part.folder)) for part in parts]
    known = [(folder, seen) for folder, seen in known if seen]
    for folder, seen in known[1:]:
        other = differences(known[0][1][-1], seen[-1])
        if other:
            observer.note(
                f"{folder} was computed in another environment than {known[0][0]}, so numbers may "
                "differ slightly: " + "; ".join(other)
            )


def _finish(
    store: ResultStore, planned: PlannedCells, merged: Merged, observer: RunObserver
) -> None:
    """Set aside what is damaged, make the view, and count."""
    from surrobench.studies.run_folder.view import make_view

    store.pack()
    found = store.check(planned.keys.values())
    for path in store.set_aside(found.corrupt):
        observer.note(f"the damaged record {path.stem[:12]}… was set aside in {path.parent}")
    make_view(store, planned, found.statuses)
    merged.tally = Tally.count(store, planned, found, merged.damaged)
