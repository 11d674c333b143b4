"""Places at which a process can be made to die, to try out that nothing is lost there.

The environment variable ``SURROBENCH_FAILPOINT`` names one of :data:`FAILPOINTS`, or says at which
pass of it the process dies: ``after-rename:3`` is the third. It dies as it would of SIGKILL:
nothing is cleaned up, and nothing that was not written is written.
"""

from __future__ import annotations

import os
from collections import Counter

VARIABLE = "SURROBENCH_FAILPOINT"
FAILPOINTS = (
    "before-write",
    "mid-write",
    "after-fsync",
    "after-rename",
    "segment-written",
    "segment-replaced",
    "records-packed",
)
"""In the order in which a record passes them: into its file, and from there into a segment."""
_passed: Counter[str] = Counter()


def failpoint_is_set() -> bool:
    """Whether this process is to die somewhere."""
    return VARIABLE in os.environ


def failpoint(name: str) -> None:
    """Die here if that is asked for."""
    asked = os.environ.get(VARIABLE)
    if not asked:
        return
    _passed[name] += 1
    wanted, _, times = asked.partition(":")
    if wanted == name and _passed[name] == int(times or 1):
        os._exit(137)
