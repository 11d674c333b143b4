"""Workers: whatever an item does costs that item alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from surrobench.studies.engine.executor import Limits, Outcome, WorkerStartError, execute
from surrobench.studies.engine.template import Template, new_template

pytestmark = pytest.mark.slow

ITEMS = """
    import os, signal, sys, time

    HOME = os.getpid()

    def compute(item):
        if item == "raise":
            raise RuntimeError("on purpose")
        if item == "exit":
            os._exit(0)
        if item == "sys.exit":
            sys.exit(5)
        if item == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if item == "sleep":
            time.sleep(60)
        if item == "hang in C":
            sum(range(10**12))
        if item == "grow":
            hoard = []
            while True:
                hoard.append(bytearray(1 << 24))
        if item == "child":
            import subprocess
            subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
            os._exit(3)
        if item == "hanging child":
            import subprocess
            subprocess.run(["sh", "-c", "echo $$; exec sleep 60"])
        if item == "odd value":
            return Odd()
        if item == "print":
            print("noise on standard output")
        if item == "parents":
            return os.getpid(), os.getppid(), HOME, "torch" in sys.modules
        if item == "lose the template":
            if os.path.exists("lost"):
                return "again"
            open("lost", "w").close()
            os.kill(os.getppid(), signal.SIGKILL)
            time.sleep(60)
        if item == "threads":
            return {name: os.environ[name] for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
        if str(item).startswith("gpu"):
            time.sleep(0.2)  # so that both workers get some
            return os.environ.get("CUDA_VISIBLE_DEVICES"), os.getpid()
        return item * 2

    class Odd:
        def __reduce__(self):
            return int, ("x",)
"""


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "chores.py").write_text(textwrap.dedent(ITEMS))
    monkeypatch.syspath_prepend(str(tmp_path))
    return "chores:compute"


@pytest.fixture(autouse=True, params=["a new interpreter", "a fork"])
def forks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Every worker is both: what holds of one has to hold of the other."""
    forks = request.param == "a fork"
    if forks and sys.platform != "linux":
        pytest.skip("workers are forked on Linux alone")
    monkeypatch.setattr(sys.modules[__name__], "_FORKS", forks)
    return forks


_FORKS = False


def run(
    target: str, items: list[object], logs: Path, workers: int = 1, **limits: float
) -> dict[object, Outcome[object]]:
    found = executed(target, items, workers=workers, limits=Limits(**limits), logs=logs / "logs")
    return {outcome.item: outcome for outcome in found}


def executed(target: str, items: list[object], **options: Any) -> Iterator[Outcome[object]]:
    template = new_template(target) if _FORKS else None
    try:
        yield from execute(target, items, template=template, **options)
    finally:
        if template is not None:
            template.close()


def test_every_item_is_computed_once(target: str, tmp_path: Path) -> None:
    outcomes = run(target, list(range(20)), tmp_path, workers=2)
    assert {item: outcome.value for item, outcome in outcomes.items()} == {
        item: 2 * item for item in range(20)
    }
    assert not (tmp_path / "logs").exists()  # nobody printed anything


@pytest.mark.parametrize(
    ("item", "ending", "reason"),
    [
        ("raise", "error", "on purpose"),
        ("sys.exit", "error", "SystemExit: 5"),
        ("odd value", "error", "invalid literal for int()"),
        ("exit", "died", "worker died (exit status 0)"),
        ("kill", "died", "killed by SIGKILL"),
        ("child", "died", "exit status 3"),
    ],
)
def test_a_bad_item_costs_itself(
    target: str, tmp_path: Path, item: str, ending: str, reason: str
) -> None:
    outcomes = run(target, [1, item, 2], tmp_path)
    assert outcomes[item].ending == ending
    assert reason in outcomes[item].value
    assert (outcomes[1].value, outcomes[2].value) == (2, 4)


@pytest.mark.parametrize("item", ["sleep", "hang in C"])
def test_a_hanging_item_is_stopped_at_its_deadline(target: str, tmp_path: Path, item: str) -> None:
    outcomes = run(target, [1, item, 2], tmp_path, timeout_seconds=0.5)  # 1 warms the worker up
    assert outcomes[item].ending == "timeout"
    assert outcomes[item].value == "stopped after 0.5 s"
    assert outcomes[item].seconds < 1.5
    assert outcomes[2].value == 4


def test_what_a_hanging_item_started_is_stopped_too(target: str, tmp_path: Path) -> None:
    outcomes = run(target, ["hanging child"], tmp_path, timeout_seconds=0.5)
    assert outcomes["hanging child"].ending == "timeout"
    child = int((tmp_path / "logs" / "worker-0.log").read_text())
    assert not _lives(child)


def test_every_worker_sees_the_device_that_it_was_given(target: str, tmp_path: Path) -> None:
    outcomes = execute(
        target,
        [f"gpu {i}" for i in range(8)],
        workers=2,
        limits=Limits(),
        logs=tmp_path / "logs",
        environments=[{"CUDA_VISIBLE_DEVICES": "3"}, {"CUDA_VISIBLE_DEVICES": "5"}],
    )
    seen = {outcome.value for outcome in outcomes}
    assert {device for device, _ in seen} == {"3", "5"}
    assert len(seen) == 2  # one process for each device


def test_a_hungry_item_runs_out_of_memory(target: str, tmp_path: Path) -> None:
    outcomes = run(target, ["grow", 2], tmp_path, memory_gib=0.25)
    assert outcomes["grow"].ending == "oom"
    assert outcomes[2].value == 4


def test_what_an_item_prints_goes_to_a_log(target: str, tmp_path: Path) -> None:
    outcomes = run(target, ["print"], tmp_path)
    assert outcomes["print"].ending == "done"
    assert "noise" in (tmp_path / "logs" / "worker-0.log").read_text()


def test_workers_use_one_thread_each(
    target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    value = run(target, ["threads"], tmp_path)["threads"].value
    assert value == {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert "MKL_NUM_THREADS" not in os.environ


def test_a_worker_that_cannot_start_is_an_error_with_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(WorkerStartError, match="no_such_module"):
        run("no_such_module:compute", [1], tmp_path)


def test_a_script_without_a_main_guard_runs_once(target: str, tmp_path: Path) -> None:
    script = f"""
        from pathlib import Path
        from surrobench.studies.engine.executor import Limits, execute
        from surrobench.studies.engine.template import new_template
        forked = {{"template": new_template({target!r})}} if {_FORKS} else {{}}
        options = dict(workers=1, limits=Limits(), logs=Path({str(tmp_path / "logs")!r}))
        for outcome in execute({target!r}, [1, "kill", 2], **options, **forked):
            print(outcome.ending)
    """
    (tmp_path / "script.py").write_text(textwrap.dedent(script))
    command = [sys.executable, str(tmp_path / "script.py")]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["done", "died", "done"]


def test_asked_to_stop_it_does_not_wait_for_its_items(target: str, tmp_path: Path) -> None:
    started = time.monotonic()
    outcomes = executed(
        target,
        ["sleep", "sleep"],
        workers=1,
        limits=Limits(),
        logs=tmp_path / "logs",
        stop=lambda: time.monotonic() - started > 0.5,
    )
    assert list(outcomes) == []
    assert time.monotonic() - started < 20.0


def test_workers_do_not_outlive_a_killed_driver(target: str, tmp_path: Path) -> None:
    driver = f"""
        import sys
        sys.path.insert(0, {str(tmp_path)!r})
        from pathlib import Path
        from surrobench.studies.engine.executor import Limits, execute
        from surrobench.studies.engine.template import new_template
        forked = {{"template": new_template("pids:compute")}} if {_FORKS} else {{}}
        options = dict(workers=1, limits=Limits(), logs=Path({str(tmp_path / "logs")!r}))
        for outcome in execute("pids:compute", [1, 2], **options, **forked):
            print(*outcome.value, flush=True)
    """
    (tmp_path / "pids.py").write_text(
        "import os, time\n"
        "def compute(item):\n"
        "    time.sleep(60 * (item - 1))\n"
        "    return os.getpid(), os.getppid()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(driver)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    worker, parent = map(int, process.stdout.readline().split())
    left = [worker, parent] if _FORKS else [worker]
    process.send_signal(signal.SIGKILL)
    process.wait()
    deadline = time.monotonic() + 5
    while any(map(_lives, left)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(_lives, left))


def test_code_of_others_is_imported_in_the_worker_alone(target: str, tmp_path: Path) -> None:
    pid, parent, home, _ = run(target, ["parents"], tmp_path)["parents"].value
    assert home == pid
    assert (parent == os.getpid()) is not _FORKS


def test_a_template_has_imported_what_its_target_needs(
    target: str, tmp_path: Path, template: Template
) -> None:
    options: Any = {"workers": 2, "limits": Limits(), "logs": tmp_path}
    (outcome,) = execute(target, ["parents"], **options, template=template)
    _, parent, _, has_torch = outcome.value
    assert (parent, has_torch) == (template.pid, True)


@pytest.fixture
def template(forks: bool) -> Iterator[Template]:
    if not forks:
        pytest.skip("nothing is forked")
    found = new_template("surrobench.studies.prediction.kind:PREDICTION.run_cell")
    assert found is not None
    yield found
    found.close()


def test_a_lost_template_costs_no_item(
    target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, template: Template
) -> None:
    monkeypatch.chdir(tmp_path)
    items = ["lose the template", *range(4)]
    options: Any = {"workers": 2, "limits": Limits(30), "logs": tmp_path / "logs"}
    outcomes = {o.item: o.value for o in execute(target, items, **options, template=template)}
    assert outcomes == {"lose the template": "again", 0: 0, 1: 2, 2: 4, 3: 6}
    assert template.lost


def test_without_its_template_workers_start_all_the_same(
    target: str, tmp_path: Path, template: Template
) -> None:
    template.close()
    options: Any = {"workers": 1, "limits": Limits(30), "logs": tmp_path / "logs"}
    assert [o.value for o in execute(target, [1, 2], **options, template=template)] == [2, 4]


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
