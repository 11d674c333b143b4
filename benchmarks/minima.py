"""The test-suite with the oldest libraries that pyproject.toml allows.

    python benchmarks/minima.py FOLDER [--keep NAME==VERSION …] [-- pytest arguments …]
    python benchmarks/minima.py FOLDER -- tests/predictors -q

Makes an environment in FOLDER (several GB; hours on few cores, so no part of continuous
integration), installs every dependency at its stated minimum together with surrobench, says what
pip chose, and runs the tests there, all of them unless some are named. An environment that is
there already is brought up to date. ``--keep`` takes another version of a package, for example
where its minimum has no build for this machine. Without a GPU, name the index of torch's CPU
builds first:

    PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu python benchmarks/minima.py FOLDER
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
EXTRAS = ("peers", "pymoo", "bayes", "test")


def minima(content: dict) -> Iterator[str]:
    """``name==version`` for every dependency with a lower bound, also of the extras."""
    project = content["project"]
    stated = [*project["dependencies"]]
    for extra in EXTRAS:
        stated += project["optional-dependencies"][extra]
    for requirement in stated:
        found = re.fullmatch(r"([\w.-]+)(?:\[[^\]]*\])?>=([\w.]+)(?:;.*)?", requirement)
        if found:
            yield f"{found[1]}=={found[2]}"


def chosen(content: dict, kept: Sequence[str]) -> list[str]:
    """The minima, with the versions of ``kept`` where it names a package."""
    wanted = {line.partition("==")[0].lower(): line for line in minima(content)}
    for line in kept:
        name, equals, version = line.partition("==")
        if name.lower() not in wanted or not (equals and version):
            known = ", ".join(sorted(wanted))
            raise SystemExit(f"--keep {line}: give NAME==VERSION; names with a minimum: {known}.")
        wanted[name.lower()] = line
    return list(wanted.values())


def main(folder: Path, kept: Sequence[str], arguments: Sequence[str]) -> int:
    content = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    lines = chosen(content, kept)
    constraints = folder / "minima.txt"
    folder.mkdir(parents=True, exist_ok=True)
    constraints.write_text("\n".join(lines) + "\n")
    subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
    python = folder / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    wanted = f"{ROOT}[{','.join(EXTRAS)}]"
    pip = [str(python), "-m", "pip", "install", "-c", str(constraints), "-e", wanted]
    if subprocess.run(pip, check=False).returncode:
        print("The minima do not fit together, or have no build for this Python.", file=sys.stderr)
        return 1
    subprocess.run([str(python), "-m", "pip", "list"], check=True)
    return subprocess.run(
        [str(python), "-m", "pytest", *arguments], cwd=ROOT, check=False
    ).returncode


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--keep", action="append", default=[], metavar="NAME==VERSION")
    given = sys.argv[1:]
    end = given.index("--") if "--" in given else len(given)
    asked = parser.parse_args(given[:end])
    sys.exit(main(asked.folder, asked.keep, given[end + 1 :]))
