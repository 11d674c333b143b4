"""Studies on a Dask cluster of real processes: one hash, whatever is killed meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from dask_cluster import DaskProcesses, dask_processes, wait_until
from every_kind import STUDIES
from in_process import compute_here
from toy import command_environment, toy_study

from surrobench import run_study
from surrobench.errors import UserError
from surrobench.studies import runner
from surrobench.studies.engine import forks
from surrobench.studies.engine.run_settings import RunSettings
from surrobench.studies.kinds import kind_of
from surrobench.studies.observer import Silent
from surrobench.studies.run_folder.record import Record
from surrobench.studies.run_folder.store import ResultStore
from surrobench.studies.run_folder.tally import Tally
from surrobench.studies.runner import RunResult, run

distributed = pytest.importorskip(
    "distributed", reason="the engine dask needs the extra: pip install 'surrobench[cluster]'"
)
from surrobench.studies.cluster import driver, requests  # noqa: E402

pytestmark = pytest.mark.slow

SLOW = toy_study(
    predictors=[{"use": "zoo:Lines", "seconds": 0.2, "label": "slow"}], train_sizes=[8], seeds=14
)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskProcesses]:
    """A scheduler and one worker, under a nanny as is usual."""
    folder = tmp_path_factory.mktemp("dask")
    environment = {**command_environment(folder), "SURROBENCH_CACHE": str(folder / "cache")}
    with dask_processes(folder, environment) as processes:
        processes.start_scheduler()
        processes.start_worker("a", "--resources", "GPU=1")
        yield processes


@pytest.fixture
def client(cluster: DaskProcesses) -> Iterator[Any]:
    with distributed.Client(scheduler_file=str(cluster.file), set_as_default=False) as client:
        client.wait_for_workers(1, timeout=90)
        yield client


@pytest.fixture
def dealt(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, Any]]:
    """Every call of a worker: its address, the function, and the resources that it takes."""
    calls: list[tuple[str, str, Any]] = []
    original = requests.Requests.send

    def send(
        self: Any, address: str, done: Any, failed: Any, function: Any, *given: Any, **options: Any
    ) -> Any:
        calls.append((address, function.__name__, options.get("resources")))
        return original(self, address, done, failed, function, *given, **options)

    monkeypatch.setattr(requests.Requests, "send", send)
    return calls


class Watching(Silent):
    """Does something when so many cells have been kept."""

    def __init__(self, acts: Mapping[int, Callable[[], object]] | None = None) -> None:
        self.acts, self.cells, self.notes = acts or {}, 0, []  # type: ignore[var-annotated]

    def note(self, message: str) -> None:
        self.notes.append(message)

    def cell(self, record: Record) -> None:
        self.cells += 1
        self.acts.get(self.cells, lambda: None)()


def run_on(
    engine: Any, study: dict[str, Any], out: Path, observer: Watching | None = None
) -> RunResult:
    loaded = kind_of(study).build(study, "", "study")
    return run(loaded, Path.cwd(), RunSettings(out, engine=engine), observer)


@pytest.fixture
def expected(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[dict[str, Any]], Tally]:
    """What a run in this process comes to."""

    def compute(study: dict[str, Any]) -> Tally:
        with monkeypatch.context() as patch:
            patch.setattr(runner, "execute", compute_here)
            patch.setattr(forks, "new_template", lambda target: None)
            run_study(study, out=tmp_path / "expected")
        return Tally.of(tmp_path / "expected")

    return compute


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes workers see something else of the driver's disk."""
    original = driver._job

    def change(**what: Any) -> None:
        monkeypatch.setattr(driver, "_job", lambda *given: replace(original(*given), **what))

    return change


@pytest.mark.parametrize("kind", ["live search", "live pipeline"])
def test_live_searches_and_pipelines_have_the_hash_of_this_machine(
    kind: str, in_maze: Path, tmp_path: Path, client: Any, live_cache: Path,
    expected: Callable[[dict[str, Any]], Tally],
) -> None:  # fmt: skip
    study = {**STUDIES[kind], "seeds": 1}
    run_study(study, out=tmp_path / "run", engine=client)
    assert Tally.of(tmp_path / "run") == expected(study)
    assert not list((tmp_path / "run").glob(".tmp-*"))


