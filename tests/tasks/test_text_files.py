"""Text files as spreadsheets and shells write them are read where nothing is in doubt."""

from __future__ import annotations

import bz2
import gzip
from pathlib import Path

import pandas as pd
import pytest

from surrobench.errors import UserError
from surrobench.tasks import load_task
from surrobench.tasks.tables.card_file import read_card

CARD = """
name = "mine"
data = "{data}"
decisions = {decisions}
{top}
[tasks.acc]
target = "acc"
direction = "maximize"
{task}
"""
PLAIN = "width,op,acc\n3,conv,80.5\n5,conv,81.25\n3,pool,70\n5,pool,71\n"


@pytest.fixture
def make(tmp_path: Path):
    def _make(
        content: bytes | str,
        *,
        data: str = "t.csv",
        decisions: str = '["width", "op"]',
        top: str = "",
        task: str = "",
    ) -> str:
        raw = content.encode() if isinstance(content, str) else content
        (tmp_path / data).write_bytes(raw)
        text = CARD.format(data=data, decisions=decisions, top=top, task=task)
        (tmp_path / "card.toml").write_text(text, encoding="utf-8")
        return str(tmp_path / "card.toml")

    return _make


def refusal(spec: str) -> str:
    with pytest.raises(UserError) as caught:
        load_task(spec)
    return str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", "\t"),
        PLAIN.replace(",", "|"),
        PLAIN.replace(",", ";").replace(".", ","),
        PLAIN.encode("utf-8-sig"),
        PLAIN.replace(",", ";").encode("utf-16"),
        PLAIN.replace("\n", "\r\n"),
    ],
    ids=["semicolons", "tabs", "bars", "decimal-commas", "utf-8-mark", "utf-16-mark", "windows"],
)
def test_separators_decimal_commas_and_byte_order_marks_are_found(make, content) -> None:
    plain = load_task(make(PLAIN))
    task = load_task(make(content))
    assert task.truth.tolist() == [80.5, 81.25, 70.0, 71.0]
    assert task.fingerprint == plain.fingerprint


def test_compressed_text_files_are_read(make) -> None:
    expected = load_task(make(PLAIN)).fingerprint
    for data, press in (("t.csv.gz", gzip.compress), ("t.csv.bz2", bz2.compress)):
        assert load_task(make(press(PLAIN.encode()), data=data)).fingerprint == expected


def test_json_and_feather_tables_are_read(make, tmp_path: Path) -> None:
    expected = load_task(make(PLAIN)).fingerprint
    frame = pd.read_csv(tmp_path / "t.csv")
    for data, content in (
        ("t.json", frame.to_json(orient="records")),
        ("t.json", frame.to_json(orient="columns")),
        ("t.jsonl", frame.to_json(orient="records", lines=True)),
    ):
        assert load_task(make(content, data=data)).fingerprint == expected
    make("", data="t.feather")
    frame.to_feather(tmp_path / "t.feather")
    assert load_task(str(tmp_path / "card.toml")).fingerprint == expected


def test_spreadsheets_are_refused_with_the_way_to_convert_them(make) -> None:
    message = refusal(make(PLAIN, data="t.xlsx"))
    assert 'pandas.read_excel("t.xlsx").to_parquet("t.parquet")' in message


def test_a_home_folder_is_expanded(make, tmp_path: Path, monkeypatch) -> None:
    spec = make(PLAIN)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    text = Path(spec).read_text().replace('"t.csv"', '"~/t.csv"')
    elsewhere = tmp_path / "cards"
    elsewhere.mkdir()
    (elsewhere / "card.toml").write_text(text)
    assert len(load_task("~/cards/card.toml")) == 4


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_card_with_a_byte_order_mark_is_read(make, encoding) -> None:
    spec = make(PLAIN)
    path = Path(spec)
    path.write_bytes(path.read_text().lstrip().encode(encoding))
    assert read_card(path).name == "mine"
    assert len(load_task(spec)) == 4


def test_characters_that_are_no_utf_8_are_named_with_column_and_row(make) -> None:
    content = "width,op,acc\n3,klein,80\n5,mittel,81\n7,groß,82\n".encode("cp1252")
    message = refusal(make(content))
    assert "t.csv is not UTF-8 (column 'op', row 3); save it as UTF-8" in message
    task = load_task(make(content, top='encoding = "cp1252"'))
    assert task.space.variables[1].choices == ("groß", "klein", "mittel")
    assert "cannot be read as utf-9" in refusal(make(content, top='encoding = "utf-9"'))


@pytest.mark.parametrize("end", ["\r", "\r\n"])
def test_characters_that_are_no_utf_8_are_named_whatever_ends_the_lines(make, end) -> None:
    content = f"width,op,acc\n3,klein,80{end}5,groß,81\n7,groß,82\n".encode("cp1252")
    assert "column 'op', rows 2, 3" in refusal(make(content))


