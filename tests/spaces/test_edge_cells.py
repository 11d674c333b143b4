from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from surrobench.errors import UserError
from surrobench.spaces.edge_cells import nas_bench_201, trans_nas_bench_101_micro

NB201 = nas_bench_201()
CELLS = list(NB201)
NONE, SKIP, CONV1, CONV3, POOL = range(5)


def test_official_string_of_a_cell() -> None:
    text = "|none~0|+|skip_connect~0|nor_conv_1x1~1|+|nor_conv_3x3~0|avg_pool_3x3~1|none~2|"
    arch = (NONE, SKIP, CONV1, CONV3, POOL, NONE)
    assert NB201.parse(text) == arch
    assert NB201.to_string(arch) == text


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("|none~0|+|none~0|none~1|", "2 nodes, expected 3"),
        ("|none~0|+|none~0|+|none~0|none~1|none~2|", "1 operation, expected 2"),
        ("|none~1|+|none~0|none~1|+|none~0|none~1|none~2|", "'none~1' is not 'operation~0'"),
        ("|conv~0|+|none~0|none~1|+|none~0|none~1|none~2|", "'conv~0' is not"),
    ],
)
def test_parse_says_what_is_wrong(text: str, complaint: str) -> None:
    with pytest.raises(UserError, match=complaint):
        NB201.parse(text)


def test_paths_through_the_cell() -> None:
    # Positions of the edges 0>1 0>2 1>2 0>3 1>3 2>3.
    assert NB201.paths == ((3,), (0, 4), (1, 5), (0, 2, 5))


def test_counts_of_classes_and_of_damaged_cells() -> None:
    used = NB201.used_edges(CELLS)
    unreachable = ((np.array(CELLS) != NONE) & ~used).any(axis=1)
    assert NB201.published_groups(CELLS).max() + 1 == 6_466
    assert (~used.any(axis=1)).sum() == 341
    assert (~unreachable).sum() == 9_445
    assert NB201.groups(CELLS).max() + 1 == 4_930
    assert nas_bench_201(sums="flat").groups(CELLS).max() + 1 == 4_930
    assert nas_bench_201(sums="flat").published_groups(CELLS) is None


def test_grouping_the_whole_space_is_quick() -> None:
    start = time.process_time()
    nas_bench_201().groups(CELLS)
    assert time.process_time() - start < 1.0


def test_damage_of_hand_made_cells() -> None:
    direct = (NONE, NONE, NONE, SKIP, NONE, NONE)
    dangling = (CONV3, NONE, NONE, SKIP, NONE, NONE)  # 0>1 leads nowhere
    rootless = (NONE, NONE, NONE, SKIP, POOL, NONE)  # 1>3 comes from nowhere
    cut = (CONV3, CONV3, CONV3, NONE, NONE, NONE)
    assert [NB201.unreachable(arch) for arch in (direct, dangling, rootless, cut)] == [
        False,
        True,
        True,
        True,
    ]
    assert [NB201.disconnected(arch) for arch in (direct, dangling, rootless, cut)] == [
        False,
        False,
        False,
        True,
    ]
    assert not NB201.unreachable((NONE,) * 6)
    assert NB201.disconnected((NONE,) * 6)


def test_expressions_worked_out_by_hand() -> None:
    via_skip = (CONV3, NONE, SKIP, NONE, NONE, POOL)  # 0 -conv-> 1 -skip-> 2 -pool-> 3
    direct = (NONE, CONV3, NONE, NONE, NONE, POOL)  # 0 -conv-> 2 -pool-> 3
    assert NB201.expression(via_skip) == "#+#+(#+(0)@nor_conv_3x3)@avg_pool_3x3"
    assert NB201.expression(direct) == NB201.expression(via_skip)
    assert NB201.groups([via_skip, direct]).tolist() == [0, 0]
    assert NB201.canonical(via_skip) == NB201.canonical(direct) == direct
    through_one = (CONV3, NONE, NONE, NONE, POOL, NONE)
    # Node 1 has one input, so there is no "#+" in front: the published key tells them apart.
    assert NB201.published_groups([direct, through_one]).tolist() == [0, 1]
    assert NB201.groups([direct, through_one]).tolist() == [0, 0]


