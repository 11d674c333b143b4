"""One-shot methods against stand-alone training: what is compared, and what is kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from surrobench.errors import UserError
from surrobench.metrics.ranking import kendall_tau
from surrobench.spaces.architecture import Arch
from surrobench.studies.one_shot import searches as one_shot_searches
from surrobench.studies.one_shot.comparison import (
    LARGEST,
    RANDOM,
    STAND_ALONE,
    OneShotComparison,
    compare_one_shot,
    connected_cells,
    largest_cell,
)
from surrobench.tasks.live.live import LiveTask, live_task
from surrobench.training.datasets.digits import distorted_digits
from surrobench.training.loop.trainer import Recipe
from surrobench.training.networks.cells import Skeleton
from surrobench.training.networks.costs import count_params

pytestmark = pytest.mark.slow

SHORT = {"epochs": 1, "evaluations": 3, "initial": 2}
OPTIONS: dict[str, dict[str, Any]] = {"random-sharing": SHORT, "gdas": {"epochs": 1}}


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> LiveTask:
    data = distorted_digits(0, train=128, validation=100, test=60)
    return live_task(
        "live:cells", data, skeleton=Skeleton(channels=2), recipe=Recipe(epochs=1, batch_size=64),
        device="cpu", cache=tmp_path_factory.mktemp("cache"),
    )  # fmt: skip


def compare(task: LiveTask, **changes: Any) -> OneShotComparison:
    given = {"seeds": 2, "cells": 6, "trainings": 2, "options": OPTIONS, **changes}
    return compare_one_shot(task, list(OPTIONS), **given)


@pytest.fixture(scope="module")
def found(task: LiveTask) -> OneShotComparison:
    return compare(task)


def accuracies(task: LiveTask, archs: Sequence[Arch], seed: int) -> list[float]:
    """Of trainings whose value is the cross-entropy."""
    runs = task.evaluate_many(archs, seed=seed)
    return [run.metrics["validation_accuracy"] for run in runs]


def test_every_score_stands_beside_the_mean_of_the_trainings(
    task: LiveTask, found: OneShotComparison
) -> None:
    archs = connected_cells(task, 6, 0)
    means = np.mean([accuracies(task, archs, seed) for seed in (0, 1)], axis=0)
    runs = found.scores.groupby(["method", "seed"], sort=False)
    assert list(runs.groups) == [
        ("params", 0), ("flops", 0), ("random-sharing", 0), ("random-sharing", 1),
        ("gdas", 0), ("gdas", 1),
    ]  # fmt: skip
    ranking = found.ranking.set_index(["method", "seed"])["tau"]
    for name, rows in runs:
        assert [task.space.parse(text) for text in rows["arch"]] == archs
        np.testing.assert_allclose(rows["accuracy"], means)
        assert ranking[name] == pytest.approx(kendall_tau(means, rows["score"]))
    params = [task.evaluate(arch).metrics["params"] for arch in archs]
    assert found.scores["score"][:6].tolist() == params


def test_a_training_is_ranked_by_the_others(task: LiveTask, found: OneShotComparison) -> None:
    archs = connected_cells(task, 6, 0)
    first, second = (accuracies(task, archs, seed) for seed in (0, 1))
    rows = found.ranking[found.ranking["method"] == STAND_ALONE]
    assert rows["tau"].tolist() == pytest.approx([kendall_tau(first, second)] * 2)


def test_choices_are_judged_by_trainings_that_did_not_choose(
    task: LiveTask, found: OneShotComparison
) -> None:
    choices = found.choices.set_index(["method", "seed"])
    archs = connected_cells(task, 6, 0)
    values = np.array([accuracies(task, archs, seed) for seed in (0, 1)])
    best = choices.loc[("best of 6, trained once", 0)]
    assert best["accuracy"] == values[1, values[0].argmax()]
    assert best["test_accuracy"] == task.test(archs[int(values[0].argmax())], seed=1)
    assert choices.loc[(RANDOM, 0), "accuracy"] == pytest.approx(values.mean())
    chosen = task.space.parse(choices.loc[("gdas", 1), "arch"])
    expected = np.mean([accuracies(task, [chosen], seed) for seed in (0, 1)])
    assert choices.loc[("gdas", 1), "accuracy"] == pytest.approx(expected)
    assert choices.loc[("gdas", 1), "seconds"] > 0
    assert choices.loc[(LARGEST, 0), "arch"] == task.space.to_string((3,) * 6)


def test_the_largest_cell_has_the_most_parameters(task: LiveTask) -> None:
    largest = count_params(task.build(largest_cell(task.space)))
    assert largest >= max(count_params(task.build(a)) for a in connected_cells(task, 20, 1))


def test_a_second_comparison_searches_nothing(
    task: LiveTask, found: OneShotComparison, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched: list[tuple[str, int]] = []

    def refuse(method: str, _task: LiveTask, *, seed: int, **_options: Any) -> None:
        searched.append((method, seed))
        raise RuntimeError("searched")

    monkeypatch.setattr(one_shot_searches, "one_shot_search", refuse)
    again = compare(task)
    for name in ("scores", "ranking", "choices"):
        assert getattr(again, name).equals(getattr(found, name))
    changes: list[Callable[[], Any]] = [
        lambda: compare(task, options={**OPTIONS, "gdas": {"epochs": 2}}),
        lambda: compare(task, cells=5),
        lambda: compare(replace(task, cache=None)),
    ]
    for change in changes:
        searched.clear()
        with pytest.raises(RuntimeError, match="searched"):
            change()
        assert len(searched) == 1


def test_a_search_that_cannot_be_read_is_made_again(
    task: LiveTask, found: OneShotComparison
) -> None:
    assert task.cache is not None
    kept: list[Path] = sorted((task.cache / one_shot_searches.FOLDER).glob("*.json"))
    assert len(kept) == 4
    kept[0].write_text("{")
    again = compare(task)
    assert again.ranking.equals(found.ranking)


def test_wrong_requests_are_refused_before_any_training(task: LiveTask) -> None:
    for changes, message in (
        ({"seeds": 0}, "seeds is 0"),
        ({"cells": 3}, "cells is 3; it must be at least 4"),
        ({"trainings": 1}, "trainings is 1; it must be at least 2"),
        ({"options": {"spos": {}}}, "'spos', which is not among"),
        ({"options": {"gdas": {"epoch": 1}}}, "Did you mean 'epochs'"),
    ):
        with pytest.raises(UserError, match=message):
            compare(replace(task, cache=None), **changes)
    with pytest.raises(UserError, match="each once"):
        compare_one_shot(task, ["gdas", "gdas"])
    chain = live_task("live:chain", distorted_digits(0, train=9, validation=9, test=9))
    with pytest.raises(UserError, match="'live:chain' is"):
        compare_one_shot(chain, ["gdas"])
