"""Pools of which nothing is known but similarities, or links: searched and predicted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from surrobench import make_predictor, make_strategy, search
from surrobench.acquisition import ACQUISITIONS
from surrobench.encodings import make_encoding
from surrobench.errors import UserError
from surrobench.predictors.predictive import predict
from surrobench.spaces.architecture import Variable
from surrobench.spaces.choices import Choices
from surrobench.spaces.similarity import graph_kernel
from surrobench.strategies.candidates import Candidates
from surrobench.testing import check_encoding, check_space

N = 120


def line(n: int = N) -> Any:
    """Members on a line in a mixed order, their similarities, and values that follow it."""
    place = np.random.default_rng(0).permutation(np.linspace(0, 1, n))
    K = np.exp(-60.0 * (place[:, None] - place[None, :]) ** 2)
    return place, K, np.sin(9 * place) + place


def labels(n: int = N) -> list[str]:
    return [f"molecule {i}" for i in range(n)]


def test_features_give_the_similarities_back() -> None:
    _, K, _ = line()
    F = Candidates.from_similarity(K).features("similarity")
    assert np.abs(F @ F.T - K).max() < 1e-6


def test_a_gaussian_process_with_the_given_kernel_predicts() -> None:
    """Compared with the textbook's formula at the hyperparameters that were chosen."""
    _, K, truth = line()
    X = torch.tensor(Candidates.from_similarity(K).features("similarity"))
    y = torch.tensor(truth)[:, None]
    model: Any = make_predictor("gp-similarity").fit(X[:40], y[:40], seed=0)
    found = predict(model, X[40:])
    assert np.corrcoef(found.mean, truth[40:])[0, 1] > 0.99
    base = model.base
    z = (truth[:40] - truth[:40].mean()) / np.std(truth[:40], ddof=1)
    V = base.size * K[:40, :40] + base.noise * np.eye(40)
    mean = base.constant + base.size * K[40:, :40] @ np.linalg.solve(V, z - base.constant)
    expected = mean * np.std(truth[:40], ddof=1) + truth[:40].mean()
    assert np.allclose(found.mean, expected, atol=0.02)


def test_neighbours_are_those_of_the_kernel() -> None:
    place, K, truth = line()
    pool = Candidates.from_similarity(K, neighbours=4)
    for i in (0, 7, 50):
        nearest = np.argsort(np.abs(place - place[i]))[1:5]
        assert {(int(j),) for j in nearest} <= set(pool.neighbours((i,)))
        assert all((i,) in pool.neighbours(other) for other in pool.neighbours((i,)))
    X = torch.tensor(pool.features("similarity"))
    y = torch.tensor(truth)[:, None]
    model = make_predictor("knn-similarity", neighbours=3).fit(X[:60], y[:60], seed=0)
    assert np.corrcoef(predict(model, X[60:]).mean, truth[60:])[0, 1] > 0.95


@pytest.mark.parametrize("strategy", ["bayesian", "local-search", "regularised-evolution"])
def test_it_is_searched_better_than_by_chance(strategy: str) -> None:
    _, K, truth = line()
    pool = Candidates.from_similarity(K, labels())
    known = dict(zip(labels(), truth, strict=True))
    ranks = []
    for seed in range(4):
        result = search(
            pool, lambda item: known[item], strategy=strategy, budget=30, seed=seed, progress=False
        )
        assert result.best is not None
        ranks.append(int((truth > result.best.value).sum()))
    assert np.mean(ranks) < N / 31  # what thirty at random come to


def test_bayesian_search_finds_the_best_quickly() -> None:
    _, K, truth = line()
    result = search(
        Candidates.from_similarity(K, labels()),
        lambda item: truth[int(item.split()[1])],
        budget=25,
        progress=False,
    )
    assert result.best is not None
    assert (truth > result.best.value).sum() <= 1
    assert result.best_values["item"] == f"molecule {result.best.arch[0]}"


def test_other_strategies_and_acquisitions_take_it() -> None:
    _, K, truth = line(40)
    pool = Candidates.from_similarity(K)
    for acquisition in ("thompson", "qlog-ei", "ucb"):
        assert acquisition in ACQUISITIONS.names()
        strategy = make_strategy("bayesian", pool, design=5, acquisition=acquisition)
        for _ in range(4):
            for arch in strategy.ask(2):
                strategy.tell(arch, float(truth[arch[0]]))
        assert len({seen.arch for seen in strategy.history}) == 8


def ring(n: int = 60) -> Any:
    A = np.zeros((n, n))
    i = np.arange(n)
    A[i, (i + 1) % n] = A[(i + 1) % n, i] = 1.0
    return A, np.cos(2 * np.pi * i / n)


