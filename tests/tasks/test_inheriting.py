"""In a search children begin where their parent ended."""

from __future__ import annotations

import pytest

from surrobench import search
from surrobench.tasks.live.inheriting import Inheriting
from surrobench.tasks.live.live import LiveTask, live_task
from surrobench.training.datasets.digits import distorted_digits
from surrobench.training.loop.recipe import Recipe


@pytest.fixture(scope="module")
def task() -> LiveTask:
    return live_task(
        "live:chain",
        distorted_digits(0, train=512, validation=200, test=50),
        div=4,
        recipe=Recipe(epochs=2, batch_size=64),
        device="cpu",
    )


def test_the_first_starts_anew_and_its_child_from_there(task: LiveTask) -> None:
    small, large = map(task.space.parse, ("conv3-16-max+fc128", "conv3-32-max+fc128"))
    inheriting = Inheriting(task)
    first = inheriting(small)
    assert first.metrics["inherited"] == 0.0
    assert first.value == task.evaluate(small).value
    assert inheriting.parent(large) == small
    child, orphan = inheriting(large, epochs=1), task.evaluate(large, epochs=1)
    assert child.metrics["inherited"] == 1.0
    entropy = "validation_cross_entropy"
    assert child.metrics[entropy] < orphan.metrics[entropy]


def test_the_nearest_is_the_parent_and_the_better_of_two(task: LiveTask) -> None:
    inheriting = Inheriting(task)
    texts = ["conv3-16-max+fc128", "conv3-16-max+fc512", "conv5-64-avg+fc256+fc128"]
    near, other, far = map(task.space.parse, texts)
    inheriting._trained = {near: (50.0, None), other: (60.0, None), far: (90.0, None)}  # type: ignore[dict-item]
    assert inheriting.parent(task.space.parse("conv3-16-max+fc256")) == other
    assert inheriting.parent(near) == near
    inheriting.farthest = 1
    assert inheriting.parent(task.space.parse("conv3-64-avg+fc256")) is None


@pytest.mark.slow
def test_a_search_inherits(task: LiveTask) -> None:
    result = search(
        task.space, Inheriting(task), strategy="regularised-evolution", budget=5, initial=3
    )
    shares = [row.metrics["inherited"] for row in result.rows]
    assert shares[0] == 0.0
    assert all(share > 0 for share in shares[1:])