@pytest.mark.parametrize("name", ["a" * 5000, "a\0b", "~nobody-of-this-name/a"])
def test_a_name_that_no_file_can_have_is_that_of_a_file_that_is_not_there(
    make, tmp_path, name
) -> None:
    for spec in (f"{name}.toml", str(tmp_path / f"{name}.toml")):
        assert "there is no card" in refusal(spec)
    card = Path(make(PLAIN))
    escaped = name.replace("\0", "\\u0000")
    card.write_text(card.read_text().replace('"t.csv"', f'"{escaped}.csv"'))
    assert "no such file" in refusal(str(card))


def test_words_among_numbers_are_refused_with_their_rows(make) -> None:
    content = 'width,op,acc\n3,a,1\n5,a,2\nfive,a,3\n7,a,4\n"1,009",a,5\n'
    message = refusal(make(content))
    assert (
        "'width' mixes words and numbers; the words are in rows 3 ('five'), 5 ('1,009')" in message
    )
    assert 'kind = "categorical"' in message
    meant = '[{ column = "width", kind = "categorical" }, "op"]'
    assert load_task(make(content, decisions=meant)).space.variables[0].values is None


def test_numbers_among_words_are_refused_as_well(make) -> None:
    content = "width,op,acc\n3,none,1\n5,conv,2\n7,7,3\n"
    assert "the numbers are in row 3 ('7')" in refusal(make(content))


def test_a_comma_that_may_mean_two_things_is_named(make) -> None:
    ambiguous = 'width,op,acc\n"1,009",a,1\n"2,048",a,2\n'
    assert 'decimal = "," or thousands = ","' in refusal(make(ambiguous))
    for top, values in (
        ('thousands = ","', (1009.0, 2048.0)),
        ('decimal = ","\nthousands = "."', (1.009, 2.048)),
    ):
        assert load_task(make(ambiguous, top=top)).space.variables[0].values == values


def test_thousands_that_cannot_be_decimals_are_read(make) -> None:
    content = 'width,op,acc\n"1,234,567",a,1\n"25,557",a,2\n512,a,3\n'
    assert load_task(make(content)).space.variables[0].values == (512.0, 25557.0, 1234567.0)
    torn = 'width,op,acc\n"1,234,567",a,1\n"25,557",a,2\n2048,a,3\n'
    assert "mixes words and numbers" in refusal(make(torn))


def test_one_decimal_comma_speaks_for_the_whole_file(make) -> None:
    content = "width;op;acc\n1,125;a;80,5\n2,250;a;81,75\n"
    assert load_task(make(content)).space.variables[0].values == (1.125, 2.25)


def test_lists_with_commas_are_no_decimals(make) -> None:
    content = "width;op;acc\n8,16;a;1\n16,8;a;2\n"
    lists = '[{ column = "width", format = "delimited" }, "op"]'
    task = load_task(make(content, decisions=lists))
    assert [variable.name for variable in task.space.variables] == ["width[0]", "width[1]", "op"]


def test_whole_numbers_beyond_floats_stay_apart(make, tmp_path: Path) -> None:
    for first in (2**53, 10**20):
        content = f"width,op,acc\n{first},a,1\n{first + 1},a,2\n"
        task = load_task(make(content))
        assert task.space.variables[0].choices == (str(first), str(first + 1))
        assert len(task) == 2
    frame = pd.DataFrame({"width": [2**53, 2**53 + 1], "op": ["a", "a"], "acc": [1.0, 2.0]})
    make("", data="t.parquet", top='groups = "width"')
    frame.to_parquet(tmp_path / "t.parquet")
    assert load_task(str(tmp_path / "card.toml")).groups.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("cells", "unit", "seconds"),
    [
        (["0:08:11", "1:00:00"], "s", [491.0, 3600.0]),
        (["26:00:00", "1:00:00.5"], "s", [93600.0, 3600.5]),
        (["0 days 00:08:11.5", "1 day 01:00:00"], "s", [491.5, 90000.0]),
        (["1.5", "2"], "min", [90.0, 120.0]),
        (["1.5", "2"], "h", [5400.0, 7200.0]),
    ],
)
def test_costs_are_seconds_however_they_are_written(make, cells, unit, seconds) -> None:
    rows = "".join(f"{i},a,{i},{cell}\n" for i, cell in enumerate(cells))
    task = f'cost = "took"\ncost_unit = "{unit}"'
    loaded = load_task(make(f"width,op,acc,took\n{rows}", task=task))
    assert loaded.seconds is not None
    assert loaded.seconds[:, -1].tolist() == seconds


