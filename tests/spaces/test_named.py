"""A space of one's own: what it holds, what it refuses, and what is absent."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from surrobench import Categorical, Integer, Ordinal, Real, Space, UserError
from surrobench.encodings import make_encoding
from surrobench.encodings.default import default_encoding
from surrobench.spaces.architecture import Variable
from surrobench.strategies.candidates import Candidates

NESTED = Space(
    momentum=Real(0, 0.9, steps=4, when={"optimiser": "sgd"}),
    depth=Integer(1, 3),
    optimiser=Categorical("adam", "sgd"),
    nesterov=Categorical(True, False, when={"momentum": (0.3, 0.9), "depth": (2, 3)}),
)


def test_conditions_decide_what_is_there() -> None:
    archs = list(NESTED)
    # adam: 3; sgd: 3 depths x 4 momenta, of which 2 x 2 have a further choice of two
    assert len(archs) == len(set(archs)) == NESTED.size == 3 + 12 + 4
    for arch in archs:
        values = NESTED.values(arch)
        assert ("momentum" in values) == (values["optimiser"] == "sgd")
        there = values.get("momentum") in (0.3, 0.9) and values["depth"] > 1
        assert ("nesterov" in values) == there
        assert NESTED.arch(**values) == arch
        assert NESTED.parse(NESTED.to_string(arch)) == arch
    assert [NESTED.at(index) for index in range(NESTED.size)] == archs


@pytest.mark.slow
def test_random_architectures_are_drawn_decision_by_decision() -> None:
    space = Space(
        optimiser=Categorical("adam", "sgd"), momentum=Real(0, 0.9, when={"optimiser": "sgd"}),
        width=Integer(1, 400),
    )  # fmt: skip
    for draws in (space, Candidates(space)):
        drawn = draws.sample(200, np.random.default_rng(0))
        kinds = Counter(space.values(arch)["optimiser"] for arch in drawn)
        assert 60 < kinds["adam"] < 140  # by number of architectures it would be 4
    assert len(space.sample(space.size, np.random.default_rng(0))) == space.size


def test_choices_that_do_not_go_together_are_mended() -> None:
    rng = np.random.default_rng(0)
    arch = NESTED.mended((3, 0, 0, 1), rng)  # adam has no momentum
    assert NESTED.values(arch) == {"depth": 1, "optimiser": "adam"}
    assert NESTED.mended((0, 0, 1, 0), rng) in NESTED


def test_absent_decisions_are_equally_far_from_every_value() -> None:
    encoding = default_encoding(NESTED)
    assert encoding == "categorical+numeric"
    X = make_encoding("numeric")(list(NESTED), NESTED, {})
    columns = make_encoding("numeric").columns(NESTED, {})
    assert columns == ["momentum", "momentum present", "depth"]
    there = np.array(["momentum" in NESTED.values(arch) for arch in NESTED])
    assert (X[:, 1] == there).all()
    assert set(X[~there, 0]) == {0.5}
    ends = np.linalg.norm(np.array([[0.0, 1.0], [1.0, 1.0]]) - X[~there][0, :2], axis=1)
    assert ends[0] == ends[1]


def test_log_scales_are_even_in_ratios() -> None:
    space = Space(lr=Real(1e-4, 1e-1, log=True, steps=4), width=Integer(16, 256, log=True, steps=5))
    assert space.decisions["lr"].values == (1e-4, 1e-3, 1e-2, 1e-1)
    assert space.decisions["width"].values == (16, 32, 64, 128, 256)
    assert default_encoding(space) == "numeric"
    X = make_encoding("numeric")(list(space), space, {})
    assert sorted(set(X[:, 0].round(9))) == pytest.approx([0, 1 / 3, 2 / 3, 1])
    assert sorted(set(X[:, 1].round(9))) == pytest.approx([0, 0.25, 0.5, 0.75, 1])


def test_the_default_encoding_follows_the_kinds() -> None:
    assert default_encoding(Space(a=Categorical(1, 2), b=["x", "y"])) == "one-hot"
    assert default_encoding(Space(a=Ordinal("low", "high"), b=Integer(1, 3))) == "numeric"
    assert default_encoding(Space(a=Ordinal("low", "high"), b=["x", "y"])) == "categorical+numeric"


def test_numbers_as_labels_are_numbers() -> None:
    variable = Variable("lr", (0.1, 0.01, np.float64(0.001)))  # type: ignore[arg-type]
    assert variable.choices == ("0.1", "0.01", "0.001")
    assert variable.values == (0.1, 0.01, 0.001)
    assert not Variable("mixed", ("auto", 1)).ordinal  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Variable("a", ("x", "x")), "'a' has the choice 'x' twice"),
        (lambda: Variable("a", (1, "1")), "'a' has the choice '1' twice"),
        (lambda: Variable("a", ([1], [2])), "neither text nor a number"),
        (lambda: Variable("a", (0.0, 1.0), scale="log"), "log scale needs values above 0"),
        (lambda: Space(), "no decisions"),
        (lambda: Space(a=3), "the decision 'a' is 3"),
        (lambda: Space(a=Categorical("x", "x")), "two choices read 'x'"),
        (lambda: Space(a=Categorical("absent", "x")), "'absent' means that there is none"),
        (lambda: Real(1, 0), "lower and an upper end"),
        (lambda: Real(0, 1, log=True), "begins above 0"),
        (lambda: Integer(0, 10**6), "more than 10,000 values"),
        (lambda: Integer(3, 3), "lower and an upper end that differ"),
        (lambda: Real(2, float("inf")), "both finite"),
        (lambda: Integer(0.5, 2), "no whole number"),
        (lambda: Space(a=["x", "y"], b=Real(0, 1, when={"aa": "x"})), "Did you mean 'a'"),
        (lambda: Space(a=["x", "y"], b=Real(0, 1, when={"a": "z"})), "valid: 'x', 'y'"),
        (
            lambda: Space(
                a=Categorical("x", "y", when={"b": "x"}), b=Categorical("x", "y", when={"a": "x"})
            ),
            "depend on it themselves",
        ),
        (lambda: NESTED.arch(depth=1, optimiser="adam", momentum=0.3), "must be left out"),
        (lambda: NESTED.arch(depth=1), "must be given"),
    ],
)
def test_mistakes_are_told_when_the_space_is_made(make, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UserError) as error:
        make()
    assert message in str(error.value)
