"""The first study on a table of one's own: ``surrobench run quickstart --task mine.toml``."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import Command, command_line


@pytest.fixture
def surrobench(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Command:
    monkeypatch.chdir(tmp_path)
    return command_line(monkeypatch, capsys, "write_report")


def _sweep(rows: int) -> None:
    lines = [f"{2 + i // 4},{4 + i % 4},{60 + i}" for i in range(rows)]
    Path("t.csv").write_text("\n".join(["act_bits,weight_bits,acc", *lines]))
    Path("t.toml").write_text(
        'name = "sweep"\ndata = "t.csv"\ndecisions = ["act_bits", "weight_bits"]\n'
        '[tasks.acc]\ntarget = "acc"\ndirection = "maximize"\n'
    )


QUICKSTART = ("run", "quickstart", "--task", "t.toml", "--dry-run")


def test_quickstart_on_a_table_of_twelve_rows_takes_sizes_that_fit(surrobench: Command) -> None:
    _sweep(12)
    done = surrobench(*QUICKSTART)
    assert done.status == 0, done.err
    assert "12 architectures; instead trained on 4, 8" in done.out
    assert "168" in done.out, "twelve predictors, two sizes, seven seeds"


def test_a_table_too_small_for_every_size_says_which_would_do(surrobench: Command) -> None:
    _sweep(12)
    done = surrobench(*QUICKSTART, "--set", 'small_pools="skip"')
    assert done.status == 1
    assert "sweep/acc has 12 architectures; the study trains on 25, 50, 100, 200." in done.err
    assert "Give smaller sizes: --set 'train_sizes=[4,8]'." in done.err


def test_quickstart_encodes_a_table_of_numbers_as_numbers(surrobench: Command) -> None:
    _sweep(40)
    told = surrobench(*QUICKSTART).out
    assert "decision     sweep/acc: act_bits: numeric, 10 choices from 2 to 11" in told
    assert "predictor    gp-matern52 [numeric]: 7 cells" in told
    assert "[one-hot]" not in told
