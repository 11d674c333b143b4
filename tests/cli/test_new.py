"""``surrobench new``: packages that work as they are written, cards that say what they assume."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tomllib
from pathlib import Path

import pandas as pd
import pytest
from command_line import Command, command_line
from in_process import in_process

import surrobench as package
from surrobench import load_task

__all__ = ["in_process"]


@pytest.fixture
def surrobench(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Command:
    monkeypatch.chdir(tmp_path)
    return command_line(monkeypatch, capsys, "write_report")


@pytest.mark.slow
def test_the_package_that_is_written_passes_its_own_test(
    surrobench: Command, tmp_path: Path
) -> None:
    done = surrobench("new", "predictor", "my_idea")
    assert done.status == 0, done.err
    home = tmp_path / "my_idea"
    project = tomllib.loads((home / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["surrobench.predictors"] == {"my-idea": "my_idea:MyIdea"}
    assert {str(path.relative_to(home)) for path in home.rglob("*") if path.is_file()} == {
        "pyproject.toml",
        "README.md",
        "my_idea/__init__.py",
        "my_idea/predictor.py",
        "my_idea/py.typed",
        "tests/test_my_idea.py",
    }
    assert "surrobench check my_idea:MyIdea" in done.out
    folders = os.pathsep.join([str(home), str(Path(package.__file__).parent.parent)])
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=home,
        env={**os.environ, "PYTHONPATH": folders},
        capture_output=True,
        text=True,
        check=False,
    )
    assert tested.returncode == 0, tested.stdout
    assert "25 passed" in tested.stdout


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("My Idea", "cannot be the name of a package"),
        ("2fast", "cannot be the name"),
        ("class", "cannot be the name"),
        ("../escape", "cannot be the name"),
        ("numpy", "there is a Python module 'numpy' already"),
        ("bayesian-ridge", "there is a predictor 'bayesian-ridge' already"),
    ],
)
def test_names_that_cannot_be_are_refused(
    surrobench: Command, tmp_path: Path, name: str, told: str
) -> None:
    done = surrobench("new", "predictor", name)
    assert done.status == 1
    assert told in done.err
    assert not list(tmp_path.iterdir())


def test_nothing_is_overwritten(surrobench: Command, tmp_path: Path) -> None:
    (tmp_path / "my_idea").mkdir()
    done = surrobench("new", "predictor", "my-idea")
    assert done.status == 1
    assert "is there already, and nothing is overwritten" in done.err
    assert not list((tmp_path / "my_idea").iterdir())


def trainings(folder: Path) -> Path:
    """Two trainings each of 90 networks, with columns of every role."""
    rng = random.Random(0)
    rows = []
    for depth in range(4, 13, 2):
        for heads in (2, 4, 8):
            for ratio in (1.5, 2, 4):
                for activation in ("relu", "gelu"):
                    for seed in (0, 1):
                        value = 60 + depth + 0.3 * heads + ratio + rng.gauss(0, 0.3)
                        rows.append(
                            {
                                "id": len(rows),
                                "depth": depth,
                                "heads": heads,
                                "mlpRatio": ratio,
                                "activation": activation,
                                "params (M)": depth * heads * ratio,
                                "train_minutes": depth * 3,
                                "train_acc": value + 5,
                                "val_acc": value + 1,
                                "test_acc": value,
                                "seed": seed,
                                "version": "1.0",
                            }
                        )
    pd.DataFrame(rows).to_csv(folder / "vit.csv", index=False)
    return folder / "vit.csv"


def test_a_card_is_drafted_loaded_and_studied(
    surrobench: Command, in_process: list[int], tmp_path: Path
) -> None:
    done = surrobench("new", "table", str(trainings(tmp_path)))
    assert done.status == 0, done.err
    card = tomllib.loads((tmp_path / "vit.toml").read_text())
    assert card["decisions"] == ["depth", "heads", "mlpRatio", "activation"]
    assert card["measured"] == {"params": "params (M)"}
    assert card["tasks"] == {
        "test-acc": {
            "target": "test_acc",
            "direction": "maximize",
            "unit": "%",
            "cost": "train_minutes",
            "cost_unit": "min",
        }
    }
    for sentence in (
        "'test_acc' is the target by its name (of 'train_acc', 'val_acc', 'test_acc')",
        "larger values of 'test_acc' are better, by its name.",
        "'train_acc' is left out: another result, which nobody knows before training.",
        "'id' is left out: it is different in every row, an identifier.",
        "'version' is left out: it never changes.",
        "rows with equal decisions are trainings of one network and averaged",
        "'params (M)' is what the predictor 'params' ranks by.",
        "activation: categorical, 2 choices",
    ):
        assert sentence in done.out
    task = load_task("vit.toml")
    assert (len(task), task.unit) == (90, "%")
    words = ["--task", "vit.toml", "--predictor", "params", "--seeds", "1", "--report", "none"]
    ran = surrobench("run", "quickstart", *words, "--set", "train_sizes=[30]")
    assert ran.status == 0, ran.err
    assert "unavailable" not in ran.out + ran.err
    assert in_process == [1]


def test_columns_are_called_as_predictors_ask_where_one_alone_is_meant(
    surrobench: Command, tmp_path: Path
) -> None:
    rows = ["width,GFLOPs,params_total,params_encoder,acc"]
    rows += [f"{w},{w / 7},{w * 3},{w * 2},{0.7 + w / 1000}" for w in (8, 16, 32, 64)]
    (tmp_path / "nets.csv").write_text("\n".join(rows) + "\n")
    done = surrobench("new", "table", "nets.csv")
    assert done.status == 0, done.err
    card = tomllib.loads((tmp_path / "nets.toml").read_text())
    assert card["measured"] == {
        "flops": "GFLOPs",
        "params_total": "params_total",
        "params_encoder": "params_encoder",
    }


def test_losses_and_gaps_are_read_as_what_they_are(surrobench: Command, tmp_path: Path) -> None:
    rows = ["op;kernel;loss"]
    rows += [f"conv;{kernel};{1 / kernel + i / 100:.3f}" for i, kernel in enumerate((1, 3, 5, 7))]
    rows += ["pool;;0,9".replace(",", "."), "attention;;", "skip;;0.7"]
    (tmp_path / "ops.csv").write_text("\n".join(rows) + "\n")
    done = surrobench("new", "table", "ops.csv", "--out", "first.toml")
    assert done.status == 0, done.err
    card = tomllib.loads((tmp_path / "first.toml").read_text())
    assert card["tasks"]["loss"]["direction"] == "minimize"
    assert (card["absent"], card["missing"]) == ("not-there", "allow")
    assert "1 row without a value of 'loss', left out." in done.out
    assert len(load_task("first.toml")) == 6


def test_a_target_without_a_telling_name_is_guessed_loudly_or_given(
    surrobench: Command, tmp_path: Path
) -> None:
    rows = [f"{a},{b},{a * 7 + b * b},{a + b / 7:.4f}" for a in range(6) for b in range(6)]
    (tmp_path / "t.csv").write_text("a,b,second,third\n" + "\n".join(rows) + "\n")
    done = surrobench("new", "table", "t.csv", "--target", "third")
    assert "'third' is the target, as you said." in done.out
    assert "LOOK AT THIS" in done.out
    guessed = surrobench("new", "table", "t.csv", "--out", "other.toml")
    assert "'third' is the target, as the last column of many different numbers" in guessed.out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nowhere.csv"], "there is no file nowhere.csv"),
        (["words.csv"], "no column looks like a result"),
        (["words.csv", "--target", "colour"], "Did you mean 'color'"),
        (["words.csv", "--target", "color"], "'color' must hold numbers, and holds words"),
        (["words.csv", "--out", "card.txt"], "a card is a .toml file beside its table"),
        (["alone.csv"], "no column is left that could describe an architecture"),
        (["code.pkl"], "files can run code"),
    ],
)
def test_tables_without_a_card_say_why(
    surrobench: Command, tmp_path: Path, words: list[str], told: str
) -> None:
    (tmp_path / "words.csv").write_text("color,shape\nred,round\nblue,square\ngreen,flat\n")
    (tmp_path / "alone.csv").write_text("id,accuracy\n1,0.5\n2,0.6\n3,0.8\n")
    (tmp_path / "code.pkl").write_bytes(b"\x80\x04.")
    done = surrobench("new", "table", *words)
    assert done.status == 1
    assert told in done.err
    assert not list(tmp_path.glob("*.toml"))


def test_a_card_is_not_overwritten(surrobench: Command, tmp_path: Path) -> None:
    (tmp_path / "vit.toml").write_text("mine")
    done = surrobench("new", "table", str(trainings(tmp_path)))
    assert done.status == 1
    assert "nothing is overwritten" in done.err
    assert (tmp_path / "vit.toml").read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("predictor", "my_idea", "--in", "t.csv"), "Not a directory"),
        (("table", "t.csv", "--out", "x" * 300 + ".toml"), "File name too long"),
    ],
)
def test_a_place_that_cannot_be_written_to_is_a_sentence(
    surrobench: Command, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    (tmp_path / "t.csv").write_text("depth,acc\n1,90\n2,91\n3,93\n")
    done = surrobench("new", *arguments)
    assert done.status == 1
    assert said in done.err
    assert "that can be written to" in done.err
    assert "bug" not in done.err
