"""The command line. One module per group of verbs; nothing heavy is imported before a verb runs."""

from __future__ import annotations

import signal
import sys

EXIT_USER_ERROR = 1
EXIT_STOPPED = 3
"""The run was interrupted or could not go on; what is finished is kept."""
_EXIT_BUG = 70
_EXIT_TYPER_INTERRUPTED = 130


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
        if not (interrupts and end.code == _EXIT_TYPER_INTERRUPTED):
            raise
        _stop()
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
    app()


def _stop() -> None:
    print("Error: stopped.", file=sys.stderr)
    sys.exit(EXIT_STOPPED)


def _tell(error: Exception) -> None:
    """Say whose mistake an exception is, and exit."""
    import traceback

    from surrobench.cli.console import complain
    from surrobench.errors import UserError, fault, is_of_others

    if isinstance(error, UserError):
        complain(str(error))
        sys.exit(EXIT_USER_ERROR)
    if isinstance(error, Warning):
        complain(
            f"a warning was made an error: {fault(error)}. The libraries under surrobench warn "
            "when they are imported; run it without PYTHONWARNINGS=error and python -W error."
        )
        sys.exit(EXIT_USER_ERROR)
    if is_of_others(error):
        complain(f"code outside surrobench failed: {fault(error)}.")
        sys.exit(EXIT_USER_ERROR)
    traceback.print_exception(error)
    complain(
        "this is a bug in surrobench, not your mistake. Please report it with the lines "
        "above, the command, and the output of: surrobench --version"
    )
    sys.exit(_EXIT_BUG)
