"""Ensembles of networks over graphs, as predictors."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import ClassVar, TypeVar

import numpy as np
import torch
from torch import Tensor

from surrobench.arrays import BoolArray, FloatArray
from surrobench.errors import UserError
from surrobench.graphs import GraphLayout
from surrobench.predictors.graphs.graph_networks import (
    GraphConvolutions,
    GraphNetworks,
    GraphTransformer,
)
from surrobench.predictors.graphs.graph_tensors import RELATIONS
from surrobench.predictors.learners.neural import TOO_FEW_FOR_FOLDS
from surrobench.predictors.learners.rank_losses import (
    LossName,
    check_loss,
    lines,
    loss_for,
    top_weights,
)
from surrobench.predictors.learners.resampling import fold_masks, left_out_noise
from surrobench.predictors.models import EnsembleModel
from surrobench.predictors.recipe import TransformedPredictor, option, smallest_variance

E = TypeVar("E", bound="GraphEnsemble")


@dataclass(frozen=True, kw_only=True)
class GraphEnsemble(TransformedPredictor):
    """A cross-validation ensemble of networks over graphs.

    Architectures are read from the encoding ``"adjacency"`` as graphs with operations on their
    nodes; in cells with operations on edges (NAS-Bench-201) every edge is a node, linked to the
    edges that start where it ends, and one that carries none is not there. The order in which the
    nodes are numbered makes no difference, nor do nodes that are not there.

    As in :class:`~.neural.MLPEnsemble` each member leaves out one fold of the examples, so that its
    errors there tell the observation noise, and all members run through one batched product, for a
    fixed number of full-batch AdamW steps under a cosine schedule.

    Args:
        members: networks in the ensemble, and folds.
        steps: of AdamW.
        weight_decay: of AdamW.
        loss: ``"squared"``, or of ranks: ``"hinge"`` over pairs or ``"listmle"``, see
            :mod:`~surrobench.predictors.learners.rank_losses`. Scores that were trained on ranks
            are moved to the targets by a line for each member.
        margin: of the hinge.
        focus: examples weigh ``exp(focus * r)`` with ``r`` from 0 for the worst to 1 for the best.
        layout: how inputs are read as graphs, set by :meth:`for_graphs`.
    """

    inputs: ClassVar[str] = "graphs"
    encoding: ClassVar[str | None] = "adjacency"

    members: int = option(5, least=2, most=1000)
    steps: int = option(100, least=1, most=1_000_000)
    weight_decay: float = option(1e-3, least=0.0, most=100.0)
    loss: LossName = "squared"
    margin: float = option(0.5, least=1e-9, most=1e9)
    focus: float = option(0.0, least=0.0, most=50.0)
    layout: GraphLayout | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Refuse options that are not valid."""
        super().__post_init__()
        check_loss(self.loss)

    def for_graphs(self: E, layout: GraphLayout) -> E:
        """The same recipe for architectures of a space."""
        return replace(self, layout=layout)

    @abstractmethod
    def networks(self, layout: GraphLayout) -> GraphNetworks:
        """Untrained members for graphs of a layout."""

    @property
    @abstractmethod
    def rate(self) -> float:
        """Learning rate at the start of the schedule."""

    def fit_targets(self, X: FloatArray, y: FloatArray, seed: int) -> EnsembleModel:
        """Train the members in single precision.

        Raises:
            UserError: if it is not known how to read the inputs as graphs.
        """
        layout = self.layout
        if layout is None:
            raise UserError(
                "this predictor reads graphs, and no space was named; use surrobench.evaluate or "
                "a study, or tell it: "
                "surrobench.encodings.column_blocks.with_blocks(predictor, 'adjacency', space, {})."
            )
        left_out = np.zeros((self.members, len(y)), dtype=bool)
        if len(y) >= max(TOO_FEW_FOR_FOLDS, self.members):
            left_out = fold_masks(len(y), self.members, seed)
        graphs, networks = layout.graphs(X), self.networks(layout)
        networks.draw(float(y.mean()), seed)
        share = ~left_out * (top_weights(y, self.focus) if self.focus else np.ones(len(y)))
        share = share / share.sum(axis=1, keepdims=True)
        targets = np.broadcast_to(y, share.shape).copy()
        seed_of_pairs = seed * self.members
        loss = loss_for(self.loss, targets, share, margin=self.margin, seed=seed_of_pairs)
        networks.train(
            graphs,
            loss,
            steps=self.steps,
            learning_rate=self.rate,
            weight_decay=self.weight_decay,
        )
        seen = networks(graphs)
        in_units = self._in_units(seen, y, left_out)
        noise = left_out_noise(y, in_units(seen), left_out)

        def members(Z: Tensor) -> Tensor:
            return torch.from_numpy(in_units(networks(layout.graphs(Z.detach().numpy()))))

        return EnsembleModel(members, noise, smallest_variance(y), size=self.members)

    def _in_units(
        self, seen: FloatArray, y: FloatArray, left_out: BoolArray
    ) -> Callable[[FloatArray], FloatArray]:
        """From the members' scores ``s x m`` to the units of the targets."""
        if self.loss == "squared":
            return lambda scores: scores
        slope, intercept = lines(seen, y, (~left_out).astype(np.float64))
        return lambda scores: scores * slope[:, None] + intercept[:, None]


