"""``surrobench merge``: parts of a study in one run folder."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from surrobench.base.wording import counted
from surrobench.cli.console import complain, say, tell
from surrobench.cli.exit_codes import STOPPED, status_of
from surrobench.cli.hashing import counts

if TYPE_CHECKING:
    from surrobench.studies.run_folder.merging import Merged


def merge_command(out: Path, parts: Sequence[Path]) -> int:
    """Put parts together and say what came from where; returns the exit status."""
    from surrobench.cli.progress import PlainProgress
    from surrobench.studies.run_folder.merging import merge
    from surrobench.studies.stopping import RunStoppedError

    try:
        merged = merge(out, parts, PlainProgress(""))
    except RunStoppedError as error:
        complain(str(error))
        return STOPPED
    for folder, count in merged.copied.items():
        say(f"{folder}: {counted(count, 'record copied', 'records copied')}")
    _remarks(merged)
    tally = merged.tally
    say(f"{out}: {counts(tally)}")
    missing = tally.missing + tally.elsewhere
    if missing:
        tell(
            f"{counted(missing, 'cell of the study is', 'cells of the study are')} in no part; "
            "merge the others as well, or compute "
            f"what is missing with:\n  {_completing(out)}"
        )
    else:
        tell(f"The study is complete. Next: {shlex.join(['surrobench', 'report', str(out)])}")
    return status_of(failed=tally.failed, missing=missing, damaged=len(tally.damaged))


def _completing(out: Path) -> str:
    """The command that computes what no part has."""
    from surrobench.studies.run_folder.run_files import STUDY_FILE
    from surrobench.studies.study_file import load_study

    file = out / STUDY_FILE
    words = ["surrobench", "run", str(file), "--out", str(out)]
    if file.is_file() and any(load_study(str(file), allow_code=True)[0].code()):
        words.append("--allow-code")
    return shlex.join(words)


def _remarks(merged: Merged) -> None:
    if merged.present:
        say(
            f"{merged.folder}: {counted(merged.present, 'record was there', 'records were there')} "
            "already"
        )
    if merged.replaced:
        told = counted(merged.replaced, "record", "records")
        tell(f"{told} without numbers gave way to such with numbers.")
    if merged.foreign:
        told = counted(
            merged.foreign,
            "record of another cell than the study's stays where it is",
            "records of other cells than the study's stay where they are",
        )
        tell(f"{told}.")
    for path in merged.damaged:
        complain(f"{path} is damaged and was left out; its cell has to be computed again.")
