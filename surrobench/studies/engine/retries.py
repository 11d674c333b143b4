"""Which ways to end are tried again, and how often: the rule behind ``--retry``.

A cell is computed from its key alone, so a second try gives the same numbers as the first; what it
helps against is the machine: a node that ran out of memory, a worker that was killed, a deadline
missed on a busy core.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from surrobench.base.wording import counted
from surrobench.errors import UserError, did_you_mean
from surrobench.studies.plan import PlannedCell
from surrobench.studies.run_folder.record import Record

Loss = Literal["died", "timeout", "oom", "failed", "invalid"]
LOSSES: tuple[Loss, ...] = get_args(Loss)
"""A worker that died is told apart from other cells that failed."""
MOST_TRIES = 100


@dataclass(frozen=True)
class RetryRule:
    """What is tried again.

    Attributes:
        times: way to end -> how many further tries it gets.
    """

    times: Mapping[Loss, int]

    @classmethod
    def parse(cls, text: str) -> RetryRule:
        """The rule in ``"died:2,timeout"``: two further tries for the one, one for the other.

        Raises:
            UserError: for anything else, naming what is wrong.
        """
        times: dict[Loss, int] = {}
        for part in text.split(","):
            name, _, count = (piece.strip() for piece in part.partition(":"))
            if name not in LOSSES:
                raise UserError(
                    f"--retry {text}: {name!r} is no way that a cell can end. "
                    + did_you_mean(name, LOSSES)
                )
            if name in times:
                raise UserError(f"--retry {text}: {name} is named twice.")
            if count and not (count.isdecimal() and 1 <= int(count) <= MOST_TRIES):
                raise UserError(
                    f"--retry {text}: {count!r} is no number of further tries; give 1 to "
                    f"{MOST_TRIES}."
                )
            times[name] = int(count or 1)
        return cls(times)

    def wants(self, record: Record, tries: int = 1) -> bool:
        """Whether a cell that ended so after so many tries gets another."""
        loss = loss_of(record)
        return loss is not None and tries <= self.times.get(loss, 0)


def loss_of(record: Record) -> Loss | None:
    """How a cell ended without numbers; None where it has them, or cannot have any."""
    if not record.failed:
        return None
    if record.provenance.get("ending") == "died":
        return "died"
    return next(loss for loss in LOSSES if loss == record.status)


def tried(
    cells: Sequence[PlannedCell],
    compute: Callable[[Sequence[PlannedCell]], Iterable[Record]],
    rule: RetryRule | None,
    note: Callable[[str], None],
    more: Callable[[], bool],
) -> Iterator[tuple[Record, bool]]:
    """Compute cells, and those that the rule names again when all others are done.

    Args:
        cells: what is computed.
        compute: from cells to their records, in any order; some may be missing.
        rule: what is tried again; None for nothing.
        note: is told that a round of further tries begins.
        more: whether one may begin.

    Yields:
        A record, and whether it is the last word on its cell. One that is not is to be kept all
        the same, for nobody knows whether the next try comes to its end.
    """
    tries: Counter[str] = Counter()
    pending = {cell.key: cell for cell in cells}
    while pending:
        again = {}
        for record in compute(list(pending.values())):
            tries[record.key] += 1
            count = tries[record.key]
            if count > 1:
                record = replace(record, provenance={**record.provenance, "tries": count})
            if rule is not None and rule.wants(record, count):
                again[record.key] = pending[record.key]
            yield record, record.key not in again
        pending = again if more() else {}
        if pending:
            told = counted(len(pending), "cell without numbers gets", "cells without numbers get")
            note(f"{told} another try")
