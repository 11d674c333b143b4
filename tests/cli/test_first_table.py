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


def _card(top: str = "", columns: str = '["op"]') -> None:
    Path("t.toml").write_text(
        f'name = "mine"\ndata = "t.csv"\ndecisions = {columns}\n{top}\n'
        '[tasks.acc]\ntarget = "acc"\ndirection = "maximize"\n'
    )


def told(surrobench: Command, *words: str) -> str:
    done = surrobench(*words)
    return " ".join(f"{done.out} {done.err}".split())


def test_info_counts_infinite_values_of_measured_columns(surrobench: Command) -> None:
    Path("t.csv").write_text("op,acc,params,flops\na,1,-5,1\nb,2,inf,2\nc,3,1e300,3\nd,4,-inf,4\n")
    _card('measured = ["params", "flops"]')
    assert "params (2 infinite), flops" in told(surrobench, "info", "t.toml")
    Path("t.csv").write_text("op,acc,params,flops\na,1,,1\nb,2,inf,2\nc,3,1,3\nd,4,,4\n")
    assert "params (2 missing, 1 infinite), flops" in told(surrobench, "info", "t.toml")


def test_info_counts_what_is_left_out_in_sentences(surrobench: Command) -> None:
    rows = "a,1\nb,2\n"
    _card("drop_invalid = true")
    Path("t.csv").write_text(f"op,acc\n{rows},3\n")
    assert "(1 row is wrong and left out)" in told(surrobench, "info", "t.toml")
    Path("t.csv").write_text(f"op,acc\n{rows},3\n,4\n")
    assert "(2 rows are wrong and left out)" in told(surrobench, "info", "t.toml")
    _card('missing = "allow"')
    Path("t.csv").write_text(f"op,acc\n{rows}c,\n")
    assert "(1 row has no value)" in told(surrobench, "info", "t.toml")


def test_choices_that_look_alike_are_noted_before_a_study(surrobench: Command) -> None:
    spaced, composed, apart = "' a'", "'\\xe1'", "'a\\u0301'"
    choices = ["a", " a", "\u00e1", "a\u0301", "b"]
    Path("t.csv").write_text(
        "op,width,acc\n" + "".join(f"{c},{w},{w}\n" for w in range(8) for c in choices),
        encoding="utf-8",
    )
    _card(columns='["op", "width"]')
    for words in (("info", "t.toml"), QUICKSTART):
        text = told(surrobench, *words)
        assert "decision 'op' has choices that look alike" in text
        assert f"{spaced} and 'a'" in text
        assert f"{apart} and {composed}" in text
        assert "decision 'width' has choices" not in text


@pytest.mark.parametrize(("data", "made"), [(".", ""), ("folder.csv", "folder.csv")])
def test_a_folder_as_data_is_called_one(surrobench: Command, data: str, made: str) -> None:
    _card()
    Path(made).mkdir(exist_ok=True)
    Path("t.toml").write_text(Path("t.toml").read_text().replace("t.csv", data))
    assert f"{data}: this is a folder; name a file in it." in told(surrobench, "info", "t.toml")


@pytest.mark.parametrize(
    ("values", "so"), [(",", "no architecture has"), ("1,", "one architecture alone has")]
)
def test_too_few_known_targets_are_counted_in_words(
    surrobench: Command, values: str, so: str
) -> None:
    first, second = values.split(",")
    Path("t.csv").write_text(f"op,acc\na,{first}\nb,{second}\n")
    _card('missing = "allow"')
    assert f"{so} a known value in 'acc'; a task needs" in told(surrobench, "info", "t.toml")
