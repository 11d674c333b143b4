"""Controllers: networks that decide on an architecture one variable after another.

A controller is a distribution over all sequences of choices, factorised by the chain rule: what
it says of a variable depends on the choices of the variables before. Sequences are ``B x L``
(``L`` variables), logits ``B x L x C`` (``C`` is the largest number of choices; choices that a
variable does not have get probability zero).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

_ABSENT = -1e9
"""Logit of a choice that a variable does not have: probability zero, and no NaN in the entropy."""


class Controller(nn.Module, ABC):
    """One softmax per variable on top of a causal network.

    Each pair of a variable and a choice has its own embedding, which therefore tells the position
    as well. Subclasses build the network and say how inputs become contexts.

    Args:
        cardinalities: number of choices of each variable.
        hidden: width of embeddings and network.
    """

    valid: Tensor
    offsets: Tensor

    def __init__(self, cardinalities: Sequence[int], hidden: int) -> None:
        super().__init__()
        variables, most = len(cardinalities), max(cardinalities)
        starts = list(accumulate(cardinalities, initial=1))[:-1]  # token 0 starts a sequence
        self.register_buffer("offsets", torch.tensor(starts), persistent=False)
        counts = torch.tensor(list(cardinalities))
        valid = torch.arange(most) < counts[:, None]
        self.register_buffer("valid", valid, persistent=False)
        self.embedding = nn.Parameter(torch.zeros(1 + sum(cardinalities), hidden))
        self.heads = nn.Parameter(torch.zeros(variables, hidden, most))
        self.biases = nn.Parameter(torch.zeros(variables, most))

    @abstractmethod
    def contexts(self, inputs: Tensor, memory: Any) -> tuple[Tensor, Any]:
        """Contexts ``B x l x hidden`` of ``l`` further inputs (same shape), and the new memory.

        Args:
            inputs: embeddings, ``B x l x hidden``.
            memory: what the last call returned, None at the start of a sequence.
        """

    def logits(self, sequences: Tensor) -> Tensor:
        """Logits ``B x L x C`` of every variable, given the choices before it in ``sequences``."""
        tokens = self.offsets[:-1] + sequences[:, :-1]
        start = torch.zeros(len(sequences), 1, dtype=torch.long)
        contexts, _ = self.contexts(self.embedding[torch.cat([start, tokens], dim=1)], None)
        logits = torch.einsum("blh,lhc->blc", contexts, self.heads) + self.biases
        return logits.masked_fill(~self.valid, _ABSENT)

    def log_probabilities(self, sequences: Tensor) -> tuple[Tensor, Tensor]:
        """Log-probability of each choice given those before it, and entropy there: ``B x L`` each.

        The log-probability of a whole sequence is the sum over its choices.
        """
        every = self.logits(sequences).log_softmax(dim=-1)
        chosen = every.gather(-1, sequences[..., None]).squeeze(-1)
        return chosen, -(every.exp() * every).sum(dim=-1)

    @torch.no_grad()
    def sample(self, uniform: Tensor) -> Tensor:
        """Sequences, ``B x L``, by inverting the distribution function at uniform numbers."""
        token = torch.zeros(len(uniform), dtype=torch.long)
        memory, chosen = None, []
        for position in range(uniform.shape[1]):
            contexts, memory = self.contexts(self.embedding[token][:, None], memory)
            logits = contexts[:, -1] @ self.heads[position] + self.biases[position]
            logits = logits.masked_fill(~self.valid[position], _ABSENT)
            cumulated = logits.softmax(dim=-1).cumsum(dim=-1)
            choice = (cumulated <= uniform[:, position : position + 1]).sum(dim=-1)
            # Rounding may leave the last sum below one.
            choice = choice.clamp(max=int(self.valid[position].sum()) - 1)
            chosen.append(choice)
            token = self.offsets[position] + choice
        return torch.stack(chosen, dim=1)


class LSTMController(Controller):
    """A recurrent controller, as in Zoph & Le (2017).

    All weights are drawn uniformly from [-0.08, 0.08], as there: the first architectures are
    nearly uniform.

    Args:
        cardinalities: number of choices of each variable.
        hidden: units of each layer.
        layers: number of layers.
        rng: draws the weights.
    """

    def __init__(
        self, cardinalities: Sequence[int], hidden: int, layers: int, rng: np.random.Generator
    ) -> None:
        super().__init__(cardinalities, hidden)
        with torch.random.fork_rng(devices=[]):  # torch fills the weights from its own generator
            self.network = nn.LSTM(hidden, hidden, num_layers=layers, batch_first=True)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(torch.from_numpy(rng.uniform(-0.08, 0.08, parameter.shape)))

    def contexts(self, inputs: Tensor, memory: Any) -> tuple[Tensor, Any]:
        """Outputs of the last layer; the memory is the state of the cells."""
        contexts, memory = self.network(inputs, memory)
        return contexts, memory


class TransformerController(Controller):
    """A causal Transformer (Vaswani et al., 2017), normalised before each block.

    Weights start normal with deviation 0.02, biases at zero, as in GPT-2.

    Args:
        cardinalities: number of choices of each variable.
        hidden: width; divisible by the number of heads.
        layers: number of blocks.
        rng: draws the weights.
        heads: of the attention.
    """

    def __init__(
        self,
        cardinalities: Sequence[int],
        hidden: int,
        layers: int,
        rng: np.random.Generator,
        heads: int = 2,
    ) -> None:
        super().__init__(cardinalities, hidden)
        with torch.random.fork_rng(devices=[]):
            self.network = nn.ModuleList(_Block(hidden, heads) for _ in range(layers))
            self.last = nn.LayerNorm(hidden)
        with torch.no_grad():
            for name, parameter in self.named_parameters():
                if name.endswith(("bias", "biases")):
                    parameter.zero_()
                elif parameter.ndim > 1:  # the rest are the normalisations' scales, at one
                    parameter.copy_(torch.from_numpy(rng.normal(0.0, 0.02, parameter.shape)))

    def contexts(self, inputs: Tensor, memory: Any) -> tuple[Tensor, Any]:
        """Outputs of the last block; the memory is all inputs so far."""
        memory = inputs if memory is None else torch.cat([memory, inputs], dim=1)
        hidden = memory
        for block in self.network:
            hidden = block(hidden)
        return self.last(hidden[:, -inputs.shape[1] :]), memory


class _Block(nn.Module):
    """Causal self-attention, then two layers with GELU between; both are added to the input."""

    def __init__(self, hidden: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.before_attention, self.before_layers = nn.LayerNorm(hidden), nn.LayerNorm(hidden)
        self.projections = nn.Linear(hidden, 3 * hidden)
        self.output = nn.Linear(hidden, hidden)
        self.layers = nn.Sequential(
            nn.Linear(hidden, 4 * hidden), nn.GELU(), nn.Linear(4 * hidden, hidden)
        )

    def forward(self, hidden: Tensor) -> Tensor:
        """``B x l x hidden`` to the same shape."""
        parts = self.projections(self.before_attention(hidden)).chunk(3, dim=-1)
        query, key, value = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in parts)
        scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
        later = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
        attention = scores.masked_fill(later, -math.inf).softmax(dim=-1)
        hidden = hidden + self.output((attention @ value).transpose(1, 2).flatten(-2))
        return hidden + self.layers(self.before_layers(hidden))


CONTROLLERS: dict[str, type[LSTMController] | type[TransformerController]] = {
    "lstm": LSTMController,
    "transformer": TransformerController,
}
