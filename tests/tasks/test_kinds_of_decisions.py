"""How columns become decisions, what is said of it, and what is refused."""

from __future__ import annotations

import datetime as dt
import decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from surrobench.encodings import make_encoding
from surrobench.errors import UserError
from surrobench.metrics.ranking import kendall_tau
from surrobench.tasks import load_task, task_info
from surrobench.tasks.tables.accounts import decision_accounts, remarks

CARD = """
name = "mine"
data = "t.parquet"
decisions = [{decisions}]
{top}
[tasks.acc]
target = "acc"
direction = "maximize"
{task}
"""


@pytest.fixture
def make(tmp_path: Path):
    def _make(columns: Any, decisions: str = '"x"', top: str = "", task: str = "") -> str:
        table = columns if isinstance(columns, pa.Table) else pa.table(columns)
        if "acc" not in table.column_names:
            table = table.append_column("acc", pa.array(np.arange(len(table)) * 1.0))
        pq.write_table(table, tmp_path / "t.parquet")
        card = CARD.format(decisions=decisions, top=top, task=task)
        (tmp_path / "card.toml").write_text(card)
        return str(tmp_path / "card.toml")

    return _make


def refusal(spec: str) -> str:
    with pytest.raises(UserError) as caught:
        load_task(spec)
    return str(caught.value)


# -- genotypes and lists -----------------------------------------------------------------------

OPERATIONS = ("skip_connect", "sep_conv_3x3", "max_pool_3x3")


def genotypes(n: int) -> tuple[list[str], list[float]]:
    rng, texts, values = np.random.default_rng(0), [], []
    for _ in range(n):
        cells = rng.integers(3, size=(2, 4)), rng.integers(2, size=(2, 4))
        pairs = [
            [(OPERATIONS[op], int(source)) for op, source in zip(*cell, strict=True)]
            for cell in zip(*cells, strict=True)
        ]
        texts.append(
            f"Genotype(normal={pairs[0]}, normal_concat=range(2, 4), "
            f"reduce={pairs[1]}, reduce_concat=[2, 3])"
        )
        values.append(float((cells[0] == 1).sum()))
    return texts, values


@pytest.mark.parametrize("decision", ['"x"', '{ column = "x", format = "literal" }'])
def test_genotypes_as_text_are_two_cells_of_pairs(make, decision) -> None:
    texts, values = genotypes(60)
    task = load_task(make({"x": texts, "acc": values}, decision))
    variables = task.space.variables
    assert len(variables) == 16
    assert variables[0].name == "x.normal[0][0]"
    assert variables[0].choices == tuple(sorted(OPERATIONS))
    assert variables[1].choices == ("0", "1")
    assert all(variable.values is None for variable in variables), "a node is no quantity"
    assert remarks(task) == []
    features = make_encoding("one-hot")([tuple(a) for a in task.archs.tolist()], task.space, {})
    weights = np.linalg.lstsq(features[:40], task.truth[:40], rcond=None)[0]
    assert kendall_tau(features[40:] @ weights, task.truth[40:]) > 0.5


