"""Encoded pools that are kept on disk: the same numbers, whatever happens to the files."""

from __future__ import annotations

import hashlib
import io
import multiprocessing
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from surrobench.encodings import make_encoding
from surrobench.errors import UserError
from surrobench.spaces import SPACES
from surrobench.spaces.architecture import Variable
from surrobench.spaces.choices import Choices
from surrobench.strategies.candidates import Candidates
from surrobench.tasks import stored_encodings
from surrobench.tasks.stored_encodings import encoded, read_array, write_array

SPACE = SPACES.create("nb201")
POOL = np.array(list(SPACE))[::3]
MEASURED = {"params": np.arange(len(POOL), dtype=np.float64) % 97}
VARIABLES = [Variable(f"v{i}", tuple("abcde")) for i in range(6)]
NAMES = ("one-hot", "path-contracted", "path:20", "one-hot+measured:params")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SURROBENCH_CACHE", str(tmp_path))
    monkeypatch.setattr(stored_encodings, "STORED_FROM", 100)
    return tmp_path / "encodings"


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def fresh(name: str) -> np.ndarray:
    return make_encoding(name)(POOL, SPACE, MEASURED)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_stored_is_what_is_computed(name: str, folder: Path) -> None:
    for _ in range(2):
        X = encoded(name, POOL, SPACE, MEASURED)
        assert np.array_equal(X, fresh(name))
        assert X.dtype == np.float64
        assert not X.flags.writeable
    assert len(files(folder)) == 1


def test_a_stored_pool_is_not_encoded_again(monkeypatch: pytest.MonkeyPatch) -> None:
    first = encoded("one-hot", POOL, SPACE, {})

    def refused(*_: object) -> np.ndarray:
        raise AssertionError("encoded twice")

    monkeypatch.setattr("surrobench.encodings.one_hot.OneHot.__call__", refused)
    assert np.array_equal(encoded("one-hot", POOL, SPACE, {}), first)
    assert np.array_equal(Candidates(SPACE, POOL).features("one-hot"), first)


def test_whatever_the_numbers_depend_on_makes_another_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reversed_columns = {"params": MEASURED["params"][::-1].copy()}
    encoded("one-hot", POOL, SPACE, MEASURED)
    encoded("ordinal", POOL, SPACE, MEASURED)
    encoded("one-hot", POOL[::-1], SPACE, MEASURED)
    encoded("one-hot", POOL, SPACE, reversed_columns)
    encoded("one-hot", POOL, Choices("other", VARIABLES), MEASURED)
    assert len(files(folder)) == 5
    monkeypatch.setattr(stored_encodings, "_code_version", lambda: "newer")
    encoded("one-hot", POOL, SPACE, MEASURED)
    assert len(files(folder)) == 6


def test_properties_that_were_looked_at_make_no_other_file(folder: Path) -> None:
    space = SPACES.create("nb201")
    encoded("one-hot", POOL, space, MEASURED)
    encoded("path", POOL, space, MEASURED)
    space.graph(tuple(POOL[5].tolist()))
    encoded("one-hot", POOL, space, MEASURED)
    assert len(files(folder)) == 2


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def headless(content: bytes) -> bytes:
    return b"\x00" * 80 + content[80:]


@pytest.mark.parametrize("harm", [cut, flipped, headless, lambda _: b"", lambda _: b"x" * 40])
def test_a_damaged_file_is_noticed_and_made_anew(
    harm: Callable[[bytes], bytes], folder: Path
) -> None:
    encoded("one-hot", POOL, SPACE, {})
    (path,) = files(folder)
    whole = path.read_bytes()
    path.write_bytes(harm(whole))
    assert read_array(path) is None
    assert np.array_equal(encoded("one-hot", POOL, SPACE, {}), fresh("one-hot"))
    assert path.read_bytes() == whole


def test_objects_are_never_unpickled(folder: Path, tmp_path: Path) -> None:
    folder.mkdir()
    with pytest.raises(ValueError, match="allow_pickle"):
        write_array(folder / "x.npy", np.array([{}], dtype=object))
    file = io.BytesIO()
    np.save(file, np.array([{}], dtype=object), allow_pickle=True)
    content = file.getvalue()
    (folder / "y.npy").write_bytes(content + hashlib.sha256(content).digest())
    assert read_array(folder / "y.npy") is None


def test_small_pools_and_foreign_code_are_encoded_each_time(folder: Path) -> None:
    class Own(Choices):
        """A space whose code we do not know."""

    own = Own("own", VARIABLES)
    encoded("one-hot", POOL[:99], SPACE, {})
    encoded("one-hot", POOL, own, {})
    encoded("surrobench.encodings.ordinal:Ordinal", POOL, SPACE, {})
    assert files(folder) == []


def test_a_cache_that_cannot_be_written_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SURROBENCH_CACHE", str(tmp_path / "file"))
    assert np.array_equal(encoded("one-hot", POOL, SPACE, {}), fresh("one-hot"))


def test_unknown_encodings_are_named() -> None:
    with pytest.raises(UserError, match="one-hot"):
        encoded("one-hop", POOL, SPACE, {})


def write_often(path: Path, value: float) -> None:
    for _ in range(30):
        write_array(path, np.full((200, 40), value))


@pytest.mark.slow
def test_concurrent_writers_never_leave_half_a_file(tmp_path: Path) -> None:
    path = tmp_path / "shared.npy"
    write_array(path, np.zeros((200, 40)))
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=write_often, args=(path, i)) for i in (1.0, 2.0)]
    for writer in writers:
        writer.start()
    seen = set()
    while any(writer.is_alive() for writer in writers):
        values = read_array(path)
        # A file may be replaced between its check and its mapping, never torn.
        assert values is not None
        assert (values == values[0, 0]).all()
        seen.add(float(values[0, 0]))
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    assert seen <= {0.0, 1.0, 2.0}
    assert [path.name for path in tmp_path.iterdir()] == ["shared.npy"]
