"""When a search found the best architecture."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def to_optimum() -> Iterator[ModuleType]:
    """The script under test, which is no part of the package."""
    before = list(sys.path)
    sys.path.insert(0, str(ROOT / "benchmarks"))
    import to_optimum

    yield to_optimum
    sys.path[:] = before


def test_the_first_evaluation_without_regret_counts_and_misses_stay(to_optimum: ModuleType) -> None:
    regrets = {("a", 0): [2.0, 0.0, 0.0], ("a", 1): [1.0, 1.0, 0.0], ("b", 0): [3.0, 0.0, 0.0],
               ("b", 1): [3.0, 2.0, 1.0]}  # fmt: skip
    steps = pd.DataFrame(
        [
            {"strategy": strategy, "seed": seed, "evaluation": i, "simple_regret": regret}
            for (strategy, seed), values in regrets.items()
            for i, regret in enumerate(values, 1)
        ]
    )
    found = to_optimum.runs(steps)
    assert found["found_at"].tolist() == [2, 3, 2, pd.NA]
    a, b = to_optimum.summary(found).to_dict("records")
    assert (a["strategy"], a["found"], a["mean"], a["standard_error"]) == ("a", 2, 2.5, 0.5)
    assert (b["strategy"], b["found"], b["by_20"]) == ("b", 1, 0.5)
    assert pd.isna(b["mean"])  # a mean over those that found it leaves out the worst
    assert "| `b` | 1 of 2 | – |" in to_optimum.shown(to_optimum.summary(found))
