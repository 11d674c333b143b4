"""A SYNTHETIC sequence task that needs no download: motifs in an order, on a random background.

It has the alphabet and the composition of proteins and nothing else of biology. A sequence holds
two motifs, and its class says which two and which of them comes first. Counting residues tells
little, finding motifs tells the pair, and only who relates the places of two motifs tells all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from surrobench.errors import UserError
from surrobench.training.datasets.data import Data, Split
from surrobench.training.datasets.sequences import RESIDUES, tokenise

COMPOSITION = dict(
    zip(
        RESIDUES,
        (
            8.25, 1.37, 5.45, 6.75, 3.86, 7.07, 2.27, 5.96, 5.84, 9.66,
            2.42, 4.06, 4.70, 3.93, 5.53, 6.56, 5.34, 6.87, 1.08, 2.92,
        ),
        strict=True,
    )
)  # fmt: skip
"""Percent of each residue in UniProtKB/Swiss-Prot, by the notes of release 2013_04."""


@dataclass(frozen=True)
class Grammar:
    """What sequences are made of.

    Motif ``i`` makes pairs with motif ``i + 1`` (the last with the first), in both orders, so there
    are two classes a motif.

    Attributes:
        motifs: number of motifs, at least 3.
        positions: residues of a motif.
        alternatives: residues that a position of a motif allows, one of which is drawn.
        gap: largest number of background residues between two positions of a motif.
        shortest: length of the shortest sequence.
        longest: length of the longest sequence, to which all are padded.

    Raises:
        UserError: naming a field that is out of range.
    """

    motifs: int = 4
    positions: int = 4
    alternatives: int = 2
    gap: int = 1
    shortest: int = 40
    longest: int = 40

    def __post_init__(self) -> None:
        room = 2 * (self.positions + self.gap * (self.positions - 1))
        for name, lowest, highest in (
            ("motifs", 3, None),
            ("positions", 1, None),
            ("alternatives", 1, len(RESIDUES)),
            ("gap", 0, None),
            ("shortest", room, self.longest),
        ):
            value = getattr(self, name)
            if value < lowest or (highest is not None and value > highest):
                upper = "" if highest is None else f" and at most {highest}"
                raise UserError(f"grammar: {name} is {value}; it must be at least {lowest}{upper}.")

    @property
    def classes(self) -> int:
        """Number of ordered pairs."""
        return 2 * self.motifs

    def pair(self, label: int) -> tuple[int, int]:
        """The first and the second motif of a class."""
        motif, swapped = divmod(label, 2)
        partner = (motif + 1) % self.motifs
        return (partner, motif) if swapped else (motif, partner)

    def draw_motifs(self, seed: int) -> NDArray[np.str_]:
        """The residues that each position allows, ``motifs x positions x alternatives``."""
        rng = np.random.default_rng([seed, 0])
        letters = np.array(list(RESIDUES))
        drawn = [
            rng.choice(letters, self.alternatives, replace=False)
            for _ in range(self.motifs * self.positions)
        ]
        return np.array(drawn).reshape(self.motifs, self.positions, self.alternatives)


def motif_grammar(
    seed: int = 0,
    *,
    train: int = 4096,
    validation: int = 1000,
    test: int = 2000,
    grammar: Grammar | None = None,
) -> Data:
    """Draw the data set: a pure function of its arguments.

    Labels are balanced. The background is drawn by the composition of Swiss-Prot, so a motif can
    also occur by chance; the label says what was put in. No sequence occurs twice: one that was
    drawn before is drawn again. The size of one split does not change the sequences of an earlier
    one (test, validation, train).

    Args:
        seed: decides the motifs and all sequences.
        train: number of training sequences.
        validation: number of validation sequences.
        test: number of test sequences.
        grammar: what sequences are made of; the default one if omitted.
    """
    grammar = grammar or Grammar()
    motifs = grammar.draw_motifs(seed)
    seen: dict[str, int] = {}
    splits = {}
    for stream, (name, n) in enumerate(
        (("test", test), ("validation", validation), ("train", train)), start=1
    ):
        rng = np.random.default_rng([seed, stream])
        labels = rng.permutation(np.arange(n) % grammar.classes)
        first = len(seen)
        for label in labels:
            while (sequence := draw_sequence(grammar, motifs, int(label), rng)) in seen:
                pass
            seen[sequence] = len(seen)
        splits[name] = Split(
            tokenise(list(seen)[first:], grammar.longest),
            torch.from_numpy(labels.astype(np.int64)),
            np.arange(first, len(seen)),
        )
    return Data(**splits, classes=grammar.classes)


def draw_sequence(
    grammar: Grammar, motifs: NDArray[np.str_], label: int, rng: np.random.Generator
) -> str:
    """A sequence of a class: its two motifs somewhere on the background, one after the other."""
    length = int(rng.integers(grammar.shortest, grammar.longest + 1))
    parts = [_spelt(grammar, motifs[motif], rng) for motif in grammar.pair(label)]
    free = length - sum(map(len, parts))
    before, until = np.sort(rng.integers(0, free + 1, size=2))
    sequence = _background(length, rng)
    for start, part in zip((before, until + len(parts[0])), parts, strict=True):
        for place, residue in enumerate(part, start=int(start)):
            sequence[place] = residue or sequence[place]
    return "".join(sequence)


def _spelt(grammar: Grammar, motif: NDArray[np.str_], rng: np.random.Generator) -> list[str]:
    """One residue of each position; empty where a gap shows the background."""
    chosen = rng.integers(0, grammar.alternatives, size=len(motif))
    gaps = rng.integers(0, grammar.gap + 1, size=len(motif) - 1)
    spelt: list[str] = [str(motif[0][chosen[0]])]
    for allowed, choice, gap in zip(motif[1:], chosen[1:], gaps, strict=True):
        spelt += [""] * int(gap) + [str(allowed[choice])]
    return spelt


_CUMULATIVE = np.cumsum(list(COMPOSITION.values())) / sum(COMPOSITION.values())


def _background(length: int, rng: np.random.Generator) -> list[str]:
    return [RESIDUES[i] for i in np.searchsorted(_CUMULATIVE, rng.random(length), side="right")]
