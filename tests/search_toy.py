"""A small table with fidelities, costs and a second objective, and strategies that misbehave."""

from __future__ import annotations

import itertools
import random
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CARD = """\
name = "maze"
data = "maze.csv"
decisions = ["a", "b", "c", {column = "op", kind = "categorical"}]
measured = ["params"]
licence = "CC0-1.0"

[tasks.accuracy]
target = "accuracy"
direction = "maximize"
unit = "%"
epochs = 9
fidelities = {1 = "accuracy_1", 3 = "accuracy_3"}
cost = "seconds"

[tasks.latency]
target = "latency"
direction = "minimize"
unit = "ms"

[tasks.partial]
target = "partial"
direction = "maximize"
"""

WILD = '''
    """Strategies that do what none should."""

    import os, random, signal, time
    from surrobench.strategies.evolution.random_search import RandomSearch

    class Raises(RandomSearch):
        def _propose(self, n, rng):
            if len(self.history) >= 8:
                raise RuntimeError("no\\nway")
            return super()._propose(n, rng)

    class Hangs(RandomSearch):
        def _propose(self, n, rng):
            time.sleep(60 if len(self.history) >= 14 else 0.3)
            return super()._propose(n, rng)

    class Dies(RandomSearch):
        def _propose(self, n, rng):
            if len(self.history) >= 8:
                os.kill(os.getpid(), signal.SIGKILL)
            return super()._propose(n, rng)

    class Careless(RandomSearch):
        """Draws from the global generator, as other people's code does."""

        def _propose(self, n, rng):
            free = [arch for arch in self.space if arch not in self.seen()]
            return random.sample(free, n)

    class Slow(RandomSearch):
        def __init__(self, problem, *, seconds=0.05, **common):
            super().__init__(problem, **common)
            self.seconds = seconds

        def _propose(self, n, rng):
            time.sleep(self.seconds)
            return super()._propose(n, rng)
'''


@pytest.fixture(scope="session")
def maze(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a table of 256 architectures, its card, and the module ``wild``."""
    folder = tmp_path_factory.mktemp("maze")
    rng = random.Random(0)
    lines = ["a,b,c,op,params,accuracy_1,accuracy_3,accuracy,seconds,latency,partial"]
    for a, b, c, op in itertools.product(range(4), repeat=4):
        full = 70 + 2 * a - b + 0.5 * c * op + rng.gauss(0, 0.3)
        short = [f"{full - drop + rng.gauss(0, 0.5):.3f}" for drop in (20, 8)]
        partial = f"{full:.3f}" if a < 3 else ""
        latency = 1 + a + 0.5 * c * op + rng.random()
        parts = [a, b, c, "pqrs"[op], 100 + a * b, *short, f"{full:.4f}", 90 + 9 * a]
        lines.append(",".join(map(str, [*parts, f"{latency:.3f}", partial])))
    (folder / "maze.csv").write_text("\n".join(lines) + "\n")
    (folder / "maze.toml").write_text('missing = "allow"\n' + CARD)
    (folder / "wild.py").write_text(textwrap.dedent(WILD))
    patch = pytest.MonkeyPatch()
    patch.syspath_prepend(str(folder))
    yield folder
    patch.undo()


@pytest.fixture
def in_maze(maze: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, as the current folder."""
    monkeypatch.chdir(maze)
    return maze


def search_study(**changes: Any) -> dict[str, Any]:
    """The content of a quick search study of the toy table."""
    study = {
        "kind": "search",
        "name": "maze-study",
        "tasks": ["maze.toml:accuracy"],
        "strategies": ["random", "local-search"],
        "evaluations": 20,
        "initial": 5,
        "seeds": 2,
    }
    return {**study, **changes}
