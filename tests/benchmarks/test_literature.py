"""The rows of the literature page: well formed, and a fast one is what the page says."""

from __future__ import annotations

import importlib
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from surrobench.encodings import make_encoding
from surrobench.predictors import make_predictor
from surrobench.tasks.catalogue import task_names

ROOT = Path(__file__).parents[2]
FAST = "graf-cifar10-gp-32"


@pytest.fixture(scope="module")
def literature() -> ModuleType:
    """The module under test, which is no part of the package."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        return importlib.import_module("literature")
    finally:
        sys.path.pop(0)


def test_every_row_names_what_there_is(literature: ModuleType) -> None:
    rows = literature.read_rows()
    assert len({row.name for row in rows}) == len(rows)
    for row in rows:
        assert row.task in task_names(), row.name
        make_predictor(row.predictor)
        make_encoding(row.encoding)
        assert row.source, row.name
        assert row.differs, row.name


def test_the_page_has_a_line_for_each_row_that_was_run(literature: ModuleType) -> None:
    rows = literature.read_rows()
    cells = pd.DataFrame(
        [(rows[0].name, seed, tau, 1.0, 1.0) for seed, tau in enumerate((0.5, 0.7))],
        columns=list(literature.COLUMNS),
    )
    (line,) = literature.summary(rows, cells).to_dict("records")
    assert line["ours"] == "0.600 ± 0.100"
    assert line["difference"] == f"{0.6 - rows[0].published:+.3f}"
    assert line["seeds"] == 2
    # Theirs: three draws with the deviation of a population; ours: two with 0.1 around 0.6.
    error = (0.1**2 + rows[0].deviation ** 2 / (rows[0].published_seeds - 1)) ** 0.5
    assert line["in standard errors"] == f"{(0.6 - rows[0].published) / error:+.1f}"


def test_first_seeds_come_first_and_what_is_known_is_left(literature: ModuleType) -> None:
    one, two = literature.read_rows()[:2]
    order = [(row.name, seed) for row, seed in literature.wanted([one, two], {(one.name, 0)})]
    assert order[:2] == [(two.name, 0), (one.name, 1)]


def test_ungrouped_rows_test_on_everything_that_they_do_not_train_on(
    literature: ModuleType,
) -> None:
    task = SimpleNamespace(name="any", groups=np.arange(40) // 2)
    row = replace(literature.read_rows()[0], protocol=literature.UNGROUPED, train_size=10)
    train, test = literature.parts(task, row, 0)
    assert len(train) == 10
    assert sorted([*train, *test]) == list(range(len(task.groups)))


@pytest.mark.usefixtures("mirror")
def test_a_fast_row_gives_the_number_of_the_page_again(literature: ModuleType) -> None:
    cells = pd.read_csv(ROOT / "results" / "literature" / "cells.csv")
    known = cells[(cells["row"] == FAST) & (cells["seed"] == 0)]["tau"]
    row = next(row for row in literature.read_rows() if row.name == FAST)
    tau, _, _ = literature.run(row, 0)
    # Another processor rounds otherwise, and an optimiser may stop one step sooner.
    np.testing.assert_allclose(tau, known, atol=5e-3)
