"""Encodings of architectures worked out by hand."""

from __future__ import annotations

import time

import numpy as np
import pytest
from scipy.stats import rankdata

from surrobench.arrays import FloatArray
from surrobench.encodings import make_encoding
from surrobench.errors import UserError
from surrobench.spaces import SPACES
from surrobench.spaces.architecture import Arch, SearchSpace, Variable
from surrobench.spaces.chains import Chains
from surrobench.spaces.choices import Choices
from surrobench.spaces.edge_cells import nas_bench_201
from surrobench.spaces.named import Space
from surrobench.spaces.stages import trans_nas_bench_101_macro

NB201, CHAIN, MACRO = nas_bench_201(), Chains(), trans_nas_bench_101_macro()
NONE, SKIP, CONV1, CONV3, POOL = range(5)
# 0 -conv3x3-> 1 -skip-> 2 -pool-> 3, and 0 -conv1x1-> 3; edges 0>1 0>2 1>2 0>3 1>3 2>3.
CELL = (CONV3, NONE, SKIP, CONV1, NONE, POOL)


def ones(name: str, space: SearchSpace, arch: Arch) -> list[str]:
    """The columns that are 1 in a 0/1 encoding."""
    encoding = make_encoding(name)
    (row,) = encoding([arch], space, {})
    return [column for column, value in zip(encoding.columns(space, {}), row, strict=True) if value]


def row(name: str, space: SearchSpace, arch: Arch) -> dict[str, float]:
    encoding = make_encoding(name)
    values = encoding([arch], space, {})[0].tolist()
    return dict(zip(encoding.columns(space, {}), values, strict=True))


@pytest.mark.parametrize(
    ("name", "space", "width"),
    [
        ("one-hot", NB201, 30),
        ("one-hot", CHAIN, 40),
        ("one-hot", MACRO, 30),
        ("ordinal", NB201, 6),
        ("ordinal", CHAIN, 20),
        ("adjacency", NB201, 10 + 6 * 4),
        ("adjacency", CHAIN, 11 + 4 * 12 + 2 * 3),
        ("adjacency", MACRO, 9 + 6 * 4),
        ("path", NB201, 4 + 16 + 64),
        ("path:40", NB201, 40),
        ("path:1000", NB201, 84),
        ("path-contracted", NB201, 1 + 3 + 9 + 27),
    ],
)
def test_widths(name: str, space: SearchSpace, width: int) -> None:
    assert len(make_encoding(name).columns(space, {})) == width


def test_one_hot_of_a_cell() -> None:
    assert ones("one-hot", NB201, CELL) == [
        "0>1=nor_conv_3x3",
        "0>2=none",
        "1>2=skip_connect",
        "0>3=nor_conv_1x1",
        "1>3=none",
        "2>3=avg_pool_3x3",
    ]


def test_one_hot_of_a_chain_spends_nothing_on_absent_blocks() -> None:
    arch = CHAIN.parse("conv3-16-max+conv5-64-avg+fc512")
    assert ones("one-hot", CHAIN, arch) == [
        "conv1 present",
        "conv1 kernel=3",
        "conv1 filters=16",
        "conv1 pool=max",
        "conv2 present",
        "conv2 kernel=5",
        "conv2 filters=64",
        "conv2 pool=avg",
        "fc1 present",
        "fc1 width=512",
    ]


def test_ordinal_of_a_chain() -> None:
    found = row("ordinal", CHAIN, CHAIN.parse("conv5-16-avg+conv3-32-max+fc256"))
    assert [found[f"conv1 {field}"] for field in ("kernel", "filters", "pool", "present")] == [
        1.0,
        0.0,
        1.0,
        1.0,
    ]
    assert [found[f"conv2 {field}"] for field in ("kernel", "filters", "pool", "present")] == [
        0.0,
        0.5,
        0.0,
        1.0,
    ]
    assert [found[f"conv3 {field}"] for field in ("kernel", "filters", "pool", "present")] == [
        0
    ] * 4
    assert (found["fc1 width"], found["fc2 width"], found["fc2 present"]) == (0.5, 0.0, 0.0)


def test_ordinal_of_user_decisions() -> None:
    space = Choices(
        "mine",
        [
            Variable("layers", ("1", "2", "5"), (1.0, 2.0, 5.0)),
            Variable("kind", ("a", "b", "c")),
            Variable("fixed", ("only",), (3.0,)),
        ],
    )
    assert row("ordinal", space, (1, 2, 0)) == {"layers": 0.25, "kind": 1.0, "fixed": 0.0}


