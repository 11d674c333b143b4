"""The synthetic sequences hold what their labels say, in disjoint and reproducible splits."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
import pytest
import torch

from surrobench.errors import UserError
from surrobench.training.datasets.data import Data, Split
from surrobench.training.datasets.grammar import COMPOSITION, Grammar, motif_grammar
from surrobench.training.datasets.sequences import PADDING, RESIDUES

SIZES = {"train": 400, "validation": 100, "test": 150}


def spelt(split: Split) -> list[str]:
    letters = np.array(["", *RESIDUES])
    return ["".join(letters[row]) for row in split.inputs.numpy()]


def splits(data: Data) -> list[Split]:
    return [data.train, data.validation, data.test]


@pytest.mark.parametrize("grammar", [Grammar(), Grammar(3, 3, 1, 2, shortest=20, longest=30)])
def test_the_motifs_of_the_class_are_there_in_their_order(grammar: Grammar) -> None:
    data = motif_grammar(3, **SIZES, grammar=grammar)
    gap = f".{{0,{grammar.gap}}}"
    motifs = [
        gap.join(f"[{''.join(allowed)}]" for allowed in motif) for motif in grammar.draw_motifs(3)
    ]
    for sequence, label in zip(spelt(data.train), data.train.labels.tolist(), strict=True):
        first, second = grammar.pair(label)
        assert re.search(f"{motifs[first]}.*{motifs[second]}", sequence)
        assert grammar.shortest <= len(sequence) <= grammar.longest


def test_classes_are_all_neighbours_in_both_orders_and_balanced() -> None:
    grammar = Grammar()
    pairs = [grammar.pair(label) for label in range(grammar.classes)]
    assert len(set(pairs)) == 8
    assert {(b, a) for a, b in pairs} == set(pairs)
    assert Counter(motif for pair in pairs for motif in pair) == {0: 4, 1: 4, 2: 4, 3: 4}
    labels = motif_grammar(**SIZES).train.labels
    assert torch.bincount(labels).tolist() == [50] * 8


def test_no_sequence_is_there_twice() -> None:
    # So few letters fit that drawing without looking would repeat some.
    tiny = Grammar(3, 1, 20, gap=0, shortest=2, longest=2)
    data = motif_grammar(0, train=150, validation=60, test=60, grammar=tiny)
    assert len({text for split in splits(data) for text in spelt(split)}) == 270
    sources = np.concatenate([split.sources for split in splits(data)])
    assert len(set(sources.tolist())) == 270


def test_a_pure_function_of_seed_and_sizes() -> None:
    data, again = motif_grammar(1, **SIZES), motif_grammar(1, **SIZES)
    assert data.fingerprint == again.fingerprint
    assert motif_grammar(2, **SIZES).fingerprint != data.fingerprint
    larger = motif_grammar(1, **{**SIZES, "train": 800})
    assert torch.equal(larger.validation.inputs, data.validation.inputs)
    assert torch.equal(larger.test.inputs, data.test.inputs)


def test_the_background_has_the_composition_of_proteins() -> None:
    assert sum(COMPOSITION.values()) == pytest.approx(100, abs=0.2)
    long = Grammar(3, 1, 1, 0, shortest=400, longest=400)
    counts = Counter("".join(spelt(motif_grammar(0, train=200, grammar=long).train)))
    share = {residue: 100 * n / counts.total() for residue, n in counts.items()}
    assert all(abs(share[residue] - percent) < 0.6 for residue, percent in COMPOSITION.items())


def test_shorter_sequences_are_padded_behind() -> None:
    grammar = Grammar(3, 2, 1, 0, shortest=8, longest=12)
    tokens = motif_grammar(0, **SIZES, grammar=grammar).train.inputs
    lengths = (tokens != PADDING).sum(dim=1)
    assert set(lengths.tolist()) == set(range(8, 13))
    assert all((row[:n] != PADDING).all() for row, n in zip(tokens, lengths, strict=True))


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"motifs": 2}, "motifs is 2; it must be at least 3"),
        ({"alternatives": 21}, "alternatives is 21; it must be at least 1 and at most 20"),
        ({"shortest": 13}, "shortest is 13; it must be at least 14 and at most 40"),
        ({"longest": 39}, "shortest is 40; it must be at least 14 and at most 39"),
    ],
)
def test_a_grammar_that_cannot_be_is_refused(options: dict[str, int], complaint: str) -> None:
    with pytest.raises(UserError, match=complaint):
        Grammar(**options)
