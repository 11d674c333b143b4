"""Files written as their makers wrote them are read; everything else is refused unread."""

from __future__ import annotations

import gzip
import io
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from surrobench.errors import UserError
from surrobench.training.datasets.cifar import read_cifar
from surrobench.training.datasets.division import read_images
from surrobench.training.datasets.idx import read_array, read_idx
from surrobench.training.datasets.npz import read_npz
from surrobench.training.datasets.raw import raw_images

RNG = np.random.default_rng(0)


def text(value: bytes) -> bytes:
    """A text as Python 2 pickled it."""
    return b"U" + bytes([len(value)]) + value


def python2_batch(fields: dict[bytes, Any]) -> bytes:
    """A batch, opcode by opcode as Python 2 and NumPy 1.6 pickled the published files."""
    content = b"\x80\x02}q\x01("
    for key, value in fields.items():
        content += text(key)
        if isinstance(value, bytes):
            content += text(value)
        elif isinstance(value, list):
            items = [b"K" + bytes([v]) if isinstance(v, int) else text(v) for v in value]
            content += b"](" + b"".join(items) + b"e"
        else:
            rows, columns = value.shape
            content += (
                b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01"
                + b"M" + struct.pack("<H", rows) + b"M" + struct.pack("<H", columns) + b"\x86"
                + b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNN"
                + b"J\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89"
                + b"T" + struct.pack("<i", value.size) + value.tobytes() + b"tb"
            )  # fmt: skip
    return content + b"u."


def pixels(n: int, *shape: int) -> np.ndarray:
    return RNG.integers(0, 256, (n, *shape), dtype=np.uint8)


def write_cifar10(folder: Path) -> dict[str, np.ndarray]:
    names = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]
    written = {}
    for number, name in enumerate(names):
        written[name] = pixels(4, 3072)
        fields = {
            b"batch_label": b"training batch 1 of 5",
            b"labels": [number, 1, 2, 9],
            b"data": written[name],
            b"filenames": [b"a.png", b"b.png", b"c.png", b"d.png"],
        }
        (folder / name).write_bytes(python2_batch(fields))
    return written


def test_cifar10(tmp_path: Path) -> None:
    written = write_cifar10(tmp_path)
    raw = read_cifar(tmp_path)
    assert raw.train.pixels.shape == (20, 3, 32, 32)
    assert raw.train.labels.tolist()[:8] == [0, 1, 2, 9, 1, 1, 2, 9]
    # A row holds the red plane, then green, then blue, each row by row.
    assert raw.train.pixels[5, 1, 2, 3] == written["data_batch_2"][1, 1024 + 2 * 32 + 3]
    assert raw.test is not None
    assert raw.test.labels.tolist() == [5, 1, 2, 9]


def test_cifar100_has_fine_labels(tmp_path: Path) -> None:
    for name, n in (("train", 6), ("test", 3)):
        fields = {b"data": pixels(n, 3072), b"coarse_labels": [1] * n, b"fine_labels": [7] * n}
        (tmp_path / name).write_bytes(python2_batch(fields))
    (tmp_path / "meta").write_bytes(b"not read")
    raw = read_cifar(tmp_path)
    assert raw.train.labels.tolist() == [7] * 6
    assert raw.test is not None
    assert len(raw.test.pixels) == 3


def test_batches_pickled_again_by_python3_are_read(tmp_path: Path) -> None:
    write_cifar10(tmp_path)
    batch = {"labels": [3, 4], "data": pixels(2, 3072)}
    (tmp_path / "test_batch").write_bytes(pickle.dumps(batch, protocol=4))
    raw = read_cifar(tmp_path)
    assert raw.test is not None
    assert raw.test.labels.tolist() == [3, 4]
    assert np.array_equal(raw.test.pixels.reshape(2, -1), batch["data"])


