"""The key ``live`` of a study: options of its live tasks."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from surrobench.errors import UserError
from surrobench.tasks.catalogue import is_live


def live_options(value: Any) -> dict[str, Any]:
    """Check the options that live tasks take; see :mod:`surrobench.tasks.live.live_options`.

    Raises:
        ValueError: naming the option.
    """
    if value == {}:
        return {}
    from surrobench.tasks.live.live_options import check_live_options  # imports torch

    try:
        return check_live_options(value)
    except UserError as error:
        raise ValueError(str(error)) from error


def needless_options(live: dict[str, Any], tasks: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Key and complaint where there are options but no live task."""
    if live and not any(map(is_live, tasks)):
        yield "live", "live: no task of this study is a live one, such as 'live:cells'."


def moved_data(live: dict[str, Any], base: Path, folder: Path) -> dict[str, Any]:
    """The options as they read from another folder: a relative path of data starts there."""
    if "data" not in live or Path(str(live["data"])).is_absolute():
        return live
    return {**live, "data": os.path.relpath(base / str(live["data"]), folder)}
