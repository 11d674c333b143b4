"""Study files: every mistake gets its file, its line and a remedy."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from surrobench.errors import UserError
from surrobench.studies import study_names
from surrobench.studies.prediction.config import Study
from surrobench.studies.study_file import load_study

GOOD = """\
kind = "prediction"
name = "mine"
tasks = ["live/digits-chain"]
predictors = ["knn", "gp-rbf+quantile-normal", {use = "knn", label = "near", transform = "none"}]
train_sizes = [25, 50]
seeds = 3
"""


def write(folder: Path, text: str) -> str:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(UserError) as error:
        load_study(write(folder, text))
    return str(error.value).replace(str(folder), "DIR")


def test_a_good_file(tmp_path: Path) -> None:
    study, origin = load_study(write(tmp_path, GOOD))
    assert study.seeds == [0, 1, 2]
    assert study.encodings == ["default"]
    assert study.protocol == "grouped"
    assert [choice.use for choice in study.predictors] == ["knn", "gp-rbf", "knn"]
    assert study.predictors[1].options == {"transform": "quantile-normal"}
    assert study.predictors[2].label == "near"
    assert origin.base == tmp_path


def test_written_out_and_read_again_it_is_the_same(tmp_path: Path) -> None:
    odd = GOOD.replace('"mine"', r'"m\u00efne \"x\" \\ 🙂"') + '[max_train_size]\n"gp-*" = 30\n'
    study, _ = load_study(write(tmp_path, odd))
    assert load_study(write(tmp_path, study.to_toml()))[0] == study


@pytest.mark.parametrize("name", study_names())
def test_bundled_studies_are_valid(name: str) -> None:
    study, origin = load_study(name)
    assert study.name == name
    assert study.description
    assert origin.bundled


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("train_sizes", "train_size"), "mine.toml:5: unknown key 'train_size'. Did you mean"),
        (("seeds = 3", "seeds = -1"), "mine.toml:6: seeds: -1 must be a whole number, how many"),
        (("seeds = 3", "seeds = [0, -1]"), "mine.toml:6: seeds: -1 must be a whole number, 0 or"),
        (("seeds = 3", "seeds = true"), "mine.toml:6: seeds: True must be a whole number"),
        (("seeds = 3", "seeds = [1, 1]"), "mine.toml:6: seeds: 1 is listed twice"),
        (("[25, 50]", "[0, 50]"), "mine.toml:5: train_sizes: 0 must be a whole number, 1 or more"),
        (("[25, 50]", "25"), "mine.toml:5: train_sizes: 25 must be a list of training sizes"),
        (("[25, 50]", '["25"]'), "mine.toml:5: train_sizes: '25' must be a whole number"),
        (('["live/digits-chain"]', "[]"), "mine.toml:3: tasks: [] must be a list of names"),
        (('"gp-rbf+', '"gp-rbff+'), "mine.toml:4: unknown predictor 'gp-rbff'. Did you mean"),
        (("+quantile-normal", "+quantile"), "mine.toml:4: unknown transform 'quantile'. Did you"),
        (("use =", "name ="), "is not a predictor; write a name"),
        (("seeds = 3", 'protocol = "x"\nseeds = 3'), "mine.toml:6: protocol is 'x'; it must be"),
        (("seeds = 3", "seeds = 3\ntimeout_seconds = 0"), "mine.toml:7: timeout_seconds: 0 must"),
        (("seeds = 3", "seeds = 3\nmemory_gib = nan"), "mine.toml:7: memory_gib: nan must be"),
        (("seeds = 3", 'seeds = 3\nencodings = ["onehot"]'), "mine.toml:7: "),
        (("seeds = 3", "seeds = 3\nseeds = 4"), "mine.toml:7: this key is set twice; keep one"),
        (("seeds = 3", "seeds = 03"), "mine.toml:6: "),
        (("seeds = 3", "[max_train_size]\nknn = 0\n"), "max_train_size: 0 must be a whole number"),
        (('kind = "prediction"\n', ""), "mine.toml: the key 'kind' is missing."),
        (('name = "mine"', "name = 3"), "mine.toml:2: name is 3: input should be a valid string"),
    ],
)
def test_mistakes(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    assert change[0] in GOOD
    assert message in refusal(tmp_path, GOOD.replace(*change))


def test_all_mistakes_are_listed_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("seeds = 3", "seeds = 0\nworker = 3").replace("[25, 50]", "[-5]")
    told = refusal(tmp_path, text)
    assert told.splitlines()[0] == "DIR/mine.toml has 3 mistakes:"
    assert len(told.splitlines()) == 4


def test_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no such study file"):
        load_study(str(tmp_path / "absent.toml"))
    with pytest.raises(UserError, match="Did you mean 'quickstart'"):
        load_study("quikstart")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="cannot be read"):
        load_study(str(tmp_path / "binary.toml"))


def test_settings_replace_keys(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    settings = ["seeds=[7, 9]", "name=other", 'tasks=["a", "b"]', "protocol=graf"]
    study, _ = load_study(path, settings)
    assert (study.seeds, study.name, study.tasks) == ([7, 9], "other", ["a", "b"])
    study, _ = load_study(path, ["seeds=2"], replace={"seeds": 1}, added_predictors=["svr"])
    assert study.seeds == [0]
    assert study.predictors[-1].use == "svr"


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("seeds", "not of the form key=value"),
        ("seed=3", "unknown key 'seed'. Did you mean 'seeds'"),
        ("tasks=[1,", "not a TOML value"),
        ("seeds=many", "'many' must be a whole number"),
    ],
)
def test_bad_settings(tmp_path: Path, setting: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        load_study(write(tmp_path, GOOD), [setting])


@pytest.mark.parametrize(
    ("settings", "replace"),
    [
        (["seeds=many"], {}),
        ([], {"predictors": ["knnn"]}),
        (["train_sizes=[-5]"], {"seeds": 0}),
    ],
)
def test_no_line_of_the_file_is_blamed_for_an_option(
    tmp_path: Path, settings: list[str], replace: dict[str, Any]
) -> None:
    with pytest.raises(UserError, match=r"mine\.toml with the options given") as refused:
        load_study(write(tmp_path, GOOD), settings, replace=replace)
    assert not re.search(r"\.toml:\d", str(refused.value))


def test_a_mistake_of_the_file_keeps_its_line_beside_options(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"mine\.toml:6: seeds"):
        load_study(write(tmp_path, GOOD.replace("seeds = 3", "seeds = 0")), ["name=other"])


def test_files_may_not_name_code_unless_allowed(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD.replace('"knn",', '"os:system",'))
    with pytest.raises(UserError, match=r"mine.toml:4: .*--allow-code.*--add-predictor os:system"):
        load_study(path)
    assert load_study(path, allow_code=True)[0].predictors[0].use == "os:system"
    added, _ = load_study(write(tmp_path, GOOD), added_predictors=["os:system"])
    assert added.predictors[-1].use == "os:system"


@pytest.mark.parametrize(
    "entry",
    [
        '{ use = "mine:Ridge2", alpha = 2.0 }',
        '{ use = "mine:Ridge2", encoding = "one-hot" }',
        '{ use = "mine:Ridge2", label = "ridge" }',
    ],
)
def test_code_with_options_is_not_advised_to_be_added_without_them(
    tmp_path: Path, entry: str
) -> None:
    path = write(tmp_path, GOOD.replace('"knn",', f"{entry},", 1))
    with pytest.raises(UserError, match=r"mine:Ridge2.*--allow-code\.$"):
        load_study(path)
    path = write(tmp_path, GOOD.replace('"knn",', '{ use = "mine:Ridge2" },', 1))
    with pytest.raises(UserError, match=r"--add-predictor mine:Ridge2$"):
        load_study(path)


def test_a_study_is_frozen() -> None:
    study = Study.read(
        {
            "kind": "prediction",
            "name": "x",
            "tasks": ["t"],
            "predictors": ["knn"],
            "train_sizes": [5],
            "seeds": 1,
        }
    )
    assert isinstance(study, Study)
    with pytest.raises(ValueError, match="frozen"):
        study.name = "y"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("seeds = 1000000000", r"study\.toml:1: seeds: 1000000000 are more seeds"),
        ("seeds = " + "9" * 5000, r"study\.toml:1: an integer has more than 64 bits"),
        ("seeds = 99999999999999999999", r"study\.toml:1: an integer has more than 64 bits"),
        ("seeds = " + "[" * 3000 + "]" * 3000, r"study\.toml:1: .* more than 32 deep"),
        ("seeds = " + "[" * 60 + "]" * 60, r"study\.toml:1: .* more than 32 deep"),
        ('kind = ["prediction"]', r"study\.toml:1: unknown kind of study"),
        ('predictors = [["knn"]]', r"study\.toml:1: .* is not a predictor"),
    ],
)
def test_what_no_study_has_is_refused_with_its_line(
    tmp_path: Path, line: str, message: str
) -> None:
    others = {
        "kind": '"prediction"',
        "name": '"x"',
        "tasks": '["live/digits-chain"]',
        "predictors": '["knn"]',
        "train_sizes": "[8]",
        "seeds": "1",
    }
    rest = [f"{key} = {value}" for key, value in others.items() if not line.startswith(key)]
    (tmp_path / "study.toml").write_text("\n".join([line, *rest]))
    with pytest.raises(UserError, match=message):
        load_study(str(tmp_path / "study.toml"))
