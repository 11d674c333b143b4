"""Transformer encoders: number of layers, attention heads, hidden size and feed-forward ratio.

All layers of a network are alike, as in ESM-2. Rotary positions turn pairs of numbers, so the
hidden size of a head must be even; heads that are very small are left out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import product
from math import log2
from typing import NamedTuple

import numpy as np

from surrobench.arrays import FloatArray, IntArray
from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch, Variable
from surrobench.spaces.choices import Choices

LAYERS = (1, 2, 3, 4, 5, 6)
HEADS = (1, 2, 4, 8)
HIDDEN = (16, 32, 48, 64, 96, 128)
RATIOS = (1, 2, 4)
SMALLEST_HEAD = 4

_FORM = re.compile(r"layers(\d+)-heads(\d+)-hidden(\d+)-ffn(\d+)")


class Encoder(NamedTuple):
    """An encoder spelt out: sizes of all of its layers, which are alike."""

    layers: int
    heads: int
    hidden: int
    ratio: int


class Transformers(Choices):
    """Encoders of 1-6 layers, 1-8 heads, hidden size 16-128 and feed-forward ratio 1-4: 414.

    An architecture is valid if the hidden size divides into heads of even size that are not too
    small. Iteration is lexicographic over layers, heads, hidden size and ratio; the four variables
    are ordinal, in log2 but for the number of layers.

    Args:
        layers: numbers of layers, ascending; likewise the others.
        heads: numbers of attention heads.
        hidden: hidden sizes.
        ratios: sizes of the feed-forward layer in hidden sizes.
        smallest_head: smallest hidden size of one head.

    Raises:
        UserError: for an option that is not positive whole numbers in ascending order, or if no
            combination is valid.
    """

    def __init__(
        self,
        layers: Sequence[int] = LAYERS,
        heads: Sequence[int] = HEADS,
        hidden: Sequence[int] = HIDDEN,
        ratios: Sequence[int] = RATIOS,
        smallest_head: int = SMALLEST_HEAD,
    ) -> None:
        self.sizes = tuple(
            _ascending(name, given)
            for name, given in (
                ("layers", layers), ("heads", heads), ("hidden", hidden), ("ratios", ratios)
            )
        )  # fmt: skip
        names = ("layers", "heads", "hidden", "ffn ratio")
        variables = [
            Variable(
                name,
                tuple(map(str, sizes)),
                tuple(map(float if name == "layers" else log2, sizes)),
            )
            for name, sizes in zip(names, self.sizes, strict=True)
        ]
        valid = [
            arch
            for arch in product(*map(range, map(len, self.sizes)))
            if _even_heads(self.sizes[2][arch[2]], self.sizes[1][arch[1]], smallest_head)
        ]
        if not valid:
            raise UserError(
                f"transformer: no hidden size of {', '.join(map(str, hidden))} divides into heads "
                f"of even size {smallest_head} or more."
            )
        super().__init__("transformer", variables, valid)

    def encoder(self, arch: Arch) -> Encoder:
        """The sizes that ``arch`` stands for, for building the network.

        Raises:
            UserError: if ``arch`` is not in this space.
        """
        chosen = zip(self.sizes, self.check(arch), strict=True)
        return Encoder(*(sizes[choice] for sizes, choice in chosen))

    def trained_layers(self, choices: IntArray) -> FloatArray:
        """Layers of the encoder; the embedding and the output are the same in all networks."""
        layers: FloatArray = np.array(self.variables[0].values)[choices[:, 0]]
        return layers

    def to_string(self, arch: Arch) -> str:
        """For example ``"layers4-heads2-hidden64-ffn2"``."""
        layers, heads, hidden, ratio = self.encoder(arch)
        return f"layers{layers}-heads{heads}-hidden{hidden}-ffn{ratio}"

    def parse(self, text: str) -> Arch:
        """The architecture that :meth:`to_string` wrote.

        Raises:
            UserError: naming the part of ``text`` that is not a choice.
        """
        match = _FORM.fullmatch(text.strip())
        if match is None:
            raise UserError(f"{text!r}: write an encoder as 'layers4-heads2-hidden64-ffn2'.")
        arch = []
        for variable, label in zip(self.variables, match.groups(), strict=True):
            if label not in variable.choices:
                raise UserError(
                    f"{text!r}: {label} is not a choice of {variable.name!r}; "
                    f"valid: {', '.join(variable.choices)}."
                )
            arch.append(variable.choices.index(label))
        return self.check(tuple(arch))


def _ascending(name: str, sizes: Sequence[int]) -> tuple[int, ...]:
    given = tuple(sizes)
    whole = all(isinstance(size, int) and size >= 1 for size in given)
    if not given or not whole or list(given) != sorted(set(given)):
        raise UserError(
            f"transformer: {name} is {given!r}; it must be positive whole numbers in ascending "
            "order."
        )
    return given


def _even_heads(hidden: int, heads: int, smallest: int) -> bool:
    """Whether the hidden size divides into heads of even size that are large enough."""
    return hidden % heads == 0 and hidden // heads % 2 == 0 and hidden // heads >= smallest