def test_flat_sums_only_merge_classes() -> None:
    nested, flat = NB201.published_groups(CELLS), NB201.groups(CELLS)
    assert len(set(zip(nested.tolist(), flat.tolist(), strict=True))) == nested.max() + 1


def test_classes_equal_the_published_key(tables: Path) -> None:
    pandas = pytest.importorskip("pandas")
    columns = ["arch_str", "iso_string", "iso_class"]
    table = pandas.read_parquet(tables / "nb201.parquet", columns=columns)
    archs = [NB201.parse(text) for text in table["arch_str"]]
    assert [NB201.to_string(arch) for arch in archs] == table["arch_str"].tolist()
    assert [NB201.expression(arch) for arch in archs] == table["iso_string"].tolist()
    ours = NB201.published_groups(archs)
    assert len(set(zip(ours, table["iso_class"], strict=True))) == 6_466


@pytest.mark.slow
def test_unreachable_cells_are_those_that_the_published_proxies_leave_out(tables: Path) -> None:
    pandas = pytest.importorskip("pandas")
    table = pandas.read_parquet(
        tables / "nb201_proxies.parquet", columns=["arch_str", "cifar10_nwot"]
    )
    left_out = table["cifar10_nwot"].isna().tolist()
    assert [NB201.unreachable(NB201.parse(text)) for text in table["arch_str"]] == left_out


def test_graph_leaves_out_missing_edges() -> None:
    graph = NB201.graph((CONV3, NONE, SKIP, NONE, NONE, POOL))
    assert graph.nodes == ("input", "1", "2", "output")
    assert graph.edges == (
        (0, 1, "nor_conv_3x3"),
        (1, 2, "skip_connect"),
        (2, 3, "avg_pool_3x3"),
    )


def test_neighbours_change_one_edge() -> None:
    near = NB201.neighbours((0,) * 6)
    assert len(near) == 6 * 4
    assert near[0] == (1, 0, 0, 0, 0, 0)


def test_transnas_strings() -> None:
    micro = trans_nas_bench_101_micro()
    arch = (1, 0, 2, 3, 3, 3)
    assert micro.to_string(arch) == "(1, 0, 2, 3, 3, 3)"
    assert micro.parse("102333") == micro.parse("64-41414-1_02_333") == arch
    with pytest.raises(UserError, match="6 indices from 0 to 3"):
        micro.parse("102334")


def test_transnas_skip_from_the_input_is_learned() -> None:
    micro = trans_nas_bench_101_micro()
    skip_then_conv, conv = (1, 0, 0, 0, 3, 0), (0, 0, 0, 3, 0, 0)
    conv_then_skip = (3, 0, 0, 0, 1, 0)
    assert micro.groups([conv, conv_then_skip, skip_then_conv]).tolist() == [0, 0, 1]


def test_transnas_coding_agrees_with_the_published_results(tables: Path) -> None:
    pandas = pytest.importorskip("pandas")
    micro = trans_nas_bench_101_micro()
    table = pandas.read_parquet(tables / "tnb101_micro.parquet")
    archs = [micro.parse(text) for text in table["arch"]]
    assert archs == list(micro)
    disconnected = ~micro.used_edges(archs).any(axis=1)
    for task in ("class_scene", "class_object", "jigsaw", "segmentsemantic"):
        assert table.loc[disconnected, f"{task}_val"].nunique() == 1  # all at chance
    results = table[[name for name in table.columns if name.endswith("_val")]]
    same_results = results.groupby(list(results.columns)).ngroup()
    pairs = set(zip(same_results, micro.groups(archs), strict=True))
    assert len(pairs) == same_results.nunique()  # equal results are never in two classes
