"""Small learning problems with a known truth, and a predictor under test on one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from botorch.models.model import Model
from scipy.stats import kendalltau
from torch import Tensor

from surrobench.encodings import make_encoding
from surrobench.encodings.column_blocks import with_blocks
from surrobench.predictors import make_predictor
from surrobench.predictors.protocol import Predictor, Source
from surrobench.predictors.regressors import is_predictor
from surrobench.spaces.edge_cells import EdgeCells


@dataclass(frozen=True)
class Problem:
    """Training examples and a pool with its true values, all float64.

    Attributes:
        X: training inputs, ``n x d``.
        y: training targets, ``n x 1``.
        pool: inputs, ``m x d``, each row once.
        truth: true values of the pool, ``m x 1``.
    """

    X: Tensor
    y: Tensor
    pool: Tensor
    truth: Tensor

    @property
    def spread(self) -> float:
        """Standard deviation of the training targets."""
        return float(self.y.std())

    @property
    def column_only(self) -> list[tuple[str, Tensor, Tensor]]:
        """Inputs of one column, and of one that is the same everywhere: name, training, pool."""
        ranks = [
            torch.linspace(0.0, 1.0, len(X), dtype=X.dtype)[:, None] for X in (self.X, self.pool)
        ]
        constant = [torch.full_like(column, 0.5) for column in ranks]
        return [
            ("one column", ranks[0], ranks[1]),
            ("a column that never changes", constant[0], constant[1]),
        ]

    def sources(self, unit: float = 1.0) -> list[Source]:
        """Two other tasks on the pool: one ranks as this one, the other by chance.

        Args:
            unit: that the values of the other tasks are given in.
        """
        rng, m = np.random.default_rng(11), min(60, len(self.pool))
        alike = self.truth[:m] + 0.1 * self.truth.std() * torch.tensor(rng.standard_normal((m, 1)))
        chance = torch.tensor(rng.standard_normal((m, 1)))
        return [
            Source(name, self.pool[:m].clone(), (values / values.std() + 3.0) * unit)
            for name, values in (("alike", alike), ("chance", chance))
        ]


def _noisy(rng: np.random.Generator, features: np.ndarray, truth: np.ndarray, n: int) -> Problem:
    """Split rows into a training set with a little noise and a pool."""
    y = truth[:n] + 0.05 * truth.std() * rng.standard_normal(n)
    X, pool = torch.tensor(features[:n]), torch.tensor(features[n:])
    return Problem(X, torch.tensor(y)[:, None], pool, torch.tensor(truth[n:])[:, None])


def cells(n: int = 48, m: int = 120, seed: int = 0) -> Problem:
    """Six operations of five kinds, one-hot (30 columns); additive with one interaction."""
    rng = np.random.default_rng(seed)
    codes = rng.permutation(5**6)[: n + m]
    kinds = (codes[:, None] // 5 ** np.arange(6)) % 5
    features = np.eye(5)[kinds].reshape(n + m, 30)
    truth = features @ rng.standard_normal(30) + 2.0 * (kinds[:, 0] == kinds[:, 1])
    return _noisy(rng, features, 60.0 + 5.0 * truth, n)


def column(n: int = 48, m: int = 120, seed: int = 0) -> Problem:
    """One column of ranks in [0, 1] to which the targets fall, for single-column predictors."""
    rng = np.random.default_rng(seed)
    ranks = rng.permutation(np.linspace(0.0, 1.0, n + m))
    return _noisy(rng, ranks[:, None], 60.0 - 5.0 * ranks - 3.0 * ranks**2, n)


def graphs(n: int = 48, m: int = 120, seed: int = 0) -> Problem:
    """Cells of three operations on six edges as graphs; additive with one interaction.

    The truth is one of graphs: it does not depend on how nodes are numbered.
    """
    rng = np.random.default_rng(seed)
    archs = TOY_CELLS.sample(n + m, rng)
    kinds = np.array(archs)
    skips, convolutions = ((kinds == kind).sum(axis=1) for kind in (1, 2))
    sources, targets = (np.array(TOY_CELLS.edges)[:, end] for end in (0, 1))
    follows = targets[:, None] == sources[None, :]
    convolved = (kinds == 2).astype(np.float64)
    in_a_row = ((convolved @ follows) * convolved).sum(axis=1)
    features = make_encoding("adjacency")(archs, TOY_CELLS, {})
    truth = 2.0 * convolutions - skips + 0.5 * in_a_row
    return _noisy(rng, features, 60.0 + 5.0 * truth, n)


TOY_CELLS = EdgeCells(
    "toy cells",
    ("none", "skip", "conv_3x3"),
    ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3)),
    none="none",
    skip="skip",
)
"""Cells as in NAS-Bench-201 with three operations instead of five: 729."""


class Subject:
    """A predictor under test; the model that several checks look at is fitted once.

    What is no recipe itself (a regressor shaped like scikit-learn's, a class, a name, a dotted
    path, a mapping with options) is made one as a study would make it. One that asks for graphs
    gets cells, one that insists on any other encoding a single column. One that learns from other
    tasks is told of some where a check says so, and of none elsewhere.
    """

    def __init__(self, predictor: Any) -> None:
        recipe = is_predictor(predictor) and not isinstance(predictor, type)
        made: Any = predictor if recipe else make_predictor(predictor)
        self.on_graphs = getattr(made, "inputs", "matrix") == "graphs"
        if self.on_graphs:
            made = with_blocks(made, "adjacency", TOY_CELLS, {})
        single = getattr(made, "encoding", None) is not None
        self.make_problem = graphs if self.on_graphs else column if single else cells
        self.problem = self.make_problem()
        self.predictor: Predictor = made

    @classmethod
    def of(cls, predictor: Any) -> Subject:
        """The same subject, or one around a predictor."""
        return predictor if isinstance(predictor, cls) else cls(predictor)

    @cached_property
    def model(self) -> Model:
        """The predictor fitted to the whole training set with seed 0."""
        return self.fit()

    @property
    def transfers(self) -> bool:
        """Whether the predictor learns from other tasks."""
        return getattr(self.predictor, "transfer", None) is True

    def fit(
        self,
        X: Tensor | None = None,
        y: Tensor | None = None,
        seed: int = 0,
        sources: Sequence[Source] = (),
    ) -> Model:
        """Fit to the training set, or to other inputs or targets, and perhaps after sources."""
        X = self.problem.X if X is None else X
        y = self.problem.y if y is None else y
        more: dict[str, Any] = {"sources": tuple(sources)} if sources else {}
        return self.predictor.fit(X.clone(), y.clone(), seed=seed, **more)


@torch.no_grad()
def moments(model: Model, X: Tensor, noise: bool = False) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of the posterior at ``X``, in the shape of the posterior."""
    posterior: Any = model.posterior(X, observation_noise=noise)
    return posterior.mean, posterior.variance.sqrt()


def rank_correlation(prediction: Tensor, truth: Tensor) -> float:
    """Kendall's tau-b; 0 for a constant prediction."""
    tau = float(kendalltau(prediction.detach().numpy().ravel(), truth.numpy().ravel()).statistic)
    return 0.0 if np.isnan(tau) else tau
