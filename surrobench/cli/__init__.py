"""The command line. One module per group of verbs; nothing heavy is imported before a verb runs."""

from __future__ import annotations

import errno
import signal
import sys
from typing import NoReturn

from surrobench.cli.exit_codes import BUG, DAMAGED, STOPPED, WRONG_INPUT

_TYPER_WRONG_INPUT = 2
_TYPER_INTERRUPTED = 130
_REFUSED = {
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.ENOSPC,
    errno.EDQUOT,
    errno.ENAMETOOLONG,
}  # what a file system says that has nothing to do with this program


def main() -> None:
    """Entry point of the command ``surrobench``."""
    listening = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    interrupts: list[int] = []

    def interrupt(number: int, frame: object) -> None:
        interrupts.append(number)
        raise KeyboardInterrupt

    try:
        if listening:
            signal.signal(signal.SIGINT, interrupt)
        _run_verb()
    except SystemExit as end:
        if interrupts and end.code == _TYPER_INTERRUPTED:
            _stop()
        if end.code == _TYPER_WRONG_INPUT and not _is_ours(end):
            sys.exit(WRONG_INPUT)
        raise
    except KeyboardInterrupt:
        _stop()
    except Exception as error:
        # An interrupt in the middle of an import may come out as another exception.
        if interrupts:
            _stop()
        _tell(error)
    finally:
        if listening:
            signal.signal(signal.SIGINT, signal.default_int_handler)


def _run_verb() -> None:
    from surrobench.studies.threads import limit_this_process

    limit_this_process()  # before anything imports numpy or torch
    from surrobench.cli.app import app
    from surrobench.cli.console import print_anything

    print_anything()
    app(prog_name="surrobench")  # also of python -m, which completes and helps under this name


def _is_ours(end: SystemExit) -> bool:
    """Whether a verb chose the status, or typer did, which could not read the command line."""
    import typer

    return isinstance(end.__context__, typer.Exit)


def _stop() -> NoReturn:
    print("Error: stopped.", file=sys.stderr)
    sys.exit(STOPPED)


def _tell(error: Exception) -> None:
    """Say whose mistake an exception is, and exit."""
    import traceback

    from surrobench.cli.console import complain
    from surrobench.errors import DamagedStoreError, UserError, fault, is_of_others

    if isinstance(error, UserError):
        complain(str(error))
        sys.exit(DAMAGED if isinstance(error, DamagedStoreError) else WRONG_INPUT)
    if isinstance(error, Warning):
        complain(
            f"a warning was made an error: {fault(error)}. The libraries under surrobench warn "
            "when they are imported; run it without PYTHONWARNINGS=error and python -W error."
        )
        sys.exit(WRONG_INPUT)
    if isinstance(error, OSError) and error.filename and error.errno in _REFUSED:
        complain(
            f"{error.filename}: {error.strerror}. Name a folder that can be written to (--out; for "
            "downloads and finished trainings the environment variable SURROBENCH_CACHE)."
        )
        sys.exit(WRONG_INPUT)
    if is_of_others(error):
        complain(f"code outside surrobench failed: {fault(error)}.")
        sys.exit(WRONG_INPUT)
    traceback.print_exception(error)
    complain(
        "this is a bug in surrobench, not your mistake. Please report it with the lines "
        "above, the command, and the output of: surrobench --version"
    )
    sys.exit(BUG)
