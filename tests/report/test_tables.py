from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from surrobench.report.common.cells import legend, mean_and_half
from surrobench.report.common.exhibit import to_csv
from surrobench.report.common.measures import MEASURES
from surrobench.report.prediction.terminal import terminal_table
from surrobench.report.results import Results
from surrobench.report.statistics.statistics import untested, versus_best
from surrobench.report.tables import comparison_table, summary_frame, summary_table

TAU = MEASURES["kendall_tau"]
HOSTILE = r"ev_il$x^2$ & \input{/etc/passwd} | <script>alert(1)</script>"


def test_paper_table_marks_best_ties_and_missing_seeds(frame: pd.DataFrame) -> None:
    table = comparison_table(Results.of(frame), TAU, 200)
    assert table.tex is not None
    lines = table.tex.splitlines()
    assert sum("toprule" in line for line in lines) == 1
    svr = next(line for line in lines if line.startswith("svr"))
    assert svr.count(r"\srbest") == 3
    assert svr.endswith(r"1.0 \\")
    assert r"$^{\approx}$" in next(line for line in lines if line.startswith("mlp-ensemble"))
    assert r"class\_scene" in table.tex
    late = comparison_table(Results.of(frame), TAU, 800)
    assert late.markdown is not None
    row = next(line for line in late.markdown.splitlines() if line.startswith("| mlp-ensemble"))
    assert "†" in row
    assert "no significance test can tell" not in late.markdown
    few = comparison_table(Results.of(frame[frame["seed"] < 5]), TAU, 800)
    assert "no significance test can tell methods apart" in str(few.markdown)
    assert "≈" not in str(few.markdown)


def test_what_no_test_can_tell_is_marked_apart_from_what_is_worse(frame: pd.DataFrame) -> None:
    """A method with three seeds among others with ten; alike in every kind of document."""
    here = frame[frame["task"] == "nb201/cifar10-val"]
    short = here[(here["predictor"] != "knn") | (here["seed"] < 3)]
    results = Results.of(short)
    rows = results.comparison(TAU, 200).droplevel("task")
    unknown = list(rows.index[rows["untested"]])
    assert "knn" in unknown
    assert not rows.loc[unknown, ["best", "not_worse"]].to_numpy().any()
    assert not (rows.loc[unknown, "p"] < 0.05).any()
    assert rows.loc["flops", "p"] < 0.05
    assert not rows.loc["flops", "untested"]
    table = comparison_table(results, TAU, 200)
    console = Console(file=io.StringIO(), width=100, record=True)
    console.print(terminal_table(short))
    documents = {
        r"$^{?}$": str(table.tex),
        "?†": str(table.markdown),
    }
    for mark, text in documents.items():
        marked = [line for line in text.splitlines() if mark in line]
        assert any("knn" in line for line in marked), mark
        assert not any("flops" in line for line in marked), mark
    for text in (table.notes, str(table.markdown)):
        assert "?: no test can tell" in text
        assert "no mark: significantly worse" in text
    assert "<sup>?</sup>" in str(table.html)
    assert "?: no test can tell" in " ".join(console.export_text().split())
    alone = Results.of(short[short["seed"] < 3])  # said of all at once, not of each
    assert not alone.comparison(TAU, 200)["untested"].any()


def test_an_uneven_difference_is_undecided_though_it_is_there_on_every_seed() -> None:
    """With one large difference among seven no flip is significant, and the legend says so."""
    steady = np.array([0.50, 0.52, 0.54, 0.51, 0.53, 0.55, 0.50])
    drops = {
        "best": np.zeros(7),
        "uneven": np.array([0.3, 0.001, 0.002, 0.001, 0.001, 0.002, 0.001]),
        "behind": np.array([0.31, 0.30, 0.29, 0.30, 0.31, 0.30, 0.29]),
        "worst": np.array([0.40, 0.41, 0.42, 0.40, 0.41, 0.42, 0.41]),
    }
    scores = pd.DataFrame({name: steady - drop for name, drop in drops.items()})
    assert ((scores["best"] - scores["uneven"]) > 0).all()
    compared = versus_best(scores).assign(seeds=7, low=np.nan, incomplete=False)
    compared["untested"] = untested(compared)
    assert list(compared.index[compared["untested"]]) == ["uneven"]
    told = legend(compared)
    assert "?: no test can tell, because of " in told
    for reason in ("too few common seeds (six can be", "uneven over seeds", "equal on most seeds"):
        assert reason in told
    assert "nothing to compare" not in told


