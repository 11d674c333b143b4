from __future__ import annotations

import stat
import zipfile

import pytest

from surrobench.errors import UserError
from surrobench.tasks.files.archives import members


def archive(tmp_path, *entries, compression=zipfile.ZIP_DEFLATED):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", compression) as target:
        for name, content in entries:
            target.writestr(name, content)
    return path


def test_members_are_read_in_memory(tmp_path):
    path = archive(tmp_path, ("folder/", b""), ("folder/a.json", b"1"), ("b.json", b"2"))
    assert dict(members(path)) == {"folder/a.json": b"1", "b.json": b"2"}
    assert {p.name for p in tmp_path.iterdir()} == {"a.zip"}


@pytest.mark.parametrize("name", ["../out", "a/../../out", "/abs", "C:/win", "..\\out", "\\abs"])
def test_names_that_leave_the_archive_are_refused(tmp_path, name):
    with pytest.raises(UserError, match="outside the archive"):
        list(members(archive(tmp_path, ("fine", b"1"), (name, b"2"))))


def test_links_are_refused(tmp_path):
    info = zipfile.ZipInfo("link")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(UserError, match="is a link"):
        list(members(archive(tmp_path, (info, b"/etc/passwd"))))


def test_bombs_are_refused_before_unpacking(tmp_path):
    path = archive(tmp_path, ("zeros", bytes(5_000_000)))
    with pytest.raises(UserError, match="more than the limit"):
        list(members(path, largest=1_000_000))
    path = archive(tmp_path, *((f"z{i}", bytes(900_000)) for i in range(5)))
    with pytest.raises(UserError, match="unpacks to more than"):
        list(members(path, largest=1_000_000, total=4_000_000))


def test_broken_archives(tmp_path):
    path = archive(tmp_path, ("a", b"content " * 1000))
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(UserError, match="not a readable zip"):
        list(members(path))
    content = bytearray(archive(tmp_path, ("a", b"x" * 100), compression=0).read_bytes())
    content[content.index(b"xxx")] = ord("y")
    path.write_bytes(bytes(content))
    with pytest.raises(UserError, match="not a readable zip"):
        list(members(path))
