from __future__ import annotations

import subprocess
import sys

import pytest

from surrobench.errors import UserError
from surrobench.tasks import display_name, expand_tasks, load_task, prepare, task_names
from surrobench.tasks.catalogue import bundled
from surrobench.tasks.recipes import RECIPES
from surrobench.tasks.tables.card_file import read_card


def test_names_say_what_is_measured():
    names = task_names()
    for name in (
        "live/digits-chain",
        "nb201/cifar10-val",
        "nb201/cifar10-val-run",
        "nb201/cifar10-test",
        "nb201/cifar100-test",
        "nb201/in16-test",
        "nb201-hw/cifar10-raspi4-latency",
        "nb201-robust/fgsm-1",
        "tnb101-micro/class_scene",
        "tnb101-macro/room_layout",
        "hat/wmt14ende-cpu-xeon-encoder",
        "nbnlp-wikitext2/val-loss",
    ):
        assert name in names
    assert len(names) == len(set(names))


def test_the_quick_reading_agrees_with_the_full_one():
    for name, (path, tasks) in bundled().items():
        card = read_card(path)
        assert (card.name, tuple(card.tasks)) == (name, tasks)
        assert card.licence != "not stated"
        assert card.citation
        assert card.bibtex.startswith("@")
        assert card.data is not None or card.recipe in RECIPES


def test_listing_imports_nothing_heavy():
    code = (
        "import sys, surrobench.tasks as t; t.task_names(); "
        "heavy = {'numpy', 'pandas', 'pyarrow', 'pydantic', 'torch', 'sklearn', 'scipy'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_a_card_stands_for_all_its_tasks():
    assert expand_tasks("nb201")[0] == "nb201/cifar10-val"
    assert len(expand_tasks("nb201")) == 5
    assert expand_tasks("nb201/in16-test") == ["nb201/in16-test"]
    assert display_name("nb201/in16-test") == "nb201/in16-test"


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("nb201/cifar10-vall", "'nb201/cifar10-val'"),
        ("nb2o1/cifar10-val", "'nb201/cifar10-val'"),
        ("nowhere.toml:a", "no card nowhere.toml"),
        ("nb201", "holds several tasks"),
    ],
)
def test_unknown_names_get_suggestions(spec, expected):
    with pytest.raises(UserError, match=expected):
        load_task(spec)


def test_unknown_tables_cannot_be_prepared():
    with pytest.raises(UserError, match="Did you mean 'nb201'"):
        prepare("nb20")


def test_a_table_that_is_not_here_names_the_command(monkeypatch, tmp_path):
    monkeypatch.setenv("SURROBENCH_CACHE", str(tmp_path))
    monkeypatch.delenv("SURROBENCH_MIRROR", raising=False)
    with pytest.raises(UserError, match="surrobench prepare nb201"):
        load_task("nb201/cifar10-val")


def test_a_collection_stands_for_tasks_each_of_which_is_a_question_of_its_own() -> None:
    units = {}
    for name, (path, _) in bundled().items():
        card = read_card(path)
        units |= {f"{name}/{task}": told for task, told in card.tasks.items()}
    distinct = {name for name, told in units.items() if told.ranks_as is None}
    everything = expand_tasks("@all")
    assert set(everything) == distinct
    assert len(everything) == len(distinct)
    assert {units[task].unit for task in expand_tasks("@latency")} == {"ms"}
    assert {units[task].unit for task in expand_tasks("@energy")} == {"mJ"}
    assert not {"ms", "mJ"} & {units[task].unit for task in expand_tasks("@accuracy")}
    parts = [expand_tasks(spec) for spec in ("@accuracy", "@latency", "@energy", "@hpo")]
    assert sorted(task for part in parts for task in part) == sorted(everything)
    assert set(expand_tasks("@small")) < set(everything)


def test_a_collection_is_no_task_and_has_a_name() -> None:
    with pytest.raises(UserError, match=r"stands for several tasks.*list tasks @hpo"):
        load_task("@hpo")
    with pytest.raises(UserError, match=r"unknown collection '@acuracy'.*'@accuracy'"):
        expand_tasks("@acuracy")
