"""Trainings in several processes at a time, told in the order in which they end."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from functools import partial
from typing import Any

from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch
from surrobench.strategies.running.loop import SearchLoop
from surrobench.strategies.running.training import Call
from surrobench.tasks.evaluation import Evaluation

Training = tuple[Arch, int | None]
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class Workers:
    """Some processes of our own, or somebody's executor.

    Each of our own serves one training at a time and is started anew if a training kills it, so
    that a crash costs its own training only. Functions of a notebook or a script travel as they
    are (cloudpickle). The processor's threads are divided among them, unless the environment says
    how many each may use.

    Args:
        workers: how many processes, or an executor with the methods of ``concurrent.futures``.
        call: the training.

    Raises:
        UserError: for something else.
    """

    def __init__(self, workers: int | Executor, call: Call) -> None:
        self.call = call
        self.given = workers if hasattr(workers, "submit") else None
        if self.given is not None:
            self.slots = int(getattr(workers, "_max_workers", 0) or os.cpu_count() or 1)
        elif isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
            raise UserError(f"workers is {workers!r}; write how many, or give an executor.")
        else:
            self.slots = workers
        self._idle: list[Any] = []
        self._busy: dict[Future[Any], Any] = {}

    def submit(self, arch: Arch, epochs: int | None) -> Future[Any]:
        """Begin a training."""
        if self.given is not None:
            future: Future[Any] = self.given.submit(self.call, arch, epochs)
            return future
        process = self._idle.pop() if self._idle else self._started()
        try:
            future = process.submit(self.call, arch, epochs)
        except Exception as error:
            raise UserError(
                f"the training function cannot be sent to a worker process: {error}"
            ) from error
        self._busy[future] = process
        return future

    def _started(self) -> Any:
        from joblib.externals.loky import ProcessPoolExecutor

        share = str(max(1, (os.cpu_count() or 1) // self.slots))
        threads = {name: share for name in _THREADS if name not in os.environ}
        return ProcessPoolExecutor(max_workers=1, env=threads)

    def result(self, future: Future[Any]) -> Any:
        """What a finished training returned; raises what it raised."""
        process = self._busy.pop(future, None)
        try:
            result = future.result()
        except Exception as error:
            if process is not None and _died(error):
                process.shutdown(wait=False, kill_workers=True)
                raise RuntimeError(f"the worker process died ({_first_line(error)})") from error
            if process is not None:
                self._idle.append(process)
            raise
        if process is not None:
            self._idle.append(process)
        return result

    def close(self) -> None:
        """End our own processes, and whatever they are doing."""
        for process in [*self._idle, *self._busy.values()]:
            process.shutdown(wait=False, kill_workers=True)
        self._idle, self._busy = [], {}


def _died(error: Exception) -> bool:
    return type(error).__name__ in ("TerminatedWorkerError", "BrokenProcessPool")


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:200]


def run_workers(
    loop: SearchLoop,
    workers: Workers,
    take: Callable[[Arch, int | None, Any], Evaluation],
    known: Callable[[Arch, int | None], Evaluation | None],
    after: Callable[[SearchLoop], object],
) -> None:
    """Keep every worker busy until the budget is spent; tell each result as it comes.

    Which architecture is proposed depends on which results were in by then, so two runs differ.

    Args:
        loop: the search; what is pending in it already comes first.
        workers: what trains.
        take: makes an evaluation of what a training returned.
        known: the result of a training that an interrupted search had done, or None.
        after: called after each result; true stops the search, once what runs has ended.
    """
    running: dict[Future[Any], Training] = {}
    waiting: list[Training] = list(loop.strategy.pending.items())
    stopped = False

    def ended(training: Training, outcome: Callable[[], Evaluation]) -> None:
        nonlocal stopped
        try:
            result = outcome()
            reason = result.reason
        except Exception as error:
            result, reason = loop.failed(error)
        loop.tell(*training, result, reason)
        stopped = bool(after(loop)) or stopped

    try:
        while not (stopped and not running):
            free = workers.slots - len(running)
            if free > 0 and not waiting and not stopped and (room := loop.room()):
                waiting = loop.ask(min(free, room))
            begun = bool(waiting)
            while waiting and len(running) < workers.slots and not stopped:
                training = waiting.pop(0)
                done = known(*training)
                if done is not None:
                    ended(training, partial(_same, done))
                else:
                    running[workers.submit(*training)] = training
            if not running and not begun:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                training = running.pop(future)
                ended(training, partial(_taken, take, training, workers, future))
    finally:
        workers.close()


def _same(found: Evaluation) -> Evaluation:
    return found


def _taken(
    take: Callable[[Arch, int | None, Any], Evaluation],
    training: Training,
    workers: Workers,
    future: Future[Any],
) -> Evaluation:
    return take(*training, workers.result(future))
