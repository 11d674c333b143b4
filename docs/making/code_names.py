"""Names of the code in docstrings: each must exist, also where the site has no page for it."""

from __future__ import annotations

import ast
import builtins
import importlib
import inspect
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import surrobench

PACKAGE = Path(surrobench.__file__).parent
_DEFINED = re.compile(r"^(?:class|def) (\w+)", re.MULTILINE)


def settle(app: Any, env: Any, node: Any, content: Any) -> Any:
    """What Sphinx asks about a name that it finds nothing for.

    Names that a page documents elsewhere are linked, others that exist in the code, here or in a
    library, are shown as they are. For what does not exist nothing is returned, and the build,
    which is strict, fails.
    """
    if node.get("refdomain") != "py":
        return None
    domain = env.get_domain("py")
    known = [name for name in readings(node) if exists(name)]
    for name in known:
        if name in domain.objects:
            where = (env, node.get("refdoc", ""), app.builder, "obj", name, node, content)
            return domain.resolve_xref(*where)
    return content if known else None


def skip_foreign(app: Any, what: str, name: str, value: Any, skip: bool, options: Any) -> Any:
    """What autodoc asks about a member: a function of a library is none of ours.

    Types that carry the validators of a file's format say nothing to a reader either.
    """
    if what != "module":
        return None
    home = getattr(value, "__module__", None)
    foreign = callable(value) and not str(home).startswith("surrobench")
    return True if foreign or "Annotated[" in repr(value) else None


def keep_colons(app: Any, what: str, name: str, value: Any, options: Any, lines: list[str]) -> None:
    """Undo that Napoleon reads *this: that* of an attribute as its type."""
    marks = [line for line in lines if line.startswith(":type: ")]
    if what in ("attribute", "data", "property") and marks:
        lines.remove(marks[0])
        lines[0] = f"{marks[0].removeprefix(':type: ')}: {lines[0]}"


def readings(node: Any) -> Iterator[str]:
    """What a name can mean where it stands, the nearest meaning first.

    In its class, in its module, in the package of that, by itself, or anywhere in the code.
    """
    name, module, owner = node["reftarget"], node.get("py:module"), node.get("py:class")
    if module and owner:
        yield f"{module}.{owner}.{name}"
    if module:
        yield f"{module}.{name}"
        head, _, rest = name.partition(".")
        if (full := imported_names(module).get(head)) is not None:
            yield f"{full}.{rest}" if rest else full
        yield f"{module.rpartition('.')[0]}.{name}"
    yield name
    yield from anywhere(name)


def exists(name: str) -> bool:
    """Whether a dotted name can be reached: a module, or an attribute of one."""
    if hasattr(builtins, name.partition(".")[0]):
        return True
    parts = name.split(".")
    if not all(part.isidentifier() for part in parts):
        return False
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


def anywhere(name: str) -> Iterator[str]:
    """The full names of what a module of the package, or something in one, is called."""
    head, _, rest = name.partition(".")
    for module in modules():
        if rest and module.rpartition(".")[2] == head:
            yield f"{module}.{rest}"
        elif head in defined_names(module):
            yield f"{module}.{name}"


@cache
def modules() -> tuple[str, ...]:
    """All modules of the package."""
    paths = [p.relative_to(PACKAGE.parent).with_suffix("") for p in PACKAGE.rglob("*.py")]
    return tuple(sorted(".".join(p.parts).removesuffix(".__init__") for p in paths))


@cache
def _source(module: str) -> str:
    path = PACKAGE.parent.joinpath(*module.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return file.read_text(encoding="utf-8")


@cache
def defined_names(module: str) -> frozenset[str]:
    """Classes and functions of a module of the package."""
    return frozenset(_DEFINED.findall(_source(module)))


@cache
def imported_names(module: str) -> dict[str, str]:
    """Names that a module imports, those for type checkers alone included, in full."""
    if module not in modules():
        return {}
    found = {}
    for node in ast.walk(ast.parse(_source(module))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
        elif isinstance(node, ast.Import):
            found |= {a.asname or a.name: a.name for a in node.names}
    return found
