"""The table of ratios is worked out right from what pytest-benchmark writes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def modules():
    """The modules under test, which are no part of the package."""
    sys.path.insert(0, str(BENCHMARKS))
    try:
        import ratio_table
        import speed_rows
    finally:
        sys.path.remove(str(BENCHMARKS))
    return ratio_table, speed_rows


def written(path: Path, **medians: float) -> Path:
    """A file as pytest-benchmark writes it, with what is read of it."""
    entries = [
        {"name": name, "stats": {"median": median, "rounds": 5, "mean": 9e9}, "extra_info": {}}
        for name, median in medians.items()
    ]
    path.write_text(json.dumps({"benchmarks": entries, "machine_info": {}}))
    return path


def line(modules, timings, **row):
    ratio_table, speed_rows = modules
    frame = ratio_table.ratio_table(timings, [speed_rows.Row("work", **row)])
    return frame.iloc[0]


def test_ratio_is_baseline_over_ours_and_parts_are_added_up(modules, tmp_path) -> None:
    path = written(tmp_path / "b.json", fit=1.0, predict=3.0, peer=120.0, floor=0.5)
    timings = modules[0].read_benchmarks(path)
    row = {"ours": ("fit", "predict"), "baseline": ("peer",), "floor": ("floor",)}
    met = line(modules, timings, **row, least_ratio=30.0)
    assert (met["ours_s"], met["ratio"], met["over_floor"]) == (4.0, 30.0, 8.0)
    assert (met["required"], met["met"], met["rounds"]) == ("≥ 30×", "yes", "5/5")
    assert line(modules, timings, **row, least_ratio=30.1)["met"] == "no"
    assert line(modules, timings, **row, most_floors=8.0)["met"] == "yes"
    assert line(modules, timings, **row, most_floors=7.9)["met"] == "no"
    assert line(modules, timings, **row, most_seconds=3.9)["met"] == "no"
    assert line(modules, timings, **row)["met"] == ""


def test_what_was_not_measured_is_neither_met_nor_missed(modules, tmp_path) -> None:
    timings = modules[0].read_benchmarks(written(tmp_path / "b.json", ours=1.0))
    found = line(modules, timings, ours=("ours",), baseline=("peer",), least_ratio=2.0)
    assert np.isnan(found["ratio"])
    assert found["met"] == "not measured"
    assert modules[0].read_benchmarks(tmp_path / "none.json") == {}


def test_search_is_the_sum_over_interpolated_steps(modules) -> None:
    ratio_table, speed_rows = modules
    steps = {10: 1.0, 149: 140.0}  # linear: a step at n takes n - 9 seconds
    timings = {f"test_step_botorch[{n}]": ratio_table.Timing(s, 3) for n, s in steps.items()}
    found = ratio_table.derived(timings)[speed_rows.INTEGRATED_BOTORCH]
    assert found.seconds == pytest.approx(sum(range(1, 141)))
    assert "extrapolated" in found.facts["note"]
    timings[speed_rows.WHOLE_BOTORCH] = ratio_table.Timing(7.0, 1)
    assert ratio_table.derived(timings)[speed_rows.INTEGRATED_BOTORCH].seconds == 7.0


def test_cell_that_does_nothing_is_the_slope_between_runs(modules) -> None:
    ratio_table, speed_rows = modules
    runs = {"test_no_op_cells[50]": 4.5, "test_no_op_cells[550]": 9.5}
    timings = {name: ratio_table.Timing(seconds, 3) for name, seconds in runs.items()}
    found = ratio_table.derived(timings)[speed_rows.NO_OP_CELL]
    assert found.seconds == pytest.approx(0.010)


def searches(modules, ours, theirs):
    timing = modules[0].Timing
    return {"a": timing(1.0, 5, {"regrets": ours}), "b": timing(50.0, 5, {"regrets": theirs})}


def test_ratio_counts_only_at_no_higher_regret(modules) -> None:
    rng = np.random.default_rng(0)
    theirs = rng.random(20).tolist()
    row = {"ours": ("a",), "baseline": ("b",), "least_ratio": 20.0, "no_worse": ("b",)}
    equal = searches(modules, rng.permutation(theirs).tolist(), theirs)
    assert line(modules, equal, **row)["met"] == "yes"
    worse = searches(modules, [regret + 0.1 + 0.01 * rng.random() for regret in theirs], theirs)
    found = line(modules, worse, **row)
    assert found["met"] == "no"
    assert "over 20 seeds" in found["notes"]


def test_regrets_are_paired_over_the_seeds_that_both_have(modules) -> None:
    timings = searches(modules, [1.0, 2.0, 3.0, 100.0], [0.0, 1.5, 2.0])
    found = modules[0].compare_regrets(timings, "a", "b")
    assert (found.ours, found.seeds) == (2.0, 3)
    # Differences 1, 0.5, 1: mean 5/6, standard error 1/6, Student's quantile 4.3027.
    assert found.low == pytest.approx(5 / 6 - 4.302653 / 6, abs=1e-6)
    assert not found.no_worse


def test_ratio_counts_only_at_equal_likelihood(modules) -> None:
    timing = modules[0].Timing
    row = {"ours": ("a",), "baseline": ("b",), "least_ratio": 20.0}
    for ours, met in ((-1.0005, "yes"), (-0.9, "yes"), (-1.002, "no")):
        timings = {
            "a": timing(1.0, 5, {"log_posterior": ours}),
            "b": timing(50.0, 5, {"log_posterior": -1.0}),
        }
        assert line(modules, timings, **row)["met"] == met


def test_timings_are_kept_and_read_again(modules, tmp_path) -> None:
    ratio_table, _ = modules
    timings = {"b": ratio_table.Timing(0.1, 3, {"regrets": [0.2]}), "a": ratio_table.Timing(2.0, 5)}
    ratio_table.save(timings, tmp_path / "t.json")
    assert ratio_table.load(tmp_path / "t.json") == timings
    assert ratio_table.load(tmp_path / "none.json") == {}


def defined_benchmarks() -> set[str]:
    """Names of all benchmark functions."""
    import ast

    return {
        node.name
        for path in BENCHMARKS.glob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def test_every_row_names_benchmarks_that_exist(modules) -> None:
    _, speed_rows = modules
    derived = {speed_rows.INTEGRATED_BOTORCH, speed_rows.NO_OP_CELL}
    names = {
        name for row in speed_rows.ROWS for name in (*row.ours, *row.baseline, *row.floor)
    } - derived
    assert {name.partition("[")[0] for name in names} <= defined_benchmarks()
