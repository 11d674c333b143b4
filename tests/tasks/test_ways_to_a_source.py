"""Files at an address, in a repository and in a wheel, and cards that name them."""

from __future__ import annotations

import hashlib
import http.server
import threading
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from surrobench.errors import UserError
from surrobench.tasks import load_task, prepare
from surrobench.tasks.files import downloads
from surrobench.tasks.files.source_file import SourceFile
from surrobench.tasks.files.sources import fetch
from surrobench.tasks.tables.card_file import read_card

ROWS = b"kernel,op,acc\n3,conv,90.5\n5,conv,91.5\n3,pool,80\n5,pool,81\n"
SHA = hashlib.sha256(ROWS).hexdigest()
URL = "https://example.org/data/v1/rows.csv"
CARD = """
name = "mine"
decisions = ["kernel", "op"]
[tasks.accuracy]
target = "acc"
direction = "maximize"
unit = "%"
[sources.table]
{source}
sha256 = "{sha}"
licence = "CC0-1.0"
"""
COMMIT = "0123456789abcdef0123456789abcdef01234567"
IN_REPOSITORY = f'repo = "owner/name"\ncommit = "{COMMIT}"\npath = "results/rows.csv"'
WAYS = {
    f'url = "{URL}"': f"url+example.org/{SHA[:12]}/rows.csv",
    IN_REPOSITORY: "owner+name/0123456789ab/results/rows.csv",
}


@pytest.fixture
def mirror(monkeypatch, tmp_path) -> Path:
    """An empty mirror and an empty cache; whoever asks the network fails."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    monkeypatch.setenv("SURROBENCH_MIRROR", str(folder))
    monkeypatch.setenv("SURROBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(downloads, "RETRIES", 0)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    return folder


def written(folder: Path, relative: str, content: bytes = ROWS) -> Path:
    path = folder / relative
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def card(tmp_path: Path, source: str, sha: str = SHA) -> str:
    path = tmp_path / "mine.toml"
    path.write_text(CARD.format(source=source, sha=sha))
    return str(path)


@pytest.mark.parametrize("source", WAYS, ids=["url", "repository"])
def test_a_card_of_a_dozen_lines_is_prepared_and_loaded(mirror, tmp_path, source):
    spec = card(tmp_path, source)
    with pytest.raises(UserError, match="'mine' is not on this machine yet"):
        load_task(spec)
    file = written(mirror, WAYS[source])
    prepared = prepare(spec)
    assert (prepared.path, prepared.rows, prepared.columns) == (file, 4, 3)
    assert list(prepared.licences.values()) == ["CC0-1.0"]
    task = load_task(f"{spec}:accuracy")
    assert task.truth.tolist() == [90.5, 91.5, 80.0, 81.0]


@pytest.mark.parametrize("source", WAYS, ids=["url", "repository"])
@pytest.mark.parametrize("content", [ROWS[:-9], ROWS.replace(b"90", b"99")], ids=["cut", "altered"])
def test_a_file_that_is_not_the_published_one_is_refused_by_name(mirror, tmp_path, source, content):
    spec = card(tmp_path, source)
    file = written(mirror, WAYS[source], content)
    for use in (prepare, load_task):
        with pytest.raises(UserError) as caught:
            use(spec)
        for part in (str(file), SHA, hashlib.sha256(content).hexdigest()):
            assert part in str(caught.value)


@pytest.mark.parametrize("source", WAYS, ids=["url", "repository"])
def test_a_file_that_cannot_be_had_names_its_address_and_its_place(mirror, tmp_path, source):
    with pytest.raises(UserError) as caught:
        prepare(card(tmp_path, source))
    assert "cannot download https://" in str(caught.value)
    assert "rows.csv" in str(caught.value)
    assert f"put the file at {WAYS[source]}" in str(caught.value)
    assert "SURROBENCH_MIRROR" in str(caught.value)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ('url = "http://example.org/rows.csv"', "begins with https://"),
        ('url = "https://me:secret@example.org/rows.csv"', "holds no password"),
        ('url = "file:///etc/passwd"', "begins with https://"),
        ('url = "https://example.org/"', "end with the name of a file"),
        (IN_REPOSITORY.replace("results/", "../"), "without '..'"),
        (IN_REPOSITORY.replace("results/", "/etc/"), "without '..'"),
        (IN_REPOSITORY.replace("owner/name", "../../x"), "write owner/name"),
        (IN_REPOSITORY.replace(COMMIT, "main"), r"sources\.table\.commit"),
        ('repo = "owner/name"\npath = "rows.csv"', "in one of three ways"),
        (f'url = "{URL}"\npackage = "p"', "in one of three ways"),
        (f'url = "{URL}"\nsha265 = "x"', "Did you mean 'sha256'"),
    ],
)
def test_wrong_sources_say_what_is_wrong(tmp_path, source, said):
    with pytest.raises(UserError, match=said):
        read_card(Path(card(tmp_path, source)))


def test_other_kinds_of_files_are_refused_before_they_are_fetched(mirror, tmp_path):
    for name, said in {"rows.pkl": "can run code", "rows.xlsx": "pandas.read_excel"}.items():
        with pytest.raises(UserError, match=said):
            prepare(card(tmp_path, f'url = "https://example.org/{name}"'))


def test_a_card_with_a_file_of_its_own_has_nothing_to_prepare(mirror, tmp_path):
    text = CARD[: CARD.index("[sources")].replace("decisions", 'data = "rows.csv"\ndecisions')
    (tmp_path / "own.toml").write_text(text)
    with pytest.raises(UserError, match=r"own \(rows.csv\); there is nothing to prepare"):
        prepare(str(tmp_path / "own.toml"))
    (tmp_path / "own.toml").write_text(text.replace('data = "rows.csv"\n', ""))
    with pytest.raises(UserError, match=r"say where the rows are with .*\[sources.table\]"):
        prepare(str(tmp_path / "own.toml"))


def test_nobody_is_led_away_from_https():
    def answer(url: str, to: str) -> SimpleNamespace:
        return SimpleNamespace(url=url, headers={"Location": to}, is_redirect=True)

    downloads._stay_encrypted(answer("https://a.org/x", "https://b.org/x"))
    with pytest.raises(UserError, match="not https; not followed"):
        downloads._stay_encrypted(answer("https://a.org/x", "http://b.org/x"))


class Endless(http.server.BaseHTTPRequestHandler):
    """Sends more and more, and does not say how much."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        try:
            for _ in range(500):
                self.wfile.write(b"x" * 65_536)
        except OSError:
            return

    def log_message(self, format: str, *args: object) -> None:
        return None


