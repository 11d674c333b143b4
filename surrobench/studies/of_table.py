"""What a task of a study is called and measured in, where a table stands behind it."""

from __future__ import annotations

from surrobench.tasks.task import TableTask


class OfTable:
    """What searches and pipelines hand on of their table.

    Attributes:
        table: the task.
    """

    table: TableTask

    @property
    def name(self) -> str:
        """Name of the task."""
        return self.table.name

    @property
    def unit(self) -> str:
        """Of the values."""
        return self.table.unit

    @property
    def default_encoding(self) -> str:
        """What the encoding ``"default"`` stands for."""
        return self.table.default_encoding
