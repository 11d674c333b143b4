"""The pages: every command exists with its options, every file is valid, every example runs."""

from __future__ import annotations

import ast
import itertools
import re
import shlex
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from in_process import in_process
from typer.main import get_command

from surrobench import SPACES
from surrobench.cli.app import app
from surrobench.cli.exit_codes import MEANINGS
from surrobench.studies.engine.durations import parse_budget
from surrobench.studies.run_folder.shards import Shard
from surrobench.studies.study_file import load_study
from surrobench.tasks.tables.card_file import read_card

__all__ = ["in_process"]

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = [path for glob in ("*.md", "how-to/*.md", "concepts/*.md") for path in DOCS.glob(glob)]
PAGES = [ROOT / "README.md", *sorted(PAGES)]
NOTEBOOKS = sorted((DOCS / "notebooks").glob("*.py"))
VALUES = {"SLURM_ARRAY_TASK_ID": "3", "SLURM_CPUS_PER_TASK": "4", "shards": "64", "i": "2"}

SMALLER = (
    ("budget=40, workers=4, ", "budget=12, "),
    ("budget=40, ", "budget=12, "),
    ("budget=20, batch=4)", "budget=2, batch=2, initial=2)"),
    ("budget=16,", "budget=11,"),
    ("range(25)", "range(4)"),
    ('"live:cells", device="auto"', '"live:cells", data=digits, recipe=brief, cache=None'),
    ('live_task("live:chain")', 'live_task("live:chain", data=digits, recipe=brief, cache=None)'),
    ('"regularised-evolution", budget=20)', '"regularised-evolution", budget=3, initial=2)'),
    ('live_task("live:cells")', 'live_task("live:cells", data=digits, cache=None)'),
    ("seeds=6,", "seeds=2,"),
    ('"study.toml", workers=2', '"study.toml", tasks=["vit.toml"], train_sizes=[8], seeds=1'),
    ("train_sizes=[8]", 'predictors=["knn"], encodings=["one-hot"], train_sizes=[8]'),
)
"""What the pages show, and what is run in its place: the same in less time."""


def blocks(page: Path, language: str) -> list[str]:
    text = page.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def file_name(block: str) -> str | None:
    """The name of the file that a block shows, if its first line says so."""
    named = re.match(r"# ([\w-]+\.(?:py|toml))\n", block)
    return named[1] if named else None


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


every_page = pytest.mark.parametrize("page", PAGES, ids=name_of)


def commands(page: Path) -> Iterator[list[str]]:
    """The words of every surrobench command of a page, variables replaced, also in quotes."""
    inline = re.findall(r"`(surrobench [^`\n]+)`", page.read_text(encoding="utf-8"))
    for block in [*blocks(page, "bash"), *inline]:
        for line in block.replace("\\\n", " ").splitlines():
            line = re.sub(r"\$\{?(\w+)\}?", lambda name: VALUES.get(name[1], name[0]), line)
            for text in re.findall(r"(?<![\w'\"/.])surrobench (?!-)[^;&>\n]*", line):
                text = text if text.count('"') % 2 == 0 else text.replace('"', "")
                yield shlex.split(text, comments=True)


def test_there_are_pages() -> None:
    names = {page.name for page in PAGES}
    assert {"cluster.md", "tour.md", "predictor.md", "table.md", "calibration.md"} <= names
    verbs = {words[1] for page in PAGES for words in commands(page)}
    assert {"run", "merge", "hash", "report", "prepare", "status", "verify", "plot"} <= verbs


@pytest.mark.slow
@every_page
def test_commands_are_read(page: Path) -> None:
    known = get_command(app).commands  # type: ignore[attr-defined]
    for words in commands(page):
        if words[1] == "COMMAND":
            continue
        verb = known[words[1]]
        if len(words) == 2:  # a verb alone, as sentences name it
            continue
        with verb.make_context(words[1], list(words[2:])) as context:
            given = context.params
        if given.get("shard"):
            assert Shard.parse(given["shard"]).count in (3, 64), words
        if given.get("budget"):
            assert parse_budget(given["budget"]) > 0, words


