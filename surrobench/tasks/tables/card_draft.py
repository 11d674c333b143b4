"""A first card for a table of one's own, from the names and values of its columns.

Every guess is told, so that whoever reads the card can put it right.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from surrobench.base.wording import counted
from surrobench.errors import UserError, did_you_mean
from surrobench.tasks.files.reading import column_names, read_columns
from surrobench.tasks.tables.columns import is_number

_BETTER_HIGH = (
    *("accuracy", "acc", "top1", "top5", "auc", "auroc", "f1", "score", "bleu", "map", "miou"),
    *("iou", "reward", "r2", "precision", "recall", "psnr", "ssim", "dice", "spearman", "pearson"),
)
_BETTER_LOW = (
    *("loss", "error", "err", "rmse", "mse", "mae", "perplexity", "ppl", "wer", "cer", "nll"),
    *("crossentropy", "regret"),
)
_COSTS = (
    *("seconds", "second", "sec", "secs", "time", "duration", "runtime", "hours", "hour", "hrs"),
    *("minutes", "minute", "mins", "cost"),
)
_KNOWN = (
    *("params", "parameters", "param", "nparams", "flops", "gflops", "mflops", "macs", "gmacs"),
    *("mmacs", "madds", "multadds", "size", "memory"),
    *("mem", "latency", "energy", "throughput", "synflow", "snip", "grasp", "fisher", "jacov"),
    *("nwot", "zen", "naswot", "gradnorm", "l2norm", "plain", "zico", "vkdnw", "intrain"),
)
_STANDARD = {
    "params": ("params", "parameters", "param", "nparams"),
    "flops": ("flops", "gflops", "mflops"),
}
"""Predictors that rank by one column ask for it by these names."""
_IDENTIFIERS = (
    *("id", "index", "idx", "uid", "uuid", "hash", "key", "name", "filename", "path", "run"),
    *("unnamed", "row", "arch"),
)
_PRIORITY = ("test", "final", "val", "valid", "validation", "eval")
_UNITS = {"h": ("hours", "hour", "hrs"), "min": ("minutes", "minute", "mins")}
_SEEDS = ("seed", "trial", "repeat", "rep", "replicate")


@dataclass(frozen=True)
class Draft:
    """A card that nobody has looked at yet.

    Attributes:
        text: of the card, in TOML.
        assumed: what was taken for what, and why, a sentence each.
    """

    text: str
    assumed: tuple[str, ...]


@dataclass
class _Roles:
    """What each column is taken for."""

    target: str = ""
    direction: str = "maximize"
    cost: str | None = None
    decisions: list[str] = field(default_factory=list)
    measured: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    seeds: list[str] = field(default_factory=list)


def draft_card(path: Path, name: str, target: str | None = None) -> Draft:
    """Look at a table and write a card for it.

    Args:
        path: of the table; the card is meant to lie beside it.
        name: of the table.
        target: the column to predict, where it is known.

    Raises:
        UserError: if the file cannot be read, has no such column, none that could be a target, or
            none that could be a decision.
    """
    names = [column for column in column_names(path) if column]
    table, _ = read_columns(path, names)
    if target is not None and target not in names:
        raise UserError(f"{path} has no column {target!r}. {did_you_mean(target, names)}")
    assumed: list[str] = []
    roles = _Roles()
    results = [column for column in names if _is_result(column, table[column])]
    _choose_target(roles, results, table, target, assumed)
    rest = [column for column in names if column not in (roles.target, *results)]
    for column in results:
        if column != roles.target:
            roles.left_out[column] = "another result, which nobody knows before training"
    for column in rest:
        _place(roles, column, table[column])
    if not roles.decisions:
        raise UserError(
            f"{path}: no column is left that could describe an architecture "
            f"({', '.join(f'{column}: {why}' for column, why in roles.left_out.items())})."
        )
    return Draft(_card(path, name, roles, table, assumed), tuple(assumed))


def _words(column: str) -> list[str]:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", column)
    return [word for word in re.split(r"[^a-z0-9]+", spaced.lower()) if word]


def _has(column: str, words: Iterable[str]) -> bool:
    """Whether a name holds one of some words, whole or with a number behind it."""
    known = set(words)
    found = _words(column)
    joined = "".join(found)
    return joined in known or any(
        word in known or word.rstrip("0123456789") in known for word in found
    )


def _is_result(column: str, values: pa.ChunkedArray) -> bool:
    named = _has(column, _BETTER_HIGH) or _has(column, _BETTER_LOW)
    return named and is_number(values.type) and _distinct(values) > 2


def _choose_target(
    roles: _Roles, results: list[str], table: pa.Table, given: str | None, assumed: list[str]
) -> None:
    if given is not None:
        roles.target = given
        assumed.append(f"{given!r} is the target, as you said.")
    elif results:
        roles.target = min(results, key=lambda c: (_rank(c), results.index(c)))
        more = "" if len(results) == 1 else f" (of {', '.join(map(repr, results))})"
        assumed.append(
            f"{roles.target!r} is the target by its name{more}; --target says otherwise."
        )
    else:
        numbers = [
            column
            for column in table.column_names
            if is_number(table[column].type)
            and _distinct(table[column]) > max(2, len(table) // 4)
            and not _has(column, [*_COSTS, *_KNOWN, *_IDENTIFIERS, *_SEEDS])
        ]
        if not numbers:
            raise UserError(
                "no column looks like a result (accuracy, loss, score …); say which one is with "
                "--target COLUMN."
            )
        roles.target = numbers[-1]
        assumed.append(
            f"{roles.target!r} is the target, as the last column of many different numbers; no "
            "name says so. --target says otherwise."
        )
    if not is_number(table[roles.target].type):
        raise UserError(f"the target {roles.target!r} must hold numbers, and holds words.")
    low, high = _has(roles.target, _BETTER_LOW), _has(roles.target, _BETTER_HIGH)
    roles.direction = "minimize" if low and not high else "maximize"
    why = "by its name" if low or high else "for want of a better guess: LOOK AT THIS"
    better = "smaller" if roles.direction == "minimize" else "larger"
    assumed.append(f"{better} values of {roles.target!r} are better, {why}.")


def _rank(column: str) -> int:
    """Test results before validation results before others; those of training last."""
    words = _words(column)
    if "train" in words or "training" in words:
        return len(_PRIORITY) + 1
    return next((i for i, word in enumerate(_PRIORITY) if word in words), len(_PRIORITY))


def _place(roles: _Roles, column: str, values: pa.ChunkedArray) -> None:
    """Put a column among the decisions, the measured columns, the costs, or aside."""
    count, rows = _distinct(values), len(values)
    number = is_number(values.type)
    if _has(column, _SEEDS) and number:
        roles.seeds.append(column)
        roles.left_out[column] = "the seed of a training run"
    elif count <= 1:
        roles.left_out[column] = "it never changes"
    elif _has(column, _COSTS) and number:
        if roles.cost is None and (pc.min(values).as_py() or 0) >= 0:
            roles.cost = column
        else:
            roles.left_out[column] = "another cost"
    elif _has(column, _KNOWN) and number:
        roles.measured.append(column)
    elif count == rows and (_has(column, _IDENTIFIERS) or not number):
        roles.left_out[column] = "it is different in every row, an identifier"
    elif _has(column, _IDENTIFIERS) and count > rows // 2:
        roles.left_out[column] = "an identifier by its name"
    elif pa.types.is_nested(values.type):
        roles.left_out[column] = "its cells hold several values"
    else:
        roles.decisions.append(column)


def _distinct(values: pa.ChunkedArray) -> int:
    if pa.types.is_nested(values.type):
        return len({json.dumps(value, default=str) for value in values.to_pylist()})
    return int(pc.count_distinct(values).as_py())


def _card(path: Path, name: str, roles: _Roles, table: pa.Table, assumed: list[str]) -> str:
    """The text, and what else is assumed in it."""
    decided = ", ".join(map(_quoted, roles.decisions))
    assumed.append(f"these columns describe an architecture: {decided}.")
    head = [
        f"name = {_quoted(name)}",
        f"data = {_quoted(path.name)}",
        f"decisions = [{decided}]",
    ]
    if roles.measured:
        names = _standard_names(roles.measured)
        head.append(f"measured = {_measured(names)}  # known without training")
        listed = ", ".join(map(_quoted, roles.measured))
        assumed.append(f"these are known without training: {listed}.")
        for name, column in names.items():
            if name != column:
                assumed.append(f"{column!r} is what the predictor {name!r} ranks by.")
    gaps = [column for column in roles.decisions if table[column].null_count]
    if gaps:
        head.append('absent = "not-there"  # empty cells: the network has no such part')
        assumed.append(
            f"empty cells of {', '.join(map(repr, gaps))} mean that there is no such part."
        )
    if _repeats(table, roles.decisions):
        head.append('duplicates = "mean"  # several rows for one architecture')
        by = f" (rows differ in {', '.join(map(repr, roles.seeds))})" if roles.seeds else ""
        assumed.append(f"rows with equal decisions are trainings of one network and averaged{by}.")
    missing = counted(_missing(table[roles.target]), "row")
    if not missing.startswith("0 "):
        head.append('missing = "allow"  # rows without a target are left out, and counted')
        assumed.append(f"{missing} without a value of {roles.target!r}, left out.")
    task = re.sub(r"[^a-z0-9]+", "-", roles.target.lower()).strip("-") or "target"
    body = [f"[tasks.{task}]", f"target = {_quoted(roles.target)}"]
    body.append(f"direction = {_quoted(roles.direction)}")
    unit = _unit(roles.target, table[roles.target])
    if unit:
        body.append(f"unit = {_quoted(unit)}")
        assumed.append(f"{roles.target!r} is in {unit}, by its name and range.")
    if roles.cost is not None:
        unit = next((u for u, words in _UNITS.items() if _has(roles.cost, words)), "s")
        body.append(f"cost = {_quoted(roles.cost)}")
        body.append(f"cost_unit = {_quoted(unit)}")
        assumed.append(f"{roles.cost!r} is what a training took, in {unit}.")
    for column, why in roles.left_out.items():
        assumed.append(f"{column!r} is left out: {why}.")
    return "\n".join([*head, "", *body, ""])


def _standard_names(columns: list[str]) -> dict[str, str]:
    """Name -> column; one that alone can be meant gets the name that predictors ask for."""
    names = {column: column for column in columns}
    for name, words in _STANDARD.items():
        meant = [column for column in columns if _has(column, words)]
        if name not in names and len(meant) == 1:
            names = {name if column == meant[0] else n: column for n, column in names.items()}
    return names


def _measured(names: dict[str, str]) -> str:
    if all(name == column for name, column in names.items()):
        return f"[{', '.join(map(_quoted, names))}]"
    pairs = (
        f"{name if name.isidentifier() and name.isascii() else _quoted(name)} = {_quoted(column)}"
        for name, column in names.items()
    )
    return "{ " + ", ".join(pairs) + " }"


def _repeats(table: pa.Table, decisions: list[str]) -> bool:
    keys = list(zip(*(map(str, table[column].to_pylist()) for column in decisions), strict=True))
    return len(set(keys)) < len(keys)


def _missing(values: pa.ChunkedArray) -> int:
    found = values.cast(pa.float64(), safe=False).to_numpy()
    return int((~np.isfinite(found)).sum())


def _unit(column: str, values: pa.ChunkedArray) -> str:
    """Percent, for a share that goes beyond 1."""
    high = pc.max(values).as_py() or 0
    share = _has(column, ["accuracy", "acc", "top1", "top5", "error", "err"])
    return "%" if share and 1.5 < float(high) <= 100 else ""


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
