"""The package as others get it: a wheel, with the example plug-in's wheel beside it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

pytest.importorskip("hatchling", reason="wheels are built with hatchling (the extra 'dev')")
pytest.importorskip("pip", reason="wheels are installed with pip")

ROOT = Path(__file__).parent.parent
PLUG_IN = ROOT / "examples" / "plugin"

STUDY = """
kind = "prediction"
name = "tried"
tasks = ["branin"]
predictors = ["knn", "kernel-ridge"]
encodings = ["default", "choice-counts"]
train_sizes = [40]
seeds = 2
"""

USER = '''
"""What a user writes, with types."""

import surrobench as sb
from surrobench.predictors.predictive import Predictive, predict
from surrobench.predictors.protocol import Predictor
from surrobench_example.predictor import KernelRidge
import torch

space = sb.Space(depth=sb.Integer(1, 8), lr=sb.Real(1e-4, 1e-1, log=True))


def train(depth: int, lr: float) -> float:
    return depth * lr


result = sb.search(space, train, budget=12, strategy="random")
best: float = float("nan") if result.best is None else result.best.value
recipe: Predictor = sb.make_predictor(KernelRidge, penalty=0.5)
X = torch.rand(20, 3, dtype=torch.float64)
found: Predictive = predict(recipe.fit(X, X[:, :1], seed=0), X)
task = sb.load_task("branin/value")
names: list[str] = [variable.name for variable in task.space.variables]
print(best, found.mean, names)
'''


@dataclass(frozen=True)
class Installed:
    """An environment with both wheels."""

    python: Path
    packages: Path
    home: Path

    def run(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """``python …`` there, in an empty folder, with nothing of this checkout on its path."""
        environment = {
            k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")
        }
        environment["COLUMNS"] = "200"
        return subprocess.run(
            [self.python, *map(str, words)],
            cwd=self.home,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def surrobench(self, *words: str) -> str:
        """What a command prints."""
        done = self.run("-m", "surrobench", *words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def build(source: Path, folder: Path) -> Path:
    """A wheel, without a network and without an environment for the build."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    return max(folder.glob("*.whl"), key=lambda path: path.stat().st_mtime_ns)


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("dist")
    return [build(source, folder) for source in (ROOT, PLUG_IN)]


@pytest.fixture(scope="module")
def installed(wheels: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Both wheels in an environment of their own, which borrows the libraries of this one."""
    home = tmp_path_factory.mktemp("home")
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=False)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    code = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
    found = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    packages = Path(found.stdout.strip())
    # Lines in a .pth are read once: an editable checkout in the borrowed folder stays unknown.
    (packages / "borrowed.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index"]
    subprocess.run([*install, "--target", packages, *wheels], check=True, capture_output=True)
    return Installed(python, packages, home)


def test_wheels_hold_what_they_need_and_no_tests(wheels: list[Path]) -> None:
    own, plug_in = (set(zipfile.ZipFile(wheel).namelist()) for wheel in wheels)
    assert {"surrobench/py.typed", "surrobench/tasks/data/digits_chain.parquet"} <= own
    assert {"surrobench_example/branin.toml", "surrobench_example/branin.csv"} <= plug_in
    assert not [name for name in own | plug_in if "test_" in name or name.startswith("tests/")]


def test_the_plug_in_is_listed_beside_an_installed_wheel(installed: Installed) -> None:
    where = installed.run("-c", "import surrobench; print(surrobench.__file__)").stdout.strip()
    assert Path(where).is_relative_to(installed.packages)
    content = json.loads(installed.surrobench("list", "--json"))
    found = {
        (kind, row["name"]): row.get("broken", "")
        for kind, rows in content.items()
        for row in rows
        if row.get("package") == "surrobench-example 1.0"
    }
    assert found == {
        ("predictors", "kernel-ridge"): "",
        ("predictors", "mean-degree"): "",
        ("encodings", "choice-counts"): "",
        ("tasks", "branin"): "",
        ("figures", "tau-against-seconds"): "",
    }
    line = next(
        line
        for line in installed.surrobench("list", "predictors").splitlines()
        if "ridge" in line and "kernel" in line
    )
    assert "Ridge regression with a squared-exponential kernel" in line
    assert line.endswith("[surrobench-example 1.0]")


def test_a_study_uses_all_of_it(installed: Installed) -> None:
    import pandas as pd

    (installed.home / "tried.toml").write_text(STUDY)
    installed.surrobench("run", "tried.toml", "--workers", "1", "--report", "none")
    frame = pd.read_parquet(installed.home / "runs" / "tried" / "results.parquet")
    assert (frame["status"] == "ok").all()
    assert set(frame["encoding"]) == {"numeric", "choice-counts"}
    ridge = frame[(frame["predictor"] == "kernel-ridge") & (frame["encoding"] == "numeric")]
    assert ridge["kendall_tau"].mean() > 0.7
    installed.surrobench("plot", "runs/tried", "--kind", "tau-against-seconds", "--out", "tau.png")
    assert (installed.home / "tau.png").stat().st_size > 1000
    assert "tau-against-seconds" in installed.surrobench("plot", "runs/tried")


def test_types_of_the_installed_package_find_one_mistake_and_no_other(installed: Installed) -> None:
    pytest.importorskip("mypy", reason="types are checked with mypy (the extra 'dev')")
    right, wrong = installed.home / "right.py", installed.home / "wrong.py"
    right.write_text(USER)
    wrong.write_text(USER.replace("budget=12", 'budget="twelve"'))
    command = ["-m", "mypy", "--strict", "--python-executable", installed.python]
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, *map(str, [*command, right, wrong])],
        cwd=installed.home,
        env={**environment, "MYPY_CACHE_DIR": str(installed.home / "mypy")},
        capture_output=True,
        text=True,
        check=False,
    )
    errors = [line for line in done.stdout.splitlines() if ": error: " in line]
    assert len(errors) == 1, done.stdout + done.stderr
    assert errors[0].startswith("wrong.py:")
    assert 'Argument "budget" to "search" has incompatible type "str"' in errors[0]
