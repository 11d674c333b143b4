"""What goes to Dask workers: files by checksum, and cells in batches. Without any cluster."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from live_toy import TINY
from search_toy import search_study
from toy import CARD, toy_study

from surrobench import cli, run_study
from surrobench.errors import UserError
from surrobench.studies.cluster import connection, tables
from surrobench.studies.cluster.batches import BATCH_CELLS, Batches
from surrobench.studies.cluster.tables import Manifest, SharedFile, manifest_of, write_chunk
from surrobench.studies.expected_cost import Cost
from surrobench.studies.kinds import AnyStudy, kind_of

pytestmark = pytest.mark.slow


def built(content: dict[str, Any]) -> AnyStudy:
    return kind_of(content).build(content, "", "study")


@pytest.fixture
def at_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sends files to a worker with a cache of its own, in parts of some bytes."""
    monkeypatch.setenv("SURROBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(tables, "CHUNK_BYTES", 1000)

    def send(manifest: Manifest, sources: dict[str, Path]) -> None:
        for file in manifest.lacking():
            offset, whole = 0, False
            while not whole:
                chunk = tables.read_chunk(sources[file.name], offset)
                whole = write_chunk(manifest, file, offset, chunk)
                offset += len(chunk)

    return send


@pytest.mark.parametrize("kind", ["prediction", "search"])
def test_a_study_is_planned_alike_from_files_that_were_sent(
    kind: str, toy: Path, maze: Path, at_worker: Callable[..., None]
) -> None:
    bounds = {"maze.toml:latency": "<= 7"}
    search = search_study(
        tasks=["maze.toml:accuracy"], objectives=["maze.toml:latency"], constraints=bounds
    )
    content, base = (toy_study(), toy) if kind == "prediction" else (search, maze)
    study = built(content)
    manifest, sources = manifest_of(study, base)
    assert {file.name for file in manifest.lacking()} == set(sources)
    assert len(sources) == 2
    at_worker(manifest, sources)
    assert not manifest.lacking()
    moved = manifest.study(study)
    before, after = kind_of(study).plan(study, base), kind_of(study).plan(moved, Path("/nowhere"))
    assert [cell.key for cell in after.cells] == [cell.key for cell in before.cells]
    cell = manifest.cell(before.cells[0])
    assert cell.key == before.cells[0].key
    assert Path(cell.spec.partition(".toml")[0] + ".toml").is_file()


def test_a_card_finds_its_table_in_a_folder_above(
    toy: Path, tmp_path: Path, at_worker: Callable[..., None]
) -> None:
    (tmp_path / "cards").mkdir()
    (tmp_path / "toy.csv").write_bytes((toy / "toy.csv").read_bytes())
    (tmp_path / "cards" / "up.toml").write_text(CARD.replace("toy.csv", "../toy.csv"))
    study = built(toy_study(tasks=["cards/up.toml"]))
    manifest, sources = manifest_of(study, tmp_path)
    at_worker(manifest, sources)
    (tmp_path / "toy.csv").unlink()
    assert kind_of(study).plan(manifest.study(study), tmp_path).cells


def test_a_table_with_an_absolute_path_is_not_sent(toy: Path, tmp_path: Path) -> None:
    (tmp_path / "far.toml").write_text(CARD.replace("toy.csv", str(toy / "toy.csv")))
    with pytest.raises(UserError, match="name it as seen from the card"):
        manifest_of(built(toy_study(tasks=["far.toml"])), tmp_path)


def test_a_published_table_goes_where_the_cache_would_have_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_worker: Callable[..., None]
) -> None:
    converted = tmp_path / "cache" / "converted" / "nb201-0123.parquet"
    converted.parent.mkdir(parents=True)
    converted.write_bytes(b"table" * 500)
    converted.with_name("nb201-0123.parquet.sha256").write_text("digest")
    monkeypatch.setattr(tables, "data_path", lambda card, folder: converted)
    study = built(toy_study(tasks=["nb201/cifar10-val"]))
    manifest, sources = manifest_of(study, tmp_path)
    assert manifest.study(study) == study
    names = [file.name for file in manifest.files if file.published]
    assert names == ["converted/nb201-0123.parquet", "converted/nb201-0123.parquet.sha256"]
    content = {name: path.read_bytes() for name, path in sources.items()}
    for path in sources.values():
        path.rename(tmp_path / path.name)
    at_worker(manifest, {name: tmp_path / path.name for name, path in sources.items()})
    assert {name: (tmp_path / "cache" / name).read_bytes() for name in names} == content


