"""Stopping in good order: the first SIGINT or SIGTERM asks, the second one forces."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


@dataclass
class StopSignals:
    """Whether SIGINT or SIGTERM arrived."""

    requested: bool = False

    def receive(self, number: int, frame: FrameType | None) -> None:
        """The first signal asks for an orderly stop, the second one forces it."""
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True


@contextmanager
def stop_signals() -> Iterator[StopSignals]:
    """Listen for SIGINT and SIGTERM (only the main thread of a process may)."""
    stop = StopSignals()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, stop.receive) for number in numbers]
    try:
        yield stop
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
