"""The page as a file: complete, safe, the same every time."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from search_frames import study

from surrobench.report import write_report, write_search_report
from surrobench.report.common.provenance import Citation, Provenance, RunFacts, TaskFacts
from surrobench.report.page import charts
from surrobench.report.page.charts import Axes, ChartStyles
from surrobench.report.page.document import LARGEST, Item, Listing, Page, Section, render
from surrobench.report.page.grid import from_frame
from surrobench.report.page.origin import origin_sections

HOSTILE = "</script><script>window.hacked = 1</script>"
ORIGIN = Provenance(
    "surrobench report run",
    (
        RunFacts(
            HOSTILE, "prediction", f"surrobench run {HOSTILE}", "seeds = 3", ({"python": "3"},)
        ),
    ),
    (TaskFacts("nb201/cifar10-val", licence=HOSTILE, url="javascript:alert(1)"),),
    (Citation("key", f"@misc{{key, title = {HOSTILE}}}", ("nb201",)),),
)


@pytest.fixture(scope="module")
def page(frame: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> str:
    few = frame["predictor"].isin(["svr", "gp-rbf", "mlp-ensemble", "constant"])
    few &= frame["train_size"].isin([25, 800]) & (frame["seed"] < 3)
    few &= frame["task"] != "nb201/in16-test"
    folder = tmp_path_factory.mktemp("page")
    write_report(frame[few], folder, formats=("tex",), provenance=ORIGIN)
    return (folder / "report.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_policy_names_what_the_page_holds(page: str) -> None:
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy is not None
    assert policy[1].startswith("default-src 'none'; ")
    assert "unsafe" not in policy[1]
    for tag in ("style", "script"):
        content = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        assert len(content) == 1
        digest = base64.b64encode(hashlib.sha256(content[0].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy[1]


@pytest.mark.slow
def test_nothing_is_fetched_from_elsewhere(page: str) -> None:
    addresses = re.findall(r'(?:src|href|action|data)="([^"]*)"', page)
    assert addresses
    for address in addresses:
        assert address.startswith(("data:image/", "#")) or re.fullmatch(
            r"(?:(?:figures|tables)/)?[\w.-]+", address
        )
    assert not re.search(r"@import|url\(\s*['\"]?http|style=\"|\son\w+=\"", page)


def test_hostile_text_stays_text(page: str) -> None:
    assert HOSTILE not in page
    assert page.count("&lt;/script&gt;&lt;script&gt;window.hacked") >= 4
    assert 'href="javascript' not in page


def test_everything_that_a_reader_needs_is_there(page: str) -> None:
    for words in (
        "seeds = 3",
        "surrobench report run",
        "What failed, and why",
        "stopped after 600 s",
        "Seeds 0 to 2.",
        "@misc{key",
        "Versions, threads and machine",
    ):
        assert words in page


@pytest.mark.slow
def test_the_same_results_give_the_same_bytes(frame: pd.DataFrame, tmp_path: Path) -> None:
    pages = []
    chosen = frame["predictor"].isin(["svr", "knn"]) & frame["train_size"].isin([25, 50])
    small = frame[chosen & (frame["seed"] < 3) & (frame["task"] == "nb201/in16-test")]
    for name in ("a", "b"):
        write_report(small, tmp_path / name, formats=())
        pages.append((tmp_path / name / "report.html").read_bytes())
    assert pages[0] == pages[1]


def test_headings_differ(page: str) -> None:
    headings = re.findall(r"<h3[^>]*>([^<]*)", page)
    assert len(set(headings)) == len(headings) > 5


def test_a_page_is_small(page: str) -> None:
    assert 20_000 < len(page.encode()) < LARGEST / 4


@pytest.mark.slow
def test_a_search_has_a_page_too(tmp_path: Path) -> None:
    write_search_report(study(seeds=3), tmp_path, formats=(), provenance=ORIGIN)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Search study" in text
    assert "full trainings" in text
    assert HOSTILE not in text
    headings = re.findall(r"<h3[^>]*>([^<]*)", text)
    assert len(set(headings)) == len(headings) > 5, "each says what stands below it alone"


def spec(chart: str) -> dict[str, object]:
    content: dict[str, object] = json.loads(chart)
    return content


def test_a_chart_holds_the_numbers_of_its_exhibit() -> None:
    data = pd.DataFrame(
        {
            "task": ["a"] * 4,
            "method": ["m", "m", "k", "k"],
            "train_size": [50, 25, 25, 50],
            "mean": [0.51234567, 0.25, 0.1, np.nan],
            "low": [0.5, 0.2, np.nan, np.nan],
            "high": [0.6, 0.3, np.nan, np.nan],
        }
    )
    axes = charts.axes_of(data)
    assert axes == Axes("train_size", "mean", ("low", "high"))
    content = spec(charts.chart(data, axes, "score", ChartStyles({}, ["k"])))
    assert [m["name"] for m in content["methods"]] == ["k", "m"]  # type: ignore[attr-defined]
    assert [m["on"] for m in content["methods"]] == [True, False]  # type: ignore[attr-defined]
    (panel,) = content["panels"]  # type: ignore[misc]
    short, whole = panel["lines"]
    assert (short["y"], "lo" in short) == ([0.1], False)
    assert (whole["x"], whole["y"]) == ([25.0, 50.0], [0.25, 0.5123])
    assert (whole["lo"], whole["hi"]) == ([0.2, 0.5], [0.3, 0.6])


def test_one_position_is_no_chart() -> None:
    data = pd.DataFrame({"method": ["m", "k"], "train_size": [25, 25], "mean": [0.1, 0.2]})
    assert charts.axes_of(data) is None


def test_text_in_a_chart_cannot_end_its_element() -> None:
    text = charts.embedded({"name": HOSTILE, "other": "<!--\u2028"})
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == {"name": HOSTILE, "other": "<!--\u2028"}


def test_long_names_break_between_their_words() -> None:
    names = ["OPENBLAS_NUM_THREADS", "|nor_conv_3x3~0|"]
    grid = from_frame(pd.DataFrame({"what": names, "n": [1.0, 2.0]}), "x", ["what"])
    section = Section("s", "s", items=(Item("i", "x", grid=grid),))
    text = render(Page("x", "x", sections=[section]))
    assert "OPENBLAS_<wbr>NUM_<wbr>THREADS" in text
    assert "|<wbr>nor_<wbr>conv_<wbr>3x3~<wbr>0|" in text


def test_kernels_do_not_hide_the_version_of_their_library() -> None:
    environment = {"packages": {"torch": "2.13.0"}, "kernels": {"torch": "AVX512"}}
    run = RunFacts("run", "prediction", "surrobench run x", environments=(environment,))
    (item,) = next(origin_sections(Provenance("x", (run,)), "")).items
    assert item.grid is not None
    rows = {row[0].text: row[1].text for row in item.grid.rows}
    assert rows == {"torch": "2.13.0", "kernels of torch": "AVX512"}


def test_every_part_of_a_page_is_escaped() -> None:
    grid = from_frame(pd.DataFrame({HOSTILE: [HOSTILE], "n": [1.5]}), HOSTILE, [HOSTILE])
    item = Item(
        "x", HOSTILE, HOSTILE, HOSTILE, grid=grid, numbers=grid, source=HOSTILE, files=("a",)
    )
    section = Section(
        "y", HOSTILE, (HOSTILE,), ((HOSTILE, HOSTILE),), (Listing(HOSTILE, HOSTILE),), (item,)
    )
    text = render(Page(HOSTILE, HOSTILE, HOSTILE, ((HOSTILE, HOSTILE),), (section,), HOSTILE))
    assert HOSTILE not in text
    assert text.count("<script") == 1
