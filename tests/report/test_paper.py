"""A report as LaTeX, its appendix and its citations."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from importlib.resources import files
from pathlib import Path

import pandas as pd
import pytest

from surrobench.report import write_report
from surrobench.report.bibliography import cite, entries, parts, references
from surrobench.report.common.cells import LATEX_COMMANDS
from surrobench.report.common.latex import appendix_tex
from surrobench.report.common.provenance import Provenance, RunFacts, TaskFacts

SKELETON = Path(__file__).parents[2] / "examples" / "paper" / "paper.tex"
HOSTILE = r"a_b \input{/etc/passwd} 100% $x^2$ & #1 ≤ 5"


def provenance() -> Provenance:
    sources = cite({"predictors": ["svr"], "statistics": parts()["statistics"]}, {"t": ""})
    return Provenance(
        runs=(RunFacts("mine", "prediction", "surrobench run mine", f"name = '{HOSTILE}'"),),
        tasks=(TaskFacts(HOSTILE, measures=HOSTILE),),
        citations=sources.citations,
        uncited=sources.without,
    )


@pytest.fixture(scope="module")
def small(frame: pd.DataFrame) -> pd.DataFrame:
    chosen = frame["predictor"].isin(["svr", "gp-rbf", "xgboost"]) & (frame["seed"] < 7)
    rows = frame[chosen & frame["train_size"].isin([25, 800])].reset_index(drop=True)
    return rows.assign(task=rows["task"].replace("nb201/in16-test", HOSTILE))


@pytest.fixture(scope="module")
def written(small: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("paper")
    write_report(small, folder, ("tex", "md", "html", "pdf"), provenance=provenance())
    return folder


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_the_skeleton_compiles_unedited(small: pd.DataFrame, tmp_path: Path) -> None:
    write_report(small, tmp_path / "report", ("tex", "pdf"), provenance=provenance())
    shutil.copy(SKELETON, tmp_path / "paper.tex")
    latex = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper"]
    for command in (latex, ["bibtex", "paper"], latex, latex):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
        assert done.returncode == 0, done.stdout.decode("latin-1")[-2000:]
    log = (tmp_path / "paper.log").read_text("latin-1")
    assert "undefined" not in log
    assert "Overfull \\hbox" not in log.split("reproducib")[0]
    assert (tmp_path / "paper.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_the_best_is_bold_although_siunitx_sets_it(tmp_path: Path) -> None:
    preamble = SKELETON.read_text(encoding="utf-8").split(r"\begin{document}")[0]
    body = r"\pdfobjcompresslevel=0 \begin{document}" + LATEX_COMMANDS + r"%s\end{document}"
    fonts = []
    for name, number in (("plain", r"\srnum{0.5}"), ("bold", r"\srbest{\srnum{0.5}}")):
        (tmp_path / f"{name}.tex").write_text(preamble + body.replace("%s", number))
        done = subprocess.run(
            ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", name],
            cwd=tmp_path,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout.decode("latin-1")[-2000:]
        fonts.append(b"NimbusRomNo9L-Medi" in (tmp_path / f"{name}.pdf").read_bytes())
    assert fonts == [False, True]


@pytest.mark.slow
def test_report_tex_shows_everything_once(written: Path) -> None:
    text = (written / "report.tex").read_text()
    shown = [
        path.relative_to(written).with_suffix("").as_posix() for path in written.glob("*/*.tex")
    ]
    assert all(text.count(rf"\input{{\srfolder {name}}}") == 1 for name in shown)
    assert {
        "tables/summary",
        "figures/kendall_tau-curves",
        "tables/kendall_tau-against-best-n800",
    } <= set(shown)
    figure = (written / "figures" / "kendall_tau-curves.tex").read_text()
    assert r"\label{fig:kendall_tau-curves}" in figure


@pytest.mark.slow
def test_without_tables_there_is_no_latex(small: pd.DataFrame, tmp_path: Path) -> None:
    one = small[(small["task"] == HOSTILE) & (small["train_size"] == 25) & (small["seed"] < 2)]
    write_report(one, tmp_path, ("md",), provenance=provenance())
    assert not list(tmp_path.rglob("*.tex"))
    assert not list(tmp_path.glob("*.bib"))


def test_the_appendix_shows_what_it_is_told_and_runs_nothing() -> None:
    text = appendix_tex(provenance(), [("Seeds", "3: 0 to 2"), ("Failures", HOSTILE)])
    assert r"\item[Seeds] 3: 0 to 2" in text
    assert r"\input" not in text
    assert r"\textbackslash{}input" in text
    assert r"\ensuremath{\leq}" in text
    assert r"\cite{agarwal2021precipice," in text
    assert "No publication is known for: t." in text


@pytest.mark.slow
def test_the_best_is_bold_and_the_second_underlined(small: pd.DataFrame, written: Path) -> None:
    tex = (written / "tables" / "kendall_tau-n800.tex").read_text()
    assert r"\providecommand{\srsecond}[1]{\underline{#1}}" in tex
    body = tex.split(r"\midrule")[1]
    tasks = small["task"].nunique()
    assert body.count(r"\srbest{") == body.count(r"\srsecond{") == tasks
    html = (written / "tables" / "kendall_tau-n800.html").read_text()
    assert html.count("<strong>") == html.count("<u>") == tasks
    assert r"\input{/etc/passwd} 100% $x^2$ &amp; #1" in html


def test_every_part_is_cited_by_an_entry_that_exists() -> None:
    keys = [key for table in parts().values() for names in table.values() for key in names]
    assert set(keys) == set(references())
    assert all(text.endswith("}") for text in references().values())


_FIELDS = {
    "article": ("author", "title", "journal", "year"),
    "inproceedings": ("author", "title", "booktitle", "year"),
    "book": ("title", "publisher", "year"),
    "misc": ("author", "title"),
}


def test_entries_have_what_their_kind_needs() -> None:
    cards = files("surrobench.tasks") / "cards"
    texts = [tomllib.loads(card.read_text("utf-8")).get("bibtex", "") for card in cards.iterdir()]
    found = {**references(), **{k: e for text in texts for k, e in entries(text).items()}}
    for key, entry in found.items():
        kind = entry[1 : entry.index("{")]
        fields = set(re.findall(r"^\s*(\w+) = \{", entry, re.MULTILINE))
        assert set(_FIELDS[kind]) <= fields, key
        assert kind != "book" or fields & {"author", "editor"}, key
        assert kind != "article" or "doi" in fields or {"volume", "pages"} <= fields, key
        assert "others}" not in entry, key


def test_citations_of_parts_with_options_and_transforms() -> None:
    found = cite(
        {
            "predictors": ["gp-rbf-ard+quantile-normal", "mine:Mine"],
            "encodings": ["path:40+one-hot"],
        },
        {"t": "@misc{own,\n title = {Own},\n}\n@misc{two,\n title = {Two},\n}", "u": "no entry"},
    )
    keys = [citation.key for citation in found.citations]
    assert keys == sorted(keys)
    assert {"rasmussen2006gp", "white2021bananas", "own", "two"} <= set(keys)
    assert found.without == ("mine", "u")
    own = next(citation for citation in found.citations if citation.key == "own")
    assert own.cited_for == ("t",)


def test_entries_of_something_else_are_none() -> None:
    assert entries("see the web page @ home") == {}
