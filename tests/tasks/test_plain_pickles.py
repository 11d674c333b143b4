"""Pickles and torch files of plain values: read by an allow list, or not at all."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hostile_pickles import hostile

from surrobench.errors import UserError
from surrobench.tasks.files.plain_pickles import read_plain_pickle, read_torch_file

PLAIN = [{"a": 1, "b": [2.5, None, True], "c": {"d": "text"}}, (2**40, -3)]


def torch_file(path: Path, content: bytes) -> Path:
    """What torch.save writes for values without tensors, with ``content`` as its pickle."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", content)
        archive.writestr("archive/version", "3\n")
    return path


@pytest.mark.parametrize("protocol", [2, 4])
def test_plain_values_come_back(protocol, tmp_path):
    content = pickle.dumps(PLAIN, protocol=protocol)
    assert read_plain_pickle(content, "file") == PLAIN
    assert read_torch_file(torch_file(tmp_path / "a.pt", content)) == PLAIN


def test_what_torch_saves_is_read(tmp_path):
    import torch

    torch.save(PLAIN, tmp_path / "a.pt")
    assert read_torch_file(tmp_path / "a.pt") == PLAIN


def numpy_1(content: bytes) -> bytes:
    """A pickle as NumPy before its second version wrote it."""
    return content.replace(b"numpy._core.", b"numpy.core.")


def test_numbers_and_arrays_of_numpy_become_plain():
    numbers = [np.float64(1.25), np.int64(7), np.float32(0.5)]
    found = read_plain_pickle(numpy_1(pickle.dumps(numbers, protocol=3)), "file")
    assert found == [1.25, 7, 0.5]
    assert [type(number) for number in found] == [float, int, float]


def test_nothing_hostile_ever_runs(tmp_path):
    marker = tmp_path / "ran"
    for name, content in hostile(marker).items():
        with pytest.raises(UserError, match="was not read"):
            read_plain_pickle(content, name)
        with pytest.raises(UserError, match="was not read"):
            read_torch_file(torch_file(tmp_path / "hostile.pth", content))
        assert not marker.exists(), name


def test_the_hostile_torch_files_are_really_hostile(tmp_path):
    import torch

    marker = tmp_path / "ran"
    file = torch_file(tmp_path / "hostile.pt", hostile(marker)["os.system 2"])
    torch.load(file, weights_only=False)
    assert marker.exists()


def test_tensors_and_other_archives_are_refused(tmp_path):
    import torch

    torch.save({"weights": torch.ones(2)}, tmp_path / "tensor.pt")
    with pytest.raises(UserError, match=r"tensor.pt .* was not read"):
        read_torch_file(tmp_path / "tensor.pt")
    with zipfile.ZipFile(tmp_path / "empty.pt", "w") as archive:
        archive.writestr("archive/version", "3")
    with pytest.raises(UserError, match=r"empty.pt is not a file of torch.save"):
        read_torch_file(tmp_path / "empty.pt")
    with zipfile.ZipFile(tmp_path / "outside.pt", "w") as archive:
        archive.writestr("../data.pkl", pickle.dumps(1, protocol=2))
    with pytest.raises(UserError, match="points outside"):
        read_torch_file(tmp_path / "outside.pt")
    (tmp_path / "not-a.zip").write_bytes(b"nonsense")
    with pytest.raises(UserError, match="not a readable zip"):
        read_torch_file(tmp_path / "not-a.zip")


@pytest.mark.parametrize(
    "lie",
    [
        lambda content: content.replace(b"f8", b"O8"),
        lambda content: content.replace(b"f8", b"V9"),
        lambda content: content.replace(b"X\x01\x00\x00\x00<", b"X\x01\x00\x00\x00>"),
    ],
)
def test_numbers_that_lie_about_their_type_are_refused(lie):
    content = numpy_1(pickle.dumps([np.float64(1.25)], protocol=3))
    changed = lie(content)
    assert changed != content
    with pytest.raises(UserError, match="was not read"):
        read_plain_pickle(changed, "file")


def test_an_archive_of_arrays_with_a_pickle_inside_is_refused(tmp_path):
    from surrobench.tasks.recipes.arrays import arrays_in

    marker = tmp_path / "ran"
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        stream, {"descr": "|O", "fortran_order": False, "shape": (1,)}
    )
    with zipfile.ZipFile(tmp_path / "hostile.npz", "w") as archive:
        archive.writestr("pool.npy", stream.getvalue() + hostile(marker)["os.system 4"])
    with pytest.raises(UserError, match=r"hostile.npz is not a readable archive of numbers"):
        list(arrays_in(tmp_path / "hostile.npz"))
    assert not marker.exists()
    (tmp_path / "cut.npz").write_bytes((tmp_path / "hostile.npz").read_bytes()[:40])
    with pytest.raises(UserError, match=r"cut.npz is not a readable"):
        list(arrays_in(tmp_path / "cut.npz"))
