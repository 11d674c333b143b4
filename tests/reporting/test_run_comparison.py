"""Two runs compared: what changed, significant or not, and what cannot be compared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from surrobench.errors import UserError
from surrobench.reporting.run_comparison import compare_runs
from surrobench.studies.run_folder.plan_file import PlannedCells

TASKS = ("nb201/a", "nb201/b")


def predictions(
    shift: float = 0.0, seeds: int = 10, tasks: tuple[str, ...] = TASKS, noise: int = 0
) -> pd.DataFrame:
    """``knn`` shifted, ``svr`` noisy by another draw, ``params`` always the same."""
    rng = np.random.default_rng(1)
    rows = [
        {
            "task": task,
            "predictor": predictor,
            "transform": "standardise",
            "encoding": "one-hot",
            "train_size": 25,
            "seed": seed,
            "status": "ok",
            "reason": "",
            "kendall_tau": 0.5 + 0.05 * rng.normal(),
            "fit_seconds": 1.0,
            "key": f"{task}{predictor}{seed}",
            "version": "0.1",
            "host": "here",
        }
        for task in tasks
        for predictor in ("knn", "svr", "params")
        for seed in range(seeds)
    ]
    frame = pd.DataFrame(rows)
    knn, svr = (frame["predictor"] == name for name in ("knn", "svr"))
    frame.loc[knn, "kendall_tau"] += shift
    if noise:
        other = np.random.default_rng(noise).normal(size=svr.sum())
        frame.loc[svr, "kendall_tau"] += 0.05 * other
    return frame


def run(folder: Path, frame: pd.DataFrame, **fingerprints: str) -> Path:
    folder.mkdir(parents=True)
    frame.to_parquet(folder / "results.parquet")
    if fingerprints:
        data = {f"nb201/{name}": text for name, text in fingerprints.items()}
        PlannedCells(ingredients={"tasks": data}).save(folder)
    return folder


def outcomes(found: pd.DataFrame) -> dict[str, set[str]]:
    return found.groupby("method")["outcome"].agg(set).to_dict()


def test_the_same_numbers_are_the_same_bits_whatever_the_clock_says(tmp_path: Path) -> None:
    first = run(tmp_path / "a", predictions())
    other = predictions().assign(fit_seconds=9.0, host="there", version="0.2")
    found = compare_runs(first, run(tmp_path / "b", other))
    assert found.same
    assert found.verdict == "Same bits: all numbers of 60 common cells are the same."
    assert set(found.changes.groups["outcome"]) == {"same bits"}
    one = predictions()
    one.loc[0, "kendall_tau"] = np.nextafter(one.loc[0, "kendall_tau"], 1)
    last = compare_runs(first, run(tmp_path / "c", one))
    assert (last.same, (~last.changes.cells["same_bits"]).sum()) == (False, 1)


def test_what_changed_is_told_with_the_tests_of_reports(tmp_path: Path) -> None:
    first = run(tmp_path / "a", predictions())
    second = run(tmp_path / "b", predictions(shift=0.1, noise=3))
    found = compare_runs(first, second)
    assert outcomes(found.changes.groups) == {
        "knn": {"better"},
        "svr": {"no difference found"},
        "params": {"same bits"},
    }
    knn = found.changes.groups[found.changes.groups["method"] == "knn"]
    np.testing.assert_allclose(knn["change"], 0.1)
    assert (knn["seeds"] == 10).all()
    assert "2 are significantly better and 0 significantly worse" in found.verdict
    back = compare_runs(second, first)
    assert outcomes(back.changes.groups)["knn"] == {"worse"}
    assert (found.changes.methods["outcome"] != "better").all()  # two tasks of one table


def test_few_seeds_tell_nothing(tmp_path: Path) -> None:
    runs = [
        run(tmp_path / name, predictions(shift, seeds=4)) for name, shift in (("a", 0), ("b", 0.3))
    ]
    found = compare_runs(*runs)
    assert outcomes(found.changes.groups)["knn"] == {"no test can tell"}
    assert "for 2 no test can tell" in found.verdict


def test_over_tables_methods_are_tested_too(tmp_path: Path) -> None:
    tasks = tuple(f"table{place}/x" for place in range(8))
    runs = [
        run(tmp_path / name, predictions(shift, seeds=2, tasks=tasks))
        for name, shift in (("a", 0), ("b", 0.1))
    ]
    methods = compare_runs(*runs).changes.methods.set_index("method")
    assert methods.loc["knn", ["tasks", "better", "worse"]].tolist() == [8, 8, 0]
    assert methods.loc["knn", "outcome"] == "better"


def test_what_cannot_be_compared_is_named_with_its_reason(tmp_path: Path) -> None:
    before, after = predictions(), predictions(shift=0.1)
    before = before[before["seed"] < 8]
    after = after.replace({"predictor": {"svr": "svr-new"}})
    after.loc[after["predictor"].eq("knn") & after["seed"].eq(0), ["status", "reason"]] = (
        "failed",
        "ValueError: no",
    )
    first, second = (
        run(tmp_path / "a", before, a="1", b="2"),
        run(tmp_path / "b", after, a="1", b="3"),
    )
    found = compare_runs(first, second)
    told = "\n".join(found.not_compared())
    assert "task 'nb201/b': it is other data" in told
    assert f"svr: in {first} alone" in told
    assert f"svr-new: in {second} alone" in told
    assert "4 cells in" in told  # seeds 8 and 9 of the other two methods
    assert "1 × knn (ValueError: no)" in told
    assert set(found.changes.cells["task"]) == {"nb201/a"}
    only = [run(tmp_path / name, before[before["task"] == "nb201/b"], b=name) for name in "cd"]
    with pytest.raises(UserError, match=r"no cell in common.*nb201/b; run both on the same table"):
        compare_runs(*only)


def test_another_encoding_of_one_method_is_still_the_method(tmp_path: Path) -> None:
    first = run(tmp_path / "a", predictions())
    second = run(tmp_path / "b", predictions(0.1).assign(encoding="path"))
    found = compare_runs(first, second)
    assert len(found.changes.cells) == 60
    both = [predictions(), predictions(0.1).assign(encoding="path")]
    both[1]["key"] += "path"
    third = run(tmp_path / "c", pd.concat(both, ignore_index=True))
    several = compare_runs(first, third)
    assert "knn · one-hot" in set(several.changes.cells["method"])
    assert several.changes.cells["same_bits"].all()


def test_kinds_and_measures_that_do_not_go_together_are_refused(tmp_path: Path) -> None:
    first = run(tmp_path / "a", predictions())
    search = pd.DataFrame(
        {
            "task": "t", "strategy": ["x"] * 3, "seed": 0, "evaluation": [1, 2, 3],
            "best_value": [1.0, 2, 3], "status": "ok", "key": "k",
        }
    )  # fmt: skip
    other = run(tmp_path / "s", search)
    with pytest.raises(UserError, match=r"of a prediction study and .* of a search study"):
        compare_runs(first, other)
    with pytest.raises(UserError, match="Did you mean 'kendall_tau'"):
        compare_runs(first, first, measure="kendal_tau")
    with pytest.raises(UserError, match="one measure"):
        compare_runs(other, other, measure="kendall_tau")


def searches(better: float) -> pd.DataFrame:
    """Two strategies without a known optimum; the first ends ``better``."""
    rng = np.random.default_rng(0)
    rows = [
        {
            "task": "t",
            "strategy": strategy,
            "predictor": "",
            "encoding": "",
            "acquisition": "",
            "seed": seed,
            "evaluation": step,
            "value": step + rng.normal(),
            "status": "ok",
            "key": f"{strategy}{seed}",
        }
        for strategy in ("one", "two")
        for seed in range(8)
        for step in range(1, 6)
    ]
    frame = pd.DataFrame(rows)
    frame.loc[frame["strategy"] == "one", "value"] += better
    frame["best_value"] = frame.groupby("key")["value"].cummax()
    return frame.assign(spent=frame["evaluation"].astype(float))


def test_searches_are_judged_by_how_they_end(tmp_path: Path) -> None:
    first, second = (run(tmp_path / f"{n}", searches(n)) for n in (0.0, 5.0))
    found = compare_runs(first, second)
    assert outcomes(found.changes.groups) == {"one": {"better"}, "two": {"same bits"}}
    groups = found.changes.groups.set_index("method")
    assert groups.loc["one", "change"] == pytest.approx(5)  # one "best found" for both
    assert (groups["at"] == 5).all()


def test_pipelines_are_judged_by_their_best_pick(tmp_path: Path) -> None:
    rows = [
        {
            "task": "t",
            "predictor": predictor,
            "encoding": "one-hot",
            "acquisition": "mean",
            "seed": seed,
            "candidates": 3,
            "arch": f"a{arch}",
            "pick": arch if arch < 2 else 0,
            "value": 10.0 * arch + seed,
            "optimum": 40.0,
            "status": "ok",
            "reason": "",
            "train": 5,
            "key": f"{predictor}{seed}",
        }
        for predictor in ("knn", "svr")
        for seed in range(7)
        for arch in range(3)
    ]
    before = pd.DataFrame(rows)
    knn = before["predictor"] == "knn"
    after = before.assign(value=before["value"].where(~knn, before["value"] + 3))
    found = compare_runs(run(tmp_path / "a", before), run(tmp_path / "b", after))
    assert outcomes(found.changes.groups) == {"knn": {"better"}, "svr": {"same bits"}}
    content = found.to_dict()
    assert (content["kind"], content["measure"], content["changed_cells"]) == (
        "pipeline",
        "regret",
        7,
    )


def test_names_of_others_are_inert_in_a_notebook(tmp_path: Path) -> None:
    frames = [predictions(s).replace({"predictor": {"knn": "<script>x"}}) for s in (0, 0.1)]
    runs = [run(tmp_path / f"{n}", frame) for n, frame in enumerate(frames)]
    assert "<script" not in compare_runs(*runs)._repr_html_()
