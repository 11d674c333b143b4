"""What is counted agrees with how many there are, everywhere in the package."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import surrobench
from surrobench.base.wording import counted, one_or_many

ROOT = Path(surrobench.__file__).parent
COUNTED = (
    "architectures|cells|records|rows|columns|tasks|seeds|runs|evaluations|trainings|choices|"
    "variables|candidates|networks|files|workers|problems|reasons|examples|methods|blocks|kinds"
)
PLURAL = re.compile(rf" (?:[\w-]+ )?(?:{COUNTED})\b(?! or )")
SEVERAL = {  # never 1 where they stand
    "len(labels)",
    "len(methods)",
    "len(results.traces)",
    "len(scores.tables)",
    "len(set(names))",
    "len(tasks)",
}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (counted(0, "cell"), "0 cells"),
        (counted(1, "cell"), "1 cell"),
        (counted(1.0, "cell"), "1 cell"),
        (counted(15625, "architecture"), "15,625 architectures"),
        (counted(2.5, "training"), "2.5 trainings"),
        (counted(1, "index is", "indices are"), "1 index is"),
        (counted(3, "index is", "indices are"), "3 indices are"),
        (one_or_many(1, "has", "have"), "has"),
        (one_or_many(0, "has", "have"), "have"),
    ],
)
def test_numbers_agree_with_their_words(told: str, expected: str) -> None:
    assert told == expected


def uncounted(path: Path) -> Iterator[str]:
    """Places where a number stands before words that are plural whatever the number."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.JoinedStr):
            continue
        for number, words in zip(node.values, node.values[1:], strict=False):
            if not (isinstance(number, ast.FormattedValue) and isinstance(words, ast.Constant)):
                continue
            said = ast.unparse(number.value)
            if number.conversion == -1 and PLURAL.match(str(words.value)) and _counts(said):
                yield f"{path.relative_to(ROOT)}:{number.lineno}: {{{said}}}{words.value}"


def _counts(said: str) -> bool:
    """Whether an expression is a number that may be 1."""
    number = re.search(r"\b(len|sum|count|nunique|initial|missing|todo)\b", said)
    return bool(number) and said not in SEVERAL


@pytest.mark.slow
def test_every_number_before_a_noun_is_counted() -> None:
    found = [place for path in sorted(ROOT.rglob("*.py")) for place in uncounted(path)]
    assert not found, "use surrobench.base.wording.counted:\n" + "\n".join(found)