def test_adjacency_of_a_cell() -> None:
    # Nodes 1..6 are the edges; 2 (0>2) and 5 (1>3) are none, so they and their links are gone.
    assert ones("adjacency", NB201, CELL) == [
        "link input>1",
        "link input>4",
        "link 1>3",
        "link 3>6",
        "link 4>output",
        "link 6>output",
        "node 1=nor_conv_3x3",
        "node 3=skip_connect",
        "node 4=nor_conv_1x1",
        "node 6=avg_pool_3x3",
    ]


def test_adjacency_of_a_chain_links_present_layers() -> None:
    arch = CHAIN.parse("conv3-16-max+conv5-64-avg+fc512")
    assert ones("adjacency", CHAIN, arch) == [
        "link input>1",
        "link 1>2",
        "link 2>5",
        "link 5>output",
        "node 1=conv3-16-max",
        "node 2=conv5-64-avg",
        "node 5=fc512",
    ]


def test_adjacency_of_a_skeleton() -> None:
    found = ones("adjacency", MACRO, (1, 2, 3, 4, 0, 0))
    assert found[:5] == ["link input>1", "link 1>2", "link 2>3", "link 3>4", "link 4>output"]
    assert found[5:] == [
        "node 1=normal",
        "node 2=channel-doubling",
        "node 3=down-sampling",
        "node 4=both",
    ]


def test_paths_of_a_cell() -> None:
    assert ones("path", NB201, CELL) == [
        "path nor_conv_1x1",
        "path nor_conv_3x3>skip_connect>avg_pool_3x3",
    ]
    assert ones("path-contracted", NB201, CELL) == [
        "path nor_conv_1x1",
        "path nor_conv_3x3>avg_pool_3x3",
    ]
    assert ones("path-contracted", NB201, (SKIP,) * 6) == ["path (identity)"]
    assert ones("path", NB201, (CONV3, CONV3, CONV3, NONE, NONE, NONE)) == []


def test_truncated_paths_are_the_first_columns() -> None:
    archs = NB201.sample(300, np.random.default_rng(0))
    full, short = make_encoding("path"), make_encoding("path:20")
    np.testing.assert_array_equal(short(archs, NB201, {}), full(archs, NB201, {})[:, :20])
    assert short.columns(NB201, {}) == full.columns(NB201, {})[:20]


def brute_force_paths(arch: Arch) -> set[str]:
    graph = NB201.graph(arch)
    found, frontier = set(), [(0, ())]
    while frontier:
        node, word = frontier.pop()
        if node == 3:
            found.add("path " + ">".join(word))
        frontier += [(t, (*word, label)) for s, t, label in graph.edges if s == node]
    return found


def test_paths_equal_a_walk_over_the_graph() -> None:
    for arch in NB201.sample(100, np.random.default_rng(5)):
        assert set(ones("path", NB201, arch)) == brute_force_paths(arch)


def test_measured_columns_are_pool_ranks() -> None:
    measured: dict[str, FloatArray] = {
        "params": np.array([10.0, 30.0, 20.0, 20.0, 1e50]),
        "proxy": np.array([-np.inf, np.nan, 5.0, np.inf, np.nan]),
    }
    archs = NB201.sample(5, np.random.default_rng(0))
    encoding = make_encoding("measured")
    assert encoding.columns(NB201, measured) == ["params", "proxy", "proxy missing"]
    np.testing.assert_array_equal(
        encoding(archs, NB201, measured).T,
        [[0, 0.75, 0.375, 0.375, 1], [0, 0.5, 0.5, 1, 0.5], [0, 1, 0, 0, 1]],
    )


def test_measured_columns_can_be_picked_in_order() -> None:
    measured = {name: np.arange(3.0) for name in ("a", "b", "c")}
    assert make_encoding("measured:c,a").columns(NB201, measured) == ["c", "a"]


def test_ranks_ignore_increasing_transforms_and_constant_columns() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=200).round(1)
    archs = NB201.sample(200, rng)
    encoding = make_encoding("measured")
    plain = encoding(archs, NB201, {"proxy": values})
    np.testing.assert_array_equal(plain, encoding(archs, NB201, {"proxy": np.exp(30 * values)}))
    assert (encoding(archs, NB201, {"proxy": np.full(200, 3.0)}) == 0.5).all()
    missing = encoding(archs, NB201, {"proxy": np.full(200, np.nan)})
    np.testing.assert_array_equal(missing, np.tile([0.5, 1.0], (200, 1)))


