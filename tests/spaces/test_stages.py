from __future__ import annotations

from pathlib import Path

import pytest

from surrobench.errors import UserError
from surrobench.spaces.stages import trans_nas_bench_101_macro

MACRO = trans_nas_bench_101_macro()


def test_the_rule_gives_the_published_set(tables: Path) -> None:
    pandas = pytest.importorskip("pandas")
    table = pandas.read_parquet(tables / "tnb101_macro.parquet", columns=["arch"])
    assert [MACRO.to_string(arch) for arch in MACRO] == table["arch"].tolist()


@pytest.mark.parametrize(
    ("arch", "valid"),
    [
        ((1, 2, 3, 4, 0, 0), True),
        ((1, 1, 1, 4, 0, 0), True),
        ((1, 1, 1, 1, 0, 0), False),  # never doubles, never down-samples
        ((2, 2, 2, 2, 3, 0), False),  # four doublings
        ((3, 3, 3, 3, 4, 0), False),  # five down-samplings
        ((1, 2, 3, 0, 0, 0), False),  # three modules
        ((1, 0, 2, 3, 4, 0), False),  # a gap
    ],
)
def test_bounds(arch: tuple[int, ...], valid: bool) -> None:
    assert (arch in MACRO) is valid
    assert (arch in set(MACRO)) is valid


def test_every_notation_is_read() -> None:
    arch = (4, 1, 4, 1, 4, 0)
    assert MACRO.parse("64-41414-basic") == MACRO.parse("41414") == arch
    assert MACRO.parse("(4, 1, 4, 1, 4, 0)") == arch


def test_parse_states_the_bounds() -> None:
    with pytest.raises(UserError, match="4 to 6 module types"):
        MACRO.parse("123")


def test_neighbours_insert_and_delete_modules() -> None:
    near = MACRO.neighbours((4, 1, 4, 1, 4, 0))
    assert (4, 1, 4, 4, 0, 0) in near  # one deleted
    assert (4, 1, 4, 1, 1, 4) in near  # one inserted
    assert (4, 1, 3, 1, 4, 0) in near  # one changed


def test_graph_is_the_sequence() -> None:
    graph = MACRO.graph((1, 2, 3, 4, 0, 0))
    assert graph.nodes[1:-1] == ("normal", "channel-doubling", "down-sampling", "both")
    assert graph.edges == tuple((i, i + 1, "") for i in range(5))
