"""Networks over graphs: what they compute, and what they must not depend on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from surrobench.encodings import make_encoding
from surrobench.encodings.column_blocks import with_blocks
from surrobench.errors import UserError
from surrobench.graphs import Graphs
from surrobench.predictors import make_predictor
from surrobench.predictors.graphs.graph_networks import (
    GraphConvolutions,
    GraphNetworks,
    GraphTransformer,
)
from surrobench.predictors.graphs.graph_tensors import FARTHEST, RELATIONS, GraphTensors
from surrobench.predictors.learners.rank_losses import SquaredError
from surrobench.predictors.predictive import predict
from surrobench.spaces import SPACES

LABELS = ("input", "output", "conv", "pool")
MEMBERS = 2
# input -> conv -> pool -> output and input -> output; the second graph has no pool.
ADJACENCY = np.array(
    [
        [[0, 1, 0, 1], [0, 0, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0]],
        [[0, 1, 0, 1], [0, 0, 0, 1], [0, 0, 0, 0], [0, 0, 0, 0]],
    ],
    dtype=np.bool_,
)
GRAPHS = Graphs(ADJACENCY, np.array([[0, 2, 3, 1], [0, 2, -1, 1]]), LABELS)


def convolutions(v: int) -> GraphNetworks:
    return GraphConvolutions(MEMBERS, len(LABELS) + 1, width=6, layers=2)


def transformer(v: int) -> GraphNetworks:
    shape = {"width": 8, "layers": 2, "heads": 2}
    return GraphTransformer(MEMBERS, len(LABELS) + 1, v + 1, RELATIONS, **shape)


KINDS = [convolutions, transformer]


def drawn(kind: Any, v: int = 4) -> GraphNetworks:
    networks: GraphNetworks = kind(v)
    generator = torch.Generator().manual_seed(0)
    networks.parameters.copy_(torch.randn(networks.parameters.shape, generator=generator))
    return networks


def relabelled(graphs: Graphs, order: list[int]) -> Graphs:
    adjacency = graphs.adjacency[:, order][:, :, order]
    return Graphs(adjacency, graphs.operations[:, order], graphs.labels)


@pytest.mark.parametrize("kind", KINDS)
def test_the_numbering_of_nodes_does_not_matter(kind: Any) -> None:
    networks = drawn(kind)
    expected = networks(GRAPHS)
    assert not np.allclose(expected[:, 0], expected[:, 1])
    for order in ([3, 1, 0, 2], [2, 3, 1, 0]):
        np.testing.assert_allclose(networks(relabelled(GRAPHS, order)), expected, rtol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_the_direction_of_edges_matters(kind: Any) -> None:
    networks = drawn(kind)
    turned = Graphs(GRAPHS.adjacency.transpose(0, 2, 1), GRAPHS.operations, LABELS)
    assert not np.allclose(networks(turned), networks(GRAPHS), rtol=1e-3)


def test_nodes_that_are_not_there_do_not_matter() -> None:
    """Neither one more of them nor edges that an array has at their place."""
    wider = np.zeros((2, 5, 5), dtype=np.bool_)
    wider[:, :4, :4] = ADJACENCY
    operations = np.hstack([GRAPHS.operations, np.full((2, 1), -1)])
    with_ends = wider.copy()
    with_ends[:, 0, 4] = True
    with_ends[1, 0, 2] = True
    for kind, v in ((convolutions, 5), (transformer, 5)):
        networks = drawn(kind, v)
        base = networks(Graphs(wider, operations, LABELS))
        assert np.array_equal(base, networks(Graphs(with_ends, operations, LABELS)))
    networks = drawn(convolutions)
    np.testing.assert_allclose(
        networks(Graphs(wider, operations, LABELS)), networks(GRAPHS), rtol=1e-5
    )


def test_convolutions_are_those_of_the_formula() -> None:
    networks = drawn(convolutions)
    layers = [layer[1].double() for layer in networks.layers_of(networks.parameters)]
    # The graph without its absent node, and the global node last.
    A = torch.zeros(4, 4, dtype=torch.float64)
    A[0, 1] = A[0, 2] = A[1, 2] = 1.0
    A[:3, 3] = 1.0
    loops = torch.eye(4, dtype=torch.float64)
    M = (A + loops) / (A + loops).sum(1, keepdim=True)
    back = (A.T + loops) / (A.T + loops).sum(1, keepdim=True)
    H = torch.eye(5, dtype=torch.float64)[[0, 2, 1, 4]]
    for W, W_back in (layers[:2], layers[2:4]):
        H = 0.5 * (M @ H @ W).relu() + 0.5 * (back @ H @ W_back).relu()
    whole = torch.cat([H.mean(0), H[3], torch.ones(1)])
    expected = torch.cat([(whole @ layers[4]).relu(), torch.ones(1)]) @ layers[5]
    assert networks(GRAPHS)[1, 1] == pytest.approx(float(expected), rel=1e-4)


def test_relations_are_shortest_paths() -> None:
    kinds = GraphTensors.of(GRAPHS).relations().argmax(dim=-1)
    none, to, back = 2 * FARTHEST + 1, 2 * FARTHEST + 2, 2 * FARTHEST + 3
    assert kinds[0].tolist() == [
        [0, 1, 2, 1, to],
        [FARTHEST + 1, 0, 1, 2, to],
        [FARTHEST + 2, FARTHEST + 1, 0, 1, to],
        [FARTHEST + 1, FARTHEST + 2, FARTHEST + 1, 0, to],
        [back, back, back, back, 0],
    ]
    assert kinds[1, 0, 2] == none


@pytest.mark.parametrize("kind", KINDS)
def test_members_do_not_know_of_each_other(kind: Any) -> None:
    """A member trained on the first graph alone fits that, and says nothing of the other."""
    networks = kind(4)
    networks.draw(0.0, seed=0)
    share = np.array([[1.0, 0.0], [0.5, 0.5]])
    loss = SquaredError(np.array([[1.0, -1.0]] * 2), share)
    networks.train(GRAPHS, loss, steps=60, learning_rate=3e-2, weight_decay=0.0)
    found = networks(GRAPHS)
    assert found[1] == pytest.approx([1.0, -1.0], abs=0.1)
    assert found[0, 0] == pytest.approx(1.0, abs=0.1)
    assert found[0, 1] > 0.0


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gcn", "graph-transformer"])
@pytest.mark.parametrize("loss", ["hinge", "listmle"])
def test_losses_of_ranks_answer_in_units_of_the_targets(name: str, loss: str) -> None:
    space = SPACES.create("nb201")
    archs = space.sample(60, np.random.default_rng(0))
    X = torch.tensor(make_encoding("adjacency")(archs, space, {}))
    y = 50.0 + 3.0 * torch.tensor(np.isin(archs, (2, 3)).sum(axis=1, keepdims=True)).double()
    recipe: Any = make_predictor(name, loss=loss, width=8, steps=40)
    model = with_blocks(recipe, "adjacency", space, {}).fit(X[:40], y[:40], seed=0)
    found = predict(model, X[40:])
    error = np.abs(np.asarray(found.mean) - y[40:, 0].numpy()).mean()
    assert error < 0.5 * float(y.std())


def test_options_are_checked() -> None:
    with pytest.raises(UserError, match="hinge"):
        make_predictor("gcn", loss="hing")
    with pytest.raises(UserError, match="multiple of the heads"):
        make_predictor("graph-transformer", width=30)
    with pytest.raises(UserError, match="width"):
        make_predictor("gcn", width=0)


def test_it_says_that_it_needs_a_space() -> None:
    with pytest.raises(UserError, match="no space was named"):
        make_predictor("gcn").fit(torch.rand(4, 3).double(), torch.rand(4, 1).double(), seed=0)
