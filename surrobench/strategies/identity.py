"""What the choices of a search mean, kept with its state: an index alone says nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from surrobench.spaces.architecture import SearchSpace, Variable

MOST_LABELS = 1_000
"""Variables with more choices are known by a hash of them."""


def described_variables(space: SearchSpace) -> list[dict[str, Any]]:
    """Name, labels, values and scale of every variable, as data that JSON can hold."""
    return [_described(variable) for variable in space.variables]


def _described(variable: Variable) -> dict[str, Any]:
    values = None if variable.values is None else list(variable.values)
    labels: Any = list(variable.choices)
    if len(labels) > MOST_LABELS:
        digest = hashlib.sha256(repr((labels, values)).encode()).hexdigest()
        labels, values = f"{len(labels)} choices, {digest[:16]}", None
    return {"name": variable.name, "choices": labels, "values": values, "scale": variable.scale}


def variable_changes(
    before: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    """What differs between two descriptions, a phrase for each variable."""
    old, new = ([str(one["name"]) for one in some] for some in (before, now))
    if old != new:
        yield f"variables were {', '.join(old)}, are {', '.join(new)}"
        return
    for one, other in zip(before, now, strict=True):
        for part in ("choices", "values", "scale"):
            if one[part] != other[part]:
                yield f"{part} of {one['name']!r} were {_told(one[part])}, are {_told(other[part])}"
                break


def _told(part: Any, most: int = 200) -> str:
    text = ", ".join(map(str, part)) if isinstance(part, list) else str(part)
    return text if len(text) <= most else text[: most - 1] + "…"
