"""Names of the code in docstrings: each must exist, also where the site has no page for it."""

from __future__ import annotations

import ast
import builtins
import importlib
import inspect
from collections.abc import Iterator
from functools import cache
from typing import Any


def settle(app: Any, env: Any, node: Any, content: Any) -> Any:
    """What Sphinx asks about a name that no page documents.

    Names that exist in the code, here or in a library, are shown as they are. For others nothing is
    returned, and the build, which is strict, fails.
    """
    if node.get("refdomain") != "py":
        return None
    known = any(exists(name) for name in readings(node))
    return content if known else None


def skip_foreign(app: Any, what: str, name: str, value: Any, skip: bool, options: Any) -> Any:
    """What autodoc asks about a member: a function of a library is none of ours."""
    home = getattr(value, "__module__", None)
    foreign = what == "module" and callable(value) and not str(home).startswith("surrobench")
    return True if foreign else None


def readings(node: Any) -> Iterator[str]:
    """What a name can mean where it stands: in its class, in its module, or by itself."""
    name, module, owner = node["reftarget"], node.get("py:module"), node.get("py:class")
    if module and owner:
        yield f"{module}.{owner}.{name}"
    if module:
        yield f"{module}.{name}"
        head, _, rest = name.partition(".")
        if (full := imported_names(module).get(head)) is not None:
            yield f"{full}.{rest}" if rest else full
    yield name


def exists(name: str) -> bool:
    """Whether a dotted name can be reached: a module, or an attribute of one."""
    if hasattr(builtins, name.partition(".")[0]):
        return True
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        try:
            value: Any = importlib.import_module(".".join(parts[:end]))
        except ImportError:
            continue
        return _reached(value, parts[end:])
    return False


def _reached(value: Any, names: list[str]) -> bool:
    for name in names:
        fields = getattr(value, "__dataclass_fields__", {})
        if name in fields or name in getattr(value, "__annotations__", {}):
            return True
        if not hasattr(value, name):
            return _assigned(value, name)
        value = getattr(value, name)
    return True


def _assigned(value: Any, name: str) -> bool:
    """Whether the constructor of a class sets an attribute."""
    if not inspect.isclass(value):
        return False
    try:
        return f"self.{name}" in inspect.getsource(value)
    except (OSError, TypeError):
        return False


@cache
def imported_names(module: str) -> dict[str, str]:
    """Names that a module imports, those for type checkers alone included, in full."""
    try:
        source = inspect.getsource(importlib.import_module(module))
    except (ImportError, OSError, TypeError):
        return {}
    found = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
        elif isinstance(node, ast.Import):
            found |= {a.asname or a.name: a.name for a in node.names}
    return found
