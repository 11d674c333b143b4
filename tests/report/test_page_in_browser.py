"""The page in a real browser: no request, no error, and everything on it works."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from surrobench.report import write_report
from surrobench.report.common.provenance import Provenance, RunFacts
from surrobench.report.common.style import contrast
from surrobench.report.page import explorer

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
playwright = pytest.importorskip(
    "playwright.sync_api", reason="needs playwright: pip install 'surrobench[dev]'"
)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        CHROMIUM is None, reason="needs the chromium browser, as in: apt-get install chromium"
    ),
]

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HOSTILE = {
    "gp-rbf": "<script>window.hacked = 1</script>",
    "svr": '" onload="window.hacked = 1',
    "knn": "</script><img src=x onerror='window.hacked = 1'>",
    "xgboost": "javascript:window.hacked=1",
    "random-forest": "'\"><svg onload=window.hacked=1>",
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def file(frame: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report whose tasks, methods, reasons and runs have hostile names."""
    chosen = frame["predictor"].isin([*HOSTILE, "mlp-ensemble", "constant"])
    sizes = frame["train_size"].isin([25, 100, 800])
    named = frame[chosen & sizes & (frame["seed"] < 2)].replace({"predictor": HOSTILE})
    named = named.replace({"task": {"nb201/in16-test": "<img src=x onerror=window.hacked=1>"}})
    named.loc[named["status"] != "ok", "reason"] = "</pre><script>window.hacked = 1</script>"
    origin = Provenance(
        "surrobench <b>report</b>", (RunFacts("<i>run</i>", "prediction", "<s>x</s>"),)
    )
    folder = tmp_path_factory.mktemp("browser")
    write_report(named, folder, formats=(), provenance=origin)
    return folder / "report.html"


class Visit:
    """An open page with what it asked for and complained of."""

    def __init__(self, browser: Any, file: Path, **options: Any) -> None:
        self.page = browser.new_context(**options).new_page()
        self.requests: list[str] = []
        self.errors: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.errors.append(message.text))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("dialog", lambda dialog: self.errors.append(dialog.message))
        self.page.set_default_timeout(120_000)  # a busy machine opens its first page late
        self.page.goto(file.as_uri())

    def scroll_through(self) -> None:
        height = self.page.evaluate("document.documentElement.scrollHeight")
        for place in range(0, height, 800):
            self.page.evaluate(f"window.scrollTo(0, {place})")
            self.page.wait_for_timeout(30)
        self.page.wait_for_function(
            "[...document.querySelectorAll('.chart')].every(c => c.querySelector('.panel path'))"
        )


@pytest.fixture
def visit(browser: Any, file: Path) -> Iterator[Visit]:
    opened = Visit(browser, file, viewport={"width": 1300, "height": 900})
    yield opened
    opened.page.context.close()


def test_no_request_and_no_error(visit: Visit, file: Path) -> None:
    visit.scroll_through()
    outside = [url for url in visit.requests if not url.startswith("data:")]
    assert outside == [file.as_uri()]
    assert visit.errors == []


def test_lines_behind_the_chosen_ones_are_not_cut_off(visit: Visit) -> None:
    """Grey lines below the others, such as those of a baseline, stay above the axis."""
    visit.scroll_through()
    inside = visit.page.evaluate(
        """() => [...document.querySelectorAll('.chart .panel svg')].flatMap((svg) => {
          const box = svg.querySelector('clipPath rect').getBBox();
          return [...svg.querySelectorAll('g[clip-path] path')].map((line) => {
            const own = line.getBBox();
            return own.y >= box.y - 0.5 && own.y + own.height <= box.y + box.height + 0.5;
          });
        })"""
    )
    assert len(inside) > 20
    assert all(inside)


def test_hostile_names_are_shown_and_never_run(visit: Visit) -> None:
    visit.scroll_through()
    assert visit.page.evaluate("window.hacked === undefined")
    scripts = visit.page.evaluate(
        "[...document.scripts].filter(s => s.type !== 'application/json').length"
    )
    assert scripts == 1
    assert visit.page.evaluate("document.querySelectorAll('[onload], [onerror]').length") == 0
    assert visit.page.evaluate("document.querySelectorAll('main b, main i, main s').length") == 0
    text = visit.page.evaluate("document.body.textContent")
    for name in HOSTILE.values():
        assert name in text