def test_genotypes_are_parsed_and_never_evaluated(make, tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    code = f"Genotype(normal=__import__('os').system('touch {marker}'), reduce=[])"
    message = refusal(make({"x": [code, code + " "]}))
    assert "column 'x' cannot be read as a list or object in rows 1" in message
    assert len(message) < 600, "long texts are not quoted whole"
    assert not marker.exists()


def test_lists_of_operation_indices_fit_a_space(make) -> None:
    rows = [[0, 1, 2, 3, 4, 0], [1, 1, 1, 1, 1, 1], [4, 3, 2, 1, 0, 4]]
    as_lists = load_task(make({"x": rows}, top='space = "nb201"'))
    as_texts = load_task(make({"x": [str(row) for row in rows]}, top='space = "nb201"'))
    assert as_lists.archs.tolist() == as_texts.archs.tolist() == rows
    message = refusal(make({"x": [row[:5] for row in rows]}, top='space = "nb201"'))
    assert "6 variables" in message
    assert "hold 5 values" in message


# -- empty cells -------------------------------------------------------------------------------


def test_empty_cells_may_mean_that_there_is_no_such_part(make) -> None:
    columns = {
        "layers": [1, 2, 3, 2],
        "units": [None, 64, 128, 128],
        "act": [None, "relu", "tanh", "relu"],
    }
    names = '"layers", "units", "act"'
    message = refusal(make(columns, names))
    assert "'units' has no value in 1 row" in message
    assert '{ column = "units", absent = "not-there" }' in message
    whole = load_task(make(columns, names, top='absent = "not-there"'))
    assert len(whole) == 4
    assert whole.space.variables[1].choices == ("absent", "64", "128")
    assert whole.space.variables[2].choices == ("absent", "relu", "tanh")
    one = '"layers", { column = "units", absent = "not-there" }, "act"'
    assert "'act'" in refusal(make(columns, one))
    assert "'units'" not in refusal(make(columns, one))


def test_a_table_without_a_complete_row_lists_what_is_missing(make) -> None:
    columns = {"svm": [0.1, 1.0, None], "trees": [None, None, 100]}
    for top in ("", "drop_invalid = true"):
        message = refusal(make(columns, '"svm", "trees"', top=top))
        assert "decision 'svm' has no value in 1 row: row 3" in message
        assert "decision 'trees' has no value in 2 rows: rows 1, 2" in message
    assert len(load_task(make(columns, '"svm", "trees"', top='absent = "not-there"'))) == 3


# -- types -------------------------------------------------------------------------------------

DAYS = [dt.date(2021, 5, 1), dt.date(2022, 5, 1), dt.date(2021, 5, 1), dt.date(2023, 1, 1)]
MOMENTS = [dt.datetime(day.year, day.month, 1, 12) for day in DAYS]
ORDERED = {
    "date": pa.array(DAYS),
    "timestamp": pa.array(MOMENTS, type=pa.timestamp("ns")),
    "zone": pa.array(MOMENTS, type=pa.timestamp("us", tz="UTC")),
    "time": pa.array([dt.time(day.month, day.year % 60) for day in DAYS]),
}


@pytest.mark.parametrize("kind", ORDERED)
def test_dates_and_times_are_choices_in_their_order(make, kind) -> None:
    task = load_task(make({"x": ORDERED[kind]}, top='duplicates = "mean"'))
    (variable,) = task.space.variables
    assert variable.values == (0.0, 1.0, 2.0)
    assert list(variable.choices) == sorted(variable.choices)
    assert decision_accounts(task)[0].kind == "ordinal"


def test_durations_are_numbers_of_seconds(make) -> None:
    column = pa.array([dt.timedelta(minutes=m) for m in (1, 5, 2)])
    assert load_task(make({"x": column})).space.variables[0].values == (60.0, 120.0, 300.0)


def test_bytes_that_are_text_are_words_and_others_are_refused(make) -> None:
    assert load_task(make({"x": pa.array([b"a", b"b"])})).space.variables[0].choices == ("a", "b")
    message = refusal(make({"x": pa.array([b"\xff\x00", b"\xfe"])}))
    assert "decision 'x' holds values of the type binary" in message
    assert "t.parquet" in message


TYPES = {
    **ORDERED,
    "int8": pa.array([1, 2, 3, 3], type=pa.int8()),
    "uint64": pa.array([2**63, 2**63 + 1, 1, 1], type=pa.uint64()),
    "half": pa.array(np.array([1, 2, 3, 3], dtype=np.float16)),
    "decimal": pa.array([decimal.Decimal(i) / 8 for i in range(4)], type=pa.decimal128(38, 20)),
    "bool": pa.array([True, False, None, True]),
    "large-text": pa.array(["a", "b", "c", "c"], type=pa.large_string()),
    "binary": pa.array([b"\xff", b"b", b"c", b"c"]),
    "duration": pa.array([1, 2, 3, 3], type=pa.duration("ms")),
    "dictionary": pa.array(["a", "b", "c", "c"]).dictionary_encode(),
    "null": pa.nulls(4),
    "list": pa.array([[1], [2, 3], [], None]),
    "list-of-dates": pa.array([[day] for day in DAYS]),
    "list-of-durations": pa.array([[dt.timedelta(1)]] * 4),
    "list-of-words": pa.array([["a"], ["b", "c"], [], None]),
    "list-of-bytes": pa.array([[b"\xff"], [b"b"], [], None]),
    "struct": pa.array([{"k": 1, "d": DAYS[0]}, {"k": 2, "d": None}] * 2),
    "map": pa.array([[("k", 1)], [("k", 2)], [], None], type=pa.map_(pa.string(), pa.int64())),
    "nan": pa.array([np.nan, 1.0, np.inf, -np.inf]),
}
ROLES = {
    "decision": ('"x"', "", ""),
    "absent": ('{ column = "x", absent = "not-there" }', "", ""),
    "categorical": ('{ column = "x", kind = "categorical" }', "", ""),
    "ordinal": ('{ column = "x", kind = "ordinal" }', "", ""),
    "delimited": ('{ column = "x", format = "delimited" }', "", ""),
    "characters": ('{ column = "x", format = "characters" }', "", ""),
    "log": ('{ column = "x", scale = "log" }', "", ""),
    "space": ('"x"', 'space = "nb201"', ""),
    "groups": ('"n"', 'groups = "x"', ""),
    "where": ('"n"', "where = { x = 2021-05-01 }", ""),
    "where-text": ('"n"', 'where = { x = "a" }', ""),
    "measured": ('"n"', 'measured = ["x"]', ""),
    "subset": ('"n"', 'subsets = { s = "x" }', ""),
    "cost": ('"n"', "", 'cost = "x"'),
    "fidelity": ('"n"', "", 'epochs = 9\nfidelities = { 3 = "x" }'),
}


@pytest.mark.slow
@pytest.mark.parametrize("role", ROLES)
def test_every_type_in_every_role_is_read_or_refused(make, role) -> None:
    decisions, top, task = ROLES[role]
    read, complaints = set(), {}
    for kind, column in TYPES.items():
        try:
            columns = {"x": column, "n": [0, 1, 2, 3]}
            load_task(make(columns, decisions, f'duplicates = "mean"\n{top}', task))
            read.add(kind)
        except UserError as error:
            complaints[kind] = str(error)
    named = ("t.parquet", "'x'", "space", "the table of card")
    assert [kind for kind, text in complaints.items() if not any(n in text for n in named)] == []
    if role in ("absent", "groups"):
        assert {"date", "int8", "half", "large-text", "dictionary"} <= read


def test_conditions_on_dates_are_written_as_toml_or_text(make) -> None:
    columns = {"x": [1, 2, 3, 4], "day": pa.array(DAYS)}
    for value in ("2021-05-01", '"2021-05-01"'):
        task = load_task(make(columns, top=f"where = {{ day = {value} }}"))
        assert task.truth.tolist() == [0.0, 2.0]
    assert "its values are 2021-05-01" in refusal(make(columns, top='where = { day = "May" }'))


def test_the_order_of_an_ordered_categorical_is_used(make) -> None:
    for ordered in (True, False):
        sizes = pd.Categorical(
            ["large", "small", "medium"], ["small", "medium", "large", "huge"], ordered=ordered
        )
        spec = make(pa.Table.from_pandas(pd.DataFrame({"x": sizes})))
        (variable,) = load_task(spec).space.variables
        expected = ("small", "medium", "large") if ordered else ("large", "medium", "small")
        assert variable.choices == expected
        assert variable.values == ((0.0, 1.0, 2.0) if ordered else None)


def test_ordinal_words_need_their_order(make) -> None:
    words = {"x": ["small", "large", "medium"]}
    message = refusal(make(words, '{ column = "x", kind = "ordinal" }'))
    assert "'x' is ordinal but holds words" in message
    assert "order = […]" in message
    numbers = {"x": ["3", "11", "5"]}
    task = load_task(make(numbers, '{ column = "x", kind = "ordinal" }'))
    assert task.space.variables[0].values == (3.0, 5.0, 11.0)


# -- scales ------------------------------------------------------------------------------------


def column_of(make, values, options: str = "") -> Any:
    task = load_task(make({"x": values}, f'{{ column = "x"{options} }}'))
    (variable,) = task.space.variables
    encoded = make_encoding("ordinal")([(i,) for i in range(len(variable.choices))], task.space, {})
    return variable, encoded[:, 0]


def test_numbers_over_decades_have_a_log_scale(make) -> None:
    variable, encoded = column_of(make, [1e-4, 1e-3, 1e-2, 1e-1])
    assert variable.scale == "log"
    assert variable.values == (1e-4, 1e-3, 1e-2, 1e-1)
    np.testing.assert_allclose(encoded, [0, 1 / 3, 2 / 3, 1])
    info = task_info(make({"x": [1e-4, 1e-3, 1e-2, 1e-1]}))
    assert "numeric (log scale)" in info.decisions[0].sentence()


def test_a_scale_can_be_asked_for(make) -> None:
    assert column_of(make, [1.0, 2.0, 4.0])[0].scale == "linear"
    variable, encoded = column_of(make, [1.0, 2.0, 4.0], ', scale = "log"')
    assert variable.scale == "log"
    np.testing.assert_allclose(encoded, [0, 0.5, 1])
    linear, encoded = column_of(make, [1e-4, 1e-3, 1e-2, 1.0], ', scale = "linear"')
    assert linear.scale == "linear"
    assert encoded[1] < 0.01
    for values in ([0.0, 1.0, 1000.0], ["a", "b", "c"]):
        assert 'scale = "log"' in refusal(make({"x": values}, '{ column = "x", scale = "log" }'))


def test_uniform_draws_and_what_is_not_positive_stay_linear(make) -> None:
    uniform = np.random.default_rng(0).uniform(size=400)
    assert uniform.max() / uniform.min() > 100
    for values in (uniform, [0.0, 1.0, 1000.0], [-1.0, 1.0, 1000.0], [1.0, 10.0, 100.0]):
        assert column_of(make, values)[0].scale == "linear"
    assert column_of(make, 10 ** np.random.default_rng(0).uniform(-4, -1, 200))[0].scale == "log"


def test_a_log_scale_with_absent_choices_is_finite(make) -> None:
    variable, encoded = column_of(
        make, [None, 1e-4, 1e-2, 1.0], ', absent = "not-there", scale = "log"'
    )
    assert (variable.choices[0], variable.scale) == ("absent", "log")
    assert np.isfinite(encoded).all()


# -- what is said ------------------------------------------------------------------------------


def test_info_says_how_each_decision_was_read(make) -> None:
    columns = {
        "depth": list(range(12)),
        "op": ["conv", "pool"] * 6,
        "cells": [[i % 2, i % 2] for i in range(12)],
        "lr": [None, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 5e-3, 1e-2, 3e-2, 5e-2, 1e-1],
    }
    names = '"depth", "op", "cells", { column = "lr", absent = "not-there" }'
    told = {a.names: a.sentence() for a in task_info(make(columns, names)).decisions}
    assert told[("depth",)] == "numeric, 12 choices from 0 to 11"
    assert told[("op",)] == "categorical, 2 choices: conv, pool"
    assert told[("cells[0]", "cells[1]")] == "numeric, 2 choices: 0, 1"
    assert told[("lr",)].startswith(
        "numeric (log scale), 11 choices from 1e-05 to 0.1; not there in 1"
    )


def test_a_choice_of_its_own_in_nearly_every_row_is_told(make) -> None:
    task = load_task(make({"x": [f"net-{i}" for i in range(40)], "n": [1, 2] * 20}, '"x", "n"'))
    (remark,) = remarks(task)
    assert "'x' has 40 choices in 40 rows: a predictor can learn nothing from it" in remark
    assert "genotype" in remark
    numbers = load_task(make({"x": np.arange(40) * 0.5}, top='default_encoding = "one-hot"'))
    assert 'set default_encoding = "ordinal"' in remarks(numbers)[0]
    assert (
        remarks(load_task(make({"x": np.arange(40) * 0.5}, top='default_encoding = "ordinal"')))
        == []
    )
    assert remarks(load_task(make({"x": ["a", "b", "c"]}))) == [], "few rows say nothing"


def test_more_choices_than_fit_are_counted_with_their_column(make, monkeypatch) -> None:
    large = load_task(make({"x": np.arange(32_800) * 0.1}))
    assert len(large) == 32_800, "more than 16 bits hold"
    assert large.archs[-1].tolist() == [32_799]
    assert load_task(make({"x": np.arange(100) * 0.1})).archs.dtype == np.int16
    monkeypatch.setattr("surrobench.tasks.tables.coding.MOST_CHOICES", 1_000)
    message = refusal(make({"x": np.arange(1_001) * 0.1}))
    assert "decision 'x' has 1,001 choices in 1,001 rows; at most 1,000" in message


def test_a_constant_target_is_told(make) -> None:
    columns = {"x": list(range(40)), "acc": [90.0] * 40}
    (remark,) = task_info(make(columns)).remarks[:1]
    assert remark == "mine/acc: all 40 values are 90, there is nothing to rank."


@pytest.mark.parametrize(
    ("decisions", "top", "task", "complaint"),
    [
        (
            '"x"',
            'measured = ["params", "acc"]',
            "",
            "'measured' names 'acc', the target of the task",
        ),
        ('"x", "acc"', "", "", "'decisions' names 'acc', the target of the task 'acc'"),
        ('"x"', "", 'measured = ["acc"]', "'measured' names 'acc', the target"),
        ('"x"', 'measured = ["s"]', 'cost = "s"', "'measured' names 's', a cost of the task"),
        (
            '"x"',
            'measured = ["early"]',
            'epochs = 9\nfidelities = { 3 = "early" }',
            "'measured' names 'early', a fidelity of the task",
        ),
        (
            '"x"',
            'measured = ["loss"]',
            'layout = "epochs"\ncurves = { loss = "loss" }',
            "'measured' names 'loss', a curve of the task",
        ),
    ],
)
def test_what_a_training_gives_is_not_among_what_is_known(
    make, decisions, top, task, complaint
) -> None:
    assert complaint in refusal(make({"x": [1, 2]}, decisions, top, task))


def test_the_largest_float_is_no_target(make) -> None:
    columns = {"x": [1, 2, 3], "acc": [1.0, 2.0, -1.7976931348623157e308]}
    message = refusal(make(columns))
    assert "row 3" in message
    assert "NaN" in message
    assert len(load_task(make(columns, top="drop_invalid = true"))) == 2
