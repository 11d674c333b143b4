"""Low-rank adaptations of one network: the rank, and which of its layers are adapted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import product
from math import log2
from typing import NamedTuple

from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch, Variable
from surrobench.spaces.choices import Choices

RANKS = (2, 4, 8, 16)
TARGETS = ("query", "key", "value", "dense")

_FORM = re.compile(r"rank(\d+)-([^-]+)")


class Adaptation(NamedTuple):
    """An adaptation spelt out: its rank and the names of the linear layers that it changes."""

    rank: int
    targets: tuple[str, ...]


class Adaptations(Choices):
    """A rank and at least one kind of layer: 60 adaptations (Hu et al., LoRA, ICLR 2022).

    The first variable is the rank, in log2; then there is one for each kind of layer, no or yes.

    Args:
        ranks: ranks, ascending.
        targets: kinds of layers, by the last part of their name in the network.

    Raises:
        UserError: for ranks that are not positive and ascending, or no target.
    """

    def __init__(self, ranks: Sequence[int] = RANKS, targets: Sequence[str] = TARGETS) -> None:
        self.ranks, self.targets = tuple(ranks), tuple(targets)
        if not ranks or list(ranks) != sorted(set(ranks)) or min(ranks) < 1:
            raise UserError(f"adaptation: ranks are {self.ranks!r}; write them ascending, from 1.")
        if not targets or len(set(targets)) != len(self.targets):
            raise UserError(f"adaptation: targets are {self.targets!r}; name different layers.")
        variables = [Variable("rank", tuple(map(str, ranks)), tuple(map(log2, ranks)))]
        variables += [Variable(target, ("no", "yes"), (0.0, 1.0)) for target in targets]
        every = product(range(len(ranks)), *[(0, 1)] * len(self.targets))
        super().__init__("adaptation", variables, [arch for arch in every if any(arch[1:])])

    def adaptation(self, arch: Arch) -> Adaptation:
        """What ``arch`` stands for.

        Raises:
            UserError: if ``arch`` is not in this space.
        """
        rank, *chosen = self.check(arch)
        adapted = zip(self.targets, chosen, strict=True)
        return Adaptation(self.ranks[rank], tuple(target for target, yes in adapted if yes))

    def to_string(self, arch: Arch) -> str:
        """For example ``"rank8-query+value"``."""
        rank, targets = self.adaptation(arch)
        return f"rank{rank}-{'+'.join(targets)}"

    def parse(self, text: str) -> Arch:
        """The architecture that :meth:`to_string` wrote.

        Raises:
            UserError: naming the part of ``text`` that is not a choice.
        """
        match = _FORM.fullmatch(text.strip())
        if match is None:
            raise UserError(f"{text!r}: write an adaptation as 'rank8-query+value'.")
        rank, targets = match[1], match[2].split("+")
        if rank not in self.variables[0].choices:
            valid = ", ".join(self.variables[0].choices)
            raise UserError(f"{text!r}: rank {rank} is not one of {valid}.")
        if unknown := [target for target in targets if target not in self.targets]:
            valid = ", ".join(self.targets)
            raise UserError(f"{text!r}: target {unknown[0]!r} is not one of {valid}.")
        chosen = (int(target in targets) for target in self.targets)
        return (self.variables[0].choices.index(rank), *chosen)