class Evil:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return Path.touch, (self.marker,)


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
def test_a_hostile_batch_never_runs(tmp_path: Path, protocol: int) -> None:
    write_cifar10(tmp_path)
    marker = tmp_path / "ran"
    hostile = {b"labels": [1], b"data": Evil(marker)}
    (tmp_path / "data_batch_3").write_bytes(pickle.dumps(hostile, protocol=protocol))
    with pytest.raises(UserError, match=r"data_batch_3 is not a batch of CIFAR and was not read"):
        read_cifar(tmp_path)
    assert not marker.exists()
    pickle.loads((tmp_path / "data_batch_3").read_bytes())
    assert marker.exists()  # it is really hostile


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x80\x02}.",
        pickle.dumps([1, 2], protocol=2),
        python2_batch({b"labels": [1], b"data": np.zeros((1, 3072), np.uint8)})[:-40],
        python2_batch({b"labels": [1], b"data": np.zeros((1, 3071), np.uint8)}),
        pickle.dumps({"labels": [1], "data": np.zeros((1, 3072))}, protocol=4),
    ],
)
def test_other_contents_are_refused(tmp_path: Path, content: bytes) -> None:
    write_cifar10(tmp_path)
    (tmp_path / "test_batch").write_bytes(content)
    with pytest.raises(UserError, match="test_batch is not a batch of CIFAR"):
        read_cifar(tmp_path)


def test_a_missing_batch_is_named(tmp_path: Path) -> None:
    write_cifar10(tmp_path)
    (tmp_path / "data_batch_4").unlink()
    with pytest.raises(UserError, match="data_batch_4 cannot be read"):
        read_cifar(tmp_path)


def idx(array: np.ndarray) -> bytes:
    header = struct.pack(">HBB", 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.tobytes()


def write_idx(folder: Path, *, test: str = "t10k") -> np.ndarray:
    train = pixels(10, 28, 28)
    labels = np.arange(10, dtype=np.uint8)
    (folder / "train-images-idx3-ubyte").write_bytes(idx(train))
    (folder / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(labels)))
    (folder / f"{test}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(pixels(4, 28, 28))))
    (folder / f"{test}-labels-idx1-ubyte").write_bytes(idx(labels[:4]))
    return train


@pytest.mark.parametrize("test", ["t10k", "test"])
def test_idx_plain_and_gzipped(tmp_path: Path, test: str) -> None:
    train = write_idx(tmp_path, test=test)
    raw = read_idx(tmp_path)
    assert np.array_equal(raw.train.pixels[:, 0], train)
    assert raw.train.labels.tolist() == list(range(10))
    assert raw.test is not None
    assert raw.test.pixels.shape == (4, 1, 28, 28)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "not a readable IDX file"),
        (b"\x00\x00\x0d\x01\x00\x00\x00\x01\x00\x00\x00\x00", "does not begin as an IDX file"),
        (idx(np.zeros(9, np.uint8))[:-1], "not as long as its header says"),
        (idx(np.zeros(9, np.uint8)) + b"more", "not as long as its header says"),
        (b"\x00\x00\x08\x03" + b"\x7f\xff\xff\xff" * 3, "more than 2,147,483,648; not read"),
    ],
)
def test_idx_files_that_are_wrong(tmp_path: Path, content: bytes, complaint: str) -> None:
    file = tmp_path / "train-images-idx3-ubyte"
    file.write_bytes(content)
    with pytest.raises(UserError, match=complaint):
        read_array(file)


def test_a_gzip_bomb_is_not_unpacked(tmp_path: Path) -> None:
    file = tmp_path / "bomb.gz"
    file.write_bytes(gzip.compress(idx(np.zeros(9, np.uint8)) + bytes(10**7)))
    with pytest.raises(UserError, match="not as long as its header says"):
        read_array(file)
    file.write_bytes(b"\x1f\x8bnonsense")
    with pytest.raises(UserError, match="not a readable IDX file"):
        read_array(file)


def test_a_second_data_set_in_the_folder_is_refused(tmp_path: Path) -> None:
    write_idx(tmp_path)
    (tmp_path / "fashion-train-images-idx3-ubyte").write_bytes(idx(pixels(2, 28, 28)))
    with pytest.raises(UserError, match="found fashion-train-images-idx3-ubyte, train-images"):
        read_idx(tmp_path)


@pytest.mark.parametrize(
    "names", [("x_train", "y_train", "x_test", "y_test"), ("train_images", "train_labels")]
)
def test_npz_by_the_names_of_its_arrays(tmp_path: Path, names: tuple[str, ...]) -> None:
    file = tmp_path / "mine.npz"
    x, y = pixels(5, 8, 8, 3), np.arange(5)[:, None]
    np.savez(file, **{n: x if n[0] == "x" or "images" in n else y for n in names}, note=y)
    raw = read_npz(file)
    assert raw.train.pixels.shape == (5, 3, 8, 8)
    assert np.array_equal(raw.train.pixels[2, 1], x[2, :, :, 1])
    assert raw.train.labels.tolist() == [0, 1, 2, 3, 4]
    assert (raw.test is None) == (len(names) == 2)