@every_page
def test_scripts_are_shell(page: Path) -> None:
    for block in blocks(page, "bash"):
        done = subprocess.run(
            ["bash", "-n"], input=block, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (block, done.stderr)


@pytest.fixture
def shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    """A folder with every file that a page shows, and the tables that its cards describe."""
    for language in ("python", "toml"):
        for block in blocks(request.getfixturevalue("page"), language):
            if (named := file_name(block)) is not None:
                (tmp_path / named).write_text(block, encoding="utf-8")
    rows = ["depth,heads,mlp_ratio,patch,params,top1"]
    for i, (d, h, m, p) in enumerate(itertools.product((10, 11, 12), (2, 3), (2, 4), (8, 16, 32))):
        rows.append(f"{d},{h},{m},{p},{d * h * m},{60 + d + h - p / 8 + 0.01 * i}")
    (tmp_path / "vit.csv").write_text("\n".join(rows), encoding="utf-8")
    if not (tmp_path / "vit.toml").exists():  # the page of own tables shows it
        card = next(b for b in blocks(DOCS / "how-to/table.md", "toml") if "vit.csv" in b)
        (tmp_path / "vit.toml").write_text(card, encoding="utf-8")
    rows = ["lr,batch,optimiser,momentum,val_loss,seconds"]
    for i, (lr, b) in enumerate(itertools.product((0.001, 0.01, 0.1), (32, 128))):
        rows += [f"{lr},{b},adam,,{lr + b / 1000 + i},60", f"{lr},{b},sgd,0.9,{lr + i},50"]
    (tmp_path / "runs.csv").write_text("\n".join(rows), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


@pytest.mark.slow
def test_files_are_valid(every_file: tuple[Path, str], shown: Path) -> None:
    """A study loads, a card is read with its table, anything else is TOML at least."""
    _, block = every_file
    content = tomllib.loads(block)
    if content.get("kind") in ("prediction", "search", "pipeline"):
        study, _ = load_study(str(shown / str(file_name(block))), allow_code=True)
        assert study.kind == content["kind"]
    elif "tasks" in content:
        from surrobench import load_task

        card = read_card(shown / str(file_name(block)))
        for task in card.tasks:
            assert len(load_task(f"{file_name(block)}:{task}")) > 10


def _files() -> list[Any]:
    found = [(page, block) for page in PAGES for block in blocks(page, "toml")]
    return [pytest.param(one, id=f"{name_of(one[0])}-{i}") for i, one in enumerate(found)]


@pytest.fixture(params=_files())
def every_file(request: pytest.FixtureRequest) -> tuple[Path, str]:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def page(request: pytest.FixtureRequest) -> Path:
    """The page that a file stands on."""
    chosen: Path = request.getfixturevalue("every_file")[0]
    return chosen


def provided() -> dict[str, Any]:
    """What the pages leave to their readers."""
    from surrobench.training.datasets.digits import distorted_digits
    from surrobench.training.loop.recipe import Recipe

    digits = distorted_digits(train=64, validation=32, test=32)
    return {
        "__name__": "page",
        "digits": digits,
        "brief": Recipe(epochs=1),
        "data": digits,
        "train": lambda arch: float(sum(choice == 3 for choice in arch)),
        "build": lambda arch: _tiny_network(digits),
        "evaluate": lambda arch, epochs, seed: {"accuracy": 0.5},
        "my_accuracy": lambda depth, lr, *_: depth - lr,
    }


def _tiny_network(digits: Any) -> Any:
    from math import prod

    from torch import nn

    return nn.Sequential(nn.Flatten(), nn.Linear(prod(digits.shape), digits.classes))


WITH_CODE = [page for page in PAGES if blocks(page, "python")]


@pytest.mark.slow
@pytest.mark.parametrize("page", WITH_CODE, ids=name_of)
def test_examples_run(page: Path, shown: Path, in_process: list[int]) -> None:
    """All Python of a page, top to bottom; files of tests are run with a check or two."""
    names = provided()
    for block in blocks(page, "python"):
        if "strategy.ask" in block and "train(arch)" in block:
            names["train"] = provided()["train"]
        if (file := file_name(block)) is None:
            for long, short in SMALLER:
                block = block.replace(long, short)
            exec(compile(block, str(page), "exec"), names)
        elif file.startswith("test_"):
            _run_tests(block)
        else:
            compile(block, file, "exec")


def _run_tests(block: str) -> None:
    """The first of the checks that a file of tests is parametrised with."""
    names: dict[str, Any] = {"__name__": "tests_of_page"}
    exec(compile(block, "tests of a page", "exec"), names)
    checks = (names.get("predictor_checks") or names["strategy_checks"])()
    run = next(value for key, value in names.items() if key.startswith("test_my_"))
    run(checks[0])


@pytest.mark.parametrize("page", [DOCS / "how-to/study.md"], ids=name_of)
def test_the_study_is_read_as_shown(page: Path, shown: Path) -> None:
    study, _ = load_study("study.toml")
    assert [str(size) for size in study.train_sizes] == ["32", "128"]


@pytest.mark.parametrize("page", [DOCS / "how-to/search.md"], ids=name_of)
def test_the_search_study_is_read_as_shown(page: Path, shown: Path) -> None:
    study, _ = load_study("search.toml")
    assert [choice.label or choice.use for choice in study.strategies] == [
        "local-search",
        "gp",
        "forest-ucb",
    ]


@pytest.mark.parametrize("page", [DOCS / "how-to/encoding.md"], ids=name_of)
def test_the_encoding_counts(page: Path, shown: Path) -> None:
    from surrobench.encodings import make_encoding

    space = SPACES.create("nb201")
    encoded = make_encoding("one-hot+sums:Counts")([(0, 0, 1, 2, 3, 4)], space, {})
    assert encoded.shape == (1, 30 + 5)
    labels = sorted({label for variable in space.variables for label in variable.choices})
    first = space.variables[0].choices[0]
    assert encoded[0, 30 + labels.index(first)] == 2


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_python(notebook: Path) -> None:
    """They run when the site is built; here their cells parse and begin with a heading."""
    text = notebook.read_text(encoding="utf-8")
    ast.parse(text)
    cells = re.split(r"^# %%", text, flags=re.MULTILINE)
    assert cells[1].startswith(" [markdown]\n# # ")
    assert f"\n{notebook.stem}\n" in (DOCS / "notebooks/index.md").read_text(encoding="utf-8")


def test_the_table_of_statuses_is_that_of_the_code() -> None:
    text = (DOCS / "cluster.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", text, re.MULTILINE)
    assert rows == [(str(status), meaning) for status, meaning in MEANINGS.items()]
