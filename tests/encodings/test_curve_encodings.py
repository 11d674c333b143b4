"""Learning curves as columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from surrobench import load_task, make_predictor
from surrobench.arrays import FloatArray
from surrobench.base.columns import PoolColumns
from surrobench.encodings import make_encoding
from surrobench.encodings.curves import power_law
from surrobench.errors import UserError
from surrobench.spaces.architecture import Variable
from surrobench.spaces.choices import Choices

SPACE = Choices("three", [Variable("op", ("a", "b", "c"))])
ARCHS = list(SPACE)
EPOCHS = (1, 2, 4, 10)
VALUES = np.array([[1.0, 5.0, 6.0, 7.0], [2.0, 3.0, 4.0, 9.0], [3.0, np.nan, np.nan, np.nan]])
LOSSES = np.array([[9.0, 5.0, 2.0, 1.0], [3.0, 3.0, 3.0, 3.0], [1.0, np.nan, np.nan, np.nan]])
COLUMNS = PoolColumns({}, EPOCHS, VALUES, {"train_loss": LOSSES})


def row(name: str) -> dict[str, list[float]]:
    encoding = make_encoding(name)
    X = encoding(ARCHS, SPACE, COLUMNS)
    return dict(zip(encoding.columns(SPACE, COLUMNS), X.T.tolist(), strict=True))


def test_the_last_value_is_that_after_the_share_of_epochs() -> None:
    assert row("curve-last:0.4") == {"value after 4": [1.0, 0.5, 0.0]}  # a failed one is last
    assert row("curve-last:0.1") == {"value after 1": [0.0, 0.5, 1.0]}


@pytest.mark.parametrize("third", [1 / 3, 2 / 3])
def test_a_share_that_no_decimal_number_writes_is_meant(third: float) -> None:
    """Six digits of it stand in the name of the encoding."""
    columns = PoolColumns({}, (1, 2, 3), VALUES[:, :3], {})
    encoding = make_encoding(make_predictor("last-value", fraction=third).encoding)
    assert list(encoding.columns(SPACE, columns)) == [f"value after {round(3 * third)}"]


def test_the_sum_of_losses_ranks_small_sums_first() -> None:
    assert row("curve-sum:0.2") == {"training loss to 2": [0.5, 1.0, 0.0]}


def test_all_values_and_their_differences() -> None:
    found = row("curve:0.2")
    assert list(found) == [
        "value after 1",
        "value after 2",
        "change after 2",
        "train_loss after 1",
        "train_loss after 2",
    ]
    assert found["change after 2"] == [1.0, 0.5, 0.0]


def test_the_last_epoch_is_never_shown() -> None:
    assert not any(name.endswith("10") for name in row("curve:0.999"))
    with pytest.raises(UserError, match="between 0 and 1"):
        make_encoding("curve:1.0")


def test_a_power_law_is_continued_exactly() -> None:
    epochs = np.arange(1, 9)
    power = np.geomspace(0.05, 4.0, 24)[10]
    curves = np.stack([90.0 - 30.0 * epochs**-power, 50.0 + 0.0 * epochs])
    expected = [90.0 - 30.0 * 100.0**-power, 50.0]
    np.testing.assert_allclose(power_law(epochs, curves, 100), expected, rtol=1e-9)


def test_two_epochs_are_too_few_for_a_law() -> None:
    curves: FloatArray = np.array([[1.0, 2.0]])
    assert power_law(np.array([1, 2]), curves, 9).tolist() == [2.0]


@pytest.mark.parametrize(
    ("name", "columns", "said"),
    [
        ("curve:0.05", COLUMNS, "first value is after 1"),
        ("curve-sum:0.2", PoolColumns({}, EPOCHS, VALUES), "train_loss"),
        ("curve:0.2", PoolColumns({}), "learning curves"),
    ],
)
def test_what_is_not_known_is_said(name: str, columns: PoolColumns, said: str) -> None:
    with pytest.raises(UserError, match=said):
        make_encoding(name).columns(SPACE, columns)


def test_curves_of_a_shipped_table_rank_its_values() -> None:
    task = load_task("live-cells/digits")
    for name in ("curve-last:0.6", "curve-sum:0.6", "curve-extrapolated:0.6"):
        column = task.encode(name)[:, 0]
        assert np.corrcoef(column, task.truth)[0, 1] > 0.3, name


def test_predictors_ask_for_their_share_of_the_curve() -> None:
    assert make_predictor("extrapolation", fraction=0.5).encoding == "curve-extrapolated:0.5"
    assert make_predictor("lc-svr").encoding == "curve:0.2"


def test_a_hybrid_looks_at_architecture_proxy_and_curve() -> None:
    """Its columns are those of a table of this package, and each kind is among them."""
    recipe: Any = make_predictor("omni", proxies="jacov,params", fraction=0.5)
    task = load_task("live-cells/digits")
    encoding = make_encoding(recipe.encoding)
    columns = encoding.columns(task.space, task.columns)
    assert columns[0].startswith("0>1=")
    assert columns[-3:-1] == ["jacov", "params"]
    assert columns[-1].startswith("training loss to ")
    assert make_predictor("omni", proxies="", curve="last").encoding == "one-hot+curve-last:0.2"
    with pytest.raises(UserError, match="Did you mean 'last'"):
        make_predictor("omni", curve="lst")
