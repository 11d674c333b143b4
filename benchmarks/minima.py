"""The test-suite with the oldest libraries that pyproject.toml allows.

    python benchmarks/minima.py FOLDER [pytest arguments …]

Makes a fresh environment in FOLDER (several GB; hours on few cores, so no part of continuous
integration), installs every dependency at its stated minimum together with surrobench, says what
pip chose, and runs the tests there. Without a GPU, name the index of torch's CPU builds first:

    PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu python benchmarks/minima.py FOLDER
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
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


def main(folder: Path, arguments: list[str]) -> int:
    content = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    constraints = folder / "minima.txt"
    folder.mkdir(parents=True, exist_ok=True)
    constraints.write_text("\n".join(minima(content)) + "\n")
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
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
