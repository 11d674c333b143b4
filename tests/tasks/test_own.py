"""Three lines bring networks or a training of one's own into a search."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from surrobench import search
from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch, Variable
from surrobench.spaces.choices import Choices
from surrobench.tasks.live.own import OwnEvaluation, own_networks
from surrobench.training.datasets.data import Data
from surrobench.training.datasets.digits import distorted_digits
from surrobench.training.loop.recipe import Recipe

SPACE = Choices(
    "mlp", [Variable("width", ("8", "32"), (3, 5)), Variable("layers", ("1", "2"), (1, 2))]
)
RECIPE = Recipe(epochs=1, batch_size=64)


@pytest.fixture(scope="module")
def data() -> Data:
    return distorted_digits(0, train=256, validation=100, test=100)


def build(arch: Arch) -> nn.Module:
    width, layers = (8, 32)[arch[0]], arch[1] + 1
    hidden = [m for _ in range(layers) for m in (nn.LazyLinear(width), nn.ReLU())]
    network = nn.Sequential(nn.Flatten(), *hidden, nn.LazyLinear(10))
    network(torch.zeros(1, 1, 8, 8))
    return network


def evaluate(arch: Arch, epochs: int, seed: int) -> dict[str, float]:
    return {"accuracy": 10.0 * sum(arch) + epochs, "loss": 5.0 - sum(arch), "seed": seed}


def test_own_networks_are_searched(data: Data) -> None:
    task = own_networks(SPACE, build, data, recipe=RECIPE, device="cpu")
    result = search(task.space, task.evaluate, strategy="random", budget=4, initial=2)
    assert result.best is not None
    assert {row.status for row in result.rows} == {"ok"}
    assert len({row.metrics["params"] for row in result.rows}) == 4


def test_own_networks_are_kept_only_where_asked(data: Data, tmp_path: Path) -> None:
    assert own_networks(SPACE, build, data, device="cpu").cache is None
    first, again, changed = (
        own_networks(
            SPACE, build, data, recipe=RECIPE, device="cpu", cache=tmp_path, version=version
        ).evaluate((0, 0))
        for version in ("1", "1", "2")
    )
    assert again.cost == first.cost
    assert changed.cost != first.cost
    assert changed.value == first.value


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        (lambda arch: "a network", "build returned str"),
        (lambda arch: nn.Flatten(), r"turns 2 images into \(2, 64\); it must give 2 x 10"),
        (lambda arch: Pair(), "turns 2 images into tuple"),
        (lambda arch: nn.Linear(5, 10), r"cannot take images of shape \(1, 8, 8\): RuntimeError"),
    ],
)
def test_networks_that_do_not_fit_are_refused(
    data: Data, wrong: Callable[[Arch], Any], complaint: str
) -> None:
    with pytest.raises(UserError, match=complaint):
        own_networks(SPACE, wrong, data)


class Pair(nn.Module):
    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return images, images


def test_an_own_training_is_searched() -> None:
    task = OwnEvaluation(SPACE, evaluate, value="accuracy", epochs=12)
    result = search(task.space, task.evaluate, strategy="random", budget=4, initial=2)
    assert result.best is not None
    assert (result.best.arch, result.best.value) == ((1, 1), 32.0)
    assert result.best.metrics == {"loss": 3.0, "seed": 0.0}  # of its own sign
    assert task.evaluate((0, 1), epochs=3, seed=7).value == 13.0


def test_an_own_training_has_rungs_and_constraints() -> None:
    task = OwnEvaluation(SPACE, evaluate, value="accuracy", epochs=9)
    result = search(
        task.space, task.evaluate, strategy="hyperband", budget=4, initial=3, epochs=[3, 9],
        constraints={"loss": "<= 4"},
    )  # fmt: skip
    assert {row.epochs for row in result.rows} == {3, None}
    assert {row.value - 10 * sum(row.arch) for row in result.rows} == {3.0, 9.0}


def test_only_the_value_is_turned_round() -> None:
    task = OwnEvaluation(SPACE, evaluate, value="loss", epochs=9, minimise=["loss"])
    evaluation, plain = task.evaluate((1, 1)), evaluate((1, 1), epochs=9, seed=0)
    assert evaluation.value == -plain["loss"]
    assert evaluation.metrics["accuracy"] == plain["accuracy"]
    with pytest.raises(UserError, match="keep their sign"):
        OwnEvaluation(SPACE, evaluate, value="accuracy", minimise=["loss"])


def test_a_value_that_is_not_finite_is_a_diverged_training() -> None:
    task = OwnEvaluation(SPACE, lambda arch, epochs, seed: {"a": np.float64("nan")}, value="a")
    evaluation = task.evaluate((0, 0))
    assert evaluation.status == "diverged"
    assert math.isnan(evaluation.value)


@pytest.mark.parametrize(
    ("returned", "complaint"),
    [
        (0.9, "returned float; it must return a dictionary such as {'accuracy': 0.9}"),
        ({"acuracy": 0.9}, "no metric 'accuracy'. Did you mean 'acuracy'"),
        ({"accuracy": "0.9"}, "'accuracy' as str"),
        ({"accuracy": True}, "'accuracy' as bool"),
        ({"accuracy": [0.9]}, "'accuracy' as list"),
        ({"accuracy": torch.zeros(2)}, "'accuracy' as Tensor"),
        ({"accuracy": 0.9, 3: 1.0}, "a metric named 3"),
    ],
)
def test_what_comes_back_is_checked(returned: Any, complaint: str) -> None:
    task = OwnEvaluation(SPACE, lambda arch, epochs, seed: returned, value="accuracy")
    with pytest.raises(UserError, match=complaint):
        search(task.space, task.evaluate, strategy="random", budget=2, initial=1)


def test_a_search_over_a_dictionary_names_the_way() -> None:
    with pytest.raises(UserError, match="OwnEvaluation"):
        search(SPACE, lambda arch: {"accuracy": 0.9}, strategy="random", budget=1, initial=1)


def test_metrics_must_be_the_same_each_time() -> None:
    def fickle(arch: Arch, epochs: int, seed: int) -> dict[str, float]:
        return {"accuracy": 0.5} if arch == (0, 0) else {"accuracy": 0.5, "loss": 1.0}

    task = OwnEvaluation(SPACE, fickle, value="accuracy")
    task.evaluate((0, 0))
    with pytest.raises(UserError, match="'loss' is not always among them"):
        task.evaluate((0, 1))


def test_an_error_in_an_own_training_is_a_failed_evaluation() -> None:
    def fragile(arch: Arch, epochs: int, seed: int) -> dict[str, float]:
        if arch == (1, 1):
            raise MemoryError("too wide")
        return evaluate(arch, epochs, seed)

    task = OwnEvaluation(SPACE, fragile, value="accuracy")
    result = search(task.space, task.evaluate, strategy="random", budget=4, initial=2)
    failed = [row for row in result.rows if row.status == "failed"]
    assert [row.reason for row in failed] == ["MemoryError: too wide"]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"evaluate": 3}, "evaluate is 3"),
        ({"epochs": 0}, "epochs is 0"),
        ({"minimise": "loss"}, "give a list of names"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], complaint: str) -> None:
    given = {"evaluate": evaluate, "value": "accuracy", **options}
    with pytest.raises(UserError, match=complaint):
        OwnEvaluation(SPACE, given.pop("evaluate"), **given)
