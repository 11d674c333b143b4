"""Reports of pipelines: regret, noise, costs, and what every exhibit must say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from surrobench.errors import UserError
from surrobench.report import PipelineResults, pipeline_terminal_table, write_pipeline_report
from surrobench.report.pipeline.figures import picks_of_all
from surrobench.report.pipeline.smaller import smaller_networks, smaller_table, smaller_text
from surrobench.report.pipeline.tables import noise_text, picks_table, summary_table, trained
from surrobench.report.plots import PlotOptions, draw

HOSTILE = "<b>=evil\\input{x}</b>"


def cell(predictor: str, seed: int, picks: dict[str, float]) -> list[dict[str, Any]]:
    """Rows of one cell: its picks with their values, and two architectures for reference."""
    shared = {
        "task": "live:cells",
        "predictor": predictor,
        "encoding": "" if predictor == "random" else "one-hot",
        "acquisition": "" if predictor == "random" else "log-ei",
        "candidates": 50,
        "pool": 50,
        "train": 10,
        "picks": len(picks),
        "seed": seed,
        "status": "ok",
        "reason": "",
        "unit": "%",
        "data": "tiny digits",
        "optimum": np.nan,
        "ranked": 2,
        "kendall_tau": 0.5,
        "kendall_tau_top_half": np.nan,
        "train_seconds": 20.0,
        "fit_seconds": 1.0,
        "score_seconds": 0.5,
        "full_seconds": 8.0,
        "value_std": 2.0,
        "runs": 3,
        "row_seconds": 6.0,
        "predicted_std": 1.0,
    }
    values = {"ref-a": 40.0, "ref-b": 44.0, **picks}
    rows = []
    for arch, value in values.items():
        place = list(picks).index(arch) + 1 if arch in picks else 0
        own = {"arch": arch, "pick": place, "reference": arch.startswith("ref"), "value": value}
        rows.append({**shared, **own, "judged": value, "predicted": value - 10})
    return rows


@pytest.fixture
def frame() -> pd.DataFrame:
    lost = cell("svr", 0, {"a": 50.0})[:1]
    lost[0] |= {"status": "failed", "reason": HOSTILE, "arch": "", "pick": 0, "value": np.nan}
    rows = [
        *cell("knn", 0, {"a": 50.0, "b": 60.0}),
        *cell("knn", 1, {"a": 50.0, "c": 70.0}),
        *cell("random", 0, {"d": 48.0, "e": 55.0}),
        *cell("random", 1, {"d": 48.0, "f": np.nan}),
        *lost,
    ]
    return pd.DataFrame(rows)


def test_regret_counts_from_the_best_that_anybody_found_for_the_seed(frame: pd.DataFrame) -> None:
    choices = PipelineResults.of(frame).choices.set_index(["method", "seed"])
    assert choices["regret"].to_dict() == {
        ("knn", 0): 0.0, ("knn", 1): 0.0, ("random", 0): 5.0, ("random", 1): 22.0,
    }  # fmt: skip
    assert choices.loc[("random", 1), "failed_picks"] == 1
    assert choices.loc[("knn", 0), "picked"] == 55.0
    assert choices.loc[("knn", 0), "seconds"] == 21.5


def test_a_table_gives_the_regret_from_its_own_optimum(frame: pd.DataFrame) -> None:
    results = PipelineResults.of(frame.assign(optimum=100.0))
    assert results.complete("live:cells")
    assert results.choices["regret"].tolist() == [40.0, 30.0, 45.0, 52.0]
    assert "regret counts from its best candidate" in summary_table(results).notes


def test_the_summary_says_noise_seeds_data_and_that_the_optimum_is_unknown(
    frame: pd.DataFrame,
) -> None:
    exhibit = summary_table(PipelineResults.of(frame))
    assert "nobody knows the optimum" in exhibit.notes
    assert "tiny digits" in exhibit.notes
    assert "standard deviation between seeds of one architecture 2.00 %" in exhibit.notes
    assert "up to 3 full trainings each" in exhibit.notes
    assert "between 2 architectures drawn at random 2.83 %" in exhibit.notes
    assert exhibit.data["method"].tolist() == ["knn", "random"]
    assert exhibit.data["regret"].tolist() == [0.0, 13.5]
    assert exhibit.data["regret_seeds"].tolist() == [2, 2]


def test_only_values_are_called_negated(frame: pd.DataFrame) -> None:
    results = PipelineResults.of(frame.assign(unit="nats (negated)"))
    assert "between 2 architectures drawn at random 2.83 nats." in noise_text(results, "live:cells")
    console = Console(width=100, record=True)
    console.print(pipeline_terminal_table(results))
    assert "picks after full training (negated nats)" in console.export_text()


@pytest.mark.parametrize(("spread", "decimals"), [(2.0, 2), (0.2, 2), (0.014, 3), (1e-9, 4)])
def test_decimals_follow_the_noise_between_seeds(
    frame: pd.DataFrame, spread: float, decimals: int
) -> None:
    results = PipelineResults.of(frame.assign(value_std=spread))
    assert results.decimals("live:cells") == decimals
    assert f"of one architecture {spread:.{decimals}f} %" in noise_text(results, "live:cells")


def test_noise_is_pooled_over_architectures_once_each() -> None:
    rows = pd.DataFrame(cell("knn", 0, {"a": 1.0}) + cell("random", 0, {"a": 1.0}))
    rows.loc[rows["arch"] == "a", ["value_std", "runs"]] = [4.0, 5]
    noise = PipelineResults.of(rows).noise("live:cells")
    assert noise["seed_std"] == pytest.approx(np.sqrt((4 * 16 + 2 * 4 + 2 * 4) / 8))
    assert noise["architectures"] == 3
    alone = PipelineResults.of(rows.assign(value_std=np.nan, runs=1, reference=False))
    assert noise_text(alone, "live:cells") == ""


def test_every_training_is_counted_once(frame: pd.DataFrame) -> None:
    costs = PipelineResults.of(frame).costs("live:cells").set_index("stage")
    assert costs.loc["short trainings", "count"] == 20  # ten for each of two seeds
    assert costs.loc["short trainings", "seconds"] == 40.0
    archs = {"a", "b", "c", "d", "e", "f", "ref-a", "ref-b"}
    assert costs.loc["full trainings", "count"] == 3 * len(archs)
    assert costs.loc["full trainings", "seconds"] == 6.0 * len(archs)
    estimated = costs.loc["every candidate trained fully, estimated"]
    assert estimated["count"] == 2 * 50 * 3
    assert estimated["seconds"] == pytest.approx(2 * 50 * 6.0)


def test_what_was_trained_says_who_picked_it(frame: pd.DataFrame) -> None:
    table = trained(PipelineResults.of(frame), "live:cells").set_index("arch")
    assert table.index.tolist()[:2] == ["c", "b"]
    assert table.loc["a", "picked_by"] == "knn (2)"
    assert table.loc["ref-a", "picked_by"] == ""
    assert "nobody \\(reference\\)" in str(picks_table(PipelineResults.of(frame)).markdown)


@pytest.mark.slow
def test_the_report_has_its_exhibits_and_names_failures_safely(
    frame: pd.DataFrame, tmp_path: Path
) -> None:
    hostile = frame.assign(arch=frame["arch"].where(frame["arch"] != "a", HOSTILE))
    paths = write_pipeline_report(hostile, tmp_path, ("csv", "md", "tex", "html", "png"))
    names = {path.name for path in paths}
    assert {
        "report.md", "report.html", "report.tex", "pipeline-summary.tex", "pipeline-picks.csv",
        "pipeline-costs.md", "pipeline-predicted.png", "pipeline-picks-of-all.png",
    } <= names  # fmt: skip
    page = (tmp_path / "report.html").read_text()
    assert "<b>=evil" not in page
    assert "What failed, and why" in page
    assert "tiny digits" in page
    assert "\\input{x}" not in (tmp_path / "tables/pipeline-picks.tex").read_text()
    assert "Cells without a result: 1" in (tmp_path / "report.md").read_text()


def test_the_same_rows_in_another_order_give_the_same_numbers(frame: pd.DataFrame) -> None:
    def values(rows: pd.DataFrame) -> pd.DataFrame:
        summary = PipelineResults.of(rows).summary
        return summary.sort_values(["method", "measure"]).reset_index(drop=True)

    pd.testing.assert_frame_equal(values(frame), values(frame.sample(frac=1, random_state=1)))


def test_the_terminal_shows_the_best_first_and_what_failed(frame: pd.DataFrame) -> None:
    console = Console(width=110, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(pipeline_terminal_table(frame))
    text = console.export_text()
    assert text.index("knn") < text.index("random")
    assert "best that anybody found" in text
    assert "1 cell without a result" in text


def test_without_any_result_there_are_only_failures(frame: pd.DataFrame, tmp_path: Path) -> None:
    lost = frame[frame["status"] == "failed"]
    paths = write_pipeline_report(lost, tmp_path)
    assert {"report.md", "report.html", "pipeline-failures.csv"} <= {path.name for path in paths}


def test_figures_can_be_had_one_by_one(frame: pd.DataFrame) -> None:
    results = PipelineResults.of(frame)
    assert draw("picks", results, PlotOptions()).axes
    assert len(draw("predicted", results, PlotOptions(seed=1)).axes) == 2
    with pytest.raises(UserError, match="no cell has the seed 9; there are: 0, 1"):
        draw("predicted", results, PlotOptions(seed=9))
    with pytest.raises(UserError, match="unknown kind of figure 'curves'"):
        draw("curves", results, PlotOptions())


def test_a_seed_whose_picks_all_failed_is_left_out_of_the_picks(frame: pd.DataFrame) -> None:
    frame.loc[(frame["predictor"] == "knn") & (frame["seed"] == 1), "value"] = np.nan
    assert draw("picks", PipelineResults.of(frame), PlotOptions()).axes


def test_rows_that_are_no_pipeline_are_refused() -> None:
    with pytest.raises(UserError, match=r"lack the column\(s\) .*arch"):
        PipelineResults.of(pd.DataFrame({"task": ["x"]}))


def sized(predictor: str, seed: int, picks: dict[str, tuple[float, float]]) -> list[dict[str, Any]]:
    """Rows of one cell whose picks have a value and a number of parameters each."""
    rows = cell(predictor, seed, {arch: value for arch, (value, _) in picks.items()})
    return [{**row, "params": picks.get(row["arch"], (0, 1.0))[1]} for row in rows]


def test_small_picks_are_compared_like_with_like() -> None:
    giants = {"g1": (70.0, 1000.0), "g2": (60.0, 900.0), "g3": (50.0, 800.0)}
    found = smaller_networks(
        PipelineResults.of(
            pd.DataFrame(
                [
                    *sized("largest", 0, giants),
                    *sized("knn", 0, {"a": (61.0, 499.0), "b": (75.0, 500.0)}),
                    *sized("svr", 0, {"a": (71.0, 499.0), "c": (40.0, 400.0), "d": (45.0, 1.0)}),
                    *sized("params", 0, {"g1": (70.0, 1000.0)}),
                    *sized("knn", 1, {"a": (61.0, 499.0)}),  # nobody trained the largest
                ]
            )
        )
    ).set_index("method")
    assert list(found.index) == ["knn", "svr", "params"]
    # The best small one of knn beats the median of the largest, not the best of them.
    assert found["best_no_worse"].to_dict() == {"knn": False, "svr": True, "params": False}
    assert found["median_no_worse"].to_dict() == {"knn": True, "svr": False, "params": False}
    assert found["small_picks"].to_dict() == {"knn": 1, "svr": 3, "params": 0}
    assert set(found["large_picks"]) == {3}
    kept = ["arch", "share", "best", "best_large", "median", "median_large"]
    assert found.loc["svr", kept].tolist() == ["a", 0.499, 71.0, 70.0, 45.0, 60.0]
    assert np.isnan(found.loc["params", "best"])


def test_the_best_of_either_side_is_chosen_by_full_trainings_and_judged() -> None:
    rows = pd.DataFrame(
        [
            *sized("largest", 0, {"g": (50.0, 9.0), "h": (49.0, 9.0)}),
            *sized("knn", 0, {"a": (52.0, 2.0), "b": (51.0, 2.0)}),
        ]
    )
    rows.loc[rows["arch"] == "a", "judged"] = 40.0
    rows.loc[rows["arch"] == "g", "judged"] = 45.0
    found = smaller_networks(PipelineResults.of(rows)).iloc[0]
    assert (found["best"], found["best_large"]) == (40.0, 45.0)
    assert not found["best_no_worse"]


def test_the_table_of_small_picks_is_there_only_with_the_baseline(frame: pd.DataFrame) -> None:
    assert smaller_table(PipelineResults.of(frame)) is None
    assert smaller_text(PipelineResults.of(frame), "live:cells") == ""
    rows = [*sized("largest", 0, {"g": (50.0, 9.0)}), *sized("knn", 0, {"a": (51.0, 2.0)})]
    results = PipelineResults.of(pd.DataFrame(rows))
    table = smaller_table(results)
    assert table is not None
    assert "1 of 1" in table.markdown
    assert "22" in table.markdown  # percent of the parameters
    assert "in so many of 1 seed: knn 1 and 1." in smaller_text(results, "live:cells")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("judge", "told", "short"),
    [
        ("held-out runs", "its other runs, which no predictor was shown", "not shown"),
        ("searched run", "regret against the run that was searched", "run that was shown"),
        ("published mean", "regret against the published mean", "published mean"),
        ("", "the one that was shown among them", ""),
    ],
)
def test_a_report_names_who_judged(
    frame: pd.DataFrame, judge: str, told: str, short: str, tmp_path: Path
) -> None:
    rows = frame.assign(optimum=100.0, judge=judge, without_judge=7.0)
    results = PipelineResults.of(rows)
    notes = summary_table(results).notes
    assert told in notes
    assert ("7 others" in notes) == (judge == "held-out runs")
    label = picks_of_all(results, "live:cells").axes[0].get_xlabel()
    assert short in label
    write_pipeline_report(rows, tmp_path, formats=["md"])
    assert told in (tmp_path / "report.md").read_text()