@pytest.mark.parametrize("kernel", ["diffusion", "regularised-laplacian"])
def test_kernels_of_graphs_follow_their_formulas(kernel: str) -> None:
    """A ring, whose normalised Laplacian has the eigenvalues 1 - cos(2 pi k / n)."""
    A, _ = ring(12)
    K = graph_kernel(A, kernel, 1.5)
    values = 1 - np.cos(2 * np.pi * np.arange(12) / 12)
    expected = np.exp(-1.5 * values) if kernel == "diffusion" else 1 / (1 + 1.5 * values)
    assert np.allclose(np.linalg.eigvalsh(K), np.sort(expected))
    assert K[0, 1] > K[0, 2] > K[0, 6] > 0


def test_a_graph_is_searched_along_its_links() -> None:
    networkx = pytest.importorskip("networkx")
    A, truth = ring()
    graph = networkx.relabel_nodes(networkx.from_numpy_array(A), lambda i: f"node {i}")
    pool = Candidates.from_graph(graph, scale=20.0)
    assert set(pool.neighbours((5,))) == {(4,), (6,)}
    assert pool.space.variables[0].choices[5] == "node 5"
    by_matrix = Candidates.from_graph(A, scale=20.0)
    assert np.allclose(by_matrix.features("similarity"), pool.features("similarity"))
    X, y = torch.tensor(pool.features("similarity")), torch.tensor(truth)[:, None]
    rows = list(range(0, 60, 4))
    found = predict(make_predictor("gp-similarity").fit(X[rows], y[rows], seed=0), X)
    assert np.corrcoef(found.mean, truth)[0, 1] > 0.98


def test_isolated_nodes_are_like_nobody() -> None:
    A = np.zeros((4, 4))
    A[0, 1] = A[1, 0] = 1.0
    K = graph_kernel(A)
    assert K[2, 2] == pytest.approx(1.0)
    assert np.abs(K[2, [0, 1, 3]]).max() < 1e-12


def test_the_contracts_hold() -> None:
    _, K, _ = line(30)
    space = Candidates.from_similarity(K, neighbours=3).space
    check_space(space)
    with pytest.raises(UserError, match="needs a pool with given similarities"):
        make_encoding("similarity").columns(Choices("plain", [Variable("a", ("1", "2"))]), {})
    check_encoding("similarity")


NAN = np.eye(3)
NAN[1, 2] = np.nan


@pytest.mark.parametrize(
    ("matrix", "told"),
    [
        (np.ones((2, 3)), r"has the shape \(2, 3\); it must be n x n"),
        (np.zeros((0, 0)), "it must be n x n"),
        (NAN, "the entry nan in row 1, column 2"),
        (np.array([[1.0, 0.5], [0.1, 1.0]]), "not symmetric: 0.5 in row 0, column 1, but 0.1"),
        (np.array([[0.0, 1.0], [1.0, 0.0]]), "zero on its diagonal"),
        (np.array([[1.0, 2.0], [2.0, 1.0]]), r"least eigenvalue is -1 \(the largest 3\)"),
        ([["a", "b"], ["c", "d"]], "no matrix of numbers"),
    ],
)
def test_matrices_that_are_no_similarities_are_refused(matrix: Any, told: str) -> None:
    with pytest.raises(UserError, match=told):
        Candidates.from_similarity(matrix)


def test_rounding_is_no_mistake() -> None:
    _, K, _ = line(50)
    noisy = K + 1e-9 * np.random.default_rng(0).standard_normal(K.shape)
    F = Candidates.from_similarity(noisy).features("similarity")
    assert np.abs(F @ F.T - K).max() < 1e-5


def test_labels_and_options_are_checked() -> None:
    K = np.eye(3)
    with pytest.raises(UserError, match="label 'a' is given twice"):
        Candidates.from_similarity(K, ["a", "b", "a"])
    with pytest.raises(UserError, match="2 labels are given for 3 members"):
        Candidates.from_similarity(K, ["a", "b"])
    with pytest.raises(UserError, match="neighbours is 0"):
        Candidates.from_similarity(K, neighbours=0)
    with pytest.raises(UserError, match="Did you mean 'diffusion'"):
        Candidates.from_graph(K, kernel="difusion")  # type: ignore[arg-type]
    with pytest.raises(UserError, match="scale is 0"):
        Candidates.from_graph(K, scale=0)
    with pytest.raises(UserError, match="negative weight"):
        Candidates.from_graph(-np.ones((2, 2)))
    networkx = pytest.importorskip("networkx")
    with pytest.raises(UserError, match="directed"):
        Candidates.from_graph(networkx.DiGraph([(0, 1)]))