def test_measured_mistakes_are_explained() -> None:
    archs = NB201.sample(3, np.random.default_rng(0))
    with pytest.raises(UserError, match="this task of the space 'nb201' has no measured columns"):
        make_encoding("measured")(archs, NB201, {})
    with pytest.raises(UserError, match=r"no column 'param'\. Did you mean 'params'"):
        make_encoding("measured:param")(archs, NB201, {"params": np.zeros(3)})
    with pytest.raises(UserError, match=r"shape \(2,\), but there are 3 architectures"):
        make_encoding("measured")(archs, NB201, {"params": np.zeros(2)})


def test_a_rank_sum_prefers_what_is_low_nowhere() -> None:
    measured = {"up": np.array([1.0, 20.0, 300.0]), "down": np.array([3.0, 2.0, 1.0])}
    archs = NB201.sample(3, np.random.default_rng(0))
    encoding = make_encoding("rank-sum:up,down")
    # Sums of logarithms order as products of ranks do: 1 x 3, 2 x 2 and 3 x 1.
    np.testing.assert_array_equal(encoding(archs, NB201, measured).T, [[0.25, 1, 0.25]])
    assert encoding.columns(NB201, measured) == ["rank sum of up, down"]
    alone = make_encoding("rank-sum:up")(archs, NB201, measured)
    np.testing.assert_array_equal(alone, make_encoding("measured:up")(archs, NB201, measured))


def test_a_rank_sum_is_that_of_az_nas() -> None:
    rng = np.random.default_rng(1)
    names = ("expressivity", "progressivity", "trainability", "flops")
    measured = {name: rng.normal(size=50).round(1) for name in names}
    measured["trainability"][:3] = -np.inf
    archs = NB201.sample(50, rng)
    total = sum(np.log(rankdata(column) / 50) for column in measured.values())
    expected = (rankdata(np.round(total, 9)) - 1) / 49
    others = {**measured, "params": rng.normal(size=50)}
    np.testing.assert_allclose(make_encoding("az-nas")(archs, NB201, others)[:, 0], expected)
    measured["flops"][7] = np.nan
    missing = make_encoding("az-nas")(archs, NB201, measured)
    measured["flops"][7] = np.nanmedian(measured["flops"])
    filled = make_encoding("az-nas")(archs, NB201, measured)
    assert np.abs(missing - filled).max() < 0.1  # the middle rank


def test_a_rank_sum_names_the_column_that_is_missing() -> None:
    archs = NB201.sample(3, np.random.default_rng(0))
    with pytest.raises(UserError, match="'rank-sum': this task has no column 'vkdnw_single'"):
        make_encoding("vkdnw-agg")(archs, NB201, {"flops": np.zeros(3)})
    with pytest.raises(UserError, match="as in 'rank-sum:params,flops'"):
        make_encoding("rank-sum:a,a")


def test_a_sum_puts_its_parts_side_by_side() -> None:
    archs = NB201.sample(10, np.random.default_rng(0))
    measured = {"params": np.arange(10.0)}
    X = make_encoding("one-hot+measured")(archs, NB201, measured)
    np.testing.assert_array_equal(X[:, :30], make_encoding("one-hot")(archs, NB201, {}))
    np.testing.assert_allclose(X[:, 30], np.arange(10) / 9)


@pytest.mark.parametrize("name", ["one-hot", "adjacency", "path", "path-contracted"])
def test_the_whole_of_nas_bench_201_is_encoded_within_a_second(name: str) -> None:
    archs = list(NB201)
    start = time.process_time()
    make_encoding(name)(archs, NB201, {})
    assert time.process_time() - start < 1.0


@pytest.mark.parametrize(
    ("space", "arch", "layers"),
    [
        ("nb201", "|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|skip_connect~0|none~1|none~2|", 0),
        (
            "nb201",
            "|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|skip_connect~0|none~1|avg_pool_3x3~2|",
            2,
        ),
        ("tnb101-micro", "64-41414-3_12_233", 5),
        ("tnb101-macro", "64-1234-basic", 4 * 4 + 3),
        ("chain", "conv3-16-max+conv5-64-avg+fc128", 4),
        ("transformer", "layers3-heads2-hidden32-ffn2", 3),
    ],
)
def test_trained_layers_are_counted(space: str, arch: str, layers: int) -> None:
    kind = SPACES.create(space)
    counted = kind.trained_layers(np.array([kind.parse(arch)]))
    assert counted is not None
    assert counted.tolist() == [layers]


def test_a_table_may_count_its_layers_itself() -> None:
    space = Space(width=[8, 16])
    layers = make_encoding("layers")
    assert layers([(0,), (1,)], space, {"layers": np.array([5.0, 2.0])}).tolist() == [[1.0], [0.0]]
    with pytest.raises(UserError, match="no measured column 'layers'"):
        layers([(0,)], space, {"params": np.ones(1)})
