"""Settings of the training are choices like those of the architecture."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from surrobench import search
from surrobench.errors import UserError
from surrobench.tasks.live.live import LiveTask, live_task
from surrobench.tasks.live.live_joint import JointTask, live_joint
from surrobench.training.datasets.digits import distorted_digits
from surrobench.training.loop.fidelity import Fidelity
from surrobench.training.loop.recipe import Recipe
from surrobench.training.networks.cells import Skeleton

CELL = (3, 0, 1, 2, 4, 0)


@pytest.fixture
def inner(tmp_path: Path) -> LiveTask:
    return live_task(
        "live:cells",
        distorted_digits(0, train=128, validation=100, test=100),
        skeleton=Skeleton(channels=2),
        recipe=Recipe(epochs=2, batch_size=64),
        cache=tmp_path,
        device="cpu",
    )


@pytest.fixture
def task(inner: LiveTask) -> JointTask:
    return live_joint(
        inner, learning_rate=[0.01, 0.1], batch_size=[32, 64], weight_decay=[0, 5e-4],
        optimiser=["sgd", "adamw"],
    )  # fmt: skip


def test_the_choices_are_the_recipe(task: JointTask) -> None:
    assert task.recipe_of((*CELL, 1, 0, 0, 1)) == Recipe(
        epochs=2, batch_size=32, learning_rate=0.1, weight_decay=0, optimiser="adamw"
    )
    assert task.space.to_string((*CELL, 0, 1, 1, 0)).endswith(
        " & learning_rate=0.01 & batch_size=64 & weight_decay=0.0005 & optimiser=sgd"
    )
    rate, size, decay, optimiser = task.space.further
    assert rate.values == pytest.approx((-2, -1))
    assert size.values == pytest.approx((1.505, 1.806), abs=1e-3)
    assert decay.values == (0, 5e-4)
    assert optimiser.values is None


@pytest.mark.slow
def test_trainings_are_those_of_the_inner_task(inner: LiveTask, task: JointTask) -> None:
    archs = [(*CELL, 1, 1, 1, 0), (*CELL, 0, 1, 1, 0), (3,) * 6 + (1, 1, 1, 0)]
    found = task.evaluate_many(archs)
    fast = replace(inner, recipe=replace(inner.recipe, learning_rate=0.1))
    slow = replace(inner, recipe=replace(inner.recipe, learning_rate=0.01))
    assert found == [fast.evaluate(CELL), slow.evaluate(CELL), fast.evaluate((3,) * 6)]
    assert found[0].value != found[1].value
    assert task.evaluate(archs[0], fidelity=Fidelity(epochs=1)).curve != found[0].curve


@pytest.mark.slow
def test_a_search_finds_its_way_through_both(task: JointTask) -> None:
    result = search(task.space, task.evaluate, strategy="bayesian", budget=6, initial=4)
    assert result.best is not None
    assert {len(row.arch) for row in result.rows} == {10}
    assert {row.status for row in result.rows} == {"ok"}


@pytest.mark.parametrize(
    ("choices", "complaint"),
    [
        ({"learning_rat": [0.1]}, "Did you mean 'learning_rate'"),
        ({"epochs": [1, 2]}, "'epochs' is no setting"),
        ({"learning_rate": []}, "give some values"),
        ({"learning_rate": [0.1, 0.1]}, "each once"),
        ({"learning_rate": [0.1, -1.0]}, "learning_rate is -1.0"),
        ({"optimiser": ["sgd", "adamax"]}, "adamax"),
        ({}, "no decisions"),
    ],
)
def test_mistakes_are_named(
    inner: LiveTask, choices: dict[str, list[object]], complaint: str
) -> None:
    with pytest.raises(UserError, match=complaint):
        live_joint(inner, **choices)
