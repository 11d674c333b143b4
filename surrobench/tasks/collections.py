"""Named collections of published tasks, such as ``@accuracy``: which tasks of which cards.

Tasks that rank all architectures as an earlier one of their table does (``ranks_as`` in a card) are
one question under another name and are left out of every collection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from surrobench.errors import UserError, did_you_mean

MARK = "@"
HYPERPARAMETERS = ("hpob", "lcbench", "steplaw")
"""Tables of hyperparameters; all others are of architectures."""
SMALL = 2000
"""Rows of a small table, at most."""
SMALL_TABLES = (
    "cvpr22-vit",
    "darts-oncenas",
    "hat",
    "lcbench",
    "live",
    "live-transformer",
    "nb101-sample",
    "nb301-surrogate",
    "nbnlp-wikitext2",
    "steplaw",
    "suite-zero-nb201",
    "suite-zero-nb301",
    "suite-zero-tnb101-micro",
    "vitbench-autoformer",
    "vitbench-pit",
)
"""Counted once; a test counts again where the tables are at hand."""
CORE = (
    "cvpr22-vit/sop",
    "fbnet/2080ti-1",
    "hpob/5859-9983",
    "lanas/cifar10",
    "live-cells/digits",
    "live-transformer/motifs",
    "nb101-sample/cifar10-val",
    "nb201-robust/pgd-2",
    "nb201-supernet/test",
    "nb301-surrogate/cifar10-val",
    "nbmr/seg",
    "nbnlp/test-loss",
)
"""Tasks that rank methods as all published ones do: chosen by ``benchmarks/core.py``."""
_COSTS = {"ms": "latency", "mJ": "energy"}


@dataclass(frozen=True)
class Collection:
    """Tasks that are asked for together.

    Attributes:
        name: as in ``@name``.
        summary: what is in it.
        holds: whether a task belongs to it, by its name, the name of its table and its unit.
    """

    name: str
    summary: str
    holds: Callable[[str, str, str], bool]


def _is_quality(task: str, table: str, unit: str) -> bool:
    return table not in HYPERPARAMETERS and unit not in _COSTS


COLLECTIONS = {
    collection.name: collection
    for collection in (
        Collection("accuracy", "how good trained networks are", _is_quality),
        Collection("latency", "milliseconds of a network", lambda task, table, unit: unit == "ms"),
        Collection("energy", "millijoules of a network", lambda task, table, unit: unit == "mJ"),
        Collection(
            "hpo",
            "how good hyperparameters are",
            lambda task, table, unit: table in HYPERPARAMETERS,
        ),
        Collection(
            "small",
            f"tables of {SMALL:,} rows or fewer",
            lambda task, table, unit: table in SMALL_TABLES,
        ),
        Collection(
            "core",
            "few that rank methods as all do",
            lambda task, table, unit: task in CORE,
        ),
        Collection("all", "every published task", lambda task, table, unit: True),
    )
}


def is_collection(spec: str) -> bool:
    """Whether ``spec`` stands for a collection."""
    return spec.startswith(MARK)


def members(spec: str, cards: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The tasks of a collection.

    Args:
        spec: such as ``"@latency"``.
        cards: the content of the bundled cards by name.

    Raises:
        UserError: for a collection that does not exist, with the nearest.
    """
    name = spec.removeprefix(MARK)
    if name not in COLLECTIONS:
        known = [f"{MARK}{one}" for one in COLLECTIONS]
        raise UserError(f"unknown collection {spec!r}. {did_you_mean(spec, known)}")
    return list(_members(COLLECTIONS[name], cards))


def _members(collection: Collection, cards: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for table, content in cards.items():
        for task, told in content["tasks"].items():
            if "ranks_as" not in told and collection.holds(
                f"{table}/{task}", table, told.get("unit", "")
            ):
                yield f"{table}/{task}"
