"""Predictors that treat parts of an encoding differently are told of them, whoever uses them."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from in_process import in_process
from toy import toy_study

from surrobench import load_task, run_study
from surrobench.base.columns import ColumnBlock
from surrobench.encodings.column_blocks import column_blocks, with_blocks
from surrobench.predictors import make_predictor
from surrobench.strategies import make_strategy
from surrobench.strategies.candidates import Candidates

__all__ = ["in_process"]

ENCODING = "one-hot+ordinal"
ASKS = """
    from dataclasses import dataclass, replace
    from surrobench.predictors import make_predictor

    @dataclass(frozen=True)
    class Asks:
        names: tuple = ()

        def for_blocks(self, blocks):
            return replace(self, names=tuple(block.name for block in blocks))

        def fit(self, X, y, *, seed):
            assert self.names == ("one-hot", "ordinal"), f"told of {self.names}"
            return make_predictor("knn").fit(X, y, seed=seed)
"""


@pytest.fixture
def asks(in_toy: Path) -> str:
    """A predictor that fails unless it was told of the blocks."""
    (in_toy / "asks.py").write_text(textwrap.dedent(ASKS))
    sys.modules.pop("asks", None)
    return "asks:Asks"


def test_blocks_follow_the_parts_of_the_encoding(in_toy: Path) -> None:
    task = load_task("toy.toml")
    one_hot, ordinal = column_blocks(ENCODING, task.space, task.measured)
    columns = task.encode(ENCODING)
    assert (one_hot.start, one_hot.stop, ordinal.stop) == (0, ordinal.start, columns.shape[1])
    for variable in range(4):
        mine = [c for c, group in enumerate(one_hot.groups) if group == variable]
        assert (columns[:, mine].sum(axis=1) == 1).all()
    assert ordinal == ColumnBlock("ordinal", one_hot.stop, one_hot.stop + 4)


def test_only_those_that_ask_are_told(in_toy: Path) -> None:
    task = load_task("toy.toml")
    told: Any = with_blocks(make_predictor("gp-blocks"), ENCODING, task.space, task.measured)
    assert [block.name for block in told.blocks] == ["one-hot", "ordinal"]
    knn = make_predictor("knn")
    assert with_blocks(knn, ENCODING, task.space, task.measured) is knn


def test_a_prediction_study_tells(asks: str, in_process: list[int]) -> None:
    study = toy_study(predictors=[asks], encodings=[ENCODING], train_sizes=[20], seeds=1)
    frame = run_study(study, out="asks")
    assert frame["status"].tolist() == ["ok"], frame["reason"].tolist()


@pytest.mark.parametrize("name", ["bayesian", "npenas", "progressive"])
def test_strategies_tell(asks: str, name: str) -> None:
    space = load_task("toy.toml").space
    strategy = make_strategy(name, Candidates(space), predictor=asks, encoding=ENCODING, design=5)
    for _ in range(12):
        for arch in strategy.ask(2):
            strategy.tell(arch, float(sum(arch)))
    assert len(strategy.history) > 20  # some wait until they are told more
