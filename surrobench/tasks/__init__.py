"""Tasks: quantities to predict, looked up in tables.

``card`` describes a table in TOML, ``reading`` and ``decisions`` turn its rows into architectures,
``task`` is what a study sees. Published tables (``cards/*.toml``) come from ``sources`` through
``recipes``; :func:`prepare` fetches them. Listing names imports nothing heavy.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from surrobench.tasks.catalogue import display_name, expand_tasks, task_names
from surrobench.tasks.given import GivenTask

if TYPE_CHECKING:
    from surrobench.tasks.info import TaskInfo
    from surrobench.tasks.preparation import Prepared
    from surrobench.tasks.task import TableTask

__all__ = [
    "display_name",
    "expand_tasks",
    "load_task",
    "prepare",
    "published_names",
    "task_info",
    "task_names",
]


def load_task(
    spec: str, base: Path | None = None, *, drop_invalid: bool | None = None
) -> TableTask:
    """Load a task.

    Args:
        spec: a bundled task (``"nb201/cifar10-val"``) or one of a card of your own
            (``"path/to/card.toml:accuracy"``).
        base: folder that relative paths start from, by default the current one.
        drop_invalid: leave out wrong rows and count them instead of refusing the table; by
            default the card decides.

    Raises:
        UserError: if there is no such task, its data are not on this machine, or its table is
            wrong (everything that is wrong is listed).

    Example:
        >>> import surrobench as sb
        >>> task = sb.load_task("live/digits-chain")
        >>> len(task), task.unit, round(task.optimum, 2)
        (1600, '%', 73.52)
    """
    if isinstance(spec, GivenTask):
        return spec.task
    from surrobench.tasks.loading import load

    return load(spec, base, drop_invalid=drop_invalid)


def task_info(spec: str, base: Path | None = None) -> TaskInfo:
    """Facts about a task: units, noise, equal networks, missing values, licence, encodings.

    Raises:
        UserError: as :func:`load_task`.
    """
    from surrobench.tasks.info import describe

    return describe(spec, base)


def published_names() -> list[str]:
    """Names of the published tables that :func:`prepare` can fetch."""
    from surrobench.tasks.loading import published

    return published()


def prepare(name: str, *, progress: Callable[[str, int, int], None] | None = None) -> Prepared:
    """Download, verify and convert a published table, unless that was done before.

    Raw files are taken from the folder SURROBENCH_MIRROR if they are there. Downloads and
    conversions are kept in SURROBENCH_CACHE (by default the user's cache folder).

    Args:
        name: for example ``"nb201"``.
        progress: called with a file's path, the bytes that have arrived and all its bytes.

    Raises:
        UserError: for an unknown name, a file that cannot be had, or a file that is not, byte
            for byte, the published one (both checksums are named).
    """
    from surrobench.tasks.loading import prepare_named

    return prepare_named(name, progress)
