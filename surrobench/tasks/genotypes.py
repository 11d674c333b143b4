"""Lists, objects and genotypes that are written as text; parsed, never evaluated."""

from __future__ import annotations

import ast
import json
import re
from typing import Any

CONCATENATION = "_concat"
"""Ends the names of the parts of a genotype that say which nodes form the output of a cell."""
_FIELDS = ("normal", f"normal{CONCATENATION}", "reduce", f"reduce{CONCATENATION}")
_CALL = re.compile(r"\s*[A-Za-z_][\w.]*\(\s*(?:\w+\s*=|[\[(]).*\)\s*", re.DOTALL)


def is_call(text: str) -> bool:
    """Whether a text looks like ``Genotype(normal=[…], …)``, as Python prints named tuples."""
    return _CALL.fullmatch(text) is not None


def parse_text(text: str) -> Any:
    """JSON, a Python literal such as ``(1, 'a')``, or a named tuple as Python prints it.

    ``Genotype(normal=[('skip_connect', 0)], normal_concat=range(2, 6), …)`` becomes a dictionary
    of its fields; values without a name are those of DARTS genotypes in their order.

    Raises:
        ValueError: if the text is none of these.
        SyntaxError: likewise.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return _value(ast.parse(text.strip(), mode="eval").body)


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.List | ast.Tuple):
        return [_value(element) for element in node.elts]
    if isinstance(node, ast.Dict):
        keys = [None if key is None else ast.literal_eval(key) for key in node.keys]
        return dict(zip(keys, map(_value, node.values), strict=True))
    if not isinstance(node, ast.Call):
        return ast.literal_eval(node)
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    given = [_value(argument) for argument in node.args]
    if name == "range":
        return list(range(*given)) if len(range(*given)) <= 1000 else _refuse("a long range")
    if name in ("list", "tuple") and len(given) == 1:
        return given[0]
    if len(given) > len(_FIELDS) or any(keyword.arg is None for keyword in node.keywords):
        return _refuse(f"a call of {name or 'something'}")
    named = {str(keyword.arg): _value(keyword.value) for keyword in node.keywords}
    return {**dict(zip(_FIELDS, given, strict=False)), **named}


def _refuse(what: str) -> Any:
    raise ValueError(f"{what} is no part of a genotype")
