"""Lists, objects and genotypes that are written as text; parsed, never evaluated."""

from __future__ import annotations

import ast
import json
import re
from typing import Any

CONCATENATION = "_concat"
"""Ends the names of the parts of a genotype that say which nodes form the output of a cell."""
_FIELDS = ("normal", f"normal{CONCATENATION}", "reduce", f"reduce{CONCATENATION}")
_LONGEST_RANGE = 1_000
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
        node = ast.parse(text.strip(), mode="eval").body
        return _fields(node) if isinstance(node, ast.Call) else _value(node)


def _fields(node: ast.Call) -> dict[str, Any]:
    """The fields of a named tuple; only its name may be called, nothing inside it."""
    if not isinstance(node.func, ast.Name | ast.Attribute) or len(node.args) > len(_FIELDS):
        raise ValueError("this is no genotype")
    given = zip(_FIELDS, map(_value, node.args), strict=False)
    return {**dict(given), **{_name(keyword): _value(keyword.value) for keyword in node.keywords}}


def _name(keyword: ast.keyword) -> str:
    if keyword.arg is None:
        raise ValueError("'**' is no part of a genotype")
    return keyword.arg


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.List | ast.Tuple):
        return [_value(element) for element in node.elts]
    if isinstance(node, ast.Call):
        return _sequence(node)
    return ast.literal_eval(node)


def _sequence(node: ast.Call) -> list[Any]:
    """``range(2, 6)``, or ``list(…)`` of such."""
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    given = [_value(argument) for argument in node.args]
    if name == "range" and not node.keywords and len(range(*given)) <= _LONGEST_RANGE:
        return list(range(*given))
    if name in ("list", "tuple") and len(given) == 1 and isinstance(given[0], list):
        return given[0]
    raise ValueError(f"a call of {name or 'something'} is no part of a genotype")