def test_workers_that_see_none_of_the_files_get_them_and_send_records_home(
    in_maze: Path, tmp_path: Path, client: Any, cluster: DaskProcesses,
    elsewhere: Callable[..., None], expected: Callable[[dict[str, Any]], Tally], dealt: list[Any],
) -> None:  # fmt: skip
    elsewhere(base="/nowhere", folder="/nowhere/run")
    study = STUDIES["search"]
    run_study(study, out=tmp_path / "run", engine=client)
    assert Tally.of(tmp_path / "run") == expected(study)
    received = [call for call in dealt if call[1] == "receive"]
    assert received
    assert list((cluster.folder / "cache" / "cluster").glob("*/card-0/maze.csv"))
    run_study(study, out=tmp_path / "again", engine=client)
    assert [call for call in dealt if call[1] == "receive"] == received


def test_a_predictor_that_misbehaves_costs_its_own_cell_alone(
    in_toy: Path, tmp_path: Path, client: Any, dealt: list[Any]
) -> None:
    bad = {"Raises": "failed", "Dies": "failed", "Exits": "failed", "Hangs": "timeout"}
    names = [f"zoo:{name}" for name in (*bad, "Hungry")]
    workers = set(client.nthreads())
    study = toy_study(
        predictors=[*names, "constant", "zoo:Lines"], train_sizes=[8], seeds=1, timeout_seconds=5.0
    )
    frame = run_study(study, out=tmp_path / "run", engine=client)
    statuses = frame.groupby("predictor")["status"].unique().map(list)
    wanted = {f"zoo:{name}": [status] for name, status in bad.items()}
    good = {"zoo:Hungry": ["oom"], "constant": ["ok"], "zoo:Lines": ["ok"]}
    assert statuses.to_dict() == {**wanted, **good}
    assert "killed by SIGKILL" in frame.set_index("predictor")["reason"]["zoo:Dies"]
    assert set(client.nthreads()) == workers == {address for address, _, _ in dealt}


def test_a_worker_with_other_versions_is_refused_before_any_cell(
    in_toy: Path, tmp_path: Path, client: Any, monkeypatch: pytest.MonkeyPatch, dealt: list[Any]
) -> None:
    monkeypatch.setattr(driver, "versions", lambda: {"surrobench": "9.9", "numpy": "1.0"})
    with pytest.raises(UserError, match=r"has surrobench 0\.1\.0 instead of 9\.9, numpy") as caught:
        run_study(toy_study(), out=tmp_path / "run", engine=client)
    assert all(address in str(caught.value) for address in client.nthreads())
    assert {function for _, function, _ in dealt} == {"examine"}
    assert not ResultStore(tmp_path / "run").finished_keys()


def test_a_worker_without_the_code_is_refused_by_the_name_of_the_module(
    in_toy: Path, tmp_path: Path, client: Any, elsewhere: Callable[..., None]
) -> None:
    elsewhere(path=())
    with pytest.raises(UserError, match="would not compute this study: 'zoo:Lines': there is no"):
        run_study(toy_study(), out=tmp_path / "run", engine=client)
    assert not ResultStore(tmp_path / "run").finished_keys()


