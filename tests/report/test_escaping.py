from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surrobench.report.common import escaping


def test_latex_specials() -> None:
    assert escaping.latex(r"a_b & 100% #1 {x} ~ ^ $y$ \input{/etc/passwd}") == (
        r"a\_b \& 100\% \#1 \{x\} \textasciitilde{} \textasciicircum{} \$y\$ "
        r"\textbackslash{}input\{/etc/passwd\}"
    )
    assert escaping.latex("β😀é\n\x00x") == "U+03B2U+1F600é x"
    assert escaping.latex("Kendall τ ± ą") == (r"Kendall \ensuremath{\tau} \ensuremath{\pm} U+0105")


@pytest.mark.slow
@given(st.text())
def test_no_latex_command_survives(text: str) -> None:
    escaped = escaping.latex(text)
    known = r"\\(text[a-z]+\{\}|dots\{\}|ensuremath\{\\[a-z]+\}|[{}$&#%_])"
    bare = re.sub(known, "", escaped)
    assert not set(bare) & set("\\{}$&#%_~^\n")


@given(st.text())
def test_markdown_stays_one_cell_without_html(text: str) -> None:
    escaped = escaping.markdown(text)
    assert "\n" not in escaped
    assert "<" not in escaped
    assert re.search(r"(?<!\\)(\\\\)*\|", escaped) is None


@pytest.mark.parametrize("text", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1"])
def test_formulas_are_defused_in_csv(text: str) -> None:
    assert escaping.csv(text) == "'" + text


def test_csv_leaves_numbers_and_plain_text_alone() -> None:
    assert escaping.csv(-1.5) == -1.5
    assert escaping.csv("gp-rbf") == "gp-rbf"


def test_long_names_keep_both_ends() -> None:
    assert escaping.one_line("abcdefghij", 5) == "ab…ij"
    assert escaping.one_line("abcde", 5) == "abcde"
    assert len(escaping.one_line("x" * 999, 34)) == 34


def test_long_sentences_are_cut_between_words() -> None:
    assert escaping.one_line("the encoding needs columns that are there", 29) == (
        "the encoding …that are there"
    )
    assert escaping.one_line("one two three four", 9) == "one …four"


def test_names_of_a_figure_that_differ_still_differ_when_they_are_shortened() -> None:
    long = [
        f"a-predictor-{place * 'x'}-{number}-with-a-name-that-ends-alike-for-all"
        for place in (1, 9)
        for number in range(5)
    ]
    shown = escaping.names([*long, "short", "short"])
    assert len(set(shown)) == len(long) + 1
    assert max(map(len, escaping.names(["m" * 60, "short"]))) == 34
