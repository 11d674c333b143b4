"""The way to a Dask scheduler, and who is asked to take it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from surrobench.errors import UserError, did_you_mean, text_of

if TYPE_CHECKING:
    from distributed import Client

ENGINES = ("local", "dask")
CONNECT_SECONDS = 15


def check_engine(engine: Any, scheduler: str | None) -> None:
    """Refuse an engine that there is not, and a scheduler that is missing or for nothing.

    Raises:
        UserError: saying which option is wrong.
    """
    if not isinstance(engine, str):
        if scheduler is not None:
            raise UserError("scheduler: a client was given as engine; it has a scheduler already.")
        _check_client(engine)
        return
    if engine not in ENGINES:
        raise UserError(f"--engine {engine}: " + did_you_mean(engine, ENGINES))
    if engine == "local" and scheduler is not None:
        raise UserError(f"--scheduler {scheduler}: add --engine dask.")
    if engine == "dask" and scheduler is None:
        raise UserError(
            "--engine dask: say where the scheduler is with --scheduler tcp://HOST:8786 (or the "
            "file that dask scheduler --scheduler-file wrote)."
        )


def _check_client(engine: Any) -> None:
    distributed = _distributed()
    if not isinstance(engine, distributed.Client):
        raise UserError(
            f"engine: {type(engine).__name__} is no engine; give 'local', 'dask' or a "
            "distributed.Client (of a LocalCluster: cluster.get_client())."
        )
    if engine.asynchronous:
        raise UserError("engine: an asynchronous client cannot be used; make one without asyncio.")


def _distributed() -> Any:
    try:
        import distributed
    except ImportError as error:
        raise UserError(
            "the engine dask needs the package distributed; run: pip install 'surrobench[cluster]'"
        ) from error
    return distributed


@contextmanager
def connected(engine: Any, scheduler: str | None) -> Iterator[Client | None]:
    """A client of the cluster, closed in the end if it was opened here; None for this machine.

    Raises:
        UserError: if no scheduler answers.
    """
    check_engine(engine, scheduler)
    if engine == "local":
        yield None
    elif not isinstance(engine, str):
        yield engine
    else:
        assert scheduler is not None
        client = _opened(scheduler)
        try:
            yield client
        finally:
            with suppress(Exception):  # a scheduler that is gone cannot be told goodbye
                client.close(timeout=2)


def _opened(scheduler: str) -> Client:
    client = _distributed().Client
    options = {"set_as_default": False, "timeout": CONNECT_SECONDS, "name": "surrobench"}
    try:
        if "://" in scheduler or not scheduler.endswith(".json"):
            return client(scheduler, **options)
        if not os.path.isfile(scheduler):
            raise UserError(
                f"--scheduler {scheduler}: there is no such file; start one with: dask scheduler "
                f"--scheduler-file {scheduler}"
            )
        return client(scheduler_file=scheduler, **options)
    except (OSError, TimeoutError, ValueError) as error:
        raise UserError(
            f"--scheduler {scheduler}: no Dask scheduler answers there ({text_of(error)}). Start "
            "one with dask scheduler, or run without --engine dask on this machine."
        ) from error