def test_a_task_of_equal_means_among_others_has_nothing_to_compare() -> None:
    rng = np.random.default_rng(0)
    apart = pd.DataFrame({"a": rng.normal(1, 0.01, 9), "b": rng.normal(0, 0.01, 9)})
    equal = pd.DataFrame({"a": np.full(9, 0.5), "b": np.full(9, 0.5)})
    tables = {"one": versus_best(apart), "other": versus_best(equal)}
    compared = pd.concat(tables).assign(seeds=9, low=np.nan, incomplete=False)
    compared["untested"] = untested(compared)
    assert compared["untested"].to_list() == [False, False, True, True]
    assert "nothing to compare, where all means are equal or no seed is common" in legend(compared)


@pytest.mark.parametrize(("seeds", "there"), [(2, False), (3, True)])
def test_two_seeds_have_no_interval_anywhere(frame: pd.DataFrame, seeds: int, there: bool) -> None:
    few = frame[frame["seed"] < seeds]
    results = Results.of(few)
    console = Console(file=io.StringIO(), width=160, record=True)
    console.print(terminal_table(few))
    table = comparison_table(results, TAU, 200)
    for text in (console.export_text(), str(table.markdown), str(table.html)):
        assert ("±" in text) == there
    assert (r"\srhalf{" in str(table.tex)) == there
    assert results.summary(TAU)["low"].notna().any() == there


def test_the_numbers_of_a_cell_are_in_the_csv(frame: pd.DataFrame) -> None:
    table = comparison_table(Results.of(frame), TAU, 200)
    row = table.data.set_index(["task", "method"]).loc[("nb201/cifar10-val", "svr")]
    half = row["high"] - row["mean"]
    assert f"**{row['mean']:.3f}** ± {half:.3f}" in str(table.markdown)
    assert row["best"]
    assert row["seeds"] == 10


def test_summary_has_a_row_for_every_cell(frame: pd.DataFrame) -> None:
    results = Results.of(frame)
    summary = summary_frame(results)
    cells = frame.groupby(["task", "predictor", "train_size"]).ngroups
    assert len(summary) == cells
    assert summary["failed"].sum() == 9
    assert summary.loc[summary["predictor"] == "constant", "constant"].eq(10).all()
    first = summary.iloc[0]
    chosen = frame[
        (frame["task"] == first["task"])
        & (frame["predictor"] == first["predictor"])
        & (frame["train_size"] == first["train_size"])
    ]
    assert first["crps"] == pytest.approx(chosen["crps"].mean())
    assert first["crps_se"] == pytest.approx(chosen["crps"].sem())


def test_many_tasks_are_split_over_several_latex_tables(frame: pd.DataFrame) -> None:
    small = frame[(frame["train_size"] == 25) & frame["predictor"].isin(["svr", "knn"])]
    many = pd.concat([small.assign(task=small["task"] + f"-{i}") for i in range(3)])
    tex = comparison_table(Results.of(many), TAU, 25).tex
    assert str(tex).count(r"\begin{table}") == 2
    assert "(Part 2 of 2.)" in str(tex)
    assert r"\label{tab:kendall_tau-n25-2}" in str(tex)


def test_hostile_names_are_text(frame: pd.DataFrame) -> None:
    small = frame[(frame["train_size"] == 25) & (frame["task"] == "nb201/cifar10-val")]
    small = small.replace({"predictor": {"svr": HOSTILE, "knn": "=cmd()"}})
    table = summary_table(Results.of(small), TAU)
    tex = str(table.tex)
    assert r"\input" not in tex
    assert r"ev\_il\$x\textasciicircum{}2\$ \& \textbackslash{}input" in tex
    assert "<script>" not in str(table.markdown)
    parsed = pd.read_csv(io.StringIO(to_csv(table.data)))
    assert "'=cmd()" in set(parsed["predictor"])
    assert HOSTILE in set(parsed["predictor"])


@pytest.mark.parametrize(
    ("mean", "high", "expected"),
    [
        (0.6214, 0.6334, ("0.621", "0.012")),
        (91.234, 91.5, ("91.23", "0.27")),
        (1234.5, float("nan"), ("1234", "")),
        (2e-5, 2.3e-5, ("2.0e-05", "3e-06")),
        (0.0004, 0.02, ("0.000", "0.020")),
        (0.0, 0.0, ("0.000", "0.000")),
        (-0.25, float("nan"), ("-0.250", "")),
    ],
)
def test_means_and_half_widths_share_their_decimals(
    mean: float, high: float, expected: tuple[str, str]
) -> None:
    row = pd.Series({"mean": mean, "low": 2 * mean - high, "high": high})
    assert mean_and_half(row, 3) == expected
