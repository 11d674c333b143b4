"""``help(surrobench)`` is a first page, and every public name has an example that runs."""

from __future__ import annotations

import doctest
import pydoc
import re
import subprocess
import sys

import pytest

import surrobench as sb

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
PLAIN = ("SPACES", "__version__")
"""No functions and no classes: their examples stand in the docstring of the package."""


def examples(text: str | None, name: str) -> doctest.DocTest:
    return doctest.DocTestParser().get_doctest(text or "", {}, name, None, 0)


def run(test: doctest.DocTest) -> str:
    """What went wrong, if anything did."""
    said: list[str] = []
    doctest.DocTestRunner(optionflags=FLAGS).run(test, out=said.append)
    return "".join(said)


def documentation(name: str) -> str | None:
    if name in PLAIN:
        return sb.__doc__
    value = getattr(sb, name)
    return str(type(value).__call__.__doc__ if name == "report" else value.__doc__)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in sb.__all__ if name not in PLAIN])
def test_every_public_name_has_an_example_that_runs(name: str) -> None:
    if name == "report":
        from surrobench.reporting.reports import report

        test = examples(report.__doc__, name)
    else:
        test = examples(documentation(name), name)
    assert any(name in example.source for example in test.examples), f"{name} has no example"
    assert run(test) == ""


@pytest.mark.parametrize("name", PLAIN)
def test_what_is_no_function_is_shown_by_the_package(name: str) -> None:
    assert any(name in example.source for example in examples(sb.__doc__, name).examples)


def test_the_first_page_runs() -> None:
    assert run(examples(sb.__doc__, "surrobench")) == ""


def test_help_names_the_ways_in_and_every_public_name() -> None:
    page = pydoc.plain(pydoc.render_doc(sb))
    first = page[: page.index("PACKAGE CONTENTS")]
    for way in ("evaluate", "compare", "plot", "search", "run_study", "report"):
        assert f"sb.{way}(" in first
    assert "surrobench run quickstart" in first
    for name in sb.__all__:
        assert re.search(rf"\b{name}\b", page), name


def test_the_package_is_imported_without_anything_heavy() -> None:
    code = (
        "import sys, surrobench; dir(surrobench)\n"
        "heavy = {'torch', 'pandas', 'numpy', 'matplotlib', 'rich', 'sklearn'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_name_without_an_example_would_be_found() -> None:
    assert not examples("Text alone.", "nothing").examples
    assert run(examples(">>> 1 + 1\n3\n", "wrong"))