def test_a_download_that_is_too_large_is_broken_off(mirror, monkeypatch, tmp_path):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endless) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        monkeypatch.setattr(downloads, "URL", f"http://127.0.0.1:{running.server_port}/{{path}}")
        source = SourceFile(repo="a/b", commit=COMMIT, path="rows.csv", sha256=SHA, bytes=len(ROWS))
        with pytest.raises(UserError, match=f"larger than {len(ROWS)} bytes"):
            fetch(source)
        running.shutdown()
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []


MEMBER = "tiny/data/rows.csv"


@pytest.fixture
def wheel(mirror, monkeypatch, tmp_path) -> Path:
    """A wheel that pip, set up as this machine has it, finds in a folder."""
    pytest.importorskip("pip")
    folder = tmp_path / "wheels"
    folder.mkdir()
    path = folder / "surrobench_tiny-1.0-py3-none-any.whl"
    head = "surrobench_tiny-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(MEMBER, ROWS)
        archive.writestr("tiny/__init__.py", "raise SystemExit('imported')")
        archive.writestr(
            f"{head}/METADATA", "Metadata-Version: 2.1\nName: surrobench-tiny\nVersion: 1.0\n"
        )
        archive.writestr(f"{head}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{head}/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return path


def in_wheel(wheel: Path, **changes: str) -> SourceFile:
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    fields = {
        "package": "surrobench-tiny",
        "version": "1.0",
        "wheel_sha256": found,
        "path": MEMBER,
        "sha256": SHA,
    }
    return SourceFile(**{**fields, **changes})


@pytest.mark.slow
def test_a_file_in_a_wheel_comes_through_pip_and_is_kept(wheel, tmp_path):
    source = in_wheel(wheel)
    lines = "\n".join(
        f'{name} = "{getattr(source, name)}"'
        for name in ("package", "version", "wheel_sha256", "path")
    )
    spec = card(tmp_path, lines)
    prepared = prepare(spec)
    place = f"downloads/pypi+surrobench-tiny/1.0/{MEMBER}"
    assert prepared.path.relative_to(tmp_path / "cache") == Path(place)
    assert prepared.licences == {"surrobench-tiny 1.0": "CC0-1.0"}
    wheel.unlink()
    assert fetch(source) == prepared.path
    assert len(load_task(spec)) == 4


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"wheel_sha256": "0" * 64}, "is not the published wheel of surrobench-tiny 1.0"),
        ({"sha256": "0" * 64}, f"{MEMBER} in surrobench_tiny-1.0.* has the SHA-256 {SHA}"),
        ({"path": "tiny/other.csv"}, "holds no file tiny/other.csv"),
    ],
)
def test_a_wheel_that_is_not_the_published_one_is_not_used(wheel, changes, said):
    with pytest.raises(UserError, match=said):
        downloads.member_of(wheel, in_wheel(wheel, **changes))


def test_a_wheel_that_pip_cannot_find(wheel, tmp_path):
    with pytest.raises(UserError) as caught:
        fetch(in_wheel(wheel, version="2.0"))
    for part in ("pip could not download", "surrobench-tiny==2.0", "SURROBENCH_MIRROR", MEMBER):
        assert part in str(caught.value)
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []
