"""One item, computed by a fork of the template beside the cells of a run."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from surrobench.studies.engine.executor import GuardedProcess, Limits, WorkerStartError
from surrobench.studies.engine.forks import Forks


def computed_in_fork(
    forks: Forks, modules: Iterable[str], target: str, item: Any, limits: Limits
) -> Any:
    """What a function returns in a fork; None if there can be none, or it fails there.

    Args:
        forks: of the run; a template is not begun for this.
        modules: that the fork needs, which the template imports.
        target: ``"module:function"``.
        item: that the function is called with.
        limits: of time and memory.
    """
    template = forks.of(modules) if forks.begun else None
    if template is None or template.lost:
        return None
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "item.log"
        process = GuardedProcess[Any](target, limits, log, {}, template=template)
        try:
            outcome = process.run(item)
        except WorkerStartError:
            return None
        finally:
            process.close()
    return outcome.value if outcome is not None and outcome.ending == "done" else None