def test_the_policy_stops_what_slips_in(visit: Visit) -> None:
    visit.page.evaluate(
        "() => { const s = document.createElement('script'); s.textContent = 'window.hacked = 1';"
        " document.body.append(s); const i = document.createElement('img');"
        " i.src = 'https://example.org/x.png'; document.body.append(i); }"
    )
    visit.page.wait_for_timeout(100)
    assert visit.page.evaluate("window.hacked === undefined")
    assert len(visit.errors) == 2
    assert all("Content Security Policy" in error for error in visit.errors)


def column(visit: Visit, place: int) -> list[str]:
    cells = visit.page.locator(f"#exhibit-kendall-tau-n100 tbody tr > :nth-child({place})")
    return [text.strip() for text in cells.all_text_contents()]


def test_sorting(visit: Visit) -> None:
    head = visit.page.locator("#exhibit-kendall-tau-n100 thead th").nth(1)
    before = column(visit, 1)
    head.locator("button").click()
    up = [float(text.split("±")[0].rstrip("≈† ")) for text in column(visit, 2)]
    assert up == sorted(up)
    assert head.get_attribute("aria-sort") == "ascending"
    head.locator("button").press("Enter")
    down = [float(text.split("±")[0].rstrip("≈† ")) for text in column(visit, 2)]
    assert down == sorted(up, reverse=True)
    assert head.get_attribute("aria-sort") == "descending"
    assert sorted(column(visit, 1)) == sorted(before)


def test_filtering(visit: Visit) -> None:
    box = visit.page.locator("#exhibit-kendall-tau-n100")
    box.locator("input[type=search]").fill("mlp")
    assert box.locator("tbody tr:visible").count() == 1
    assert "1 of 7 rows" in box.locator(".tools").inner_text()
    box.locator("input[type=search]").fill("")
    assert box.locator("tbody tr:visible").count() == 7


def test_a_table_is_saved_as_csv(visit: Visit, tmp_path: Path) -> None:
    box = visit.page.locator("#exhibit-kendall-tau-n100")
    with visit.page.expect_download() as waiting:
        box.get_by_role("button", name="Save as CSV").click()
    waiting.value.save_as(tmp_path / "table.csv")
    saved = pd.read_csv(tmp_path / "table.csv")
    assert len(saved) == 7
    assert sorted(saved["method"]) == sorted([*HOSTILE.values(), "mlp-ensemble", "constant"])
    assert visit.errors == []


def test_methods_are_toggled(visit: Visit) -> None:
    chart = visit.page.locator(".chart").first
    chart.scroll_into_view_if_needed()
    key = chart.get_by_role("button", name="mlp-ensemble")
    assert key.get_attribute("aria-pressed") == "true"
    lines = chart.locator(".panel path.line")
    before = lines.count()
    key.click()
    assert key.get_attribute("aria-pressed") == "false"
    assert lines.count() == before - 3
    chart.get_by_role("button", name="None").click()
    assert lines.count() == 0


def test_methods_of_a_drawing_are_switched_off(visit: Visit) -> None:
    box = visit.page.locator(".exhibit", has=visit.page.locator(".switches")).first
    box.scroll_into_view_if_needed()
    key = box.locator(".legend").get_by_role("button", name="mlp-ensemble")
    parts = box.locator(".sheet [data-method]")
    everything = parts.evaluate_all("all => all.filter(e => e.style.display !== 'none').length")
    key.click()
    left = parts.evaluate_all("all => all.filter(e => e.style.display !== 'none').length")
    assert 0 < left < everything
    key.click()
    again = parts.evaluate_all("all => all.filter(e => e.style.display !== 'none').length")
    assert again == everything
    assert visit.errors == []