def test_cells_on_gpus_ask_for_one(
    in_toy: Path, tmp_path: Path, client: Any, dealt: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    info = client.scheduler_info(n_workers=-1)["workers"]
    (gpu,) = [address for address, one in info.items() if one["resources"]]
    monkeypatch.setattr(driver, "needs_gpu", lambda cell: cell.seed == 1)
    frame = run_study(toy_study(), out=tmp_path / "run", engine=client)
    assert list(frame["status"]) == ["ok"] * 12
    asked = {(address, *resources) for address, _, resources in dealt if resources}
    assert asked == {(gpu, "GPU")}


def test_killed_workers_cost_what_they_computed_and_a_late_one_ends_the_run(
    in_toy: Path, tmp_path: Path, client: Any, cluster: DaskProcesses,
    expected: Callable[[dict[str, Any]], Tally], dealt: list[Any],
) -> None:  # fmt: skip
    cluster.start_worker("b", "--no-nanny")
    client.wait_for_workers(2, timeout=90)
    early = set(client.nthreads())

    def all_leave() -> None:
        cluster.kill("a")
        cluster.start_worker("c")

    watching = Watching({2: lambda: cluster.kill("b"), 5: all_leave})
    result = run_on(client, SLOW, tmp_path / "run", watching)
    assert (result.missing, result.failed, result.computed) == (0, 0, 14)
    assert Tally.of(tmp_path / "run") == expected(SLOW)
    lost = [note for note in watching.notes if "was lost" in note]
    assert len(lost) == 2
    assert {address for address, function, _ in dealt if function == "compute"} > early


def test_a_driver_that_dies_is_started_again_and_nobody_computes_for_it_meanwhile(
    toy: Path, in_toy: Path, tmp_path: Path, cluster: DaskProcesses,
    expected: Callable[[dict[str, Any]], Tally],
) -> None:  # fmt: skip
    out = tmp_path / "run"
    code = f"""
        from surrobench import run_study
        run_study({SLOW!r}, out={str(out)!r}, engine="dask", scheduler={str(cluster.file)!r})
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.Popen(command, env=command_environment(toy), start_new_session=True)
    store = ResultStore(out)
    wait_until(lambda: store.exists and len(store.finished_keys()) >= 3)
    os.killpg(done.pid, signal.SIGKILL)
    done.wait()
    kept = store.finished_keys()
    watching = Watching()
    with distributed.Client(scheduler_file=str(cluster.file), set_as_default=False) as client:
        wait_until(lambda: not any(client.processing().values()))
        assert len(store.finished_keys()) < 14
        result = run_on(client, SLOW, out, watching)
    assert (result.missing, result.computed) == (0, watching.cells)
    assert watching.cells <= 14 - len(kept)
    assert Tally.of(out) == expected(SLOW)


def test_without_its_scheduler_a_run_ends_with_3_and_goes_on_with_this_machine(
    in_toy: Path, tmp_path: Path, cluster: DaskProcesses, monkeypatch: pytest.MonkeyPatch,
    expected: Callable[[dict[str, Any]], Tally], capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    from surrobench import cli

    out = tmp_path / "run"
    (tmp_path / "study.toml").write_text(kind_of(SLOW).build(SLOW, "", "study").to_toml())
    store = ResultStore(out)

    def kill_scheduler() -> None:
        wait_until(lambda: store.exists and len(store.finished_keys()) >= 3)
        cluster.kill("scheduler")

    killer = threading.Thread(target=kill_scheduler)
    killer.start()
    study = [str(tmp_path / "study.toml"), "--task", str(in_toy / "toy.toml"), "--allow-code"]
    options = ["--out", str(out), "--report", "none"]
    command = ["surrobench", "run", *study, *options]
    monkeypatch.setattr(
        sys, "argv", [*command, "--engine", "dask", "--scheduler", str(cluster.file)]
    )
    with pytest.raises(SystemExit) as ended:
        cli.main()
    killer.join()
    assert ended.value.code == 3
    told = " ".join(capsys.readouterr().err.split())
    assert "Traceback" not in told
    assert "the Dask scheduler is gone. Finished cells are kept" in told
    assert "go on with: surrobench run" in told
    kept = Tally.of(out)
    assert 3 <= kept.finished < 14
    assert (out / "results.parquet").is_file()
    with monkeypatch.context() as patch:
        patch.setattr(runner, "execute", compute_here)
        patch.setattr(forks, "new_template", lambda target: None)
        patch.setattr(sys, "argv", command)
        with pytest.raises(SystemExit) as ended:
            cli.main()
    assert ended.value.code in (0, None)
    assert Tally.of(out) == expected(SLOW)


def test_a_budget_ends_a_run_that_no_worker_joins(
    in_toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"n_workers": 0, "processes": False, "dashboard_address": ":0"}
    with distributed.LocalCluster(**options) as empty, empty.get_client() as client:
        watching = Watching()
        monkeypatch.setattr(runner, "_within", lambda budget: lambda: not watching.notes)
        result = run_on(client, SLOW, tmp_path / "run", watching)
    assert (result.exhausted, result.missing) == (True, 14)
    assert watching.notes == ["there is no Dask worker; waiting for one"]
    with pytest.raises(UserError, match="the client is closed"):
        run_study(SLOW, out=tmp_path / "run", engine=client)


def test_nobody_answers(in_toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from surrobench.studies.cluster import connection

    monkeypatch.setattr(connection, "CONNECT_SECONDS", 1)
    with pytest.raises(UserError, match="no Dask scheduler answers there"):
        run_study(toy_study(), out=tmp_path, engine="dask", scheduler="tcp://127.0.0.1:9")
