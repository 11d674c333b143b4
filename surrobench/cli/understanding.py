"""``surrobench explain``: what a predictor learns about a task."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

from surrobench.cli.console import tell
from surrobench.cli.results import show_paths


def explain_command(
    task: str, predictor: str, encoding: str | None, train_size: int, seeds: int, out: Path | None
) -> None:
    """Explain one task and write the exhibits."""
    from surrobench.report.understanding.writer import Subject, write_explanation
    from surrobench.reporting.origin import collect_task
    from surrobench.understanding import explain

    told = explain(
        task,
        predictor,
        encoding=encoding,
        train_size=train_size,
        seeds=seeds,
        base=Path.cwd(),
        progress=lambda done, all_: tell(f"training set {done} of {all_}"),
    )
    subject = Subject(
        told.task, told.unit, told.predictor, told.encoding, told.train_size, told.seeds
    )
    folder = out or Path("explain") / re.sub(r"[^A-Za-z0-9._-]+", "-", told.task)
    command = shlex.join(["surrobench", *sys.argv[1:]])
    used = {
        "predictors": [told.predictor, "xgboost", "gp-blocks"],
        "encodings": [told.encoding],
        "study": ["explanation"],
    }
    origin = collect_task(task, used, command)
    show_paths(write_explanation(subject, told.frames, folder, provenance=origin))
