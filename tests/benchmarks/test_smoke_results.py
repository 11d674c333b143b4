"""The smoke study holds every published task, with all that a reader must know of it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from surrobench.tasks import expand_tasks

KEPT = Path(__file__).parents[2] / "results" / "smoke" / "smoke.csv"


@pytest.fixture(scope="module")
def tasks() -> pd.DataFrame:
    return pd.read_csv(KEPT)


def test_every_published_task_was_run(tasks: pd.DataFrame) -> None:
    assert set(tasks["task"]) == set(expand_tasks("@all"))
    assert len(tasks) >= 280
    assert tasks["table"].nunique() >= 28
    assert tasks["tau_of_knn"].between(-1, 1).all()


def test_every_task_says_what_it_is(tasks: pd.DataFrame) -> None:
    for column in ("unit", "licence", "citation", "encoding"):
        assert tasks[column].str.strip().ne("").all(), column
        assert tasks[column].notna().all(), column
    assert set(tasks["direction"]) == {"maximize", "minimize"}
    assert (tasks["licence"] != "not stated").all()


def test_duplicates_and_noise_are_told(tasks: pd.DataFrame) -> None:
    assert (tasks["networks"] <= tasks["architectures"]).all()
    several = tasks[tasks["networks"] < tasks["architectures"]]
    assert len(several) > 80
    assert several["spread_of_equal_networks"].notna().all()
    noisy = set(tasks.loc[tasks["noise"].notna(), "table"])
    assert {"live", "nb201", "nb201-360", "nbnlp-wikitext2", "tnb101-micro"} <= noisy
    assert (tasks["ceiling"].notna() == tasks["ceiling_of"].notna()).all()
