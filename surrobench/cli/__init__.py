"""The command line. One module per group of verbs; nothing heavy is imported before a verb runs."""

from __future__ import annotations

import sys
import traceback

from surrobench.errors import UserError
from surrobench.studies.threads import limit_this_process

EXIT_USER_ERROR = 1
EXIT_STOPPED = 3
"""The run was interrupted or could not go on; what is finished is kept."""


def main() -> None:
    """Entry point of the command ``surrobench``."""
    limit_this_process()  # before anything imports numpy or torch
    from surrobench.cli.app import app
    from surrobench.cli.console import complain, print_anything

    print_anything()
    try:
        app()
    except UserError as error:
        complain(str(error))
        sys.exit(EXIT_USER_ERROR)
    except KeyboardInterrupt:
        complain("stopped.")
        sys.exit(EXIT_STOPPED)
    except Exception:
        traceback.print_exc()
        complain(
            "this is a bug in surrobench, not your mistake. Please report it with the lines "
            "above, the command, and the output of: surrobench --version"
        )
        sys.exit(70)