def test_data_of_live_tasks_are_sent_with_their_labels(
    tmp_path: Path, at_worker: Callable[..., None]
) -> None:
    (tmp_path / "own").mkdir()
    for name in ("motifs.fa", "motifs.tsv"):
        (tmp_path / "own" / name).write_text(name)
    content = search_study(tasks=["live:sequences"], live={"data": "own/motifs.fa"})
    study = built(search_study(tasks=["live:cells"], live=TINY)).model_copy(
        update={"live": content["live"], "tasks": content["tasks"]}
    )
    manifest, sources = manifest_of(study, tmp_path)
    at_worker(manifest, sources)
    path = Path(manifest.study(study).live["data"])  # type: ignore[union-attr]
    assert (path.read_text(), path.with_suffix(".tsv").read_text()) == ("motifs.fa", "motifs.tsv")


@pytest.mark.parametrize("name", ["../../evil.py", "/etc/evil", "card-0/../../../evil"])
def test_no_file_leaves_the_cache(name: str, at_worker: Callable[..., None]) -> None:
    manifest = Manifest((SharedFile(name, "0" * 64, 3, False),))
    with pytest.raises(UserError, match="no name of a file of a study"):
        write_chunk(manifest, manifest.files[0], 0, b"abc")


def test_a_file_that_arrives_otherwise_is_not_kept(at_worker: Callable[..., None]) -> None:
    file = SharedFile("card-0/toy.csv", "0" * 64, 3, False)
    manifest = Manifest((file,))
    with pytest.raises(UserError, match="did not arrive as it was sent"):
        write_chunk(manifest, file, 0, b"abc")
    assert manifest.lacking() == [file]
    assert not [path for path in manifest.folder.rglob("*") if path.is_file()]


@dataclass(frozen=True)
class FakeCell:
    key: str


def batches(costs: list[Cost]) -> Batches[Any]:
    return Batches([FakeCell(str(number)) for number in range(len(costs))], costs)


def names(cells: list[Any]) -> str:
    return " ".join(cell.key for cell in cells)


def test_short_cells_travel_together_and_long_ones_alone() -> None:
    short = batches([Cost(0.01)] * 1000)
    taken = len(short.take("a", 2))
    assert 90 <= taken <= 101
    assert len(short) == 1000 - taken
    long = batches([Cost(5.0)] * 10)
    assert [len(long.take("a", 2)) for _ in range(10)] == [1] * 10
    assert not long.take("a", 2)
    free = batches([Cost(0.0)] * 5000)
    assert len(free.take("a", 1)) == BATCH_CELLS


def test_units_get_smaller_towards_the_end_and_nothing_is_left_out() -> None:
    line = batches([Cost(0.01)] * 400)
    sizes = []
    while len(line):
        sizes.append(len(line.take("a", 2)))
    assert sum(sizes) == 400
    assert sizes[0] >= 3 * sizes[-1] >= 3


def test_what_cells_take_is_learnt() -> None:
    line = batches([Cost(0.01)] * 1000)
    first = line.take("a", 1)
    for cell in first:
        line.learn(cell, 0.5)
    assert len(line.take("a", 1)) <= 2


def test_cells_that_share_trainings_go_to_one_worker_while_there_are_others() -> None:
    line = batches([Cost(2.0, 5.0, ("t", number // 3)) for number in range(6)])
    assert names(line.take("a", 2)) == "0"
    assert names(line.take("b", 2)) == "3"
    assert names(line.take("a", 2)) == "1"
    assert names(line.take("c", 2)) == "4"  # nobody is idle for the sake of a shared training
    line.forget("b")
    assert names(line.take("c", 2)) == "5"


def test_cells_of_a_lost_worker_come_first_and_alone() -> None:
    line = batches([Cost(0.001)] * 50)
    taken = line.take("a", 1)
    line.put_back(taken[:3], alone=True)
    assert [names(line.take("b", 1)) for _ in range(3)] == [cell.key for cell in taken[:3]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"engine": "dsk"}, "Did you mean 'dask'"),
        ({"engine": "dask"}, "--scheduler tcp://HOST:8786"),
        ({"scheduler": "tcp://h:1"}, "add --engine dask"),
        ({"engine": "dask", "scheduler": "nowhere.json"}, r"there is no such file|\[cluster\]"),
        ({"engine": object()}, r"object is no engine|\[cluster\]"),
    ],
)
def test_engines_and_schedulers_that_do_not_go_together(
    options: dict[str, Any], message: str, in_toy: Path, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=message):
        run_study(toy_study(), out=tmp_path, **options)


def test_gpus_of_this_machine_are_not_those_of_dask_workers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--engine", "dask", "--scheduler", "tcp://127.0.0.1:9", "--devices", "0,1"]
    monkeypatch.setattr(sys, "argv", ["surrobench", "run", "live-quickstart", *options])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    assert "--resources GPU=1" in " ".join(capsys.readouterr().err.split())


def test_without_the_package_the_extra_is_named(
    in_toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    extra = pytest.raises(UserError, match=r"pip install 'surrobench\[cluster\]'")
    with extra, connection.connected("dask", "tcp://127.0.0.1:9"):
        pass
