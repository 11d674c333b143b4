"""Search studies: every mistake gets its file, its line and a remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from surrobench.errors import UserError
from surrobench.studies.prediction.config import Study
from surrobench.studies.search.config import SearchStudy
from surrobench.studies.study_file import load_study

GOOD = """\
kind = "search"
name = "mine"
tasks = ["live/digits-chain"]
strategies = ["random", {use = "bayesian", label = "bo", acquisition = "ucb"}, "hyperband"]
evaluations = 50
seeds = 3
seeds_of = {"hyper*" = 2}
predictors = ["gp-rbf", {use = "random-forest", trees = 20, label = "forest"}]
constraints = {params = "<= 5e4"}
"""


def write(folder: Path, text: str) -> str:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def load(folder: Path, text: str) -> SearchStudy:
    study, _ = load_study(write(folder, text))
    assert isinstance(study, SearchStudy)
    return study


def test_a_good_file(tmp_path: Path) -> None:
    study = load(tmp_path, GOOD)
    assert (study.initial, study.batch, study.repeats) == (10, 1, False)
    assert [choice.use for choice in study.strategies] == ["random", "bayesian", "hyperband"]
    assert study.strategies[1].label == "bo"
    assert study.strategies[1].spec == {"use": "bayesian", "acquisition": "ucb"}
    assert study.axes()["predictor"][1].text == "forest"


def test_written_out_and_read_again_it_is_the_same(tmp_path: Path) -> None:
    study = load(tmp_path, GOOD + 'budget_seconds = 20\nencodings = ["default", "path:40"]\n')
    assert load(tmp_path, study.to_toml()) == study


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("evaluations = 50", "evaluations = 0"), "mine.toml:5: evaluations: 0 must be a whole"),
        (("evaluations = 50", "evaluations = 5"), "initial = 10 does not fit evaluations = 5"),
        (("evaluations = 50", "evaluation = 5"), "mine.toml:5: unknown key 'evaluation'. Did you"),
        (('"random",', '"randon",'), "mine.toml:4: unknown strategy 'randon'. Did you mean"),
        (('"ucb"}', '"ubc"}'), "mine.toml:4: unknown acquisition 'ubc'. Did you mean 'ucb'"),
        (("acquisition =", "aquisition ="), "has no option 'aquisition'. Did you mean"),
        (('acquisition = "ucb"', 'predictor = "gp-rfb"'), "unknown predictor 'gp-rfb'. Did you"),
        (('acquisition = "ucb"', 'encoding = "onehot"'), "unknown encoding 'onehot'. Did you"),
        (('"gp-rbf"', '"gp-rbf+quantile"'), "mine.toml:8: unknown transform 'quantile'. Did you"),
        (('"gp-rbf"', '"gp-rfb"'), "mine.toml:8: unknown predictor 'gp-rfb'. Did you mean"),
        (("use = ", "name = "), "is no strategy; write a name or a table"),
        (('"hyperband"]', '"random"]'), "mine.toml:4: strategies: 'random' is listed twice"),
        (('"hyper*" = 2', '"hyper*" = 0'), "mine.toml:7: seeds_of: 0 must be a whole number"),
        (('"hyper*" = 2', "bohb = 2"), "seeds_of: no strategy is called 'bohb'"),
        (('"<= 5e4"', '"< 5e4"'), "mine.toml:9: constraints: constraint on 'params': '< 5e4' is"),
        (('"<= 5e4"', '"<= nan"'), "'<= nan' is not of the form"),
        (("seeds = 3", "seeds = 3\nbatch = 0"), "mine.toml:7: batch: 0 must be a whole number"),
        (("seeds = 3", "seeds = 3\nbudget_seconds = 0"), "mine.toml:7: budget_seconds: 0 must be"),
        (("seeds = 3", "seeds = 3\ntrain_sizes = [3]"), "mine.toml:7: unknown key 'train_sizes'"),
        (('kind = "search"', 'kind = "serch"'), "unknown kind of study 'serch'. Did you mean"),
    ],
)
def test_mistakes(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    assert change[0] in GOOD
    with pytest.raises(UserError) as error:
        load(tmp_path, GOOD.replace(*change))
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (('"random",', '"os:system",'), "the strategy 'os:system' is code .*--add-strategy"),
        (('"ucb"}', '"os:system"}'), "the acquisition 'os:system' is code"),
        (('"gp-rbf"', '"os:system+none"'), "the predictor 'os:system' is code"),
        (('acquisition = "ucb"', 'encoding = "one-hot+os:x"'), "the encoding 'os:x' is code"),
    ],
)
def test_files_may_not_name_code_unless_allowed(
    tmp_path: Path, change: tuple[str, str], named: str
) -> None:
    path = write(tmp_path, GOOD.replace(*change))
    with pytest.raises(UserError, match=named):
        load_study(path)
    study, _ = load_study(path, allow_code=True)
    assert len(list(study.code())) == 1


def test_encodings_with_an_argument_are_no_code(tmp_path: Path) -> None:
    text = GOOD.replace('acquisition = "ucb"', 'encoding = "one-hot+measured:params+path:40"')
    assert list(load(tmp_path, text).code()) == []


def test_the_command_line_replaces_and_adds(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD.replace('seeds_of = {"hyper*" = 2}\n', ""))
    study, _ = load_study(path, ["evaluations=20"], replace={"strategies": ["random"]})
    assert isinstance(study, SearchStudy)
    assert study.evaluations == 20
    assert len(study.strategies) == 1
    study, _ = load_study(path, added_strategies=["genetic"], added_predictors=["knn"])
    assert isinstance(study, SearchStudy)
    assert study.strategies[-1].use == "genetic"
    assert [choice.text for choice in study.predictors or []] == ["gp-rbf", "forest", "knn"]
    with pytest.raises(UserError, match="a search study has no key 'train_sizes'"):
        load_study(path, ["train_sizes=[3]"])
    with pytest.raises(UserError, match="a prediction study has no key 'strategies'"):
        load_study("quickstart", added_strategies=["random"])


def test_there_is_nothing_to_add_a_predictor_to_without_an_axis(tmp_path: Path) -> None:
    text = "".join(line for line in GOOD.splitlines(True) if not line.startswith("predictors"))
    with pytest.raises(UserError, match="leaves predictors to its strategies"):
        load_study(write(tmp_path, text), added_predictors=["knn"])


def test_prediction_studies_are_read_as_before() -> None:
    study, _ = load_study("quickstart")
    assert isinstance(study, Study)
