"""A loaded task where the name of one is expected."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from surrobench.tasks.task import TableTask


class GivenTask(str):
    """The name of a task with the task itself beside it, so that nothing is looked up.

    Attributes:
        task: the task.
    """

    task: TableTask

    @classmethod
    def of(cls, task: TableTask) -> GivenTask:
        """Take a task in."""
        given = cls(task.name)
        given.task = task
        return given

    def __reduce__(self) -> tuple[object, ...]:
        return GivenTask.of, (self.task,)
