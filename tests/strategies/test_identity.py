"""A search goes on only where its choices mean what they meant, and with the same seed."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

import pytest

from surrobench import search
from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch, Variable
from surrobench.spaces.choices import Choices
from surrobench.strategies import make_strategy
from surrobench.strategies.candidates import Candidates
from surrobench.strategies.problem import Problem

BEFORE = ("skip", "conv", "pool")
OTHERS = {
    "reordered": Variable("first", ("conv", "pool", "skip")),
    "renamed-choice": Variable("first", ("skip", "conv", "pool5")),
    "renamed-variable": Variable("one", BEFORE),
    "values": Variable("first", BEFORE, (1.0, 2.0, 3.0)),
    "scale": Variable("first", BEFORE, (1.0, 2.0, 4.0), "log"),
}


def space(first: Variable) -> Choices:
    return Choices("cells", [first, Variable("second", BEFORE)])


def find(first: Variable, path: Path, **options: Any) -> Any:
    given = {"strategy": "random", "initial": 3, "budget": 5, "save": path, **options}
    return search(space(first), lambda arch: float(sum(arch)), **given)


@pytest.mark.parametrize("change", OTHERS)
def test_a_saved_search_refuses_a_space_whose_choices_changed(change: str, tmp_path: Path) -> None:
    path = tmp_path / "search.json"
    find(Variable("first", BEFORE), path)
    kept = path.read_bytes()
    with pytest.raises(UserError, match="holds another search") as caught:
        find(OTHERS[change], path, budget=6)
    if change == "reordered":
        told = "choices of 'first' were skip, conv, pool, are conv, pool, skip"
        assert told in str(caught.value)
    assert "Name another file to start anew" in str(caught.value)
    assert path.read_bytes() == kept
    assert len(find(Variable("first", BEFORE), path, budget=6).rows) == 6
    with pytest.raises(UserError, match="seed was 0, is 1"):
        find(Variable("first", BEFORE), path, seed=1)


@pytest.mark.parametrize("name", ["random", "bayesian", "local-search"])
def test_restore_refuses_other_choices_and_another_seed(name: str) -> None:
    def strategy(first: Variable, seed: int = 0) -> Any:
        return make_strategy(name, Problem(Candidates(space(first))), seed=seed, design=2)

    mine = strategy(Variable("first", BEFORE))
    mine.tell(mine.ask(1)[0], 1.0)
    state = json.loads(json.dumps(mine.state(), allow_nan=False))
    for other in OTHERS.values():
        with pytest.raises(UserError, match="state of another search"):
            strategy(other).restore(state)
    with pytest.raises(UserError, match="seed was 0, is 3"):
        strategy(Variable("first", BEFORE), seed=3).restore(state)
    again = strategy(Variable("first", BEFORE))
    again.restore(state)
    assert again.state() == mine.state()


def test_variables_of_very_many_choices_are_compared_too(tmp_path: Path) -> None:
    labels = [str(i) for i in range(5_000)]
    path = tmp_path / "search.json"
    find(Variable("first", tuple(labels)), path)
    assert path.stat().st_size < 20_000
    with pytest.raises(UserError, match="choices of 'first' were 5000 choices"):
        find(Variable("first", tuple(labels[::-1])), path)


@pytest.mark.parametrize("predictor", ["gp-matern52", "random-forest", "xgboost", "svr"])
def test_the_largest_float_as_a_penalty_is_a_failure(predictor: str) -> None:
    numbers = Variable("n", ("1", "2", "3"), (1.0, 2.0, 3.0))
    penalised = Choices("s", [Variable("op", ("a", "b", "c")), numbers])

    def train(arch: Arch) -> float:
        return -sys.float_info.max if arch[0] == 1 else arch[1] - 0.5 * arch[0]

    result = search(penalised, train, budget=8, initial=6, predictor=predictor)
    assert result.best is not None
    assert result.best.value == 2.0
    failed = [row for row in result.rows if row.arch[0] == 1]
    assert failed
    assert all(row.status == "failed" and math.isnan(row.value) for row in failed)
    assert all("report NaN for a training that failed" in row.reason for row in failed)
