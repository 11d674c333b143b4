"""From the name of a task to the task."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from surrobench.base.process_state import without_collection
from surrobench.errors import UserError, did_you_mean
from surrobench.tasks.catalogue import bundled, is_card_path, single, split
from surrobench.tasks.files.reading import find_data
from surrobench.tasks.files.sources import Progress
from surrobench.tasks.pool import build_task
from surrobench.tasks.preparation import Prepared, prepare_card, table_file
from surrobench.tasks.tables.card import Card
from surrobench.tasks.tables.card_file import read_card
from surrobench.tasks.task import TableTask

CACHED_TASKS = 16


def load(spec: str, base: Path | None = None, *, drop_invalid: bool | None = None) -> TableTask:
    """See :func:`surrobench.tasks.load_task`."""
    path, name = single(spec, base)
    path = path.resolve()
    card = read_card(path)
    data = data_path(card, path.parent)
    return _load(path, path.stat().st_mtime_ns, name, data, data.stat().st_mtime_ns, drop_invalid)


@lru_cache(maxsize=CACHED_TASKS)
def _load(
    path: Path, stamp: int, name: str, data: Path, data_stamp: int, drop_invalid: bool | None
) -> TableTask:
    """Tasks never change, so the last few are kept; the time stamps notice edited files."""
    card = read_card(path)
    if drop_invalid is not None:
        card = card.model_copy(update={"drop_invalid": drop_invalid})
    with without_collection():
        return build_task(card, name, data)


def data_path(card: Card, folder: Path) -> Path:
    """The file with the rows of a card; published tables are verified, and converted if need be.

    Raises:
        UserError: if there is no such file, saying what to do.
    """
    return table_file(card) if card.data is None else find_data(card.data, folder)


def published() -> list[str]:
    """Names of the cards whose raw files are published elsewhere."""
    return [name for name, (path, _) in bundled().items() if read_card(path).sources]


def prepare_named(name: str, progress: Progress | None = None) -> Prepared:
    """See :func:`surrobench.tasks.prepare`."""
    if is_card_path(name):
        path, _ = split(name)
        return _prepare_own(path, read_card(path), progress)
    card = name.partition("/")[0]
    names = published()
    if card not in names:
        known = did_you_mean(card, names)
        raise UserError(f"there is no published table {name!r} to prepare. {known}")
    return prepare_card(read_card(bundled()[card][0]), progress)


def _prepare_own(path: Path, card: Card, progress: Progress | None) -> Prepared:
    if not card.sources:
        raise UserError(
            f"the card {path} names a file of your own ({card.data}); there is nothing to prepare. "
            "Say where a published one is in a table [sources.table]."
        )
    return prepare_card(card, progress)
