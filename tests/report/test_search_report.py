from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from rich.console import Console
from search_frames import broken, fronts_study, run, study
from test_figures import overlaps

from surrobench.errors import UserError
from surrobench.report import search_terminal_table, write_search_report
from surrobench.report.common.exhibit import save_figure
from surrobench.report.common.style import ONE_COLUMN, TWO_COLUMNS
from surrobench.report.search.curves import against_expense
from surrobench.report.search.front_panels import draw_fronts
from surrobench.report.search.method_styles import SearchStyles
from surrobench.report.search.profiles import draw_profile
from surrobench.report.search.results import SearchResults
from surrobench.report.search.scales import RegretScale, staggered, time_unit

MAKERS: dict[str, Callable[[SearchResults], Figure]] = {
    "mean": lambda r: against_expense(r, width=_width(r)),
    "iqm": lambda r: against_expense(r, "iqm", width=_width(r)),
    "time": lambda r: against_expense(r, axis="simulated_seconds", width=_width(r)),
    "success": lambda r: against_expense(r, "found_optimum", width=_width(r)),
    "targets": lambda r: draw_profile(r),
}
HOSTILE = {
    "gp ei": r"$\frac{1}{$",
    "random": "_hidden",
    "genetic": "模型😀\n2",
    "gp ucb": "x" * 300,
}


def _width(results: SearchResults) -> float:
    return ONE_COLUMN if len(results.traces) == 1 else TWO_COLUMNS


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return study()


@pytest.fixture(scope="module")
def crowd() -> pd.DataFrame:
    """Twenty methods, which do not fit on a page."""
    models = [f"gp {i}" for i in range(12)]
    others = ["random", "genetic", "ppo", "smac", "local-search", "hyperband", "mine", "npenas"]
    return study((*models, *others), ("t1",), seeds=4, evaluations=12)


def names(paths: list[Path]) -> set[str]:
    return {path.name for path in paths}


@pytest.mark.slow
@pytest.mark.parametrize("kind", MAKERS)
def test_no_text_overlaps_or_leaves_the_page(frame: pd.DataFrame, kind: str) -> None:
    assert overlaps(MAKERS[kind](SearchResults.of(frame))) == []


def test_curves_show_the_numbers_of_the_table(frame: pd.DataFrame) -> None:
    results = SearchResults.of(frame)
    cast = SearchStyles.of(results)
    axes = against_expense(results).axes[0]
    colour = cast.styles["gp ei"].colour
    line = next(line for line in axes.lines if line.get_color() == colour)
    own = results.curves("t1").query("method == 'gp ei'")
    assert list(line.get_xdata()) == own["spent"].to_list()
    assert list(line.get_ydata()) == pytest.approx(own["mean"].to_list())
    assert axes.get_yscale() == "log"


def test_every_method_has_its_own_look_and_random_search_is_on_every_page(
    crowd: pd.DataFrame,
) -> None:
    results = SearchResults.of(crowd)
    cast = SearchStyles.of(results)
    assert len(set(cast.styles.values())) == len(results.methods)
    assert all("random" in page and len(page) <= 9 for page in cast.pages)
    assert {method for page in cast.pages for method in page} == set(results.methods)
    families = {method_style.family for method_style in cast.styles.values()}
    assert {cast.styles[method].family for method in cast.pages[0]} == families
    for page in cast.pages:
        styles = [cast.styles[method] for method in page]
        assert len({method_style.colour for method_style in styles}) == len(
            {method_style.marker for method_style in styles}
        )
        assert len({method_style.colour for method_style in styles}) == len(page)


def test_regret_axes_say_where_their_floor_is() -> None:
    scale = RegretScale.of([8.0, 0.5, 0.02, 0.0])
    assert (scale.floor, scale.logarithmic, scale.clipped) == (0.01, True, True)
    assert scale.clip([0.0, 0.5]).tolist() == [0.01, 0.5]
    assert scale._label(0.01) == "≤ 0.01"
    assert scale._label(0.1) == "0.1"
    whole = RegretScale.of([8.0, 0.02])
    assert not whole.clipped
    assert whole._label(whole.floor) == "0.01"
    assert RegretScale.of([8.0, 1e-12]).floor == pytest.approx(1e-4)
    assert not RegretScale.of([2.0, 1.9]).logarithmic
    assert not RegretScale.of([0.0, 0.0]).logarithmic
    assert not RegretScale.of([]).logarithmic


def test_units_of_time_suit_the_axis() -> None:
    assert [time_unit(s)[1] for s in (100, 200, 9_000, 400_000)] == ["s", "min", "h", "days"]


def test_markers_of_neighbouring_lines_do_not_coincide() -> None:
    starts = [staggered(150, place, 9)[0] for place in range(9)]
    assert len(set(starts)) == 9
    assert staggered(1, 0, 1) == (0, 1)


