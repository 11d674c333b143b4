"""The Bayesian signed-rank test of a report: equal to baycomp's, with its region stated."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from surrobench.report.common.exhibit import Exhibit
from surrobench.report.common.measures import MEASURES
from surrobench.report.common.style import method_style
from surrobench.report.comparing import equivalence as module
from surrobench.report.comparing.equivalence import ROPE, SAMPLES, equivalence
from surrobench.report.comparing.scores import Scores

baycomp = pytest.importorskip("baycomp", reason="needs baycomp: pip install 'surrobench[bayes]'")


def scores(
    seeds: int = 24,
    measure: str = "kendall_tau",
    size: float = 1.0,
    tasks: tuple[str, ...] = ("t",),
) -> Scores:
    """``good`` and ``same`` differ by less than 0.01, ``bad`` is 0.3 worse; one task."""
    rng = np.random.default_rng(0)
    sign = 1.0 if MEASURES[measure].larger_is_better else -1.0
    tables = {}
    for task in tasks:
        base = rng.normal(0.6, 0.05, seeds)
        columns = {"good": base, "same": base - rng.uniform(0, 0.006, seeds), "bad": base - 0.3}
        tables[task] = pd.DataFrame({name: sign * size * v for name, v in columns.items()})
    names = ["good", "same", "bad"]
    styles = {name: method_style(name) for name in names}
    return Scores(tables, MEASURES[measure], names, styles, measure, "-n50", "with 50 examples")


def only(found: Scores) -> Exhibit:
    (exhibit,) = equivalence(found)
    return exhibit


def test_probabilities_are_those_of_baycomp() -> None:
    found = scores()
    table = only(found).data.set_index("method")
    blocks = found.blocks[0]
    for name in ("same", "bad"):
        expected = baycomp.SignedRankTest.probs(
            blocks["good"].to_numpy(),
            blocks[name].to_numpy(),
            ROPE,
            nsamples=SAMPLES,
            random_state=0,
        )
        columns = ["p_best_better", "p_equivalent", "p_best_worse"]
        assert table.loc[name, columns].to_list() == pytest.approx(list(expected))
        assert sum(expected) == pytest.approx(1)


def test_small_differences_are_equivalent_and_large_ones_are_not() -> None:
    table = only(scores()).data.set_index("method")
    assert table.loc["same", "p_equivalent"] > 0.99
    assert table.loc["bad", "p_best_better"] > 0.99
    assert np.isnan(table.loc["good", "p_equivalent"])


def test_scores_with_a_unit_do_not_depend_on_it() -> None:
    first, second = (only(scores(measure="mae", size=size)).data for size in (1.0, 1000.0))
    columns = ["p_best_better", "p_equivalent", "p_best_worse"]
    np.testing.assert_allclose(first[columns], second[columns])
    assert first["method"].iloc[0] == "good"
    assert set(first["rope"]) == {0.1}


def test_the_region_and_the_blocks_are_stated() -> None:
    exhibit = only(scores())
    assert exhibit.name == "kendall_tau-in-practice-n50"
    assert "differences up to 0.01 are equivalent" in exhibit.notes
    assert "24 blocks (seeds on t alone)" in exhibit.notes
    for text in (exhibit.tex, exhibit.markdown):
        assert text is not None
        assert "0.01" in text
    unit = only(scores(measure="mae")).notes
    assert "differences up to 0.1 standard deviations between seeds of the task" in unit


def test_few_tasks_are_not_put_together() -> None:
    assert not list(equivalence(scores(tasks=("t", "u", "v"))))
    assert not list(equivalence(scores(tasks=("t/1", "t/2", "t/3", "u/1", "u/2"))))


def test_tables_are_the_blocks_of_many_tasks() -> None:
    found = scores(seeds=3, tasks=("a/1", "a/2", "b", "c", "d", "e"))
    exhibit = only(found)
    assert "5 blocks (tables)" in exhibit.notes
    blocks, _ = found.blocks
    first = np.mean([found.tables[task]["bad"].mean() for task in ("a/1", "a/2")])
    assert blocks.loc["a", "bad"] == pytest.approx(first)


def test_nothing_is_said_of_one_seed_or_one_method() -> None:
    found = scores(seeds=1)
    one = replace(found, tables={"t": found.tables["t"]})
    assert not list(equivalence(one))
    single = {task: table[["good"]] for task, table in scores().tables.items()}
    assert not list(equivalence(replace(scores(), tables=single, order=["good"])))


def test_without_the_library_the_report_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LIBRARY", "no_such_library")
    assert not list(equivalence(scores()))
    assert "surrobench[bayes]" in module.missing_library()[0]
