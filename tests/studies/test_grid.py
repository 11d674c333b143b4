"""The plan: complete, in a fixed order, with keys that change when the numbers could."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from toy import toy_study

from surrobench.errors import UserError
from surrobench.studies.plan import Plan
from surrobench.studies.prediction.config import Study
from surrobench.studies.prediction.plan import make_plan
from surrobench.studies.run_folder.plan_file import PlannedCells, read_plan_file, summarise_skipped


def plan(base: Path, **changes: Any) -> Plan:
    return make_plan(Study.read(toy_study(**changes)), base)


def test_every_combination_once(toy: Path) -> None:
    cells = plan(toy, encodings=["one-hot", "ordinal"]).cells
    assert len(cells) == 3 * 2 * 2 * 2
    assert len({cell.key for cell in cells}) == len({cell.name() for cell in cells}) == len(cells)
    assert {cell.task for cell in cells} == {"toy/accuracy"}
    assert cells == plan(toy, encodings=["one-hot", "ordinal"]).cells


def test_a_predictor_with_its_own_encoding_appears_once(toy: Path) -> None:
    cells = plan(toy, predictors=["params", "knn"], encodings=["one-hot", "ordinal"]).cells
    encodings = {(cell.predictor, cell.encoding) for cell in cells}
    assert encodings == {
        ("params", "measured:params"),
        ("knn", "one-hot"),
        ("knn", "ordinal"),
    }


def test_one_predictor_may_be_given_an_encoding_of_its_own(toy: Path) -> None:
    own = [{"use": "knn", "encoding": "ordinal"}, "constant"]
    cells = plan(toy, predictors=own).cells
    assert {(cell.predictor, cell.encoding) for cell in cells} == {
        ("knn", "ordinal"),
        ("constant", "categorical+numeric"),
    }
    axis = plan(toy, predictors=["knn"], encodings=["ordinal"]).cells
    assert [cell.key for cell in cells if cell.predictor == "knn"] == [cell.key for cell in axis]
    same = {"use": "knn", "encoding": "categorical+numeric"}  # what the first has by default
    both = plan(toy, predictors=["knn", *own, same]).cells
    assert len({cell.key for cell in both}) == len(both) == 3 * 4
    written = tomllib.loads(Study.read(toy_study(predictors=own)).to_toml())
    assert written["predictors"] == own


@pytest.mark.parametrize(
    ("predictor", "message"),
    [
        ({"use": "params", "encoding": "ordinal"}, "insists on the encoding 'measured:params'"),
        ({"use": "knn", "encoding": "ordinall"}, "Did you mean 'ordinal'"),
        ({"use": "knn", "encoding": 3}, "must be a text"),
    ],
)
def test_an_encoding_that_a_predictor_cannot_have_is_refused(
    toy: Path, predictor: Any, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        plan(toy, predictors=[predictor])


def test_a_class_that_insists_on_a_misspelt_encoding_is_refused_before_any_cell(
    toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "wants_typo.py").write_text(
        "class Mine:\n    encoding = 'one-hott'\n"
        "    def fit(self, X, y): ...\n    def predict(self, X): ...\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(UserError, match="unknown encoding 'one-hott'"):
        plan(toy, predictors=["wants_typo:Mine"])


def test_the_default_encoding_is_that_of_the_task(toy: Path) -> None:
    assert {cell.encoding for cell in plan(toy).cells} == {"categorical+numeric"}


def test_transforms_are_an_axis_and_stand_in_the_name(toy: Path) -> None:
    cells = plan(toy, predictors=["knn"], transforms=["standardise", "quantile-normal"]).cells
    assert {(cell.predictor, cell.transform) for cell in cells} == {
        ("knn", "standardise"),
        ("knn+quantile-normal", "quantile-normal"),
    }


def test_a_transform_in_the_name_is_the_same_cell(toy: Path) -> None:
    by_axis = plan(toy, predictors=["knn"], transforms=["quantile-normal"]).cells
    by_name = plan(toy, predictors=["knn+quantile-normal"]).cells
    by_default = plan(toy, predictors=["knn+standardise"]).cells
    assert [cell.key for cell in by_axis] == [cell.key for cell in by_name]
    assert [cell.key for cell in by_default] == [
        cell.key for cell in plan(toy, predictors=["knn"]).cells
    ]


def test_keys_depend_on_what_the_numbers_depend_on(toy: Path) -> None:
    def key(**changes: Any) -> str:
        study = {"predictors": ["zoo:Lines"], "train_sizes": [8], "seeds": [1], **changes}
        return plan(toy, **study).cells[0].key

    assert key() == key(name="other", timeout_seconds=5.0, memory_gib=1.0)
    others = {
        key(seeds=[2]),
        key(train_sizes=[9]),
        key(protocol="white2021"),
        key(encodings=["ordinal"]),
        key(predictors=[{"use": "zoo:Lines", "label": "zoo:Lines", "slope": 2.0}]),
    }
    assert len({key(), *others}) == 6


def test_edited_code_gets_new_keys(
    tmp_path: Path, toy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    source = (toy / "zoo.py").read_text()
    monkeypatch.syspath_prepend(str(tmp_path))
    keys = []
    for text in (source, source, source + "\n# edited\n"):
        (tmp_path / "menagerie.py").write_text(text)
        sys.modules.pop("menagerie", None)
        keys.append(plan(toy, predictors=["menagerie:Lines"]).cells[0].key)
    assert keys[0] == keys[1] != keys[2]


def test_large_sizes_are_skipped_by_name_and_told(toy: Path) -> None:
    made = plan(
        toy, predictors=["gp-rbf", "gp-rbf-ard", "gp-rbf-ard+none"], max_train_size={"gp-*-ard": 8}
    )
    assert {cell.train_size for cell in made.cells if cell.predictor == "gp-rbf"} == {8, 16}
    assert {cell.train_size for cell in made.cells if "-ard" in cell.predictor} == {8}
    assert summarise_skipped(made.skipped) == [
        "gp-rbf-ard, gp-rbf-ard+none: 4 cells at train size 16 on 1 task (max_train_size)"
    ]


def test_sizes_beyond_the_pool_are_refused_or_skipped(toy: Path) -> None:
    with pytest.raises(UserError, match=r"256 architectures.*at most 254.*not 300.*small_pools"):
        plan(toy, train_sizes=[8, 300])
    made = plan(toy, train_sizes=[8, 300], small_pools="skip")
    assert {cell.train_size for cell in made.cells} == {8}
    assert {skip.reason for skip in made.skipped} == {"the task has too few architectures"}
    with pytest.raises(
        UserError, match=r"256 architectures; the study trains on 300, 400\. .*=\[85,170"
    ):
        plan(toy, train_sizes=[300, 400], small_pools="skip")


def test_sizes_that_fit_a_small_table_are_chosen_and_said(toy: Path) -> None:
    made = plan(toy, train_sizes=[300, 400], small_pools="fit")
    assert {cell.train_size for cell in made.cells} == {85, 170}
    (reason,) = {skip.reason for skip in made.skipped}
    assert reason == "256 architectures; instead trained on 85, 170"
    some = plan(toy, train_sizes=[8, 300], small_pools="fit")
    assert {cell.train_size for cell in some.cells} == {8}, "sizes that fit are left alone"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tasks": ["toy"]}, "unknown task 'toy'"),
        ({"tasks": ["absent.toml"]}, "absent.toml"),
        ({"tasks": ["toy.toml:acuracy"]}, "Did you mean 'accuracy'"),
        ({"predictors": ["no_module:X"]}, "no module 'no_module'"),
        ({"predictors": ["zoo:Lyons"]}, "no attribute 'Lyons'. Did you mean 'Lines'"),
        ({"predictors": [{"use": "knn", "neighbors": 3}]}, "no option 'neighbors'"),
        (
            {"predictors": [{"use": "knn", "label": "x"}, {"use": "svr", "label": "x"}]},
            "called 'x'",
        ),
        ({"protocol": "graf"}, "without-unreachable"),
    ],
)
def test_mistakes_are_found_before_any_work(
    toy: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError) as error:
        plan(toy, **changes)
    assert message in str(error.value)


def test_the_plan_of_a_folder_is_kept_and_grows(toy: Path, tmp_path: Path) -> None:
    planned = PlannedCells()
    planned.add(plan(toy, predictors=["knn"]))
    planned.save(tmp_path)
    again = read_plan_file(tmp_path)
    assert again == planned
    again.add(plan(toy, predictors=["constant"], train_sizes=[8]))
    assert len(again.keys) == 4 + 2
    assert again.changed(plan(toy, predictors=["knn", "constant"])) == []


def test_a_damaged_plan_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text('{"cells": [')
    with pytest.raises(UserError, match="delete it and run the study again"):
        read_plan_file(tmp_path)


@pytest.mark.slow
def test_a_hundred_thousand_cells_have_distinct_keys(toy: Path) -> None:
    sizes, seeds = list(range(1, 201)), 250
    cells = plan(toy, predictors=["knn", "constant"], train_sizes=sizes, seeds=seeds).cells
    assert len({cell.key for cell in cells}) == 100_000