@pytest.mark.slow
def test_files_are_the_same_bytes_again(frame: pd.DataFrame, tmp_path: Path) -> None:
    contents = []
    for name, rows in (("a", frame), ("b", frame.sample(frac=1, random_state=1))):
        path = tmp_path / f"{name}.pdf"
        save_figure(against_expense(rows), path)
        contents.append(path.read_bytes())
    assert contents[0] == contents[1]


def test_regret_is_not_called_negated(frame: pd.DataFrame) -> None:
    for unit in ("ms", "ms (negated)"):
        assert SearchResults.of(frame.assign(unit=unit)).unit("t1") == "ms"


def test_hostile_and_foreign_names_are_drawn_as_text(frame: pd.DataFrame, tmp_path: Path) -> None:
    small = frame[frame["task"] == "t1"].replace({"strategy": HOSTILE})
    results = SearchResults.of(small.assign(task="$\\evil{_^$ task", unit="$%_{"))
    for kind in ("mean", "targets"):
        path = tmp_path / f"{kind}.png"
        save_figure(MAKERS[kind](results), path)
        assert path.stat().st_size > 10_000


@pytest.mark.slow
def test_everything_is_written_and_listed(frame: pd.DataFrame, tmp_path: Path) -> None:
    lost = broken("gp ei", 99, "t1", predictor="gp-rbf")
    formats = ("csv", "md", "tex", "png")
    paths = write_search_report(pd.concat([frame, lost]), tmp_path / "report", formats)
    assert all(path.is_file() for path in paths)
    stems = ("curves", "iqm-curves", "by-time", "success", "targets")
    assert names(paths) >= {
        "report.md",
        *(f"regret-{stem}.{kind}" for stem in stems for kind in ("csv", "png")),
        *(f"regret-at-{n}.{kind}" for n in (10, 20, 30) for kind in ("csv", "md", "tex")),
        *(f"regret-{stem}.tex" for stem in ("summary", "ranks")),
        "regret-pairs.csv",
        "regret-p-values.csv",
    }
    page = paths[0].read_text(encoding="utf-8")
    assert paths[0].name == "report.md"
    assert all(path.name in page for path in paths[1:] if path.name != "report.html")
    assert "| gp ei | t1 | 1 | timeout | stopped after 60 s |" in page
    assert "12 (gp ei, gp ucb, hyperband, random); 6 (genetic)" in page
    matrix = pd.read_csv(
        tmp_path / "report/tables/regret-p-values.csv", index_col=["task", "method"]
    )
    assert matrix.loc[("t1", "gp ei"), "random"] == matrix.loc[("t1", "random"), "gp ei"]
    shuffled = pd.concat([frame, lost]).sample(frac=1, random_state=2)
    again = write_search_report(shuffled, tmp_path / "again", formats=("md", "tex"))
    for path in (path for path in again[1:] if path.name != "report.html"):  # names other files
        assert (
            path.read_bytes()
            == (tmp_path / "report" / path.relative_to(tmp_path / "again")).read_bytes()
        )


@pytest.mark.slow
def test_many_methods_are_continued_on_further_pages(crowd: pd.DataFrame, tmp_path: Path) -> None:
    found = names(write_search_report(crowd, tmp_path, formats=()))
    pages = {name for name in found if name.startswith("regret-curves")}
    assert pages == {f"regret-curves{suffix}.csv" for suffix in ("", "-2", "-3")}
    rest = pd.read_csv(tmp_path / "figures/regret-curves-3.csv")
    assert rest["method"].nunique() == len(SearchStyles.of(SearchResults.of(crowd)).pages[2])


CASES: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "one seed": lambda f: f[f["seed"] == 0],
    "one evaluation": lambda f: f[f["evaluation"] == 1],
    "one row": lambda f: f.head(1),
    "one method": lambda f: f[f["strategy"] == "gp ei"],
    "only random search": lambda f: f[f["strategy"] == "random"],
    "one task": lambda f: f[f["task"] == "t1"],
    "only what is needed": lambda f: f[["task", "strategy", "seed", "evaluation", "best_value"]],
    "nothing but zero": lambda f: f.assign(simple_regret=0.0),
    "no incumbents": lambda f: f.assign(simple_regret=np.nan, best_value=np.nan),
    "tasks with other methods": lambda f: f[(f["task"] == "t1") == (f["strategy"] == "gp ei")],
    "tasks with other budgets": lambda f: f[(f["task"] == "t1") | (f["evaluation"] < 9)],
    "tasks with other seeds": lambda f: f[(f["task"] == "t1") == (f["seed"] < 6)],
    "short trainings only": lambda f: f[f["strategy"] == "hyperband"].assign(
        spent=lambda g: g["evaluation"] * 0.01
    ),
    "one task broke": lambda f: pd.concat([f[f["task"] == "t1"], broken(task="t2")]),
    "a method broke": lambda f: pd.concat([f, broken("new", 0, "t1")]),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_whatever_the_evaluations_support(frame: pd.DataFrame, tmp_path: Path, case: str) -> None:
    some = frame["strategy"].isin(["random", "gp ei", "hyperband"])
    small = CASES[case](frame[some & (frame["seed"] < 8)])
    drawn = ("png",) if case in ("one row", "no incumbents") else ()
    paths = write_search_report(small, tmp_path, formats=("tex", "md", *drawn))
    assert names(paths) >= {"report.md", "regret-summary.csv", "regret-ranks.tex"}
    assert printed(small)


