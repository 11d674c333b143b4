"""A search kept in one file, so that it can be stopped at any moment and continued."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from surrobench.base.atomic import try_writing, write_atomically
from surrobench.base.homes import name_of
from surrobench.base.sealed import seal, unseal
from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch
from surrobench.strategies.candidates import Candidates
from surrobench.strategies.identity import described_variables, variable_changes
from surrobench.strategies.plain import metrics_of, number, plain_metrics, plain_number
from surrobench.strategies.running.loop import SearchLoop
from surrobench.tasks.evaluation import Evaluation

FORMAT = 1
_MOST_LABELS = 200
Training = tuple[Arch, int | None]


class SavedSearch:
    """The file of one search: what is searched, the state, and finished trainings of a batch.

    The state of a loop is whole only between batches. What was trained since then stands beside
    it, and is not trained again when the batch is asked for anew.

    Args:
        path: of the file.
        identity: what the search is, name by name; a file of another search is refused.
    """

    def __init__(self, path: Path, identity: Mapping[str, Any]) -> None:
        self.path = path
        self.identity = json.loads(json.dumps(dict(identity), default=_named))
        self._state: dict[str, Any] | None = None
        self._trained: dict[Training, Evaluation] = {}

    def load(self, loop: SearchLoop) -> None:
        """Bring a fresh loop to where the file left off; nothing happens if there is no file.

        Raises:
            UserError: if the file is damaged or of another search, saying what differs.
        """
        if not self.path.is_file():
            return
        try:
            content = json.loads(unseal(self.path.read_bytes()))
            before, trained = content["search"], content["trained"]
            self._check(before)
            self._state = content["state"]
            self._trained = {
                (tuple(arch), epochs): _evaluation(result) for arch, epochs, result in trained
            }
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(
                f"{self.path} is no saved search, or damaged ({error!r}); delete it or name "
                "another file to start anew."
            ) from error
        if self._state is not None:
            loop.restore(self._state)

    def _check(self, before: Mapping[str, Any]) -> None:
        before = {"direction": "maximize", **before}
        changed = [
            change
            for name, value in self.identity.items()
            if _differ(name, before.get(name), value)
            for change in _changes(name, before.get(name), value)
        ]
        if changed:
            raise UserError(
                f"{self.path} holds another search: {'; '.join(changed)}. Name another file to "
                "start anew."
            )

    def discard(self) -> None:
        """Delete the file: it holds nothing to go on from."""
        self.path.unlink(missing_ok=True)

    def known(self, arch: Arch, epochs: int | None) -> Evaluation | None:
        """What an interrupted batch had trained already."""
        return self._trained.get((arch, epochs))

    def trained(self, arch: Arch, epochs: int | None, result: Evaluation) -> None:
        """Keep a training of the batch that is being evaluated."""
        self._trained[(arch, epochs)] = result
        self._write()

    def observed(self, loop: SearchLoop) -> None:
        """Keep the state after a batch."""
        self._state = loop.state()
        self._trained = {}
        self._write()

    def _write(self) -> None:
        """Replace the file: readers find the old content or the new one, never a part."""
        content = {
            "format": FORMAT,
            "search": self.identity,
            "state": self._state,
            "trained": [
                [list(arch), epochs, _plain(result)]
                for (arch, epochs), result in self._trained.items()
            ],
        }
        try:
            write_atomically(self.path, seal(json.dumps(content, allow_nan=False).encode()))
        except OSError as error:
            raise UserError(f"cannot save the search to {self.path}: {error.strerror}.") from error


def path_to_save(save: object) -> Path:
    """Where a search is to be saved, tried out before anything is trained.

    Raises:
        UserError: if no file can be written there.
    """
    if not isinstance(save, str | os.PathLike):
        raise UserError(f"save is {save!r}; write the path of a JSON file.")
    path = Path(os.fsdecode(save))
    if os.path.isdir(path):
        raise UserError(
            f"save is {str(save)!r}, a folder; name a file in it, such as "
            f"{str(path / 'search.json')!r}."
        )
    try:
        try_writing(path)
    except (OSError, ValueError) as error:  # ValueError: a null byte
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        raise UserError(
            f"save is {str(save)!r}, where no file can be written: {reason}; name another file."
        ) from error
    return path


def describe_candidates(candidates: Candidates) -> dict[str, Any]:
    """What is searched, short enough for a file: choices, size and a hash of what is listed."""
    digest = hashlib.sha256()
    if candidates.archs is not None:
        digest.update(np.ascontiguousarray(candidates.archs).tobytes())
    for name in sorted(candidates.measured):
        column = np.asarray(candidates.measured[name], dtype=np.float64)
        digest.update(name.encode() + column.tobytes())
    return {
        "name": candidates.space.name,
        "choices": list(candidates.space.cardinalities),
        "variables": described_variables(candidates.space),
        "size": candidates.size,
        "hash": digest.hexdigest()[:16],
    }


def _differ(name: str, before: Any, now: Any) -> bool:
    """Whether a part of the identity is another; older files do not hold the choices."""
    if name == "space" and isinstance(before, Mapping) and "variables" not in before:
        return dict(before) != {key: value for key, value in now.items() if key != "variables"}
    return bool(before != now)


def _changes(name: str, before: Any, now: Any) -> list[str]:
    """What differs in one part of the identity; of a space, which choices."""
    if isinstance(before, Mapping) and isinstance(now, Mapping) and "variables" in before:
        told = list(variable_changes(before["variables"], now["variables"]))
        if told:
            return told
    return [f"{name} was {_short(before)}, is {_short(now)}"]


def _named(value: Any) -> Any:
    """A value that JSON lacks, such as a tuple of NumPy's numbers or a class."""
    if hasattr(value, "tolist"):
        return value.tolist()
    kind = value if isinstance(value, type) else type(value)
    return f"{name_of(kind.__module__)}:{kind.__qualname__}"


def _short(value: Any, most: int = 80) -> str:
    text = json.dumps(value)
    return text if len(text) <= most else text[: most - 1] + "…"


def _plain(result: Evaluation) -> dict[str, Any]:
    return {
        "value": plain_number(result.value),
        "cost": None if result.cost is None else plain_number(result.cost),
        "status": result.status,
        "metrics": plain_metrics(result.metrics),
        "reason": result.reason,
    }


def _evaluation(content: Mapping[str, Any]) -> Evaluation:
    return Evaluation(
        number(content["value"]),
        content["cost"],
        content["status"],
        metrics_of(content["metrics"]),
        reason=content.get("reason", ""),
    )
