"""Protein sequences from the user's disk: a FASTA file and a tab-separated table of labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from surrobench.base.wording import counted
from surrobench.errors import UserError
from surrobench.training.datasets.data import Data, Split
from surrobench.training.datasets.sequences import AMBIGUOUS, RESIDUES, tokenise
from surrobench.training.datasets.splits import Rows, content_numbers, disjoint, some_rows

LARGEST_FILE = 2**30
SPLITS = ("train", "validation", "test")
HEADERS = (["id", "label"], ["id", "label", "split"])
_LETTERS = frozenset(RESIDUES + AMBIGUOUS)


class Label(NamedTuple):
    """What a table says of one sequence; the split is empty if the table has no such column."""

    label: str
    split: str


def read_sequences(
    fasta: str | Path,
    labels: str | Path,
    *,
    seed: int = 0,
    train: int | None = None,
    validation: int | None = None,
    test: int | None = None,
    longest: int = 512,
) -> Data:
    """Labelled sequences on disk: a pure function of the two files and the arguments.

    Splits that the table names are used; others are drawn from the training part, a fifth of it
    each. No sequence is in two splits: copies stay together when a split is drawn, and are removed
    from training (and then from validation) where the table separates them. Sequences that are
    alike but not equal are not recognised: cluster them first, and name the splits in the table.

    Args:
        fasta: the sequences. A sequence is named by the first word behind ``>``. Letters are those
            of IUPAC for amino acids in either case; a final ``*`` is dropped.
        labels: a table with the header ``id``, ``label`` and, if you like, ``split``, separated by
            tabs. There is one line for each sequence. Labels are any words; they are numbered in
            alphabetical order. Splits are ``train``, ``validation`` and ``test``.
        seed: decides what is drawn, and the order of sequences.
        train: number of training sequences, all if omitted; fewer are part of more.
        validation: number of validation sequences.
        test: number of test sequences.
        longest: number of residues that a sequence may have at most.

    Raises:
        UserError: naming file and line of what is wrong.
    """
    sequences, known = read_fasta(Path(fasta), longest), read_labels(Path(labels))
    _check_names(sequences, known, Path(fasta), Path(labels))
    order = list(sequences)
    classes, numbers = np.unique([known[name].label for name in order], return_inverse=True)
    given = {
        split: np.array([i for i, n in enumerate(order) if (known[n].split or "train") == split])
        for split in SPLITS
    }
    present = {split: rows.astype(np.int64) for split, rows in given.items() if len(rows)}
    if "train" not in present:
        raise UserError(f"{labels}: no line has the split 'train'.")
    contents = content_numbers(sequence.encode() for sequence in sequences.values())
    rows = disjoint(present, contents, seed)
    sizes = {"train": train, "validation": validation, "test": test}
    width = max(map(len, sequences.values()))

    def split_of(split: str) -> Split:
        some: Rows = some_rows(rows[split], sizes[split], seed, split, str(fasta), "sequences")
        tokens = tokenise([sequences[order[row]] for row in some], width)
        return Split(tokens, torch.from_numpy(numbers[some].astype(np.int64)), some)

    return Data(**{split: split_of(split) for split in SPLITS}, classes=len(classes))


def read_fasta(file: Path, longest: int) -> dict[str, str]:
    """The sequence of each name, in upper case and in the order of the file.

    Raises:
        UserError: naming file and line of what is wrong.
    """
    parts: dict[str, list[str]] = {}
    starts: dict[str, int] = {}
    name = ""
    for number, line in _lines(file):
        if line.startswith(">"):
            words = line[1:].split()
            if not words or words[0] in parts:
                problem = f"{words[0]!r} is there twice" if words else "a sequence has no name"
                raise UserError(f"{file}, line {number}: {problem}.")
            name = words[0]
            parts[name], starts[name] = [], number
        elif line:
            parts.setdefault(name, []).append(_residues(file, number, line, begun=bool(name)))
    if not parts:
        raise UserError(f"{file} holds no sequences; FASTA files have lines that begin with '>'.")
    sequences = {name: "".join(some) for name, some in parts.items()}
    for name, sequence in sequences.items():
        sequences[name] = sequence.removesuffix("*")
        _check_sequence(file, starts[name], name, sequences[name], longest)
    return sequences


def _residues(file: Path, number: int, line: str, *, begun: bool) -> str:
    if not begun:
        raise UserError(f"{file}, line {number}: residues before the first line with '>'.")
    residues = line.upper()
    if wrong := sorted(set(residues) - _LETTERS - {"*"}):
        raise UserError(
            f"{file}, line {number}: {wrong[0]!r} is not an amino acid (gaps are to be removed)."
        )
    return residues


def _check_sequence(file: Path, number: int, name: str, sequence: str, longest: int) -> None:
    if not sequence or "*" in sequence:
        problem = "has a '*' inside" if sequence else "has no residues"
        raise UserError(f"{file}, line {number}: the sequence {name!r} {problem}.")
    if len(sequence) > longest:
        raise UserError(
            f"{file}, line {number}: the sequence {name!r} has "
            f"{counted(len(sequence), 'residue')}, more than "
            f"{longest}; shorten it or set 'longest'."
        )


def read_labels(file: Path) -> dict[str, Label]:
    """What a table says of each name.

    Raises:
        UserError: naming file and line of what is wrong.
    """
    lines = ((number, line.split("\t")) for number, line in _lines(file) if line.strip())
    number, header = next(lines, (1, []))
    if header not in HEADERS:
        raise UserError(
            f"{file}, line {number}: the header is {header!r}; expected id, label and, if you "
            "like, split, separated by tabs."
        )
    known: dict[str, Label] = {}
    for number, cells in lines:
        if len(cells) != len(header) or not all(cells):
            raise UserError(
                f"{file}, line {number}: expected {counted(len(header), 'cell')} separated by "
                "tabs, found "
                f"{cells!r}."
            )
        name, label, split = (*cells, "")[:3]
        if name in known:
            raise UserError(f"{file}, line {number}: {name!r} is there twice.")
        if split and split not in SPLITS:
            raise UserError(
                f"{file}, line {number}: split {split!r} is not one of {', '.join(SPLITS)}."
            )
        known[name] = Label(label, split)
    return known


def _check_names(
    sequences: Mapping[str, str], known: Mapping[str, Label], fasta: Path, labels: Path
) -> None:
    for some, others, missing_in in ((sequences, known, labels), (known, sequences, fasta)):
        if missing := [name for name in some if name not in others]:
            raise UserError(
                f"{missing_in}: {missing[0]!r} is missing"
                + (f", and {len(missing) - 1} more" if len(missing) > 1 else "")
                + f"; each sequence of {fasta.name} needs one line in {labels.name}."
            )


def _lines(file: Path) -> Iterator[tuple[int, str]]:
    """Lines from 1, without what ends them."""
    try:
        if file.stat().st_size > LARGEST_FILE:
            raise UserError(f"{file} is larger than {LARGEST_FILE:,} bytes; not read.")
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UserError(f"{file} cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise UserError(
            f"{file} is not plain text ({error.reason} at byte {error.start})."
        ) from error
    for number, line in enumerate(text.split("\n"), start=1):
        yield number, line.rstrip("\r ")
