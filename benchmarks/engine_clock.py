"""What cells cost around what they compute: seconds, and seconds of the processor."""

from __future__ import annotations

import time
from contextlib import suppress

from surrobench.studies.observer import Silent
from surrobench.studies.run_folder.record import Record


class Clock(Silent):
    """Measures a run from the record of the first tenth of its cells, when all workers are busy.

    Args:
        count: cells of the run.
    """

    def __init__(self, count: int) -> None:
        self._first, self._last, self._seen = count // 10, count - 1, -1
        self._marks: list[tuple[float, float]] = []

    def cell(self, record: Record) -> None:
        self._seen += 1
        if self._seen in (self._first, self._last):
            self._marks.append((time.perf_counter(), busy()))

    def per_cell(self) -> tuple[float, float]:
        """Milliseconds, and milliseconds of the processor."""
        (start, busy_then), (end, busy_now) = self._marks
        cells = self._last - self._first
        return 1000 * (end - start) / cells, 1000 * (busy_now - busy_then) / cells


def busy() -> float:
    """Seconds of the processor of this process and of all that it started."""
    import psutil  # comes with Dask

    this = psutil.Process()
    total = 0.0
    for process in [this, *this.children(recursive=True)]:
        with suppress(psutil.Error):
            times = process.cpu_times()
            total += times.user + times.system
    return total
