"""A small table with a card, and predictors that behave well or badly."""

from __future__ import annotations

import itertools
import os
import random
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CARD = """\
name = "toy"
data = "toy.csv"
decisions = ["a", "b", "c", {column = "op", kind = "categorical"}]
measured = ["params"]
licence = "CC0-1.0"

[tasks.accuracy]
target = "accuracy"
direction = "maximize"
unit = "%"
"""

ZOO = """
    import os, random, signal, time
    import numpy as np

    class Lines:
        \"\"\"A regression on purpose sprinkled with noise of the global generators.\"\"\"

        def __init__(self, slope=1.0, seconds=0.0):
            self.slope, self.seconds = slope, seconds

        def fit(self, X, y):
            time.sleep(self.seconds)
            self.weights = np.linalg.lstsq(X, y - y.mean(), rcond=None)[0] * self.slope
            self.offset = y.mean() + 1e-3 * (np.random.rand() + random.random())

        def predict(self, X, return_std=False):
            mean = X @ self.weights + self.offset
            return (mean, np.full(len(X), 1.0)) if return_std else mean

    class Raises(Lines):
        def fit(self, X, y):
            raise RuntimeError("no\\nway")

    class Dies(Lines):
        def fit(self, X, y):
            os.kill(os.getpid(), signal.SIGKILL)

    class DiesAtFirst(Lines):
        def fit(self, X, y):  # killed as often as a file has lines; each death takes one
            with open(os.environ["SURROBENCH_TEST_DEATHS"], "r+") as file:
                left = file.readlines()
                file.seek(0)
                file.truncate()
                file.writelines(left[1:])
            if left:
                os.kill(os.getpid(), signal.SIGKILL)
            super().fit(X, y)

    class Exits(Lines):
        def fit(self, X, y):
            os._exit(3)

    class Hangs(Lines):
        def fit(self, X, y):
            while True:
                pass

    class Hungry(Lines):
        def fit(self, X, y):
            raise MemoryError("1 PiB")

    class NotANumber(Lines):
        def predict(self, X, return_std=False):
            mean = np.full(len(X), np.nan)
            return (mean, mean) if return_std else mean

    class WrongShape(Lines):
        def predict(self, X, return_std=False):
            return (np.zeros(3), np.ones(3)) if return_std else np.zeros(3)

    class Scribbles(Lines):
        def fit(self, X, y):
            X[:] = 0.0

    class NotAModel:
        def fit(self, X, y, *, seed):
            return 3
"""


@pytest.fixture(scope="session")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a table of 256 architectures, its card, and the module ``zoo``."""
    folder = tmp_path_factory.mktemp("toy")
    rng = random.Random(0)
    lines = ["a,b,c,op,params,accuracy"]
    for a, b, c, op in itertools.product(range(4), repeat=4):
        accuracy = 70 + 2 * a - b + 0.5 * c * op + rng.gauss(0, 0.3)
        lines.append(f"{a},{b},{c},{'pqrs'[op]},{100 + a * b},{accuracy:.4f}")
    (folder / "toy.csv").write_text("\n".join(lines) + "\n")
    (folder / "toy.toml").write_text(CARD)
    (folder / "zoo.py").write_text(textwrap.dedent(ZOO))
    patch = pytest.MonkeyPatch()
    patch.syspath_prepend(str(folder))
    yield folder
    patch.undo()


@pytest.fixture
def in_toy(toy: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, as the current folder."""
    monkeypatch.chdir(toy)
    return toy


def toy_study(**changes: Any) -> dict[str, Any]:
    """The content of a quick study of the toy table."""
    study = {
        "kind": "prediction",
        "name": "toy-study",
        "tasks": ["toy.toml"],
        "predictors": ["knn", "constant", "zoo:Lines"],
        "train_sizes": [8, 16],
        "seeds": 2,
    }
    return {**study, **changes}


def command_environment(toy: Path) -> dict[str, str]:
    """The environment of a ``surrobench`` process that finds the package and the zoo."""
    import surrobench

    folders = [os.environ.get("PYTHONPATH", ""), Path(surrobench.__file__).parent.parent, toy]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, filter(None, folders)))}
