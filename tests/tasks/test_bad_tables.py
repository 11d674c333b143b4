from __future__ import annotations

import os
import pickle

import numpy as np
import pandas as pd
import pytest

from surrobench.errors import UserError
from surrobench.tasks import load_task


def refusal(spec: str) -> str:
    with pytest.raises(UserError) as caught:
        load_task(spec)
    return str(caught.value)


def test_everything_that_is_wrong_is_listed_with_its_rows(write, table):
    frame = table.copy()
    frame["acc"] = frame["acc"].astype(object)
    frame.loc[1, "acc"] = "eighty"
    frame.loc[3, "acc"] = None
    frame.loc[2, "op"] = None
    frame.loc[5, ["kernel", "op"]] = [3, "conv"]
    frame["params"] = frame["params"].astype(str)
    frame.loc[0, "params"] = "many"
    message = refusal(write(frame, data="mine.csv"))
    assert "mine.csv" in message
    for part in (
        "'acc' is not a number in 1 of 6 rows: row 2 ('eighty')",
        "'acc' is missing (NaN) in 1 of 6 rows: row 4",
        "decision 'op' has no value in 1 row: row 3",
        "1 architecture appears more than once",
        "rows 1 (90.0), 6 (82.0)",
        "measured column 'params' is not a number in 1 row: row 1 ('many'); write numbers",
    ):
        assert part in message, part
    assert "5 problems" in message


def test_infinite_targets(write, table):
    frame = table.copy()
    frame.loc[4, "acc"] = np.inf
    assert "'acc' is infinite in 1 of 6 rows: row 5" in refusal(write(frame))


def test_missing_targets_are_allowed_on_request_and_counted(write, table):
    frame = table.copy()
    frame.loc[[1, 4], "acc"] = np.nan
    assert 'missing = "allow"' in refusal(write(frame))
    task = load_task(write(frame, top='missing = "allow"'))
    assert (len(task), task.missing, task.dropped) == (4, 2, 0)
    assert task.evaluate((2, 0)).status == "failed"
    assert np.isnan(task.evaluate((2, 0)).value)


def test_wrong_rows_are_dropped_on_request_and_counted(write, table):
    frame = table.copy()
    frame.loc[0, "acc"] = np.inf
    frame.loc[1, "acc"] = np.nan
    frame.loc[2, "op"] = None
    task = load_task(write(frame, top="drop_invalid = true"))
    assert (len(task), task.dropped) == (3, 3)
    assert len(load_task(write(frame), drop_invalid=True)) == 3


def test_missing_columns_are_all_named_with_suggestions(write, table):
    frame = table.copy().rename(columns={"acc": "accc", "op": "opp"})
    message = refusal(write(frame))
    assert "no column 'acc'. Did you mean 'accc'" in message
    assert "no column 'op'. Did you mean 'opp'" in message


@pytest.mark.parametrize(
    ("rows", "expected"), [(0, "no rows"), (1, "at least 2")], ids=["none", "one"]
)
def test_too_few_rows(write, rows, expected, table):
    assert expected in refusal(write(table.copy().iloc[:rows]))


def test_a_filter_that_matches_nothing_names_the_values(write):
    message = refusal(write(task='where = { op = "konv" }'))
    assert "no row has op = 'konv'; its values are conv, pool" in message
    assert "no row has kernel = 'x'" in refusal(write(task='where = { kernel = "x" }'))


def test_row_numbers_are_those_of_the_file_behind_a_filter(write, table):
    frame = table.copy()
    frame.loc[5, "acc"] = np.nan
    assert "row 6" in refusal(write(frame, task='where = { op = "pool" }'))


def test_words_among_numbers_in_a_decision(write, table):
    frame = table.copy()
    frame["kernel"] = [[3, 3], [3, "three"], [5, 3], [5, 5], [7, 7], [7, 3]]
    frame["kernel"] = frame["kernel"].astype(str)
    assert "'kernel[1]' mixes words and numbers; the words are in row 2" in refusal(write(frame))


def test_groups_that_tear_equal_architectures_apart(write, table):
    frame = pd.concat([table.copy(), table.copy()], ignore_index=True)
    frame["network"] = range(len(frame))
    message = refusal(write(frame, top='groups = "network"'))
    assert "6 architectures with equal decisions in different groups (network)" in message


def test_groups_without_a_value(write, table):
    frame = table.copy()
    frame["network"] = ["a", None, "b", "c", "d", "e"]
    assert "'network' has no value in 1" in refusal(write(frame, top='groups = "network"'))


def test_choices_outside_the_stated_order(write):
    decisions = 'decisions = ["kernel", { column = "op", order = ["conv"] }]'
    spec = write(swap=('decisions = ["kernel", "op"]', decisions))
    assert "'order' does not list: 'pool', in rows 2, 4, 6" in refusal(spec)


def test_cells_that_the_named_space_does_not_have(write):
    frame = pd.DataFrame({"cell": ["|none~0|", "x"], "acc": [1.0, 2.0]})
    card = """
name = "mine"
data = "mine.parquet"
space = "nb201"
architecture = "cell"
[tasks.accuracy]
target = "acc"
direction = "maximize"
"""
    message = refusal(write(frame, card=card))
    assert "'cell' holds 2 architectures that the space 'nb201' cannot read" in message


def test_the_wrong_number_of_columns_for_a_space(write):
    message = refusal(write(top='space = "nb201"'))
    assert "6 variables (0>1, 0>2, 1>2, 0>3, 1>3, 2>3)" in message
    assert "Did you mean 'nb201'" in refusal(write(top='space = "nb2001"'))


class Evil:
    def __init__(self, marker: str) -> None:
        self.marker = marker

    def __reduce__(self):
        return os.system, (f"touch {self.marker}",)


@pytest.mark.parametrize("name", ["mine.pkl", "mine.pt", "mine.joblib", "mine.npy", "mine.parquet"])
def test_pickles_are_refused_under_any_name(write, tmp_path, name):
    spec = write(swap=("mine.parquet", name))
    marker = tmp_path / "ran"
    (tmp_path / name).write_bytes(pickle.dumps(Evil(str(marker))))
    assert "run code" in refusal(spec)
    assert not marker.exists()


def test_a_file_that_is_not_what_its_name_says(write, tmp_path):
    spec = write()
    (tmp_path / "mine.parquet").write_bytes(b"not a table")
    assert "cannot read" in refusal(spec)
    spec = write(data="mine.csv")
    (tmp_path / "mine.csv").write_text("kernel,op,params,acc\n3,conv,1\n")
    assert "cannot read" in refusal(spec)


def test_a_learning_curve_that_does_not_divide_into_seeds(write, table):
    frame = table.copy()
    frame["acc"] = [[1.0] * 5] * 6
    spec = write(frame, task='layout = "seeds-epochs"\nseeds = 2')
    assert "5 values a row, which is not a multiple of seeds = 2" in refusal(spec)
