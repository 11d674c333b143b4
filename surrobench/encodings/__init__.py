"""Encodings: pure functions from the architectures of a pool to the rows of a matrix.

A new encoding is a module here with a class that follows
:class:`~surrobench.encodings.protocol.Encoding`, and one line below.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from surrobench.base.registry import Registry, is_own
from surrobench.errors import UserError, did_you_mean

if TYPE_CHECKING:
    from surrobench.encodings.protocol import Encoding

ENCODINGS: Registry[Encoding] = Registry("encoding")
ENCODINGS.register(
    "one-hot", "surrobench.encodings.one_hot:OneHot", "one 0/1 column per choice of each variable"
)
ENCODINGS.register(
    "ordinal", "surrobench.encodings.ordinal:Ordinal", "one number in [0, 1] per variable"
)
ENCODINGS.register(
    "numeric",
    "surrobench.encodings.numeric:Numeric",
    "one number in [0, 1] per numeric variable (its logarithm on a log scale), and its presence",
)
ENCODINGS.register(
    "categorical",
    "surrobench.encodings.one_hot:OneHot",
    "one-hot of the variables that are words",
    only_words=True,
)
ENCODINGS.register(
    "adjacency",
    "surrobench.encodings.adjacency:Adjacency",
    "adjacency matrix and one-hot operations, with operations on the nodes",
)
ENCODINGS.register(
    "path",
    "surrobench.encodings.paths:Paths",
    "one 0/1 column per sequence of operations from input to output; path:40 keeps the 40 shortest",
)
ENCODINGS.register(
    "path-contracted",
    "surrobench.encodings.paths:Paths",
    "path without its skips, which is the same for isomorphic cells",
    contract=True,
)
ENCODINGS.register(
    "measured",
    "surrobench.encodings.measured:Measured",
    "pool ranks of measured columns; measured:params,flops picks some",
)
for _name, _summary, _names in (
    ("rank-sum", "rank-sum:params,jacov adds up logarithms of pool ranks into one column", ()),
    (
        "az-nas",
        "rank sum of expressivity, progressivity, trainability and FLOPs (AZ-NAS)",
        ("expressivity", "progressivity", "trainability", "flops"),
    ),
    (
        "vkdnw-agg",
        "rank sum of vkdnw_single, jacov, expressivity, trainability and FLOPs (VKDNW)",
        ("vkdnw_single", "jacov", "expressivity", "trainability", "flops"),
    ),
):
    ENCODINGS.register(_name, "surrobench.encodings.rank_sum:RankSum", _summary, names=_names)
ENCODINGS.register(
    "layers",
    "surrobench.encodings.layers:TrainedLayers",
    "pool rank of the number of trained layers",
)
ENCODINGS.register(
    "graph",
    "surrobench.encodings.graph_features:GraphFeatures",
    "operation counts, shortest and longest paths over sets of operations, degrees (GRAF); "
    "graph:counts,longest picks some",
)
ENCODINGS.register(
    "wl",
    "surrobench.encodings.weisfeiler_lehman:WeisfeilerLehman",
    "counts of Weisfeiler-Lehman labels, the same for isomorphic cells; wl:2 for two iterations",
)
ENCODINGS.register(
    "other-spaces",
    "surrobench.encodings.other_spaces:OtherSpaces",
    "what linear models fitted to eleven tasks say of cells, without tasks on the same cells; "
    "other-spaces:mean is one column",
)
ENCODINGS.register(
    "similarity",
    "surrobench.encodings.similarity:Similarity",
    "of a pool with given similarities: columns whose inner products these are",
)
for _name, _part, _summary in (
    ("curve", "all", "values of the first epochs and their differences, as pool ranks; curve:0.2"),
    ("curve-last", "last", "the value after a share of the epochs: curve-last:0.2"),
    ("curve-sum", "sum", "sum of training losses up to a share of the epochs"),
    ("curve-extrapolated", "extrapolated", "a power law through the first epochs, at the last"),
):
    ENCODINGS.register(_name, "surrobench.encodings.curves:Curve", _summary, part=_part)


def make_encoding(name: str) -> Encoding:
    """Build an encoding from its name.

    Args:
        name: a registered name, one with an argument (``"path:40"``,
            ``"measured:params,flops"``), a dotted path ``"module:Attribute"``, or several of
            these joined by ``+``, whose columns are put side by side.

    Raises:
        UserError: for an unknown name, with the nearest valid ones, or a wrong argument.
    """
    ENCODINGS.check_name(name)
    from surrobench.encodings.combined import Combined

    parts = tuple(_single(part.strip(), name) for part in name.split("+"))
    return parts[0] if len(parts) == 1 else Combined(parts)


def sees_curves(name: str) -> bool:
    """Whether an encoding may look at learning curves; one of others always may."""
    for part in name.split("+"):
        head = part.strip().partition(":")[0]
        target = ENCODINGS.entry(head).target if head in ENCODINGS.names() else part
        if target.startswith(f"{__name__}.curves:") or not is_own(target):
            return True
    return False


def _single(part: str, name: str) -> Encoding:
    """One term of a sum."""
    if not part:
        raise UserError(f"encoding {name!r}: nothing stands beside a '+'.")
    head, colon, argument = part.partition(":")
    if head not in ENCODINGS.names():
        try:
            return _checked(ENCODINGS.create(part), part)
        except UserError as error:
            misspelt = colon and head not in sys.modules  # else it is a module that was meant
            hint = " " + did_you_mean(head, ENCODINGS.names()) if misspelt else ""
            raise UserError(f"{error}{hint}") from error
    encoding = ENCODINGS.create(head)
    if not colon:
        return encoding
    narrowed = getattr(encoding, "narrowed", None)
    if narrowed is None:
        raise UserError(f"encoding {part!r}: {head!r} takes nothing after a colon.")
    result: Encoding = narrowed(argument)
    return result


def _checked(made: Encoding, part: str) -> Encoding:
    """Of others: refused if it lacks what every encoding has."""
    wanted = {
        "columns": "columns(space, measured)",
        "__call__": "(archs, space, measured) as a call",
    }
    lacking = [said for name, said in wanted.items() if not callable(getattr(made, name, None))]
    if lacking:
        raise UserError(
            f"{part!r} makes no encoding: {type(made).__name__} has no {' and no '.join(lacking)}."
        )
    return made