@dataclass(frozen=True, kw_only=True)
class ConvolutionEnsemble(GraphEnsemble):
    """A cross-validation ensemble of graph convolutional networks.

    The network: :class:`~.graph_networks.GraphConvolutions`. Other options:
    :class:`GraphEnsemble`.

    Args:
        width: units of each convolution.
        layers: convolutions.
        learning_rate: at the start of the schedule.
    """

    width: int = option(32, least=1, most=4096)
    layers: int = option(3, least=1, most=64)
    learning_rate: float = option(1e-2, least=1e-9, most=10.0)

    @property
    def rate(self) -> float:
        """Learning rate at the start of the schedule."""
        return self.learning_rate

    def networks(self, layout: GraphLayout) -> GraphNetworks:
        """Untrained members for graphs of a layout."""
        labels = len(layout.labels) + 1
        return GraphConvolutions(self.members, labels, self.width, self.layers)


@dataclass(frozen=True, kw_only=True)
class TransformerEnsemble(GraphEnsemble):
    """A cross-validation ensemble of small transformers over graphs.

    The network: :class:`~.graph_networks.GraphTransformer`. Other options:
    :class:`GraphEnsemble`.

    Args:
        width: of a node, a multiple of the heads.
        layers: of attention.
        heads: of each layer.
        learning_rate: at the start of the schedule.
        members: networks in the ensemble, and folds.
        steps: of AdamW.
    """

    members: int = option(4, least=2, most=1000)
    steps: int = option(60, least=1, most=1_000_000)
    width: int = option(32, least=1, most=4096)
    layers: int = option(2, least=1, most=64)
    heads: int = option(4, least=1, most=64)
    learning_rate: float = option(1e-2, least=1e-9, most=10.0)

    def __post_init__(self) -> None:
        """Refuse options that are not valid."""
        super().__post_init__()
        if self.width % self.heads:
            raise UserError(
                f"{type(self).__name__}: option 'width' is {self.width}, which {self.heads} heads "
                "do not divide; write a multiple of the heads."
            )

    @property
    def rate(self) -> float:
        """Learning rate at the start of the schedule."""
        return self.learning_rate

    def networks(self, layout: GraphLayout) -> GraphNetworks:
        """Untrained members for graphs of a layout."""
        return GraphTransformer(
            self.members,
            len(layout.labels) + 1,
            len(layout.nodes) + 3,
            RELATIONS,
            width=self.width,
            layers=self.layers,
            heads=self.heads,
        )
