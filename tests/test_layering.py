"""Imports run downward only; names can be listed without heavy packages."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import surrobench

ROOT = Path(surrobench.__file__).parent
TESTS = Path(__file__).parent

# A layer may import itself and every layer before it.
LAYERS = [
    {
        "errors",
        "failpoints",
        "registry",
        "atomic",
        "columns",
        "unpickling",
        "process_state",
        "sealed",
        "spaces.architecture",
    },
    {"spaces", "encodings", "metrics", "predictors"},
    {"acquisition", "training"},
    {"strategies", "tasks", "testing"},
    {"studies"},
    {"understanding"},
    {"report"},
    {"cli", "__main__", "__init__"},
]
# What each layer below may not use at all, whatever its level.
FORBIDDEN = {
    "predictors": {"spaces", "encodings", "tasks", "studies"},
    "metrics": {"spaces", "encodings", "predictors", "tasks"},
    "report": {"predictors", "training", "tasks", "studies", "understanding"},
}


def room(module: str) -> str:
    """The layer name of ``a.b`` inside the package."""
    return module if module in LAYERS[0] else module.split(".")[0]


def level(name: str) -> int:
    return next(i for i, names in enumerate(LAYERS) if name in names)


def imported(path: Path) -> set[str]:
    """Modules of the package that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module] + [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        found |= {name.removeprefix("surrobench.") for name in names if "surrobench." in name}
    return found


def modules() -> list[str]:
    paths = ROOT.rglob("*.py")
    return sorted(str(path.relative_to(ROOT)) for path in paths if path.parent != ROOT)


@pytest.mark.parametrize("file", modules())
def test_imports_run_downward(file: str) -> None:
    own = room(".".join(Path(file).with_suffix("").parts))
    for target in imported(ROOT / file):
        other = room(target if target in LAYERS[0] else ".".join(target.split(".")[:2]))
        if not any(other in names for names in LAYERS):
            continue
        assert level(other) <= level(own), f"{file} imports surrobench.{target}"
        assert other not in FORBIDDEN.get(own, ()), f"{file} imports surrobench.{target}"


@pytest.mark.parametrize(
    "package", ["cli", "predictors", "encodings", "spaces", "tasks", "studies"]
)
def test_package_imports_stay_light(package: str) -> None:
    code = (
        f"import sys, surrobench.{package}\n"
        "heavy = {'torch', 'sklearn', 'scipy', 'pandas', 'matplotlib', 'xgboost'}\n"
        "heavy &= set(sys.modules)\n"
        "sys.exit(', '.join(sorted(heavy)) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_folders_of_tests_run_together() -> None:
    """All of them are on one path: a name that two modules bear, ``conftest`` too, means one."""
    paths = list(TESTS.rglob("*.py"))
    names = [path.name for path in paths if path.name != "conftest.py"]
    assert len(set(names)) == len(names)
    importing = re.compile(r"^\s*(from|import) conftest\b", re.MULTILINE)
    assert not [path for path in paths if importing.search(path.read_text(encoding="utf-8"))]
