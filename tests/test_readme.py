"""README is read as it says: its two commands first, then files and examples that hold."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from test_docs import blocks, shown

from surrobench import load_task, run_study

__all__ = ["shown"]

README = Path(__file__).parent.parent / "README.md"
SET_UP = (
    "python3 -m venv .venv && .venv/bin/pip install -c constraints.txt -e . "
    "&& .venv/bin/surrobench run quickstart\n"
)
TESTS = re.compile(
    r"\.venv/bin/pip install -c constraints\.txt -e '\.\[test\]' && "
    r"\.venv/bin/python (-m pytest.*)\n"
)


@pytest.fixture
def page() -> Path:
    """The page whose files are shown."""
    return README


def test_the_first_block_sets_up_and_the_second_runs_the_tests() -> None:
    first, second = blocks(README, "bash")[:2]
    assert first == SET_UP
    command = TESTS.fullmatch(second)
    assert command is not None
    merge = README.parent / ".ci" / "run"
    if merge.is_file():  # which a source distribution has not
        assert f'/python" {command[1]}\n' in merge.read_text(encoding="utf-8")


def test_it_is_a_page() -> None:
    text = README.read_text(encoding="utf-8")
    assert len(text) < 8_000
    folders = re.findall(r"\]\((?!http)([^)#]+)", text)
    assert all((README.parent / folder).exists() for folder in folders)


def test_the_card_describes_the_table(shown: Path) -> None:
    task = load_task("vit.toml:accuracy")
    assert (task.name, task.unit) == ("vit/accuracy", "%")
    assert task.archs.shape == (36, 4)
    assert set(task.measured) == {"params"}


@pytest.mark.slow
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
