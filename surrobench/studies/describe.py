"""What a predictor is, as text: the part of a cell's key that changes when its numbers could."""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import sys
from collections.abc import Mapping
from typing import Any

from surrobench.base.homes import name_of


def describe(value: Any) -> Any:
    """A JSON-shaped description of an object: its class and every option, defaults included.

    Code from outside this package is described by a hash of its source file, so that an edited
    predictor gets new cells; what was defined in a notebook, by one of its own source.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(name): describe(element) for name, element in sorted(value.items())}
    if isinstance(value, list | tuple | set | frozenset):
        elements = [describe(element) for element in value]
        return sorted(elements, key=str) if isinstance(value, set | frozenset) else elements
    if hasattr(value, "tolist"):  # arrays and tensors
        return value.tolist()
    if isinstance(value, type) or inspect.isroutine(value):
        return _described_code(value)
    if dataclasses.is_dataclass(value):
        options = {f.name: describe(getattr(value, f.name)) for f in dataclasses.fields(value)}
    elif hasattr(value, "get_params"):  # a scikit-learn estimator
        options = describe(value.get_params(deep=False))
    else:
        options = {
            name: describe(option)
            for name, option in sorted(getattr(value, "__dict__", {}).items())
        }
    return {"class": _described_code(type(value)), "options": options}


def _described_code(code: Any) -> str:
    module = getattr(code, "__module__", None) or ""
    name = f"{name_of(module)}:{getattr(code, '__qualname__', code)}"
    if module.split(".")[0] == "surrobench":
        return name
    return name + (_text_hash(code) if module == "__main__" else _source_hash(module))


def _text_hash(code: Any) -> str:
    """Hash of the source of what a notebook, a script or a prompt has defined."""
    try:
        text = inspect.getsource(code)
    except (OSError, TypeError):
        return ""
    return "#" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _source_hash(module: str) -> str:
    """Hash of a module's file, unless it belongs to an installed package (which has a version)."""
    path = getattr(sys.modules.get(module), "__file__", None)
    if not path or "site-packages" in path or not path.endswith(".py"):
        return ""
    with open(path, "rb") as file:
        return "#" + hashlib.sha256(file.read()).hexdigest()[:16]
