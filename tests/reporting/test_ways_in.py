"""``evaluate``, ``compare`` and ``plot``: one line each in a notebook, with the study's numbers."""

from __future__ import annotations

import sys
import types
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from in_process import in_process
from matplotlib.figure import Figure

import surrobench as sb
from surrobench.base.progress import NotebookBar, bar_html, in_notebook, make_bar
from surrobench.report.plot_kinds import plot_kinds

__all__ = ["in_process"]

TIMES = ["fit_seconds", "query_seconds_per_arch", "cpu_seconds", "host"]


class Mean:
    """A regressor shaped like scikit-learn's."""

    def fit(self, X: np.ndarray, y: np.ndarray) -> Mean:
        self.weights = np.linalg.lstsq(np.c_[X, np.ones(len(X))], y, rcond=None)[0]
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        return np.asarray(np.c_[X, np.ones(len(X))] @ self.weights)


PREDICTORS = [
    "gp-rbf",
    "svr+quantile-normal",
    {"use": "knn", "neighbours": 3, "label": "three"},
    Mean,
]


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of one's own, whose names are hostile."""
    folder = tmp_path_factory.mktemp("own")
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(
        {"depth": np.repeat(range(1, 13), 6), "op": ["a", "b", "c"] * 24, "k": [1, 2] * 36}
    ).drop_duplicates()
    rows["k"] = rng.permutation(len(rows))
    rows["params"] = 10 * rows["depth"]
    rows["top1"] = rows["depth"] + rng.normal(size=len(rows))
    rows.to_csv(folder / "own.csv", index=False)
    (folder / "own.toml").write_text(
        'name = "own"\ndata = "own.csv"\ndecisions = ["depth", "op", "k"]\n'
        'measured = ["params"]\ncitation = "<script>alert(1)</script>"\n'
        '[tasks.acc]\ntarget = "top1"\ndescription = "<img src=x onerror=alert(2)>"\nunit = "%"\n'
        'direction = "maximize"\n'
    )
    return folder / "own.toml"


@pytest.fixture(scope="module")
def compared(card: Path) -> sb.reporting.comparing.Comparison:
    return sb.compare(PREDICTORS, [str(card), "live/digits-chain"], n=[12, 24], seeds=6)


@pytest.mark.slow
def test_a_cell_has_the_numbers_of_the_study(
    card: Path, tmp_path: Path, in_process: list[int]
) -> None:
    study = sb.run_study(
        {
            "tasks": [str(card)],
            "predictors": PREDICTORS,
            "train_sizes": [12],
            "seeds": [1, 4],
        },
        out=tmp_path / "run",
    )
    assert (study["status"] == "ok").all()
    one_by_one = [sb.evaluate(p, str(card), n=12, seeds=[1, 4]) for p in PREDICTORS]
    loaded = [sb.evaluate(p, sb.load_task(str(card)), n=12, seeds=[1, 4]) for p in PREDICTORS]
    for frames in (one_by_one, loaded):
        found = pd.concat(frames).set_index("key").reindex(study["key"]).reset_index()
        pd.testing.assert_frame_equal(
            found[study.columns].drop(columns=TIMES), study.drop(columns=TIMES), check_exact=True
        )


def test_sizes_and_seeds_may_be_any_numbers(card: Path) -> None:
    frames = [
        sb.evaluate("params", str(card), n=n, seeds=seeds)
        for n, seeds in (([12, 16], [0, 1]), (np.array([12, 16]), range(2)), (range(12, 17, 4), 2))
    ]
    for frame in frames[1:]:
        pd.testing.assert_frame_equal(frames[0].drop(columns=TIMES), frame.drop(columns=TIMES))


@pytest.mark.slow
def test_workers_give_the_same_numbers_as_this_process(card: Path) -> None:
    here, away = (
        sb.evaluate("random-forest", str(card), n=12, seeds=2, workers=workers)
        for workers in (1, 2)
    )
    pd.testing.assert_frame_equal(
        here.drop(columns=TIMES), away.drop(columns=TIMES), check_exact=True
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("knnn", "live/digits-chain"), "Did you mean 'knn'"),
        (("knn", "live/digits-chainn"), "Did you mean 'live/digits-chain'"),
        (("knn", 3), "3 is no task"),
        (("knn", "live/digits-chain", 5000), "5000"),
        (("knn", "live/digits-chain", 0), "1 or more"),
        ((3, "live/digits-chain"), "is not a predictor"),
        (("knn", "live:cells"), "live:cells"),
    ],
)
def test_mistakes_are_sentences(arguments: tuple[object, ...], message: str) -> None:
    with pytest.raises(sb.UserError, match=message):
        sb.evaluate(*arguments, seeds=1)  # type: ignore[arg-type]


