"""A record: the result of one cell, with what is reproducible kept apart from what is not."""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from surrobench import __version__
from surrobench.errors import printable
from surrobench.studies.run_folder.kernels import numerical_kernels
from surrobench.studies.threads import thread_settings

Status = Literal["ok", "failed", "invalid", "timeout", "oom", "unavailable"]
STATUSES: tuple[Status, ...] = ("ok", "failed", "invalid", "timeout", "oom", "unavailable")

_REASON_LENGTH = 400
_TRACE_LENGTH = 4000

IDENTITY = ("task", "predictor", "transform", "encoding", "train_size", "seed", "protocol")


@dataclass(frozen=True)
class Record:
    """The result of one cell.

    Attributes:
        key: hash of everything that the numbers depend on.
        payload: identity, status, reason and scores: the same on every run.
        timing: seconds of fitting and of answering; differ from run to run.
        provenance: host, threads, kernels, versions and, for a failure, the end of the traceback.
    """

    key: str
    payload: Mapping[str, Any]
    timing: Mapping[str, float] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def status(self) -> Status:
        """One of :data:`STATUSES`."""
        return self.payload["status"]

    @property
    def failed(self) -> bool:
        """Whether the method has no numbers here; a task may also lack what it needs for them."""
        return is_failure(self.status)

    @property
    def numbers(self) -> Mapping[str, Any]:
        """What is reproducible: the payload, or of a cell without numbers how it ended.

        Why one ended without numbers may depend on the machine (how far a search came before its
        deadline, what a library says in an error), so neither reasons nor remains are among it.
        """
        return self.payload if self.status == "ok" else {"status": self.status}

    def row(self) -> dict[str, Any]:
        """The record as one flat row of the results table."""
        row = {**self.payload, **self.timing, "key": self.key}
        row["host"] = self.provenance.get("host", "")
        row["version"] = self.provenance.get("surrobench", "")
        return row


def is_failure(status: Status) -> bool:
    """Whether a cell that ended so has no numbers through the fault of its method."""
    return status not in ("ok", "unavailable")


def make_record(
    key: str,
    payload: Mapping[str, Any],
    timing: Mapping[str, float] | None = None,
    trace: str = "",
    ending: str = "",
) -> Record:
    """A record made by this process.

    Args:
        key: of the cell.
        payload: identity, status, reason and scores.
        timing: seconds.
        trace: a traceback, whose end is kept.
        ending: how the process of the cell ended, if that is not by an answer.
    """
    provenance: dict[str, Any] = {
        "host": platform.node(),
        "surrobench": __version__,
        "threads": thread_settings(),
        "kernels": numerical_kernels(),
    }
    if ending:
        provenance["ending"] = ending
    if trace:
        provenance["traceback"] = printable(trace)[-_TRACE_LENGTH:]
    return Record(key, payload, timing or {}, provenance)


def one_line(text: str) -> str:
    """The text on one line, printable, cut to a length that a table bears."""
    line = " ".join(printable(text).split())
    return line if len(line) <= _REASON_LENGTH else line[: _REASON_LENGTH - 1] + "…"


def canonical_json(value: Any) -> str:
    """One text per value: sorted keys, no spaces, numbers that JSON lacks as texts.

    It can always be encoded: see :func:`~surrobench.errors.printable`.
    """
    return json.dumps(
        _plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


_NOT_FINITE = {"@nan": math.nan, "@inf": math.inf, "@-inf": -math.inf}


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value if value.isascii() else printable(value)
    if isinstance(value, float) and not math.isfinite(value):
        return "@nan" if math.isnan(value) else ("@inf" if value > 0 else "@-inf")
    if isinstance(value, Mapping):
        return {_plain(str(name)): _plain(element) for name, element in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(element) for element in value]
    return value


def encode_record(record: Record) -> str:
    """The record as canonical JSON."""
    return canonical_json(
        {
            "key": record.key,
            "payload": record.payload,
            "timing": record.timing,
            "provenance": record.provenance,
        }
    )


def decode_record(text: str | bytes) -> Record:
    """The record that :func:`encode_record` wrote."""
    content = json.loads(text if isinstance(text, str) else text.decode())
    for part in ("payload", "timing"):
        values = content[part]
        for name, value in values.items():
            if value.__class__ is str and value in _NOT_FINITE:
                values[name] = _NOT_FINITE[value]
    return Record(content["key"], content["payload"], content["timing"], content["provenance"])
