"""Calls of functions on named Dask workers, answered later; nothing here waits for the cluster."""

from __future__ import annotations

import asyncio
import queue
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from concurrent.futures import Future as Answer
from concurrent.futures import wait as wait_for
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from distributed import Client, Future

ROLL_SECONDS = 0.5
SILENT_SECONDS = 120.0
"""A scheduler that has not answered for so long is taken for lost."""
LEAVE_SECONDS = 1.0


@dataclass(eq=False)
class Request:
    """A call that a worker has not answered yet.

    Attributes:
        address: of the worker.
        done: is given what the function returned.
        failed: is given what it raised.
        future: of Dask.
    """

    address: str
    done: Callable[[Any], None]
    failed: Callable[[BaseException], None]
    future: Future

    def settle(self, answer: Answer[Any]) -> None:
        """Tell whoever asked."""
        error = answer.exception()
        if error is None:
            self.done(answer.result())
        else:
            self.failed(error)


class Requests:
    """The calls of one run.

    Args:
        client: of the cluster.
        name: what the keys of its tasks begin with.
    """

    def __init__(self, client: Client, name: str) -> None:
        self._client, self._name = client, name
        self._open: dict[Request, Answer[Any]] = {}
        self._answers: queue.SimpleQueue[tuple[Request, Answer[Any]]] = queue.SimpleQueue()
        self._number = 0
        self._roll: Answer[Mapping[str, int]] | None = None
        self._asked, self._heard = 0.0, time.monotonic()
        self._lost = False

    def alive(self) -> bool:
        """Whether the scheduler is there."""
        silent = time.monotonic() - self._heard > SILENT_SECONDS
        return self._client.status == "running" and not silent and not self._lost

    def send(
        self,
        address: str,
        done: Callable[[Any], None],
        failed: Callable[[BaseException], None],
        function: Callable[..., Any],
        *arguments: Any,
        resources: Mapping[str, float] | None = None,
    ) -> Request:
        """Call a function on a worker.

        Args:
            address: of the worker; nobody else computes it.
            done: is given what the function returns.
            failed: is given what it raises.
            function: that the worker can import.
            arguments: of it.
            resources: that the worker has to have free.
        """
        self._number += 1
        future = self._client.submit(
            function,
            *arguments,
            key=f"{self._name}-{self._number}",
            workers=[address],
            pure=False,
            retries=0,
            resources=resources,
        )
        request = Request(address, done, failed, future)
        answer = self._later(_result(future))
        self._open[request] = answer
        answer.add_done_callback(lambda answer: self._answers.put((request, answer)))
        return request

    def _later(self, coroutine: Coroutine[Any, Any, Any]) -> Answer[Any]:
        """Have the client's loop await something."""
        loop: Any = self._client.loop  # of Tornado, around one of asyncio
        return asyncio.run_coroutine_threadsafe(coroutine, loop.asyncio_loop)

    def answers(self, seconds: float) -> Iterator[tuple[Request, Answer[Any]]]:
        """Calls that were answered since; waits for the first one so long."""
        with suppress(queue.Empty):
            while True:
                request, answer = self._answers.get(timeout=seconds)
                seconds = 0.0
                if self._open.pop(request, None) is None:
                    continue
                request.future.release()
                if answer.cancelled() or isinstance(answer.exception(), _cancellations()):
                    self._lost = True  # nobody else cancels what is ours
                    return
                yield request, answer

    def workers(self) -> Mapping[str, int] | None:
        """Address and number of threads of every worker; None if there is no news."""
        if self._roll is None:
            if time.monotonic() - self._asked > ROLL_SECONDS:
                self._asked = time.monotonic()
                self._roll = self._later(_workers(self._client))
            return None
        if not self._roll.done():
            return None
        roll, self._roll = self._roll, None
        if roll.cancelled() or roll.exception() is not None:
            return None  # the client's status will tell
        self._heard = time.monotonic()
        return roll.result()

    def drop(self, address: str) -> None:
        """Forget what was asked of a worker."""
        for request in [one for one in self._open if one.address == address]:
            self._open.pop(request).cancel()
            request.future.release()

    def close(
        self, addresses: Sequence[str], function: Callable[..., Any], *arguments: Any
    ) -> None:
        """Forget everything; call a last function on some workers, and wait for it a moment."""
        for address in {one.address for one in self._open}:
            self.drop(address)
        if self._roll is not None:
            self._roll.cancel()
        if not self.alive():
            return
        for address in addresses:
            self.send(address, _ignore, _ignore, function, *arguments)
        wait_for(self._open.values(), LEAVE_SECONDS)
        for address in addresses:
            self.drop(address)


def _ignore(what: Any) -> None:
    """Nobody wants to know."""


async def _result(future: Future) -> Any:
    return await future


async def _workers(client: Client) -> Mapping[str, int]:
    scheduler: Any = client.scheduler
    return await scheduler.ncores()  # Client.nthreads() would wait, in vain if nobody is there


def _cancellations() -> tuple[type[BaseException], ...]:
    from distributed.client import FutureCancelledError

    return CancelledError, asyncio.CancelledError, FutureCancelledError
