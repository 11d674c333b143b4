"""The training of the in-context predictor on published tables: what is left out, what is drawn."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _beside_the_scripts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    yield
    for name in [name for name in sys.modules if name.startswith("pfn")]:
        del sys.modules[name]


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Tables that were looked at since; each has one made-up task of 300 networks."""
    import pfn_tables

    tables: set[str] = set()

    def load(name: str) -> Any:
        tables.add(name.partition("/")[0])
        rng = np.random.default_rng(len(tables))
        X = rng.integers(0, 2, size=(300, 5)).astype(float)
        return SimpleNamespace(
            space=None, encode=lambda _: X, truth=rng.random(300), groups=np.arange(300) // 2
        )

    monkeypatch.setattr(pfn_tables, "load_task", load)
    monkeypatch.setattr(pfn_tables, "expand_tasks", lambda table, _: [f"{table}/task"])
    monkeypatch.setattr(pfn_tables, "default_encoding", lambda _: "any")
    return tables


def test_every_judged_table_is_in_one_fold() -> None:
    from pfn import SETS
    from pfn_tables import FOLDS

    judged = sorted({task.partition("/")[0] for tasks in SETS.values() for task in tasks})
    in_folds = [table for spaces in FOLDS.values() for space in spaces for table in space]
    assert sorted(in_folds) == judged


def test_tables_of_one_space_are_in_one_fold() -> None:
    from pfn_tables import fold_of

    families = (
        ("nb201", "nb201-360", "nb201-hw", "nb201-robust", "nb201-supernet", "live-cells"),
        ("nb201", "suite-zero-nb201", "tnb101-micro", "suite-zero-tnb101-micro"),
        ("nb301-surrogate", "suite-zero-nb301", "darts-oncenas"),
        ("nbnlp", "nbnlp-wikitext2"),
    )
    for family in families:
        assert len({fold_of(table) for table in family}) == 1


def test_no_fold_is_trained_on_a_table_that_it_is_judged_on(loaded: set[str]) -> None:
    from pfn_tables import FOLDS, draw_published, learned_from, published

    everything = {table for spaces in FOLDS.values() for space in spaces for table in space}
    for fold, spaces in FOLDS.items():
        own = {table for space in spaces for table in space}
        published.cache_clear()
        loaded.clear()
        rng = np.random.default_rng(0)
        for _ in range(1000):
            draw_published(rng, learned_from(fold), 8)
        assert loaded == everything - own


def test_queries_are_never_networks_that_are_examples(loaded: set[str]) -> None:
    from pfn_tables import QUERIES, draw_published, published

    task = published("table/task")
    task.X[:] = task.groups[:, None]
    for seed in range(20):
        X, y = draw_published(np.random.default_rng(seed), [("table",)], 32)
        assert len(X) == len(y) == 32 + QUERIES
        assert not set(X[:32, 0]) & set(X[32:, 0])


def test_batches_hold_the_stated_share_of_published_tables(loaded: set[str]) -> None:
    from pfn_tables import draw_mixed

    def draw(seed: int, share: float) -> Any:
        return draw_mixed(np.random.default_rng(seed), [("table",)], 4, share)

    for seed in range(5):
        (made_up, real), again, (alone,) = draw(seed, 0.5), draw(seed, 0.5), draw(seed, 0.0)
        assert len(made_up.X) == len(real.X) == 2
        assert len(alone.X) == 4
        assert real.X.shape[2] == 5
        assert np.array_equal(made_up.y, alone.y[:2])
        assert all(np.array_equal(a.X, b.X) for a, b in zip((made_up, real), again, strict=True))
        assert all(np.array_equal(a.y, b.y) for a, b in zip((made_up, real), again, strict=True))


def test_varied_targets_keep_most_of_their_order() -> None:
    from pfn_tables import vary
    from scipy.stats import spearmanr

    y = np.random.default_rng(0).random(96)
    varied = [vary(np.random.default_rng(seed), y) for seed in range(200)]
    relation = np.array([spearmanr(y, other).statistic for other in varied])
    assert (np.abs(relation) > 0.4).all()
    assert 0.1 < (relation < 0).mean() < 0.4
    assert 0.3 < np.mean([np.array_equal(np.abs(other), y) for other in varied]) < 0.7
