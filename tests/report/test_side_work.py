"""Work beside this process: its answers come back, and nothing of it is lost."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest
from prediction_frames import TASKS, make_frame

from surrobench.report import write_report
from surrobench.report.common import folder as report_folder
from surrobench.report.common import side_work
from surrobench.report.common.side_work import SideWork

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks on Linux alone")


def test_answers_come_from_other_processes_whatever_their_order() -> None:
    def work(number: int) -> tuple[int, int]:
        time.sleep(0.02 * (3 - number))
        return number, os.getpid()

    with SideWork(2) as side:
        waiting = [side.begin(lambda number=number: work(number)) for number in range(4)]
        answers = [result() for result in waiting]
    assert [number for number, _ in answers] == [0, 1, 2, 3]
    assert os.getpid() not in {process for _, process in answers}


def test_a_large_answer_does_not_block_its_fork() -> None:
    with SideWork(2) as side:
        waiting = [side.begin(lambda: b"x" * 1_000_000) for _ in range(3)]
        assert [len(result()) for result in waiting] == [1_000_000] * 3


def test_what_a_fork_raises_is_raised_here() -> None:
    def work() -> None:
        raise ValueError("no such letter")

    with SideWork(2) as side:
        result = side.begin(work)
        with pytest.raises(ValueError, match="no such letter"):
            result()


def test_work_of_a_lost_fork_is_done_here() -> None:
    here = os.getpid()

    def work() -> str:
        if os.getpid() != here:
            os.kill(os.getpid(), signal.SIGKILL)
        return "done"

    with SideWork(2) as side:
        assert side.begin(work)() == "done"


def test_work_that_nobody_waits_for_is_ended(tmp_path: Path) -> None:
    process = tmp_path / "process"

    def work() -> None:
        process.write_text(str(os.getpid()))
        time.sleep(60)

    with SideWork(2) as side:
        side.begin(work)
        while not (process.is_file() and process.read_text()):
            time.sleep(0.005)
    with pytest.raises(ProcessLookupError):
        os.kill(int(process.read_text()), 0)


def test_nothing_is_forked_while_another_thread_may_hold_a_lock() -> None:
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    try:
        assert SideWork().begin(os.getpid)() == os.getpid()
    finally:
        stop.set()
        thread.join()


@pytest.mark.slow
def test_reports_are_the_same_bytes_with_forks_and_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_folder, "AT_ONCE", 1)
    frame = make_frame(
        tasks=(next(iter(TASKS)),), predictors=("knn", "gp-rbf"), sizes=(25,), seeds=2
    )
    contents = []
    for cores in (1, 2):
        monkeypatch.setattr(side_work, "_cores", lambda cores=cores: cores)
        folder = tmp_path / str(cores)
        paths = write_report(frame, folder, complete=False)
        contents.append([(p.relative_to(folder), p.read_bytes()) for p in paths])
    assert contents[0] == contents[1]
    assert {".png", ".pdf"} <= {path.suffix for path, _ in contents[0]}
