"""FASTA files with a table of labels: what is read, kept apart, and refused by file and line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from surrobench.errors import UserError
from surrobench.training.datasets.data import Data
from surrobench.training.datasets.fasta import read_fasta, read_sequences
from surrobench.training.datasets.sequences import PADDING, RESIDUES, UNKNOWN

FASTA = """>sp|P1|ONE first protein
MKV
lla*

>two
ACDX
>three
WWW
"""
TABLE = "id\tlabel\nthree\tyes\nsp|P1|ONE\tno\ntwo\tyes\n"


def write(folder: Path, fasta: str, table: str) -> tuple[Path, Path]:
    (folder / "a.fasta").write_bytes(fasta.encode())
    (folder / "a.tsv").write_bytes(table.encode())
    return folder / "a.fasta", folder / "a.tsv"


def many(folder: Path, n: int = 50, *, split: bool = False) -> tuple[Path, Path]:
    """Sequences that differ, then copies of the first three under other names."""
    rng = np.random.default_rng(0)
    drawn = ["".join(rng.choice(list(RESIDUES), 6)) for _ in range(n)]
    sequences = drawn + drawn[:3]
    table = ["id\tlabel" + "\tsplit" * split]
    parts = ["train"] * (n - 20) + ["validation"] * 10 + ["test"] * 10 + ["test"] * 3
    for i, part in enumerate(parts):
        table.append(f"s{i}\tclass{i % 2}" + f"\t{part}" * split)
    fasta = "".join(f">s{i}\n{sequence}\n" for i, sequence in enumerate(sequences))
    return write(folder, fasta, "\n".join(table))


def contents(data: Data) -> list[set[tuple[int, ...]]]:
    return [
        {tuple(row) for row in split.inputs.tolist()}
        for split in (data.train, data.validation, data.test)
    ]


def test_names_letters_and_line_ends(tmp_path: Path) -> None:
    expected = {"sp|P1|ONE": "MKVLLA", "two": "ACDX", "three": "WWW"}
    file, _ = write(tmp_path, FASTA, TABLE)
    assert read_fasta(file, 100) == expected
    file, _ = write(tmp_path, "\ufeff" + FASTA.replace("\n", "\r\n"), TABLE)
    assert read_fasta(file, 100) == expected


def test_tokens_and_labels_by_hand(tmp_path: Path) -> None:
    table = "id\tlabel\tsplit\nthree\tyes\ttest\nsp|P1|ONE\tno\ttrain\ntwo\tyes\tvalidation\n"
    data = read_sequences(*write(tmp_path, FASTA, table))
    assert data.validation.inputs.tolist() == [[1, 2, 3, UNKNOWN, PADDING, PADDING]]
    assert data.train.inputs.tolist() == [[11, 9, 18, 10, 10, 1]]
    labels = [split.labels.tolist() for split in (data.train, data.validation, data.test)]
    assert labels == [[0], [1], [1]]  # no, yes
    assert data.classes == 2
    assert data.shape == (6,)


@pytest.mark.parametrize("split", [False, True])
def test_no_sequence_is_in_two_splits(tmp_path: Path, split: bool) -> None:
    data = read_sequences(*many(tmp_path, split=split))
    train, validation, test = contents(data)
    assert not train & validation
    assert not train & test
    assert not validation & test
    assert len(train | validation | test) == 50
    # The table's test part holds copies of three sequences, which training then has to do without.
    assert [len(validation), len(test)] == [10, 13 if split else 10]


def test_a_pure_function_of_files_and_seed(tmp_path: Path) -> None:
    files = many(tmp_path)
    data = read_sequences(*files, seed=1)
    assert read_sequences(*files, seed=1).fingerprint == data.fingerprint
    assert read_sequences(*files, seed=2).fingerprint != data.fingerprint
    fewer = read_sequences(*files, seed=1, train=12)
    assert torch.equal(fewer.train.inputs, data.train.inputs[:12])
    assert torch.equal(fewer.test.inputs, data.test.inputs)


@pytest.mark.parametrize(
    ("fasta", "complaint"),
    [
        ("", "holds no sequences"),
        ("MKV\n", "line 1: residues before the first line"),
        (">\nMKV\n", "line 1: a sequence has no name"),
        (">a\nMK\n>a b\nMK\n", "line 3: 'a' is there twice"),
        (">a\nMK\nM-K\n", "line 3: '-' is not an amino acid"),
        (">a\nMK1\n", "line 2: '1' is not an amino acid"),
        (">a\nMK V\n", "line 2: ' ' is not an amino acid"),
        (">a\n\n>b\nMK\n", "line 1: the sequence 'a' has no residues"),
        (">a\nM*K\n", "line 1: the sequence 'a' has a '*' inside"),
        (">b\nM\n>a\nMKVLMKVLMKV\n", "line 3: the sequence 'a' has 11 residues, more than 10"),
    ],
)
def test_wrong_sequences_are_refused_by_line(tmp_path: Path, fasta: str, complaint: str) -> None:
    file, table = write(tmp_path, fasta, TABLE)
    with pytest.raises(UserError) as error:
        read_sequences(file, table, longest=10)
    assert f"{file}" in str(error.value)
    assert complaint in str(error.value)


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ("", "line 1: the header is []"),
        ("id,label\n", "line 1: the header is ['id,label']"),
        ("id\tlabel\nthree\n", "line 2: expected 2 cells separated by tabs, found ['three']"),
        ("id\tlabel\nthree\t\n", "line 2: expected 2 cells"),
        (TABLE + "two\tno\n", "line 5: 'two' is there twice"),
        ("id\tlabel\tsplit\ntwo\tno\tvalid\n", "line 2: split 'valid' is not one of train, val"),
        ("id\tlabel\ntwo\tno\n", "'sp|P1|ONE' is missing, and 1 more"),
        (TABLE + "four\tno\n", "'four' is missing; each sequence of a.fasta needs one line"),
        (TABLE.replace("\n", "\ttest\n").replace("label\ttest", "label\tsplit"), "'train'"),
    ],
)
def test_wrong_tables_are_refused_by_line(tmp_path: Path, table: str, complaint: str) -> None:
    files = write(tmp_path, FASTA, table)
    with pytest.raises(UserError) as error:
        read_sequences(*files)
    assert complaint in str(error.value)


def test_files_that_are_not_text_or_not_there(tmp_path: Path) -> None:
    fasta, table = write(tmp_path, FASTA, TABLE)
    with pytest.raises(UserError, match=r"none\.fasta cannot be read"):
        read_sequences(tmp_path / "none.fasta", table)
    fasta.write_bytes(b">a\n\xff\xfe\n")
    with pytest.raises(UserError, match="not plain text"):
        read_sequences(fasta, table)


def test_more_sequences_than_there_are(tmp_path: Path) -> None:
    files = many(tmp_path)
    with pytest.raises(UserError, match="99 test sequences were asked for, but there are 1"):
        read_sequences(*files, test=99)
