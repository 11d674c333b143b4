"""Trainable transformer encoders for sequences, built as ESM-2 is."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from surrobench.errors import UserError
from surrobench.spaces.transformers import Encoder
from surrobench.training.datasets.sequences import PADDING, VOCABULARY

ROTARY_BASE = 10_000.0


class Attention(nn.Module):
    """Self-attention of several heads with rotary positions (Su et al., RoFormer, 2021).

    Args:
        hidden: size of a token.
        heads: number of heads; each has ``hidden / heads`` numbers, which must be even.
    """

    def __init__(self, hidden: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.projection = nn.Linear(hidden, 3 * hidden)  # query, key and value in one product
        self.output = nn.Linear(hidden, hidden)

    def forward(self, tokens: Tensor, rotation: Tensor, mask: Tensor | None) -> Tensor:
        """``n x length x hidden`` to the same shape.

        Args:
            tokens: of all sequences.
            rotation: of :func:`rotations`.
            mask: which positions are attended to, ``n x 1 x 1 x length``; all if None.
        """
        n, length, hidden = tokens.shape
        projected = self.projection(tokens).view(n, length, 3, self.heads, -1)
        query, key, value = projected.permute(2, 0, 3, 1, 4).unbind(0)
        attended = functional.scaled_dot_product_attention(
            rotate(query, rotation), rotate(key, rotation), value, attn_mask=mask
        )
        mixed: Tensor = self.output(attended.transpose(1, 2).reshape(n, length, hidden))
        return mixed


class Layer(nn.Module):
    """Attention and a feed-forward network, each behind a layer norm and beside a shortcut."""

    def __init__(self, hidden: int, heads: int, ratio: int) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(hidden)
        self.attention = Attention(hidden, heads)
        self.feed_forward = nn.Sequential(
            nn.LayerNorm(hidden),
            nn.Linear(hidden, ratio * hidden),
            nn.GELU(),
            nn.Linear(ratio * hidden, hidden),
        )

    def forward(self, tokens: Tensor, rotation: Tensor, mask: Tensor | None) -> Tensor:
        """``n x length x hidden`` to the same shape."""
        tokens = tokens + self.attention(self.attention_norm(tokens), rotation, mask)
        return tokens + self.feed_forward(tokens)


class EncoderNetwork(nn.Module):
    """A transformer that reads a sequence and scores its class.

    Token embedding, layers of pre-norm attention with rotary positions and GELU, a last layer norm
    (Lin et al., ESM-2, Science 2023; no dropout), then the mean over the residues and a linear
    classifier. Padding is neither attended to nor averaged. Initial weights are drawn from torch's
    global generator, which :func:`surrobench.training.loop.trainer.initialised` seeds and restores.

    Args:
        encoder: its sizes.
        classes: outputs of the classifier.
        vocabulary: number of different tokens.

    Raises:
        UserError: if the hidden size does not divide into heads of even size.
    """

    def __init__(self, encoder: Encoder, *, classes: int, vocabulary: int = VOCABULARY) -> None:
        super().__init__()
        layers, heads, hidden, ratio = encoder
        if hidden % (2 * heads):
            raise UserError(
                f"hidden size {hidden} does not divide into {heads} heads of even size, which "
                "rotary positions need."
            )
        self.head_size = hidden // heads
        self.embedding = nn.Embedding(vocabulary, hidden, padding_idx=PADDING)
        self.layers = nn.ModuleList(Layer(hidden, heads, ratio) for _ in range(layers))
        self.norm = nn.LayerNorm(hidden)
        self.head = nn.Linear(hidden, classes)

    def forward(self, tokens: Tensor) -> Tensor:
        """``n x length`` tokens, padded behind, to ``n x classes`` scores."""
        present = tokens != PADDING
        # Attention without a mask is faster, but a GPU would have to be waited for to know.
        whole = tokens.device.type == "cpu" and bool(present.all())
        mask = None if whole else present[:, None, None]
        hidden = self.embedding(tokens)
        rotation = rotations(tokens.shape[1], self.head_size, hidden)
        for layer in self.layers:
            hidden = layer(hidden, rotation, mask)
        scores: Tensor = self.head(mean_over(self.norm(hidden), present))
        return scores


def rotations(length: int, size: int, like: Tensor) -> Tensor:
    """Cosines and sines of the angle of each position and pair of numbers.

    Args:
        length: number of positions.
        size: hidden size of a head, even.
        like: a tensor of the device and type to use.

    Returns:
        ``2 x length x size``, the second half of the angles being the first half again.
    """
    dtype = torch.promote_types(like.dtype, torch.float32)
    steps = torch.arange(0, size, 2, device=like.device, dtype=dtype) / size
    angles = torch.arange(length, device=like.device)[:, None] * ROTARY_BASE**-steps
    angles = angles.repeat(1, 2)
    return torch.stack([angles.cos(), angles.sin()]).to(like.dtype)


def rotate(vectors: Tensor, rotation: Tensor) -> Tensor:
    """Turn each pair ``(i, i + size / 2)`` of numbers by the angle of its position.

    Args:
        vectors: ``n x heads x length x size``.
        rotation: of :func:`rotations`.
    """
    first, second = vectors.chunk(2, dim=-1)
    return vectors * rotation[0] + torch.cat([-second, first], dim=-1) * rotation[1]


def mean_over(tokens: Tensor, present: Tensor) -> Tensor:
    """Mean of those positions of ``n x length x hidden`` that are present (``n x length``)."""
    weights = present[..., None].to(tokens.dtype)
    return (tokens * weights).sum(dim=1) / weights.sum(dim=1).clamp_min(1)
