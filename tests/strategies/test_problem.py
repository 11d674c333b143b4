from __future__ import annotations

import math

import numpy as np
import pytest

from surrobench.errors import UserError
from surrobench.spaces.architecture import Variable
from surrobench.spaces.choices import Choices
from surrobench.strategies.candidates import Candidates
from surrobench.strategies.problem import Constraint, Problem

SPACE = Choices("one", [Variable("v", ("a", "b", "c"))])
CANDIDATES = Candidates(SPACE, measured={"latency": np.array([1.0, 2.0, math.nan])})


def test_constraints_are_read_from_text() -> None:
    assert Constraint.parse("latency", "<= 5.0") == Constraint("latency", "<=", 5.0)
    assert Constraint.parse("speed", " >=-1e3 ") == Constraint("speed", ">=", -1000.0)


@pytest.mark.parametrize("text", ["< 5", "5", "<=", "<= five", "<= inf", ">= nan", "<= 1 2", 5])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="constraint on 'latency'"):
        Constraint.parse("latency", text)


def test_margins_are_positive_inside_and_bounds_belong_to_it() -> None:
    upper, lower = Constraint("x", "<=", 2.0), Constraint("x", ">=", 2.0)
    assert upper.margin(1.5) == 0.5
    assert lower.margin(1.5) == -0.5
    assert upper.holds(2.0)
    assert lower.holds(2.0)
    assert not upper.holds(math.nan)
    assert not lower.holds(math.nan)


def test_feasibility_needs_every_constraint_and_a_known_value() -> None:
    bounds = (Constraint("latency", "<=", 1.5), Constraint("energy", ">=", 0.0))
    problem = Problem(CANDIDATES, constraints=bounds)
    assert problem.feasible({"energy": 1.0}, row=0)
    assert not problem.feasible({"energy": -1.0}, row=0)
    assert not problem.feasible({"energy": 1.0}, row=1)
    assert not problem.feasible({"energy": 1.0}, row=2), "the column is NaN there"
    assert not problem.feasible({"energy": 1.0}), "the row is not known"
    assert not problem.feasible({}, row=0), "nobody knows the energy"
    assert problem.feasible({"energy": 1.0, "latency": 1.0}, row=1), "what was measured counts"
    assert Problem(CANDIDATES).feasible({})


@pytest.mark.parametrize("epochs", [(3, 1), (1, 1), (0, 1)])
def test_lengths_of_training_ascend(epochs: tuple[int, ...]) -> None:
    with pytest.raises(UserError, match="ascending"):
        Problem(CANDIDATES, epochs=epochs)


def test_an_objective_stands_once() -> None:
    with pytest.raises(UserError, match="twice"):
        Problem(CANDIDATES, objectives=("latency", "latency"))
