"""With which status every command ends: the one place that says it.

======  ==========================================================================================
status  meaning
======  ==========================================================================================
0       done: every cell that was asked for has been computed, and none failed
1       wrong input or a refusal, with a message that says what to do; also what ``verify RUN
        OTHER`` ends with where two runs differ, and ``check`` where a promise is broken
2       finished, but some cells have no numbers (the method raised, hung, ran out of memory or
        answered nonsense); cells whose task lacks what a method needs do not count, unless no cell
        has numbers
3       stopped before the end, by Ctrl-C, SIGTERM, ``--budget``, ``--limit``, a full disk, a Dask
        scheduler that is gone, or parts that are still missing; what is finished is kept, and the
        same command goes on
4       files of surrobench's own are damaged: a record, a plan
70      a bug in surrobench
======  ==========================================================================================

Where several hold, the highest of 2, 3 and 4 is the status.
"""

from __future__ import annotations

DONE = 0
WRONG_INPUT = 1
FAILED_CELLS = 2
STOPPED = 3
DAMAGED = 4
BUG = 70

MEANINGS = {
    DONE: "done",
    WRONG_INPUT: "wrong input, or a refusal",
    FAILED_CELLS: "finished, but some cells have no numbers",
    STOPPED: "stopped before the end; the same command goes on",
    DAMAGED: "damaged files",
    BUG: "a bug in surrobench",
}


def status_of(*, failed: int = 0, missing: int = 0, damaged: int = 0) -> int:
    """The status of cells that were asked for, by how many have no numbers or no record."""
    if damaged:
        return DAMAGED
    if missing:
        return STOPPED
    return FAILED_CELLS if failed else DONE
