from __future__ import annotations

from pathlib import Path

import pytest

from surrobench.errors import UserError
from surrobench.tasks.tables.card_file import read_card

GOOD = """\
name = "mine"
data = "mine.csv"
decisions = ["a"]

[tasks.value]
target = "y"
direction = "maximise"
"""


def read(tmp_path: Path, text: str):
    path = tmp_path / "card.toml"
    path.write_text(text)
    return read_card(path)


def test_the_shortest_card_has_sensible_defaults(tmp_path):
    card = read(tmp_path, GOOD)
    assert card.tasks["value"].direction == "maximize"
    assert card.missing == "error"
    assert card.default_encoding is None  # follows the kinds of the decisions
    assert card.licence == "not stated"


def test_an_unknown_key_is_named_with_its_line_and_a_suggestion(tmp_path):
    with pytest.raises(UserError, match=r"'tasks.value.taget' \(line 8\).*'target'"):
        read(tmp_path, GOOD + 'taget = "x"\n')
    with pytest.raises(UserError, match=r"'desicions' \(line 1\).*'decisions'"):
        read(tmp_path, 'desicions = ["a"]\n' + GOOD)


def test_a_key_in_the_wrong_part_of_a_card_is_told_where_it_belongs(tmp_path):
    with pytest.raises(UserError, match=r"'cost' \(line 1\).*key of a task.*\[tasks"):
        read(tmp_path, 'cost = "seconds"\n' + GOOD)
    with pytest.raises(
        UserError, match=r"'tasks.value.decimal' \(line 8\).*key of the card.*above"
    ):
        read(tmp_path, GOOD + 'decimal = ","\n')


def test_every_mistake_is_listed_at_once(tmp_path):
    text = GOOD.replace('"maximise"', '"upwards"').replace('decisions = ["a"]', "decisions = 3")
    with pytest.raises(UserError) as caught:
        read(tmp_path, text + "seeds = 0\n")
    message = str(caught.value)
    for part in ("tasks.value.direction", "'upwards'", "decisions", "tasks.value.seeds"):
        assert part in message


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('data = "mine.csv"\n', "", "say where the rows are"),
        ('direction = "maximise"\n', "", "'tasks.value.direction'.*is required"),
        ('decisions = ["a"]\n', "", "name the columns"),
        ('decisions = ["a"]', 'decisions = [{ colum = "a" }]', "'column'"),
        ('name = "mine"', 'name = "a/b"', "letters, digits"),
        ("[tasks.value]", "[tasks.value", "at the end of a table declaration"),
        ('target = "y"', 'target = "y"\nfidelities = { x = "z" }', "not a number of epochs"),
        ('target = "y"', 'target = "y"\nfidelities = { 3 = "z" }', "needs 'epochs'"),
    ],
)
def test_wrong_cards_say_what_is_wrong(tmp_path, old, new, expected):
    with pytest.raises(UserError, match=expected):
        read(tmp_path, GOOD.replace(old, new))


def test_a_card_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match=r"cannot read the card .*nowhere\.toml"):
        read_card(tmp_path / "nowhere.toml")


def test_a_wrong_key_inside_a_decision_is_the_only_complaint(tmp_path):
    path = tmp_path / "card.toml"
    decisions = 'decisions = ["depth", { column = "lr", scael = "log" }]'
    path.write_text(
        f'name = "t"\ndata = "t.csv"\n{decisions}\n'
        '[tasks.a]\ntarget = "a"\ndirection = "minimize"\n'
    )
    with pytest.raises(UserError) as error:
        read_card(path)
    _, *complaints = str(error.value).splitlines()
    assert complaints == [
        "  'decisions.1.scael' (line 3) is not a key of a card. Did you mean 'scale'?"
    ]
    path.write_text(path.read_text().replace('{ column = "lr", scael = "log" }', "3"))
    with pytest.raises(UserError, match=r"Write the name of a column.*\(found 3\)"):
        read_card(path)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('decisions = ["depth", "a", "depth"]', "'decisions' (line 3) names 'depth' twice"),
        ('decisions = ["a", "a", "a"]', "'decisions' (line 3) names 'a' 3 times"),
        (
            'decisions = ["a", { column = "a", kind = "categorical" }]',
            "'decisions' (line 3) names 'a' twice",
        ),
        ('decisions = ["a"]\nmeasured = ["p", "p"]', "'measured' (line 4) names 'p' twice"),
        ('decisions = ["a"]\ngroups = ["g", "g"]', "'groups' (line 4) names 'g' twice"),
        (
            'decisions = ["a"]\npublished_groups = ["g", "g"]',
            "'published_groups' (line 4) names 'g' twice",
        ),
    ],
)
def test_a_column_that_a_card_names_twice_in_one_list_is_refused(tmp_path, line, told):
    with pytest.raises(UserError) as caught:
        read(tmp_path, GOOD.replace('decisions = ["a"]', line))
    assert told in str(caught.value)
    assert "card.toml" in str(caught.value)


@pytest.mark.parametrize("key", ["target", "measured", "decisions"])
def test_a_column_that_a_task_names_twice_is_refused(tmp_path, key):
    text = GOOD.replace('target = "y"\n', "") if key == "target" else GOOD
    with pytest.raises(UserError, match=rf"'tasks.value.{key}' \(line \d\) names 'z' twice"):
        read(tmp_path, text + f'{key} = ["z", "z"]\n')
