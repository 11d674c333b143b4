"""The files that README shows are read as README says."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from surrobench import load_task, run_study
from surrobench.cli.app import app
from surrobench.studies.study_file import load_study

README = Path(__file__).parent.parent / "README.md"


@pytest.fixture
def shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with every file that README shows, and the table that its card describes."""
    for block in re.findall(r"```\w+\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL):
        named = re.match(r"# (\w+\.(?:py|toml))\n", block)
        if named:
            (tmp_path / named[1]).write_text(block, encoding="utf-8")
    rows = ["depth,heads,mlp_ratio,patch,params,top1"]
    for i, (d, h, m, p) in enumerate(itertools.product((10, 11, 12), (2, 3), (2, 4), (8, 16, 32))):
        rows.append(f"{d},{h},{m},{p},{d * h * m},{60 + d + h - p / 8 + 0.01 * i}")
    (tmp_path / "vit.csv").write_text("\n".join(rows), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_the_card_describes_the_table(shown: Path) -> None:
    task = load_task("vit.toml:accuracy")
    assert (task.name, task.unit) == ("vit/accuracy", "%")
    assert task.archs.shape == (36, 4)
    assert set(task.measured) == {"params"}


def test_the_study_is_valid(shown: Path) -> None:
    study, _ = load_study("study.toml")
    assert [str(size) for size in study.train_sizes] == ["32", "128"]


def test_the_search_study_is_valid(shown: Path) -> None:
    study, _ = load_study("search.toml")
    assert study.kind == "search"
    assert [choice.label or choice.use for choice in study.strategies] == [
        "local-search",
        "gp",
        "forest-ucb",
    ]


def test_ask_and_tell_runs() -> None:
    """The loop that README shows, with a training function that counts convolutions."""
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    code = next(block for block in blocks if "strategy.ask" in block)
    space: dict[str, Any] = {"train": lambda arch: float(sum(choice == 3 for choice in arch))}
    exec(code.replace("range(25)", "range(4)").replace("print(", "found = ("), space)
    assert len(space["strategy"].history) == 16
    assert space["found"].value == max(o.value for o in space["strategy"].history)


def test_the_predictor_in_ten_lines_runs(shown: Path) -> None:
    frame = run_study(
        "quickstart",
        out=shown / "run",
        workers=1,
        tasks=["vit.toml"],
        predictors=["mine:Mine", "mine:Mine+quantile-normal", "constant"],
        train_sizes=[20],
        seeds=2,
    )
    assert (frame["status"] == "ok").all()
    assert frame.loc[frame["predictor"] == "mine:Mine", "kendall_tau"].min() > 0.8


def test_every_verb_that_readme_names_exists() -> None:
    text = README.read_text(encoding="utf-8")
    verbs = set(re.findall(r"^surrobench (\w+)", text, re.MULTILINE))
    assert {"run", "report", "status", "info", "prepare"} <= verbs
    assert verbs <= set(get_command(app).commands)
