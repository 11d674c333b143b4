from __future__ import annotations

import numpy as np
import pytest
from block_pools import SIZES, VARIABLES, choices, one_hot

from surrobench.predictors.gp.structure import (
    MismatchCodes,
    indicators,
    is_one_hot,
    labels_of,
    one_hot_partition,
)


def squared_distances(values: np.ndarray) -> np.ndarray:
    return ((values[:, None] - values[None]) ** 2).sum(axis=-1)


def test_partition_of_one_hot_columns_explains_their_distances() -> None:
    values = one_hot()
    groups = one_hot_partition(values)
    assert groups.tolist() == list(VARIABLES)
    labels = labels_of(values, groups)
    differing = (labels[:, :, None] != labels[:, None, :]).sum(axis=0)
    np.testing.assert_array_equal(2.0 * differing, squared_distances(values))


@pytest.mark.parametrize("seed", range(5))
def test_any_partition_that_is_found_explains_the_distances(seed: int) -> None:
    # Few rows do not show all choices, so that other groupings are one-hot as well.
    rows = np.random.default_rng(seed).choice(72, 4, replace=False)
    values = one_hot()[rows]
    groups = one_hot_partition(values)
    labels = labels_of(values, groups)
    differing = (labels[:, :, None] != labels[:, None, :]).sum(axis=0)
    np.testing.assert_array_equal(2.0 * differing, squared_distances(values))


@pytest.mark.parametrize("kind", ["missing", "twice", "fraction"])
def test_no_partition_without_one_hot_columns(kind: str) -> None:
    values = one_hot()
    if kind == "missing":
        values[5, :3] = 0.0
    elif kind == "twice":
        values[5, :3] = 1.0
    else:
        values[5, :3] = [0.5, 0.5, 0.0]
    assert one_hot_partition(values) is None
    assert not is_one_hot(values, np.array(VARIABLES))
    assert is_one_hot(one_hot(), np.array(VARIABLES))


def test_labels_are_patterns_of_columns() -> None:
    values = np.array([[0, 0, 1], [1, 0, 1], [1, 1, 0], [0, 0, 0]], dtype=float)
    labels = labels_of(values, np.array([0, 0, 1]))
    for label, columns in zip(labels, (values[:, :2], values[:, 2:]), strict=True):
        same = (columns[:, None] == columns[None]).all(axis=-1)
        np.testing.assert_array_equal(label[:, None] == label[None], same)


def test_labels_of_many_columns_in_one_variable() -> None:
    labels = labels_of(np.eye(100), np.zeros(100, dtype=int))
    assert len(np.unique(labels)) == 100


def test_indicators_undo_labels() -> None:
    columns, variables = indicators(labels_of(one_hot(), np.array(VARIABLES)))
    assert len(variables) == sum(SIZES)
    np.testing.assert_array_equal(squared_distances(columns), squared_distances(one_hot()))


@pytest.mark.parametrize("v", [4, 8, 9, 16])
def test_codes_name_the_variables_that_differ(v: int) -> None:
    labels = np.random.default_rng(v).integers(0, 3, size=(v, 20)).astype(np.uint8)
    codes = MismatchCodes(labels, sets=True)
    differs = labels[:, 3, None] != labels
    np.testing.assert_array_equal(codes.row(3), (differs * 2 ** np.arange(v)[:, None]).sum(axis=0))
    assert codes.row(3).itemsize == (1 if v <= 8 else 2)
    rates = np.random.default_rng(0).random(v)
    np.testing.assert_allclose((codes.steps @ rates)[codes.row(3)], 2.0 * rates @ differs)


def test_codes_count_the_variables_that_differ() -> None:
    labels = np.random.default_rng(0).integers(0, 3, size=(300, 20)).astype(np.uint8)
    codes = MismatchCodes(labels, sets=False)
    differing = (labels[:, 3, None] != labels).sum(axis=0)
    np.testing.assert_array_equal(codes.steps[codes.row(3), 0], 2.0 * differing)


def test_codes_between_batches_of_rows_equal_those_of_single_rows() -> None:
    labels = choices().T.astype(np.uint8)
    codes = MismatchCodes(labels, sets=True)
    rng = np.random.default_rng(0)
    a, b = rng.integers(72, size=(5, 3)), rng.integers(72, size=(5, 4))
    both = codes.between(a, b)
    for s, i, j in np.ndindex(5, 3, 4):
        assert both[s, i, j] == codes.row(a[s, i])[b[s, j]]
