"""The same verbs for pipelines, and the options that say where live tasks train."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from command_line import Command, command_line
from live_toy import TINY, live_cache

from surrobench.studies import runner
from surrobench.studies.engine import forks
from surrobench.studies.engine.executor import Outcome
from surrobench.studies.pipeline.config import PipelineStudy
from surrobench.studies.pipeline.plan import PipelineCell

__all__ = ["live_cache"]


def pipeline(**changes: Any) -> str:
    content = {
        "kind": "pipeline",
        "name": "pipes",
        "tasks": ["live/digits-chain"],
        "predictors": ["knn"],
        "encodings": ["one-hot"],
        "candidates": 60,
        "train": 20,
        "picks": 3,
        "proxy_epochs": 1,
        "seeds": 1,
    }
    return PipelineStudy.read({**content, **changes}).to_toml()


@pytest.fixture
def surrobench(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Runs a command line in this process, in a folder with two studies, without figures."""
    (tmp_path / "table.toml").write_text(pipeline())
    live = pipeline(tasks=["live:cells"], live=TINY, candidates=12, train=6, picks=2, runs=2)
    (tmp_path / "live.toml").write_text(live)
    monkeypatch.chdir(tmp_path)
    return command_line(monkeypatch, capsys, "write_pipeline_report")


@pytest.mark.slow
def test_a_run_from_start_to_report(surrobench: Command, tmp_path: Path) -> None:
    dry = surrobench("run", "table.toml", "--dry-run")
    assert "study        pipes (pipeline)" in dry.out
    assert "candidates   60, of which 20 are trained briefly" in dry.out
    first = surrobench("run", "table.toml", "--out", "r", "--workers", "1", "--limit", "2")
    assert first.status == 3, first.err
    assert "2 cells are still to do" in first.err
    done = surrobench("run", "table.toml", "--out", "r", "--workers", "1")
    assert done.status == 0, done.err
    assert "2 cells to compute (2 are finished already)" in done.err
    assert "Regret of the best pick from the best candidate" in done.out
    assert "4 of 4 cells finished" in surrobench("status", "r").out
    assert "4 records are intact" in surrobench("verify", "r").out
    report = surrobench("report", "r")
    assert report.status == 0, report.err
    assert "best-trained" in report.out
    cited = surrobench("cite", "r")
    assert "white2021bananas" in cited.out
    drawn = surrobench("plot", "r", "--kind", "picks", "--out", "picks.png")
    assert drawn.status == 0, drawn.err
    assert (tmp_path / "picks.png").is_file()
    board = surrobench("leaderboard", ".")
    assert "a pipeline study is not ranked here" in board.err


def recorded(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the executor is asked for, by runs that then compute nothing."""
    calls: list[dict[str, Any]] = []

    def execute(target: str, items: Sequence[Any], **options: Any) -> Iterator[Outcome[Any]]:
        calls.append({"items": list(items), **options})
        return iter(())

    monkeypatch.setattr(runner, "execute", execute)
    monkeypatch.setattr(forks, "new_template", lambda target: None)
    return calls


@pytest.mark.slow
def test_each_device_has_a_worker_that_sees_it_alone(
    surrobench: Command, monkeypatch: pytest.MonkeyPatch, live_cache: Path
) -> None:
    calls = recorded(monkeypatch)
    monkeypatch.setattr("surrobench.tasks.live.live_images.choose_device", _cpu)
    surrobench("run", "live.toml", "--out", "r", "--devices", "0,2")
    (call,) = calls
    assert call["workers"] == 2
    assert call["environments"] == [{"CUDA_VISIBLE_DEVICES": "0"}, {"CUDA_VISIBLE_DEVICES": "2"}]
    cell = call["items"][0]
    assert isinstance(cell, PipelineCell)
    assert cell.live == {**TINY, "device": "cuda"}


def _cpu(name: str = "auto") -> Any:
    import torch

    return torch.device("cpu")


@pytest.mark.slow
def test_a_device_can_be_named(
    surrobench: Command, monkeypatch: pytest.MonkeyPatch, live_cache: Path
) -> None:
    calls = recorded(monkeypatch)
    surrobench("run", "live.toml", "--out", "r", "--device", "cpu", "--workers", "1")
    (call,) = calls
    assert call["environments"] == []
    assert call["items"][0].live["device"] == "cpu"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("live.toml", "--device", "tpu"), "device 'tpu' is not one of auto, cpu, cuda, mps"),
        (("live.toml", "--device", "cuda"), "device 'cuda'"),
        (("live.toml", "--devices", "0,0"), "give numbers of different GPUs"),
        (("live.toml", "--devices", "a"), "give numbers of different GPUs"),
        (("table.toml", "--device", "cpu"), "no task of this study is a live one"),
        (
            ("quickstart", "--device", "cpu"),
            "a prediction study trains no networks, so it takes none of the options",
        ),
    ],
)
def test_devices_that_cannot_be_are_refused(
    surrobench: Command,
    monkeypatch: pytest.MonkeyPatch,
    live_cache: Path,
    arguments: tuple[str, ...],
    message: str,
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    done = surrobench("run", *arguments)
    assert done.status == 1
    assert message in done.err
