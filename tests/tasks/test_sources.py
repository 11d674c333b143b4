from __future__ import annotations

import hashlib
import http.server
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from surrobench.errors import UserError
from surrobench.tasks.files import downloads
from surrobench.tasks.files.source_file import SourceFile
from surrobench.tasks.files.sources import fetch, locate
from surrobench.tasks.preparation import converted, prepare_card
from surrobench.tasks.recipes import RECIPES, Recipe
from surrobench.tasks.tables.card import Card

CONTENT = b"a,b\n" + b"1,2\n" * 50_000
CALLS: list[str] = []


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT at /ok, wrong bytes at /wrong, half of it at /half and 404 elsewhere."""

    def do_GET(self) -> None:
        kind = self.path.strip("/").split("/")[-1]
        if kind == "stall":
            time.sleep(1.0)
        body = {"ok": CONTENT, "wrong": b"x" + CONTENT[1:], "half": CONTENT}.get(kind)
        if body is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if kind == "half" else body)

    def log_message(self, format: str, *args: object) -> None:
        return None


@pytest.fixture
def server(monkeypatch, tmp_path) -> Iterator[None]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{running.server_port}/{{repo}}/{{commit}}/{{path}}"
        monkeypatch.setattr(downloads, "URL", url)
        monkeypatch.setattr(downloads, "RETRIES", 0)
        monkeypatch.setattr(downloads, "TIMEOUT", 0.5)
        monkeypatch.setenv("SURROBENCH_CACHE", str(tmp_path / "cache"))
        monkeypatch.delenv("SURROBENCH_MIRROR", raising=False)
        yield
        running.shutdown()
        thread.join()


def source(path: str = "ok") -> SourceFile:
    return SourceFile(
        repo="owner/repo",
        commit="0123456789abcdef0123456789abcdef01234567",
        path=path,
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        bytes=len(CONTENT),
        licence="MIT",
    )


def leftovers(folder: Path) -> list[str]:
    return [str(path) for path in folder.rglob("*") if path.is_file()]


def test_a_download_reports_progress_and_is_kept(server, tmp_path):
    seen: list[tuple[str, int, int]] = []
    path = fetch(source(), lambda *step: seen.append(step))
    assert path.read_bytes() == CONTENT
    assert path.relative_to(tmp_path / "cache") == Path("downloads/owner+repo/0123456789ab/ok")
    assert seen[-1] == ("ok", len(CONTENT), len(CONTENT))
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)
    assert fetch(source(), lambda *step: pytest.fail("downloaded again")) == path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("wrong", "SHA-256 is [0-9a-f]{64}, expected [0-9a-f]{64}"),
        ("half", "cannot download"),
        ("nothing", "404"),
        ("stall", "timed out"),
    ],
)
def test_bad_downloads_leave_nothing_behind(server, tmp_path, path, expected):
    with pytest.raises(UserError, match=expected):
        fetch(source(path))
    assert leftovers(tmp_path / "cache") == []


def test_a_server_that_is_not_there(server, monkeypatch, tmp_path):
    monkeypatch.setattr(downloads, "URL", "http://127.0.0.1:9/{repo}/{commit}/{path}")
    with pytest.raises(UserError, match=r"owner\+repo/0123456789ab/ok .*SURROBENCH_MIRROR"):
        fetch(source())


def test_the_mirror_is_read_first_and_verified(server, monkeypatch, tmp_path):
    mirror = tmp_path / "mirror"
    file = mirror / source("elsewhere").relative
    file.parent.mkdir(parents=True)
    file.write_bytes(CONTENT)
    monkeypatch.setenv("SURROBENCH_MIRROR", str(mirror))
    assert fetch(source("elsewhere")) == file
    wrong = CONTENT[:-2] + b"3\n"
    file.write_bytes(wrong)
    with pytest.raises(UserError) as caught:
        fetch(source("elsewhere"))
    for part in (str(file), hashlib.sha256(wrong).hexdigest(), source().sha256):
        assert part in str(caught.value)
    monkeypatch.setenv("SURROBENCH_MIRROR", str(tmp_path / "nowhere"))
    with pytest.raises(UserError, match="not a folder"):
        locate(source())


def convert(files) -> pa.Table:
    CALLS.append("convert")
    return pa.table({"file": [0], "rows": [len(files["raw"].read_bytes().splitlines())]})


@pytest.fixture
def card(monkeypatch) -> Card:
    CALLS.clear()
    monkeypatch.setitem(RECIPES, "counted", Recipe(f"{__name__}:convert"))
    return Card(
        name="counted",
        recipe="counted",
        sources={"raw": source()},
        decisions=["file"],
        tasks={"t": {"target": "rows", "direction": "maximize"}},
    )


def test_prepare_converts_once_and_again_when_the_recipe_changes(server, monkeypatch, card):
    with pytest.raises(UserError, match="surrobench prepare counted"):
        converted(card)
    first = prepare_card(card)
    assert (first.rows, first.columns, first.licences) == (1, 2, {"owner/repo": "MIT"})
    assert pq.read_table(first.path)["rows"].to_pylist() == [50_001]
    assert converted(card) == first.path
    assert CALLS == ["convert"]
    monkeypatch.setitem(RECIPES, "counted", Recipe(f"{__name__}:convert", version=2))
    second = converted(card)
    assert second != first.path
    assert CALLS == ["convert"] * 2


def test_a_damaged_conversion_is_made_again(server, card):
    path = prepare_card(card).path
    path.write_bytes(path.read_bytes()[:50])
    assert pq.read_table(converted(card)).num_rows == 1
    assert CALLS == ["convert"] * 2
    assert {p.suffix for p in path.parent.iterdir()} <= {".parquet", ".sha256", ".lock"}


def test_the_cache_may_be_unwritable(server, monkeypatch, card, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("SURROBENCH_CACHE", str(blocked))
    monkeypatch.setenv("SURROBENCH_MIRROR", str(tmp_path))
    file = tmp_path / source().relative
    file.parent.mkdir(parents=True)
    file.write_bytes(CONTENT)
    with pytest.raises(UserError, match="SURROBENCH_CACHE"):
        converted(card)
