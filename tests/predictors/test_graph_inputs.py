"""Predictors that ask for graphs get the architectures that they are asked about."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from surrobench.encodings import make_encoding
from surrobench.encodings.column_blocks import graph_layout, with_blocks
from surrobench.errors import UserError
from surrobench.graphs import ABSENT_NODE, Graph, Graphs
from surrobench.predictors import make_predictor
from surrobench.predictors.predictive import predict
from surrobench.spaces import SPACES
from surrobench.spaces.architecture import SearchSpace, Variable
from surrobench.spaces.choices import Choices


class Convolutions:
    """The mean target of training graphs with as many convolutions."""

    inputs = "graphs"

    def fit(self, graphs: Graphs, y: Any) -> None:
        assert isinstance(graphs, Graphs)
        counts = self.counts(graphs)
        self.level = float(np.mean(y))
        self.means = {c: float(y[counts == c].mean()) for c in set(counts.tolist())}

    def predict(self, graphs: Graphs, return_std: bool = False) -> Any:
        mean = np.array([self.means.get(c, self.level) for c in self.counts(graphs).tolist()])
        return (mean, np.ones(len(graphs))) if return_std else mean

    @staticmethod
    def counts(graphs: Graphs) -> Any:
        wanted = [i for i, label in enumerate(graphs.labels) if "conv" in label]
        return np.isin(graphs.operations, wanted).sum(axis=1)


def sample(space: SearchSpace, n: int = 60) -> tuple[list[Any], torch.Tensor]:
    archs = space.sample(n, np.random.default_rng(0))
    return archs, torch.tensor(make_encoding("adjacency")(archs, space, {}))


@pytest.mark.parametrize("name", ["nb201", "tnb101-macro", "chain"])
def test_graphs_are_those_of_the_space(name: str) -> None:
    """Compared with the graph that a space makes of one architecture by another way."""
    space = SPACES.create(name)
    layout = graph_layout(space)
    archs, X = sample(space)
    graphs = layout.graphs(X.numpy())
    assert len(graphs) == len(archs)
    form: Any = space
    for graph, arch in zip(graphs, archs, strict=True):
        chosen = form.node_choices(np.array([arch]))[0]
        labels = [form.node_form.nodes[i][c] if c >= 0 else None for i, c in enumerate(chosen)]
        told = [None if o == ABSENT_NODE else graph.labels[o] for o in graph.operations]
        assert told == ["input", *labels, "output"]
        there = {
            e
            for e, on in zip(layout.edges, form.node_edges(np.array([arch]))[0], strict=True)
            if on
        }
        assert there == set(zip(*map(np.ndarray.tolist, np.nonzero(graph.adjacency)), strict=True))
        assert not np.tril(graph.adjacency).any()


def test_rows_are_picked_as_from_an_array() -> None:
    space = SPACES.create("nb201")
    _, X = sample(space, 5)
    graphs = graph_layout(space).graphs(X.numpy())
    assert isinstance(graphs[2], Graph)
    assert len(graphs[np.array([True, False, True, False, False])]) == 2
    assert (graphs[1:3].operations == graphs.operations[1:3]).all()


def test_a_regressor_that_asks_for_graphs_gets_them() -> None:
    space = SPACES.create("nb201")
    recipe: Any = make_predictor(Convolutions)
    assert recipe.encoding == "adjacency"
    _, X = sample(space, 200)
    counts = Convolutions.counts(graph_layout(space).graphs(X.numpy()))
    y = torch.tensor(10.0 * counts).unsqueeze(-1)
    told = with_blocks(recipe, "adjacency", space, {})
    predicted = predict(told.fit(X[:150], y[:150], seed=0), X[150:])
    assert np.allclose(predicted.mean, y[150:, 0].numpy())


def test_a_space_without_graphs_says_so() -> None:
    space = Choices("plain", [Variable("a", ("1", "2"))])
    with pytest.raises(UserError, match=r"asks for graphs.*'plain' does not have"):
        with_blocks(make_predictor(Convolutions), "adjacency", space, {})


def test_other_columns_are_no_graphs() -> None:
    with pytest.raises(ValueError, match="34 columns of zeros and ones"):
        graph_layout(SPACES.create("nb201")).graphs(np.zeros((2, 30)))


def test_inputs_that_there_are_not_are_refused() -> None:
    class Asks(Convolutions):
        inputs = "graph"

    with pytest.raises(UserError, match="Did you mean 'graphs'"):
        make_predictor(Asks)
