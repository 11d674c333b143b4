"""Every command of the how-tos is one that exists, with options that it takes."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.main import get_command

from surrobench.cli.app import app
from surrobench.cli.exit_codes import MEANINGS
from surrobench.studies.durations import parse_budget
from surrobench.studies.shards import Shard

DOCS = Path(__file__).parent.parent / "docs"
PAGES = sorted(DOCS.glob("*.md"))
VALUES = {"SLURM_ARRAY_TASK_ID": "3", "SLURM_CPUS_PER_TASK": "4", "shards": "64", "i": "2"}


def blocks(page: Path) -> list[str]:
    found = re.findall(r"```bash\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    return [block.replace("\\\n", " ") for block in found]


def commands(page: Path) -> Iterator[list[str]]:
    """The words of every surrobench command of a page, variables replaced, also in quotes."""
    inline = re.findall(r"`(surrobench [^`\n]+)`", page.read_text(encoding="utf-8"))
    for block in [*blocks(page), *inline]:
        for line in block.splitlines():
            line = re.sub(r"\$\{?(\w+)\}?", lambda name: VALUES.get(name[1], name[0]), line)
            for text in re.findall(r"\bsurrobench (?!-)[^;&>\n]*", line):
                text = text if text.count('"') % 2 == 0 else text.replace('"', "")
                yield shlex.split(text, comments=True)


def test_there_are_pages() -> None:
    assert [page.name for page in PAGES] == ["cluster.md"]
    verbs = {words[1] for page in PAGES for words in commands(page)}
    assert {"run", "merge", "hash", "report", "prepare", "status", "verify"} <= verbs


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_are_read(page: Path) -> None:
    known = get_command(app).commands  # type: ignore[attr-defined]
    for words in commands(page):
        verb = known[words[1]]
        with verb.make_context(words[1], list(words[2:])) as context:
            given = context.params
        if given.get("shard"):
            assert Shard.parse(given["shard"]).count in (3, 64), words
        if given.get("budget"):
            assert parse_budget(given["budget"]) > 0, words


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_scripts_are_shell(page: Path) -> None:
    for block in blocks(page):
        done = subprocess.run(
            ["bash", "-n"], input=block, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (block, done.stderr)


def test_the_table_of_statuses_is_that_of_the_code() -> None:
    text = (DOCS / "cluster.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", text, re.MULTILINE)
    assert rows == [(str(status), meaning) for status, meaning in MEANINGS.items()]
