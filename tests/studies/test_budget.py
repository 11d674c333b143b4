"""A run that may take so long: cells that have begun are finished, no others begin."""

from __future__ import annotations

from pathlib import Path

import pytest
from in_process import in_process
from toy import toy_study

from surrobench import run_study
from surrobench.errors import UserError
from surrobench.studies.engine.durations import parse_budget
from surrobench.studies.engine.executor import Limits, execute
from surrobench.studies.engine.run_settings import RunSettings
from surrobench.studies.prediction.config import Study
from surrobench.studies.run_folder.store import ResultStore
from surrobench.studies.runner import run

__all__ = ["in_process"]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90.0),
        ("10m", 600.0),
        ("1.5h", 5400.0),
        ("1h30m", 5400.0),
        (" 1 H 30 M ", 5400.0),
        ("2d", 172_800.0),
        ("0.5s", 0.5),
    ],
)
def test_durations_are_read_as_people_write_them(text: str, seconds: float) -> None:
    assert parse_budget(text) == seconds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("10", "say 10s, 10m or 10h"),
        ("ten minutes", "such as 90s, 10m or 1h30m"),
        ("10min", "such as 90s"),
        ("-5m", "such as 90s"),
        ("1h2h", "the unit 'h' stands there twice"),
        ("0m", "needs more time"),
        ("nan s", "such as 90s"),
        ("", "such as 90s"),
    ],
)
def test_durations_that_cannot_be_are_refused(text: str, message: str) -> None:
    with pytest.raises(UserError, match="--budget") as refused:
        parse_budget(text)
    assert message in str(refused.value)


@pytest.mark.slow
def test_workers_finish_what_they_have_begun(tmp_path: Path) -> None:
    asked: list[None] = []

    def more() -> bool:
        asked.append(None)
        return len(asked) < 3

    outcomes = execute(
        "operator:neg",
        list(range(10)),
        workers=1,
        limits=Limits(),
        logs=tmp_path / "logs",
        more=more,
    )
    assert [outcome.value for outcome in outcomes] == [0, -1, -2]


def test_a_run_with_a_budget_goes_on_from_where_it_stopped(
    in_toy: Path, tmp_path: Path, in_process: list[int]
) -> None:
    study = Study.read(toy_study(predictors=["constant", "knn"], train_sizes=[8], seeds=2))
    settings = RunSettings(tmp_path / "run", workers=1, budget=1e-9)
    for finished in (1, 2, 3, 4):  # every run computes one cell at least
        result = run(study, in_toy, settings)
        assert (result.computed, result.missing) == (1, 4 - finished)
        assert result.exhausted == (finished < 4)
        assert not result.interrupted
        assert len(ResultStore(tmp_path / "run").finished_keys()) == finished
    assert run(study, in_toy, settings).computed == 0
    frame = run_study(study, out=tmp_path / "whole", budget="1h", workers=1)
    assert len(frame) == 4
