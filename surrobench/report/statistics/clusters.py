"""Tasks that come from one table share its architectures: for statements over tasks they are one.

The table of a task is what its name says before the first slash (``nb201`` of
``nb201/cifar10-val``); a name without a slash is a table of its own.
"""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

LEAST_TABLES = 5
"""Fewer tables are not enough for a statement about others."""


def table_of(task: str) -> str:
    """The name of the table that a task belongs to."""
    return task.partition("/")[0]


def number_of_tables(tasks: Iterable[str]) -> int:
    """How many tables the tasks come from."""
    return len({table_of(task) for task in tasks})


def by_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Means over the tasks of each table, tables × methods.

    Args:
        frame: tasks × methods; a method that lacks a task of a table lacks the table.
    """
    tables = [table_of(str(task)) for task in frame.index]
    groups = frame.groupby(tables, sort=False)
    return groups.mean().where(groups.count().eq(groups.size(), axis=0))
