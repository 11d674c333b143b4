"""Graph features and Weisfeiler-Lehman labels against hand-worked cells and brute force."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise, product

import numpy as np
import pytest

from surrobench.encodings import make_encoding
from surrobench.encodings.graph_features import operation_sets
from surrobench.encodings.pool_graphs import FAR, pool_graphs
from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch, SearchSpace
from surrobench.spaces.chains import Chains
from surrobench.spaces.edge_cells import nas_bench_201
from surrobench.spaces.stages import trans_nas_bench_101_macro

NB201, CHAIN, MACRO = nas_bench_201(), Chains(), trans_nas_bench_101_macro()
NONE, SKIP, CONV1, CONV3, POOL = range(5)
# 0 -conv3x3-> 1 -skip-> 2 -pool-> 3, and 0 -conv1x1-> 3; edges 0>1 0>2 1>2 0>3 1>3 2>3.
CELL = (CONV3, NONE, SKIP, CONV1, NONE, POOL)
PATHS = [[3], [0, 4], [1, 5], [0, 2, 5]]
RANDOM = NB201.sample(60, np.random.default_rng(3))


def row(name: str, space: SearchSpace, arch: Arch) -> dict[str, float]:
    encoding = make_encoding(name)
    values = encoding([arch], space, {})[0].tolist()
    return dict(zip(encoding.columns(space, {}), values, strict=True))


@pytest.mark.parametrize(
    ("name", "width"),
    [
        ("graph", 4 + 15 + 15 + 3 * 15),
        ("graph:counts,longest", 4 + 15),
        ("graph:published", 5 + 31 + 31 + 4 * 31),
        ("wl:0", 5 + 2),
        ("wl", 120),
    ],
)
def test_widths(name: str, width: int) -> None:
    assert len(make_encoding(name).columns(NB201, {})) == width


def test_features_of_a_cell() -> None:
    found = row("graph", NB201, CELL)
    assert found["count nor_conv_3x3"] == pytest.approx(1 / 6)
    # The convolution alone; the other way has three operations; without either there is no way.
    assert found["shortest nor_conv_1x1"] == pytest.approx(1 / 4)
    assert found["shortest skip_connect|nor_conv_3x3|avg_pool_3x3"] == pytest.approx(3 / 4)
    assert found["shortest skip_connect|avg_pool_3x3"] == 1.0
    assert found["longest skip_connect|nor_conv_3x3"] == pytest.approx(2 / 3)
    assert found["longest nor_conv_1x1|nor_conv_3x3"] == pytest.approx(1 / 3)
    assert found["input degree nor_conv_1x1|nor_conv_3x3"] == pytest.approx(2 / 3)
    assert found["output degree avg_pool_3x3"] == pytest.approx(1 / 3)
    assert found["mean out-degree skip_connect|avg_pool_3x3"] == pytest.approx(2 / 6)


def test_published_features_count_none_and_have_no_degree_of_the_output() -> None:
    found = row("graph:published", NB201, CELL)
    assert found["count none"] == pytest.approx(2 / 6)
    assert found["shortest none|nor_conv_3x3"] == pytest.approx(2 / 5)
    assert found["input degree none|nor_conv_3x3"] == pytest.approx(2 / 3)
    assert not any(value for name, value in found.items() if name.startswith("output degree"))


@pytest.mark.parametrize("arch", RANDOM, ids=str)
def test_paths_are_those_that_a_walk_finds(arch: Arch) -> None:
    graphs = pool_graphs([arch], NB201)
    labels = [op - 1 for op in arch]  # without none
    live = [[labels[e] for e in path] for path in PATHS if all(arch[e] != NONE for e in path)]
    for allowed in operation_sets(graphs.operations):
        within = [len(ops) for ops in live if set(ops) <= set(allowed)]
        assert graphs.shortest_within(allowed)[0] == min(within, default=FAR)
        most = max((sum(op in allowed for op in ops) for ops in live), default=0)
        assert graphs.most_of(allowed)[0] == most


def test_the_published_longest_path_is_the_lightest_as_networkx_finds_it() -> None:
    networkx = pytest.importorskip("networkx")
    edges = list(NB201.edges)
    archs = list(product((NONE, SKIP), repeat=6))[::3]
    found = pool_graphs(archs, NB201, with_none=True).on_path_of_most([SKIP])
    for arch, value in zip(archs, found, strict=True):
        graph = networkx.DiGraph(edges)
        allowed = dict(zip(edges, arch, strict=True))
        path = networkx.shortest_path(
            graph, 0, 3, weight=lambda s, t, _, a=allowed: 1 - 2 * a[s, t], method="bellman-ford"
        )
        assert value == sum(allowed[s, t] for s, t in pairwise(path))


def test_features_of_a_skeleton_tell_its_state_at_each_position() -> None:
    found = row("graph", MACRO, (1, 2, 4, 2, 0, 0))
    assert found["channel-doubling up to 2"] == pytest.approx(1 / 2)
    assert found["channel-doubling up to 4"] == pytest.approx(2 / 4)
    assert found["channel-doubling up to 5"] == 0.0
    assert found["longest channel-doubling|both"] == pytest.approx(3 / 6)


def test_layers_of_many_kinds_are_grouped_by_their_words() -> None:
    found = row("graph", CHAIN, CHAIN.parse("conv3-16-max+conv5-16-avg+fc128"))
    sixteen = "|".join(name for name in CHAIN.node_form.nodes[0] if "-16-" in name)
    assert found[f"longest {sixteen}"] == pytest.approx(2 / 6)


def test_labels_of_a_cell() -> None:
    found = {name: value * 6 for name, value in row("wl", NB201, CELL).items() if value}
    assert found == pytest.approx(
        {
            "input": 1,
            "output": 1,
            "nor_conv_1x1": 1,
            "nor_conv_3x3": 1,
            "avg_pool_3x3": 1,
            "input()": 1,
            "nor_conv_1x1(input)": 1,
            "nor_conv_3x3(input)": 1,
            "avg_pool_3x3(nor_conv_3x3)": 1,  # the skip between them is passed through
            "output(avg_pool_3x3,nor_conv_1x1)": 1,
        }
    )


def test_scalar_products_are_the_kernel_on_graphs_spelt_out() -> None:
    """Against labels as nested words, for cells whose operations all have an effect."""
    ops = (CONV1, CONV3, POOL)
    archs = [tuple(a) for a in np.random.default_rng(1).choice(ops, (12, 6)).tolist()]
    features = make_encoding("wl:2")(archs, NB201, {}) * 6

    def counts(arch: Arch) -> Counter[tuple[int, str]]:
        into = {t: [e for e, edge in enumerate(NB201.edges) if edge[1] == t] for t in range(1, 4)}
        feeds = {e: (into[s] if s else ["input"]) for e, (s, _) in enumerate(NB201.edges)}
        feeds |= {"output": into[3], "input": []}
        words = {node: str(arch[node]) if isinstance(node, int) else node for node in feeds}
        found = Counter((0, word) for word in words.values())
        for level in (1, 2):
            words = {
                v: f"{words[v]}({','.join(sorted(words[u] for u in feeds[v]))})" for v in feeds
            }
            found.update((level, word) for word in words.values())
        return found

    spelt = [counts(arch) for arch in archs]
    kernel = [[sum(a[key] * b[key] for key in a) for b in spelt] for a in spelt]
    np.testing.assert_allclose(features @ features.T, kernel)


def test_orders_of_a_sum_do_not_matter() -> None:
    X = make_encoding("wl")([(CONV3, POOL, NONE, NONE, CONV1, SKIP)], NB201, {})
    Y = make_encoding("wl")([(POOL, CONV3, NONE, NONE, SKIP, CONV1)], NB201, {})
    np.testing.assert_array_equal(X, Y)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("graph:count", "counts"),
        ("graph:counts,counts", "once"),
        ("wl:two", "wl:2"),
        ("wl:3", "fewer iterations"),
    ],
)
def test_wrong_arguments_are_refused(name: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        make_encoding(name).columns(NB201, {})


def test_published_features_are_for_cells_alone() -> None:
    with pytest.raises(UserError, match=r"graph:published.*use 'graph'"):
        make_encoding("graph:published").columns(CHAIN, {})