def test_zoom_and_back(visit: Visit) -> None:
    chart = visit.page.locator(".chart").first
    chart.scroll_into_view_if_needed()
    drawn = chart.locator(".panel svg").first
    path = drawn.locator("path.line").first
    whole = path.get_attribute("d")
    box = drawn.bounding_box()
    assert box is not None
    visit.page.mouse.move(box["x"] + 120, box["y"] + 40)
    visit.page.mouse.down()
    visit.page.mouse.move(box["x"] + 220, box["y"] + 120)
    visit.page.mouse.up()
    assert path.get_attribute("d") != whole
    drawn.dblclick()
    assert path.get_attribute("d") == whole
    drawn.press("+")
    assert path.get_attribute("d") != whole
    drawn.press("0")
    assert path.get_attribute("d") == whole


def test_another_measure(visit: Visit) -> None:
    chart = visit.page.locator("#explorer .chart")
    chart.scroll_into_view_if_needed()
    first = chart.locator(".panel path.line").first
    before = first.get_attribute("d")
    chart.get_by_label("Measure").select_option(label="calibration error (smaller is better)")
    assert first.get_attribute("d") != before
    assert "calibration error" in chart.locator(".panel svg").first.text_content()


def test_a_compressed_chart_is_the_same_chart(
    browser: Any,
    frame: pd.DataFrame,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    few = frame[frame["predictor"].isin(["knn", "svr"]) & frame["train_size"].isin([25, 100])]
    drawn = []
    for most in (explorer.MOST_LINES, 0):
        monkeypatch.setattr(explorer, "MOST_LINES", most)
        write_report(few, tmp_path / str(most), formats=())
        opened = Visit(browser, tmp_path / str(most) / "report.html")
        packed = opened.page.locator("#explorer .chart script:not([type='application/json'])")
        assert packed.count() == (most == 0)
        opened.scroll_through()
        lines = opened.page.locator("#explorer .chart .panel path.line")
        drawn.append([lines.nth(i).get_attribute("d") for i in range(lines.count())])
        assert not opened.errors
        opened.page.context.close()
    assert drawn[0] == drawn[1] != []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_dark_and_phone(browser: Any, file: Path, scheme: str) -> None:
    phone = Visit(browser, file, viewport={"width": 390, "height": 800}, color_scheme=scheme)
    phone.scroll_through()
    excess = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert phone.page.evaluate(excess) == 0
    shade = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)[0]"
    assert (phone.page.evaluate(shade) < 80) == (scheme == "dark")
    letters = phone.page.evaluate(
        "[...document.querySelectorAll('.sheet > svg')].flatMap(svg => {"
        " const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;"
        " return [...svg.querySelectorAll('text')].map("
        "t => scale * parseFloat(getComputedStyle(t).fontSize)); })"
    )
    assert min(letters) > 7.9
    seen = phone.page.evaluate(
        "[...document.querySelectorAll('.panel .line')].map(e => getComputedStyle(e).stroke)"
    )
    card = "#1d2024" if scheme == "dark" else "#ffffff"
    found = ["#" + "".join(f"{int(n):02x}" for n in re.findall(r"\d+", one)[:3]) for one in seen]
    assert len(found) > 3
    assert min(contrast(one, card) for one in found) >= (4 if scheme == "dark" else 2)
    phone.page.evaluate("window.scrollTo(0, 0)")
    for _ in range(2 if scheme == "light" else 1):
        phone.page.locator(".theme").click()
    assert (phone.page.evaluate(shade) < 80) == (scheme == "light")
    assert phone.errors == []
    phone.page.context.close()


def test_a_figure_opens_large(visit: Visit) -> None:
    image = visit.page.locator(".sheet > svg:visible").first
    image.scroll_into_view_if_needed()
    image.click()
    dialog = visit.page.locator("dialog.large")
    assert dialog.is_visible()
    large = dialog.locator(".stage > svg")
    width = large.bounding_box()["width"]
    dialog.get_by_role("button", name="Larger").click()
    assert large.bounding_box()["width"] > 1.2 * width
    visit.page.keyboard.press("Escape")
    assert not dialog.is_visible()
