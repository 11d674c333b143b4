"""Pages say what the results say: the check of their sentences and tables, and what it refuses."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

ROOT = Path(__file__).parents[2]
SMALL = 2_000_000
"""Bytes of data up to which a page is checked here; ``python benchmarks/claims.py`` checks all."""
PAGE = """# A study

| method | score |
|---|---|
| `new` | 2.00 |
| `old` | 1.00 |

`new` is ahead of `old` by 1.00. The best of all is a name.
"""
LIST = """
page = "results/study/README.md"
[data.runs]
file = "results/study/runs.csv"
command = "make runs"
[[claim]]
sentence = "`new` is ahead of `old` by {d:.2f}."
numbers.a = { data = "runs", value = "score", where = "method == 'new'" }
numbers.b = { data = "runs", value = "score", where = "method == 'old'" }
numbers.d = { formula = "a - b" }
[[claim.tests]]
data = "runs"
value = "score"
method = "method"
first = "new"
second = "old"
verdict = "ahead"
[[table]]
header = "| method | score |"
by = "method"
columns = [{ heading = "score", cell = "{x:.2f}", numbers.x = { data = "runs", value = "score" } }]
[[exempt]]
text = "The best of all is a name"
reason = "a name"
"""


@pytest.fixture(scope="module")
def claims() -> Iterator[ModuleType]:
    """The script under test, which is no part of the package."""
    before = list(sys.path)
    sys.path.insert(0, str(ROOT / "benchmarks"))
    import claims

    yield claims
    sys.path[:] = before


Study = Callable[..., list[str]]


@pytest.fixture
def problems(claims: ModuleType, tmp_path: Path) -> Study:
    """What is wrong with a page, its list and its runs."""
    folder = tmp_path / "results" / "study"
    folder.mkdir(parents=True)
    (tmp_path / "results" / "claims").mkdir()

    def found(page: str = PAGE, listed: str = LIST, lead: float = 1.0) -> list[str]:
        (folder / "README.md").write_text(page, encoding="utf-8")
        (tmp_path / "results" / "claims" / "study.toml").write_text(listed, encoding="utf-8")
        rows = [("old", seed, 1 + 0.1 * (seed % 3)) for seed in range(9)]
        rows += [("new", seed, 1 + lead + 0.1 * (seed % 3)) for seed in range(9)]
        runs = pd.DataFrame(rows, columns=["method", "seed", "score"])
        runs["score"] -= 0.1
        runs.to_csv(folder / "runs.csv", index=False)
        return [problem for checked in claims.check_all(tmp_path) for problem in checked.problems]

    return found


def test_a_page_that_says_what_the_data_say_passes(problems: Study) -> None:
    assert problems() == []


def test_quoted_sentences_have_no_links(claims: ModuleType) -> None:
    quoted = claims.unlinked("found [after 30](results/a/README.md#b) evaluations ([c](d))")
    assert quoted == "found after 30 evaluations (c)"


def test_a_changed_number_is_told_in_sentence_and_table(problems: Study) -> None:
    page = PAGE.replace("by 1.00", "by 1.10").replace("| 2.00", "| 2.10")
    sentence, was, now = problems(page)
    assert "no longer so" in sentence
    assert "now: `new` is ahead of `old` by 1.00." in sentence
    assert "`new` | 2.10" in was
    assert "`new` | 2.00" in now


def test_a_sentence_that_is_gone_is_told(problems: Study) -> None:
    (problem,) = problems(PAGE.replace("`new` is ahead of `old` by 1.00. ", ""))
    assert problem.startswith("not in the page: `new` is ahead")


def test_a_table_that_is_gone_or_not_listed_is_told(problems: Study) -> None:
    gone, other = problems(PAGE.replace("| method | score |", "| method | points |"))
    assert "0 tables in the page" in gone
    assert "not listed: | method | points |" in other


@pytest.mark.parametrize(
    "sentence",
    ["`new` leads.", "`old` is worse.", "It is 3 times as fast.", "They are level with us."],
)
def test_a_comparing_sentence_that_is_not_listed_is_told(problems: Study, sentence: str) -> None:
    (problem,) = problems(PAGE + "\n" + sentence + "\n")
    assert "is not listed" in problem
    assert sentence.rstrip(".") in problem


def test_code_and_addresses_compare_nothing(problems: Study) -> None:
    assert problems(PAGE + "\n[here](best.md), `best`\n\n```\nfaster than | 1 |\n```\n") == []


def test_an_exemption_without_its_text_is_told(problems: Study) -> None:
    (problem,) = problems(PAGE.replace("The best of all is a name.", ""))
    assert problem.startswith("exempt, but not in the page")


def test_a_verdict_that_flips_is_told_even_if_the_sentence_stays(problems: Study) -> None:
    listed = LIST.replace('verdict = "ahead"', 'verdict = "undecided"')
    (problem,) = problems(listed=listed)
    assert "verdict is no longer 'undecided'" in problem
    assert problem.endswith(": ahead")
    assert any("undecided" in p for p in problems(lead=0.0))


def test_a_method_that_is_gone_is_told(problems: Study) -> None:
    (problem,) = problems(listed=LIST.replace("method == 'old'", "method == 'older'"))
    assert "no row matches: (method == 'older')" in problem


def test_writing_puts_the_numbers_of_today_into_the_page(
    claims: ModuleType, problems: Study, tmp_path: Path
) -> None:
    assert problems(lead=3.0)
    assert claims.main(tmp_path, write=True) == 0
    page = (tmp_path / "results" / "study" / "README.md").read_text(encoding="utf-8")
    assert "`new` is ahead of `old` by 3.00." in page
    assert "| `new` | 4.00 |" in page
    evidence = (tmp_path / "results" / "claims.md").read_text(encoding="utf-8")
    assert "new against old: +3 over 9 seeds" in evidence
    assert claims.main(tmp_path) == 0


def test_pages_are_chosen_by_a_part_of_their_path(
    claims: ModuleType, problems: Study, tmp_path: Path
) -> None:
    assert problems(lead=3.0)
    assert claims.main(tmp_path, part="other") == 0
    assert claims.main(tmp_path, part="study") == 1


LISTS = sorted((ROOT / "results" / "claims").glob("*.toml"))


@pytest.mark.slow
@pytest.mark.skipif(not LISTS, reason="results/ is not part of the source distribution")
@pytest.mark.parametrize("path", LISTS, ids=lambda path: path.stem)
def test_the_pages_here_say_what_the_results_say(claims: ModuleType, path: Path) -> None:
    listed = claims.read_list(path)
    files = {ROOT / data.file for data in listed.data.values()}
    if sum(file.stat().st_size for file in files) > SMALL:
        pytest.skip("much data: python benchmarks/claims.py checks this page")
    assert claims.check_page(listed, ROOT, {}).problems == []