@pytest.mark.slow
def test_one_seed_has_no_interval(frame: pd.DataFrame, tmp_path: Path) -> None:
    write_search_report(frame[frame["seed"] == 5], tmp_path, formats=("md",))
    assert "±" not in (tmp_path / "tables/regret-summary.md").read_text(encoding="utf-8")
    assert "one says nothing about chance" in (tmp_path / "report.md").read_text("utf-8")


def test_all_runs_broke(tmp_path: Path) -> None:
    frame = broken("a", reason="<script>alert(1)</script>")
    paths = write_search_report(frame, tmp_path)
    assert names(paths) == {"report.md", "report.html"}
    page = paths[0].read_text(encoding="utf-8")
    assert "Runs that broke off: 1" in page
    assert "<script>" not in page
    text = printed(frame)
    assert "No run came to its end." in text
    assert "1 × a: timeout (<script>alert(1)</script>)" in text


@pytest.mark.slow
def test_several_objectives(tmp_path: Path) -> None:
    frame, fronts = fronts_study()
    both = pd.concat([frame, run([3, 2, 1], task="single")])
    found = names(write_search_report(both, tmp_path, formats=("csv",), fronts=fronts))
    assert found >= {"hypervolume-curves.csv", "fronts.csv", "regret-curves.csv"}
    columns = list(pd.read_csv(tmp_path / "figures/fronts.csv").columns)
    objectives = ["objective:accuracy", "objective:speed"]
    assert columns == ["task", "method", "seed", *objectives, "score"]
    figure = draw_fronts(SearchResults.of(frame, fronts))
    assert figure.axes[0].get_xlabel() == "accuracy"
    assert overlaps(figure) == []
    with_front, without = (
        len(draw_fronts(SearchResults.of(frame, f)).axes[0].lines) for f in (fronts, None)
    )
    assert with_front == without + 2


def test_an_outlying_point_does_not_squeeze_the_front() -> None:
    frame, fronts = fronts_study()
    usual = draw_fronts(SearchResults.of(frame, fronts)).axes[0].get_xlim()
    outlier = fronts.iloc[[0]].assign(**{"objective:accuracy": -1000.0, "objective:speed": 1000.0})
    limits = draw_fronts(SearchResults.of(frame, pd.concat([outlier, fronts]))).axes[0].get_xlim()
    assert limits[0] == pytest.approx(usual[0], abs=0.5 * (usual[1] - usual[0]))


def test_bad_requests(frame: pd.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"unknown report format 'pfd'\. Did you mean 'pdf'"):
        write_search_report(frame, tmp_path, formats=("pfd",))
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"cannot write the report to .*file"):
        write_search_report(frame, tmp_path / "file", formats=())


def printed(frame: pd.DataFrame, width: int = 80, **options: int) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(search_terminal_table(frame, **options))  # type: ignore[arg-type]
    return str(console.file.getvalue())  # type: ignore[attr-defined]


def test_the_terminal_shows_the_best_first(frame: pd.DataFrame) -> None:
    text = printed(frame, width=90)
    table = text.split("t2: simple regret")[0].splitlines()
    first = [line.split("  ")[0] for line in table[3:8]]
    means = SearchResults.of(frame).comparison(30).loc["t1", "mean"]
    assert sorted(first) == sorted(means.index)
    assert means[first].is_monotonic_increasing
    assert first[-1] == "random"
    assert "±" not in table[4]  # no interval of a mean regret holds with so few runs
    assert "%" in table[4]
    assert ">30" in next(line for line in table if line.startswith("random"))
    assert "…" not in text


def test_a_narrow_terminal_drops_the_intervals(frame: pd.DataFrame) -> None:
    table = printed(frame, width=50).split("Mean")[0]
    assert "±" not in table
    assert "…" not in table


def test_many_tasks_are_summed_up_by_rank(frame: pd.DataFrame) -> None:
    text = printed(frame, most_tasks=1)
    assert "mean rank over 2 tasks" in text
    assert "5.0" in next(line for line in text.splitlines() if line.startswith("random"))


def test_markup_in_names_is_shown_not_obeyed(frame: pd.DataFrame) -> None:
    small = frame[frame["task"] == "t1"].assign(task="[red]task[/red]")
    text = printed(small.replace({"strategy": {"gp ei": "[bold]m[/x]"}}))
    assert "[red]task[/red]" in text
    assert "[bold]m[/x]" in text


@pytest.mark.slow
def test_reports_of_searches_need_no_torch() -> None:
    code = (
        "import sys, surrobench.report.search.writer, surrobench.report.search.terminal\n"
        "assert not {'torch', 'sklearn'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
