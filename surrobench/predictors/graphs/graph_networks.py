"""Small networks over graphs, of one shape, trained and evaluated together."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from surrobench.arrays import FloatArray
from surrobench.graphs import Graphs
from surrobench.predictors.graphs.graph_tensors import GraphTensors
from surrobench.predictors.learners.adamw import AdamW
from surrobench.predictors.learners.stacked_networks import OutputLoss

_NODES_AT_ONCE = 8192
"""Nodes of all members that a chunk of a pool has."""

Shape = tuple[int, int]


class GraphNetworks(ABC):
    """``s`` networks that read graphs and answer with a number for each.

    Args:
        members: networks, ``s``.
        shapes: of every matrix of weights, as (inputs, outputs); the last is that of the output,
            whose last row is its bias.

    Attributes:
        parameters: every weight of every network, in one buffer of single precision.
    """

    def __init__(self, members: int, shapes: Sequence[Shape]) -> None:
        self.members = members
        self._shapes = [(members, *shape) for shape in shapes]
        self.parameters = torch.zeros(sum(math.prod(shape) for shape in self._shapes))

    def layers_of(self, buffer: Tensor) -> list[Tensor]:
        """The part of a buffer like ``parameters`` that each matrix has, ``s x in x out``."""
        parts = buffer.split([math.prod(shape) for shape in self._shapes])
        return [part.view(shape) for part, shape in zip(parts, self._shapes, strict=True)]

    def draw(self, mean: float, seed: int) -> None:
        """Draw normal weights of He's variance; the output starts near ``mean``.

        Args:
            mean: of the targets.
            seed: for the draw.
        """
        generator = torch.Generator().manual_seed(seed)
        *layers, output = self.layers_of(self.parameters)
        for layer, gain in (*((layer, self.gain(layer)) for layer in layers), (output, 0.01)):
            drawn = torch.randn(layer.shape, generator=generator)
            layer.copy_(drawn.mul_(math.sqrt(gain / layer.shape[1])))
        output[:, -1] = mean

    def gain(self, layer: Tensor) -> float:
        """Variance of a weight times the inputs of its unit."""
        return 2.0

    @abstractmethod
    def prepare(self, graphs: GraphTensors) -> tuple[Tensor, ...]:
        """What the networks read of graphs, worked out once."""

    @abstractmethod
    def outputs(self, layers: Sequence[Tensor], inputs: tuple[Tensor, ...]) -> Tensor:
        """Outputs ``s x n`` for what :meth:`prepare` made of ``n`` graphs."""

    def train(
        self,
        graphs: Graphs,
        loss: OutputLoss,
        *,
        steps: int,
        learning_rate: float,
        weight_decay: float,
    ) -> None:
        """Minimise a loss by full-batch AdamW steps under a cosine schedule."""
        inputs = self.prepare(GraphTensors.of(graphs))
        optimiser = AdamW(self.parameters, weight_decay)
        for step in range(steps):
            leaf = self.parameters.detach().requires_grad_()
            outputs = self.outputs(self.layers_of(leaf), inputs)
            slopes = outputs.detach().clone()
            loss.to_slopes(slopes)
            (gradient,) = torch.autograd.grad(outputs, leaf, slopes)
            cosine = 0.5 * (1.0 + math.cos(math.pi * step / steps))
            optimiser.step(gradient, learning_rate * cosine)

    @torch.no_grad()
    def __call__(self, graphs: Graphs) -> FloatArray:
        """Outputs ``s x m``, in chunks."""
        outputs = np.empty((self.members, len(graphs)))
        size = max(16, _NODES_AT_ONCE // (self.members * (graphs.operations.shape[1] + 1)))
        layers = self.layers_of(self.parameters)
        for begin in range(0, len(graphs), size):
            rows = slice(begin, begin + size)
            inputs = self.prepare(GraphTensors.of(graphs[rows]))
            outputs[:, rows] = self.outputs(layers, inputs).numpy()
        return outputs


class GraphConvolutions(GraphNetworks):
    """Directed graph convolutions in both directions (Wen et al., "Neural Predictor", ECCV 2020).

    With the one-hot operations of the nodes ``H_0`` (``v x operations``), their adjacency ``A`` and
    ``M = D^-1 (A + I)``, ``M' = D'^-1 (A^T + I)`` of row sums one,

        ``H_{l+1} = 1/2 relu(M H_l W_l) + 1/2 relu(M' H_l W'_l)``,

    and the output is ``relu([h, h_g] W + b) u + c`` of the mean ``h`` over the nodes of the last
    layer and the global node's ``h_g``.

    Args:
        members: networks.
        labels: operations, the global node's among them.
        width: units of each layer.
        layers: convolutions.
    """

    def __init__(self, members: int, labels: int, width: int, layers: int) -> None:
        self.convolutions = layers
        shapes = [(labels if layer == 0 else width, width) for layer in range(layers) for _ in "MM"]
        super().__init__(members, [*shapes, (2 * width + 1, width), (width + 1, 1)])

    def prepare(self, graphs: GraphTensors) -> tuple[Tensor, ...]:
        """Operations, the two matrices of means, and the weight of each node in the mean."""
        share = graphs.present.float()
        share = share / share.sum(dim=1, keepdim=True)
        forward, backward = graphs.neighbour_means()
        # A copy for every member: products of small matrices are slow where a batch is expanded.
        copies = [matrix.repeat(self.members, 1, 1) for matrix in (forward, backward)]
        return graphs.operations, *copies, share.unsqueeze(1)

    def outputs(self, layers: Sequence[Tensor], inputs: tuple[Tensor, ...]) -> Tensor:
        """Outputs ``s x n``."""
        operations, forward, backward, share = inputs
        n, v, _ = operations.shape
        s = self.members
        hidden = operations.reshape(1, n * v, -1).expand(s, -1, -1)
        for layer in range(0, 2 * self.convolutions, 2):
            ahead, behind = (
                torch.bmm(means, torch.bmm(hidden, weights).view(s * n, v, -1)).relu()
                for means, weights in zip((forward, backward), layers[layer:], strict=False)
            )
            hidden = (ahead + behind).mul_(0.5).view(s, n * v, -1)
        nodes = hidden.view(s, n, v, -1)
        whole = torch.cat([torch.matmul(share, nodes).squeeze(2), nodes[:, :, -1]], dim=2)
        return _two_layers(whole, layers[-2], layers[-1])


class GraphTransformer(GraphNetworks):
    """A transformer whose attention knows the graph (Graphormer; Ying et al., NeurIPS 2021).

    A node starts as the sum of vectors for its operation, its in-degree and its out-degree. In
    each of the layers

        ``x = h + concat_k[softmax(Q_k K_k^T / sqrt(d) + b_k[r]) V_k] W``,
        ``h = x + relu(norm(x) W_1 + c_1) W_2``,

    ``Q``, ``K`` and ``V`` are linear in ``norm(h)``, and ``b_k[r]`` is learned for each head ``k``
    and each relation ``r`` of two nodes: the length of the shortest path between them, forward or
    backward, none, or to and from the global node.
    The output is linear in ``norm(h)`` of the global node. ``norm`` has no weights of its own,
    which the matrices behind it would repeat.

    Args:
        members: networks.
        labels: operations, the global node's among them.
        nodes: of a graph, the global node among them.
        relations: of two nodes.
        width: of a node, a multiple of the heads.
        layers: of attention.
        heads: of each layer.
    """

    def __init__(
        self,
        members: int,
        labels: int,
        nodes: int,
        relations: int,
        *,
        width: int,
        layers: int,
        heads: int,
    ) -> None:
        self.width, self.depth, self.heads = width, layers, heads
        self._scale = math.sqrt(heads / width)
        block = [
            (width, 3 * width),
            (relations, heads),
            (width, width),
            (width + 1, 2 * width),
            (2 * width, width),
        ]
        super().__init__(members, [(labels + 2 * nodes, width), *block * layers, (width + 1, 1)])

    def gain(self, layer: Tensor) -> float:
        """One, and little for what attention adds to a score."""
        return 0.01 if layer.shape[2] == self.heads else 1.0

    def prepare(self, graphs: GraphTensors) -> tuple[Tensor, ...]:
        """Operations with degrees, relations, and what keeps absent nodes from being seen."""
        nodes = torch.cat([graphs.operations, graphs.degrees()], dim=2)
        relations = graphs.relations().permute(3, 0, 1, 2).contiguous()
        unseen = torch.zeros(graphs.present.shape).masked_fill_(~graphs.present, -1e9)
        return nodes, relations, unseen[:, None, :]

    def outputs(self, layers: Sequence[Tensor], inputs: tuple[Tensor, ...]) -> Tensor:
        """Outputs ``s x n``."""
        nodes, relations, unseen = inputs
        n, v, _ = nodes.shape
        first, *rest = layers
        hidden = torch.bmm(nodes.view(1, n * v, -1).expand(self.members, -1, -1), first)
        hidden = hidden.view(self.members, n, v, self.width)
        for layer in range(self.depth):
            asking = 1 if layer == self.depth - 1 else v  # only the global node is read out
            related = relations[:, :, v - asking :].reshape(len(relations), -1)
            hidden = self._layer(hidden, related, unseen, asking, rest[5 * layer : 5 * layer + 5])
        return _affine(_normed(hidden[:, :, -1]), rest[-1]).squeeze(2)

    def _layer(
        self,
        hidden: Tensor,
        related: Tensor,
        unseen: Tensor,
        asking: int,
        weights: Sequence[Tensor],
    ) -> Tensor:
        """The last nodes of every graph after a layer, ``s x n x asking x width``.

        Args:
            hidden: all nodes before it, ``s x n x v x width``.
            related: of those that ask and all, ``relations x (n asking v)``.
            unseen: added to scores, ``n x 1 x v``.
            asking: how many nodes ask.
            weights: of the layer.
        """
        project, bias, mix, widen, narrow = weights
        s, n, v, width = hidden.shape
        normed = _normed(hidden)
        asked = normed[:, :, v - asking :].reshape(s, n * asking, width)
        queries = self._by_head(torch.bmm(asked, project[..., :width]), n) * self._scale
        both = torch.bmm(normed.view(s, n * v, width), project[..., width:])
        keys, values = (self._by_head(part, n) for part in both.chunk(2, dim=2))
        scores = torch.matmul(bias.transpose(1, 2), related).view(s, self.heads, n, asking, v)
        scores = torch.matmul(queries, keys.transpose(-1, -2)) + scores + unseen
        seen = torch.matmul(scores.softmax(dim=-1), values)
        seen = seen.permute(0, 2, 3, 1, 4).reshape(s, n * asking, width)
        hidden = hidden[:, :, v - asking :].reshape(s, n * asking, width)
        hidden = hidden + torch.bmm(seen, mix)
        hidden = hidden + torch.bmm(_affine(_normed(hidden), widen).relu(), narrow)
        return hidden.view(s, n, asking, width)

    def _by_head(self, nodes: Tensor, n: int) -> Tensor:
        """From ``s x nt x width`` to ``s x heads x n x t x (width / heads)``, in memory as well."""
        parts = nodes.reshape(self.members, n, -1, self.heads, self.width // self.heads)
        return parts.permute(0, 3, 1, 2, 4).contiguous()


def _normed(hidden: Tensor) -> Tensor:
    return torch.nn.functional.layer_norm(hidden, hidden.shape[-1:])


def _affine(hidden: Tensor, weights: Tensor) -> Tensor:
    """A product with weights whose last row is the bias."""
    return torch.baddbmm(weights[:, -1:], hidden, weights[:, :-1])


def _two_layers(hidden: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """One hidden layer and an output, ``s x n``."""
    return _affine(_affine(hidden, first).relu(), second).squeeze(2)
