"""Data for workers that lack it: files by checksum, each sent to a worker once.

A worker first looks whether it can plan the study from what it has: published tables in its own
cache, cards and tables under the same path on a shared disk. Only otherwise the driver makes a list
of all files (:class:`Manifest`), and the worker asks for those that its cache does not hold. Tables
of published cards go where the worker's cache would have them; what is the user's own goes into a
folder of the cache that is named by the checksum of the list.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from surrobench.errors import UserError
from surrobench.studies.kinds import AnyStudy
from surrobench.studies.prediction.config import Study
from surrobench.studies.settings import OTHERS, sources_by_glob
from surrobench.tasks.catalogue import bundled, is_card_path, is_live, split
from surrobench.tasks.files.sources import cache_folder
from surrobench.tasks.loading import data_path
from surrobench.tasks.tables.card import Card
from surrobench.tasks.tables.card_file import read_card

CHUNK_BYTES = 4 * 2**20
"""So much of a file goes into one message."""


@dataclass(frozen=True)
class SharedFile:
    """A file that workers may need.

    Attributes:
        name: where it lies in the cache, or in the folder of the manifest, with ``/`` between.
        digest: its SHA-256.
        size: in bytes.
        published: whether its place is in the cache itself.
    """

    name: str
    digest: str
    size: int
    published: bool


@dataclass(frozen=True)
class Manifest:
    """All files of a study.

    Attributes:
        files: with their checksums.
        cards: card as the study names it -> its name among the files.
        data: name of the user's own data of live tasks, "" for none.
    """

    files: tuple[SharedFile, ...] = ()
    cards: Mapping[str, str] = field(default_factory=dict)
    data: str = ""

    @property
    def digest(self) -> str:
        """Names the folder of these files."""
        return hashlib.sha256(repr((self.files, self.data)).encode()).hexdigest()[:24]

    @property
    def folder(self) -> Path:
        """Where this machine has those that are the user's own."""
        return cache_folder() / "cluster" / self.digest

    def path(self, file: SharedFile) -> Path:
        """Where this machine has a file, or would have it.

        Raises:
            UserError: for a name that leads elsewhere.
        """
        name = PurePosixPath(file.name)
        if name.is_absolute() or ".." in name.parts:
            raise UserError(f"{file.name!r} is no name of a file of a study.")
        return (cache_folder() if file.published else self.folder) / name

    def lacking(self) -> list[SharedFile]:
        """Files that this machine does not have as they should be."""
        return [file for file in self.files if not _is_there(self.path(file), file)]

    def spec(self, task: str) -> str:
        """A task as it is named on a machine that got its card sent."""
        card = _card_of(task)
        if card not in self.cards:
            return task
        return f"{self.folder / self.cards[card]}{task.removeprefix(card)}"

    def live(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Options of live tasks there."""
        if not self.data or "data" not in options:
            return dict(options)
        return {**options, "data": str(self.folder / self.data)}

    def study(self, study: AnyStudy) -> AnyStudy:
        """The study there."""
        moved = study.moved(self.spec)
        if isinstance(moved, Study):
            return moved
        return moved.model_copy(update={"live": self.live(moved.live)})

    def cell(self, cell: Any) -> Any:
        """A cell there; its key stays what it is."""
        changed: dict[str, Any] = {"spec": self.spec(cell.spec)}
        if hasattr(cell, "live"):
            changed["live"] = self.live(cell.live)
        if hasattr(cell, "objectives"):
            changed["objectives"] = tuple(map(self.spec, cell.objectives))
            changed["constraints"] = {
                self.spec(name): text for name, text in cell.constraints.items()
            }
        return replace(cell, **changed)


def _card_of(task: str) -> str:
    """The path of the card in the name of a task; "" if there is none."""
    return f"{task.rpartition('.toml')[0]}.toml" if is_card_path(task) else ""


def _is_there(path: Path, file: SharedFile) -> bool:
    try:
        return path.stat().st_size == file.size and _digest(path) == file.digest
    except OSError:
        return False


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def manifest_of(study: AnyStudy, base: Path) -> tuple[Manifest, dict[str, Path]]:
    """The files of a study, and where this machine has each of them, by name.

    Raises:
        UserError: if one cannot be had or sent.
    """
    files: dict[str, tuple[Path, bool]] = {}
    cards: dict[str, str] = {}
    for task in _tasks_of(study):
        name = _card_of(task)
        if name and name not in cards:
            cards[name] = _add_own(files, split(task, base)[0], len(cards))
        elif not name and task.partition("/")[0] in bundled():
            card = read_card(bundled()[task.partition("/")[0]][0])
            if card.data is None:
                _add_published(files, card)
    data = _add_live_data(files, getattr(study, "live", {}), base)
    listed = tuple(
        SharedFile(name, _digest(path), path.stat().st_size, published)
        for name, (path, published) in sorted(files.items())
    )
    return Manifest(listed, cards, data), {name: path for name, (path, _) in files.items()}


def _tasks_of(study: AnyStudy) -> Iterable[str]:
    sources = sources_by_glob(getattr(study, "sources", None)).values()
    more = (
        *(getattr(study, "objectives", None) or ()),
        *getattr(study, "constraints", {}),
        *(name for names in sources for name in names if name != OTHERS),
    )
    return dict.fromkeys(task for task in (*study.tasks, *more) if not is_live(task))


def _add_published(files: dict[str, tuple[Path, bool]], card: Card) -> None:
    path = data_path(card, Path())
    try:
        name = path.relative_to(cache_folder()).as_posix()
    except ValueError:  # published as it is, and in a mirror
        assert card.published is not None
        name = f"downloads/{card.published.relative}"
    files[name] = path, True
    beside = path.with_name(f"{path.name}.sha256")
    if beside.is_file():
        files[f"{name}.sha256"] = beside, True


def _add_own(files: dict[str, tuple[Path, bool]], path: Path, number: int) -> str:
    """Add a card of the user and its table, so that the one finds the other."""
    card = read_card(path)
    if card.data is None:
        _add_published(files, card)
        name = f"card-{number}/{path.name}"
    else:
        data = Path(card.data).expanduser()
        if data.is_absolute():
            raise UserError(
                f"the card {path} names its table by the absolute path {card.data}, which a worker "
                "does not have; name it as seen from the card."
            )
        up = "in/" * data.parts.count("..")
        name = f"card-{number}/{up}{path.name}"
        found = os.path.normpath(f"card-{number}/{up}{data.as_posix()}")
        files[Path(found).as_posix()] = data_path(card, path.parent), False
    files[name] = path, False
    return name


def _add_live_data(files: dict[str, tuple[Path, bool]], live: Mapping[str, Any], base: Path) -> str:
    """Add the user's own data of live tasks: a file with its labels, or a folder of images."""
    if "data" not in live:
        return ""
    path = base / str(live["data"])
    if path.is_dir():
        found = sorted(file for file in path.rglob("*") if file.is_file())
    else:
        found = [path, *filter(Path.is_file, [path.with_suffix(".tsv")])]
    for file in found:
        files[f"live/{file.relative_to(path.parent).as_posix()}"] = file, False
    return f"live/{path.name}"


def write_chunk(manifest: Manifest, file: SharedFile, offset: int, chunk: bytes) -> bool:
    """Take in a part of a file; whether it is whole now.

    Raises:
        UserError: if what came is not what was announced.
    """
    target = manifest.path(file)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".part-{os.getpid()}-{target.name}")
    with part.open("r+b" if offset else "wb") as stream:
        stream.seek(offset)
        stream.write(chunk)
    if offset + len(chunk) < file.size:
        return False
    if _digest(part) != file.digest:
        with suppress(OSError):
            part.unlink()
        raise UserError(f"{file.name} did not arrive as it was sent.")
    os.replace(part, target)
    return True


def read_chunk(path: Path, offset: int) -> bytes:
    """The part of a file from ``offset`` on that goes into one message."""
    with path.open("rb") as stream:
        stream.seek(offset)
        return stream.read(CHUNK_BYTES)
