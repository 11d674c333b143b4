"""``surrobench hash``: one hash of the numbers of a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from surrobench.base.wording import counted
from surrobench.cli.console import say, tell
from surrobench.cli.exit_codes import status_of
from surrobench.cli.formats import print_json
from surrobench.cli.results import existing_store, show_damage

if TYPE_CHECKING:
    from surrobench.studies.run_folder.tally import Tally


def hash_command(folder: Path, *, as_json: bool = False) -> int:
    """Print the hash (alone on standard output) and what it is about; returns the exit status."""
    from surrobench.studies.run_folder.tally import Tally

    existing_store(folder)
    tally = Tally.of(folder)
    show_damage(tally.damaged)
    if as_json:
        print_json(
            {
                "hash": tally.digest,
                "cells": tally.cells,
                "finished": tally.finished,
                "failed": tally.failed,
                "unavailable": tally.unavailable,
                "missing": tally.missing,
                "elsewhere": tally.elsewhere,
            }
        )
    else:
        say(tally.digest)
        tell(counts(tally))
    return status_of(failed=tally.failed, missing=tally.missing, damaged=len(tally.damaged))


def counts(tally: Tally) -> str:
    """For example ``60 of 64 cells, 2 of them without numbers; 4 are missing``."""
    text = f"{tally.finished} of {counted(tally.cells, 'cell')}"
    if tally.elsewhere:
        text += f", a part of a study of {tally.study}"
    if tally.failed:
        text += f"; {tally.failed} failed"
    if tally.unavailable:
        text += f"; {tally.unavailable} unavailable"
    if tally.missing:
        text += f"; {tally.missing} missing"
    return text