def test_durations_of_parquet_are_seconds(make, tmp_path: Path) -> None:
    make("", data="t.parquet", task='cost = "took"')
    frame = pd.DataFrame({"width": [1, 2], "op": ["a", "a"], "acc": [1.0, 2.0]})
    frame["took"] = pd.to_timedelta([90, 3600], unit="s")
    frame.to_parquet(tmp_path / "t.parquet")
    task = load_task(str(tmp_path / "card.toml"))
    assert task.seconds is not None
    assert task.seconds[:, -1].tolist() == [90.0, 3600.0]


def test_a_cost_that_is_no_time_is_refused_like_a_target(make) -> None:
    content = "width,op,acc,took\n1,a,1,10\n2,a,2,long\n3,a,3,-5\n4,a,4,\n"
    message = refusal(make(content, task='cost = "took"'))
    assert "cost 'took' is not a number of seconds in 1 of 4 rows: row 2 ('long')" in message
    assert "cost 'took' is negative in 1 of 4 rows: row 3" in message
    task = load_task(make(content, top="drop_invalid = true", task='cost = "took"'))
    assert (len(task), task.dropped) == (2, 2)


def test_words_that_read_as_missing_are_told_apart_from_empty_cells(make) -> None:
    content = "width,op,acc\n3,NA,80\n5,conv,81\nnan,pool,70\n5,,71\n7,nan,72\n"
    message = refusal(make(content))
    assert "'op': 2 rows hold 'NA' or 'nan', which are read as missing: rows 1, 5." in message
    assert "rename it in the file" in message
    assert "'op' has no value in 1 row: row 4. If an empty cell means" in message
    assert "'width': 1 row holds 'nan', which is read as missing: row 3." in message
    assert "'width' has no value" not in message


def test_words_that_read_as_missing_are_found_in_picked_rows_and_groups(make) -> None:
    content = "width;op;acc;cell\n3;x;80;1\n5;NULL;81;1\n7;y;82;n/a\n"
    message = refusal(make(content, top='where = { op = "y" }\ngroups = "cell"'))
    assert "group column 'cell': 1 row holds 'n/a', which is read as missing: row 3." in message
    message = refusal(make(content, top="where = { cell = 1 }"))
    assert "decision 'op': 1 row holds 'NULL', which is read as missing: row 2." in message


def test_a_quotation_mark_that_is_never_closed_takes_no_rows_with_it(make) -> None:
    message = refusal(make('width,op,acc\n3,conv,1\n5,"conv,2\n3,pool,3\n5,pool,4\n'))
    assert "t.csv" in message
    assert "a quotation mark opens in row 2 is never closed" in message
    # A mark within a text opens none, and a doubled one belongs to it.
    task = load_task(make('width,op,acc\n3,5" disk,1\n5,"a ""b""",2\n'))
    assert len(task.archs) == 2


@pytest.mark.parametrize(
    ("last", "told"),
    [
        ("5,pool", "row 3 has 2 fields and the header 3: a field is missing"),
        ("5,pool,1,2", "row 3 has 4 fields and the header 3: a field is one too many"),
        ("5", "row 3 has 1 field and the header 3: a field is missing"),
    ],
)
def test_a_row_of_another_length_is_counted_without_the_header(make, last, told) -> None:
    message = refusal(make(f"width,op,acc\n3,conv,1\n5,conv,2\n{last}\n"))
    assert "t.csv" in message
    assert told in message
    assert "was the file cut" in message


@pytest.mark.parametrize("content", ["", "\n\n", "width,op,acc"])
def test_a_text_file_without_rows_says_so(make, content) -> None:
    assert "no rows" in refusal(make(content))


def test_a_file_under_the_name_of_another_kind_is_told_to_be_renamed(make, tmp_path) -> None:
    frame = pd.DataFrame({"width": [3, 5], "op": ["a", "b"], "acc": [1.0, 2.0]})
    frame.to_parquet(tmp_path / "whole.parquet")
    parquet = (tmp_path / "whole.parquet").read_bytes()
    message = refusal(make(parquet))
    assert "t.csv holds a Parquet table, not what its name says; rename it to t.parquet" in message
    packed = gzip.compress(PLAIN.encode())
    assert "rename it to t.csv.gz" in refusal(make(packed))
    assert "rename it to t.json.bz2" in refusal(make(bz2.compress(b"[]"), data="t.json"))
    assert "not compressed with gzip" in refusal(make(PLAIN, data="t.csv.gz"))
    assert "a zip archive or a spreadsheet" in refusal(make(b"PK\x03\x04rest"))
    for good in (PLAIN, packed):
        name = "t.csv" if good is PLAIN else "t.csv.gz"
        assert len(load_task(make(good, data=name))) == 4
