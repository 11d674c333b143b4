"""Proxies of a live task: columns for encodings and predictors, and a table."""

from __future__ import annotations

import numpy as np
import pytest

from surrobench import search
from surrobench.encodings import make_encoding
from surrobench.errors import UserError
from surrobench.strategies.candidates import Candidates
from surrobench.tasks.live import LiveTask, live_task
from surrobench.tasks.zero_cost import zero_cost_columns, zero_cost_table
from surrobench.training.cells import Skeleton
from surrobench.training.digits import distorted_digits
from surrobench.training.zero_cost import PROXIES
from surrobench.training.zero_cost.scoring import all_proxies

CHEAP = ("params", "synflow", "jacov")
USELESS, DEAD = (0, 0, 0, 2, 0, 0), (0, 0, 3, 2, 4, 0)  # one network, spelt twice
NOTHING = (0,) * 6


@pytest.fixture(scope="module")
def task() -> LiveTask:
    data = distorted_digits(0, train=64, validation=10, test=10)
    return live_task("live:cells", data, skeleton=Skeleton(channels=2), device="cpu")


def test_a_table_holds_every_proxy_of_every_architecture(task: LiveTask) -> None:
    archs = [(3, 0, 1, 2, 4, 0), DEAD]
    frame = zero_cost_table(task, archs, images=16)
    assert list(frame) == ["arch", *PROXIES.names()]
    assert [task.space.parse(text) for text in frame["arch"]] == archs
    canonical = task.space.canonical(DEAD)
    expected = all_proxies(lambda: task.build(canonical), task.data, images=16)
    assert frame.iloc[1].drop("arch").to_dict() == expected


def test_equal_networks_are_built_once(task: LiveTask) -> None:
    told: list[tuple[int, int]] = []
    columns = zero_cost_columns(
        task, [USELESS, NOTHING, DEAD], names=CHEAP, images=8,
        progress=lambda done, all_: told.append((done, all_)),
    )  # fmt: skip
    assert told == [(1, 2), (2, 2)]
    assert list(columns) == list(CHEAP)
    for column in columns.values():
        assert column[0] == column[2] != column[1]


def test_columns_are_an_encoding_beside_others(task: LiveTask) -> None:
    archs = [USELESS, NOTHING, (3,) * 6]
    columns = zero_cost_columns(task, archs, names=CHEAP, images=8)
    X = make_encoding("one-hot+measured")(archs, task.space, columns)
    one_hot = sum(task.space.cardinalities)
    # Nothing has no Jacobian: a missing value is in the middle, and marked.
    np.testing.assert_array_equal(X[1, one_hot:], [0, 0, 0.5, 1])
    assert X[2, one_hot] == X[2, one_hot + 1] == 1


def test_a_search_follows_the_proxies_of_its_candidates(task: LiveTask) -> None:
    archs = [arch for arch in task.space.sample(12, np.random.default_rng(0)) if arch != NOTHING]
    columns = zero_cost_columns(task, archs, names=("synflow",), images=8)
    flow = dict(zip(archs, columns["synflow"], strict=True))
    order = sorted(archs, key=lambda arch: flow[arch])
    result = search(
        Candidates(task.space, archs, columns), lambda arch: float(order.index(arch)),
        strategy="bayesian", predictor="synflow", acquisition="posterior-mean",
        budget=7, initial=6,
    )  # fmt: skip
    known = [row.arch for row in result.rows[:6]]
    assert result.rows[6].arch == max((a for a in archs if a not in known), key=order.index)


def test_wrong_requests_are_refused(task: LiveTask) -> None:
    with pytest.raises(UserError, match="Did you mean 'synflow'"):
        zero_cost_columns(task, [DEAD], names=["sinflow"])
    with pytest.raises(UserError, match="nb201"):
        zero_cost_columns(task, [(9, 9)])