@pytest.mark.parametrize(
    ("arrays", "complaint"),
    [
        ({"x": np.zeros((2, 8, 8))}, "no labels for whole"),
        ({"y_train": np.zeros(2, int)}, "no images for train"),
        ({"weights": np.zeros(2)}, "holds no images"),
        ({"x": np.zeros((2, 8, 8)), "y": np.zeros(3, int)}, "2 images but 3 labels"),
        ({"x": np.zeros((2, 8, 8)), "y": np.zeros(2)}, "labels are float64"),
        ({"x": np.zeros((2, 8)), "y": np.zeros(2, int)}, "expected 3 or 4 dimensions"),
        ({"x": np.full((2, 8, 8), np.nan), "y": np.zeros(2, int)}, "not finite"),
        ({"x": np.full((2, 8, 8), 300), "y": np.zeros(2, int)}, "from 300 to 300"),
        ({"x": np.zeros((2, 3, 8, 3)), "y": np.zeros(2, int)}, "holds the channels"),
        ({"x": np.zeros((0, 8, 8)), "y": np.zeros(0, int)}, "0 images"),
        ({"x": np.array([[["a"]]]), "y": np.zeros(1, int)}, "pixels are"),
    ],
)
def test_npz_archives_that_are_wrong(
    tmp_path: Path, arrays: dict[str, np.ndarray], complaint: str
) -> None:
    np.savez(tmp_path / "mine.npz", **arrays)
    with pytest.raises(UserError, match=complaint):
        read_npz(tmp_path / "mine.npz")


def test_npz_with_train_and_a_whole_is_refused(tmp_path: Path) -> None:
    x, y = np.zeros((2, 8, 8)), np.zeros(2, int)
    np.savez(tmp_path / "mine.npz", x=x, y=y, x_train=x, y_train=y)
    with pytest.raises(UserError, match="holds whole, train"):
        read_npz(tmp_path / "mine.npz")


def test_a_pickle_in_an_npz_never_runs(tmp_path: Path) -> None:
    marker, file = tmp_path / "ran", tmp_path / "mine.npz"
    payload = io.BytesIO()
    np.save(payload, np.array([Evil(marker)], dtype=object), allow_pickle=True)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("x.npy", payload.getvalue())
    with pytest.raises(UserError, match=r"not a readable \.npz archive"):
        read_npz(file)
    file.write_bytes(pickle.dumps(Evil(marker)))
    with pytest.raises(UserError, match=r"not a readable \.npz archive"):
        read_npz(file)
    assert not marker.exists()


def test_an_npz_whose_header_lies_is_refused(tmp_path: Path) -> None:
    header = io.BytesIO()
    claimed = {"descr": "<f8", "fortran_order": False, "shape": (2**40, 8, 8)}
    np.lib.format.write_array_header_1_0(header, claimed)
    with zipfile.ZipFile(tmp_path / "mine.npz", "w") as archive:
        archive.writestr("x.npy", header.getvalue() + bytes(64))
    with pytest.raises(UserError, match=r"not a readable \.npz archive"):
        read_npz(tmp_path / "mine.npz")


def test_an_npz_that_unpacks_to_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("surrobench.training.datasets.npz.LARGEST_TOTAL", 1000)
    np.savez_compressed(tmp_path / "mine.npz", x=np.zeros((20, 8, 8)), y=np.zeros(20, int))
    with pytest.raises(UserError, match="more than 1,000"):
        read_npz(tmp_path / "mine.npz")


def test_channels_first_is_kept() -> None:
    raw = raw_images(pixels(2, 3, 8, 8), np.array([0, 1]), "mine")
    assert raw.pixels.shape == (2, 3, 8, 8)


@pytest.mark.parametrize("make", [True, False])
def test_a_path_without_images_is_told(tmp_path: Path, make: bool) -> None:
    path = tmp_path / "nothing"
    if make:
        path.mkdir()
    problem = "holds no images that are known" if make else "does not exist"
    with pytest.raises(UserError, match=f"nothing {problem}"):
        read_images(path)