@pytest.mark.slow
def test_a_comparison_has_ranks_a_board_and_a_verdict(
    compared: sb.reporting.comparing.Comparison,
) -> None:
    assert compared.n == 24
    assert set(compared.board["method"]) == set(compared.ranks.index)
    assert compared.means.shape == (4, 2)
    own, chain, both = compared.verdict.splitlines()
    assert own.startswith("own/acc, Kendall τ with 24 training examples, 6 seeds: ")
    assert chain.startswith("live/digits-chain, ")
    assert "no test can tell whether it leads on tables of the kind" in both
    assert str(compared) == compared.verdict


def test_with_few_seeds_no_test_can_tell() -> None:
    few = sb.compare(["knn", "params", "flops"], "live/digits-chain", n=24, seeds=3)
    assert "no test can tell, because of too few common seeds" in few.verdict
    assert "six" not in few.verdict.partition("no test can tell")[0]
    assert "behind" not in few.verdict


@pytest.mark.slow
def test_every_kind_of_figure_of_a_frame_is_drawn(
    compared: sb.reporting.comparing.Comparison, tmp_path: Path
) -> None:
    kinds = plot_kinds(compared.results)
    assert {"curves", "board", "pareto", "outcomes", "reliability"} <= set(kinds)
    for kind in kinds:
        figure = sb.plot(compared.frame, kind, size="icml", columns=1)
        assert isinstance(figure, Figure)
        figure.draw_without_rendering()
    assert sb.plot(compared)._repr_png_()[:4] == b"\x89PNG"  # type: ignore[attr-defined]
    with pytest.raises(sb.UserError, match=r"unknown kind .*Did you mean 'curves'.*These results"):
        sb.plot(compared, "curve")
    with pytest.raises(sb.UserError, match="int is nothing to draw"):
        sb.plot(3)


def test_a_search_is_drawn(tmp_path: Path) -> None:
    space = sb.Space(depth=sb.Integer(1, 30))
    found = sb.search(space, lambda depth: -((depth - 9) ** 2), budget=12, strategy="random")
    for what in (found, found.frame):
        sb.plot(what, "curves").draw_without_rendering()


@pytest.mark.slow
def test_what_a_notebook_shows_is_inert(
    card: Path, compared: sb.reporting.comparing.Comparison, tmp_path: Path
) -> None:
    task = sb.load_task(str(card))
    from surrobench.studies.prediction.config import Study
    from surrobench.tasks.tables.card_file import read_card
    from surrobench.tasks.tables.table import load_table

    study = Study.read(
        {
            "kind": "prediction",
            "name": "<b>x</b>",
            "tasks": ["live/digits-chain"],
            "predictors": [{"use": "knn", "label": "<i>knn</i>"}],
            "train_sizes": [12],
            "seeds": 1,
        }
    )
    label = sb.compare([{"use": "knn", "label": "<u>k</u>"}, "params"], task, n=12, seeds=2)
    space = sb.Space(op=sb.Categorical("<s>x</s>", "y"))
    found = sb.search(space, lambda op: len(op), budget=2, initial=2, strategy="random")
    table = load_table(read_card(card), card.parent / "own.csv")
    shown = [task, table, study, label, found, compared, compared.results]
    for what in shown:
        text = what._repr_html_()
        for hostile in ("<script", "<img", "<b>", "<i>", "<u>", "<s>"):
            assert hostile not in text, (what, hostile)
        assert text.startswith("<div>")
    assert "&lt;script&gt;" in task._repr_html_()
    assert "&lt;i&gt;knn" in study._repr_html_()
    assert "&lt;u&gt;k" in label._repr_html_()
    assert "&lt;s&gt;x" in found._repr_html_()
    assert repr(task).startswith("TableTask('own/acc', ")


def test_progress_is_shown_where_a_person_watches(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not in_notebook()
    sb.evaluate("params", "live/digits-chain", n=12, seeds=1)
    assert capsys.readouterr().err == ""
    sb.evaluate("params", "live/digits-chain", n=12, seeds=1, progress=True)
    assert "1/1" in capsys.readouterr().err
    pages: list[str] = []
    shown = types.SimpleNamespace(update=lambda content: pages.append(content.data))
    ipython, display = types.ModuleType("IPython"), types.ModuleType("IPython.display")
    ipython.get_ipython = lambda: types.SimpleNamespace(kernel=object())  # type: ignore[attr-defined]

    def show(content: types.SimpleNamespace, display_id: bool) -> types.SimpleNamespace:
        pages.append(content.data)
        return shown

    display.HTML = lambda data: types.SimpleNamespace(data=data)  # type: ignore[attr-defined]
    display.display = show  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    assert isinstance(make_bar(3, "cells"), NotebookBar)
    sb.evaluate("params", "live/digits-chain", n=12, seeds=2)
    assert len(pages) == 3
    assert 'value="2" max="2"' in pages[-1]
    assert "<b>" not in bar_html(1, 2, "<b>bold</b>")
