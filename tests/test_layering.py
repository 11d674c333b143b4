"""Imports run downward only; names can be listed without heavy packages."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import surrobench

ROOT = Path(surrobench.__file__).parent
TESTS = Path(__file__).parent

# A layer may import itself and every layer before it.
LAYERS = [
    {"base", "errors", "arrays", "graphs", "spaces.architecture"},
    {"spaces", "encodings", "metrics", "predictors"},
    {"acquisition", "training"},
    {"strategies", "tasks", "testing"},
    {"studies"},
    {"understanding"},
    {"report"},
    {"reporting"},
    {"cli", "__main__", "__init__"},
]
# What each layer below may not use at all, whatever its level.
FORBIDDEN = {
    "predictors": {"spaces", "encodings", "tasks", "studies"},
    "metrics": {"spaces", "encodings", "predictors", "tasks"},
    "report": {"predictors", "training", "tasks", "studies", "understanding"},
}
# Inside a layer, folders that know nothing of the layer's other folders, or not of these.
APART = {
    "report/common": {"report.figures", "report.page", "report.prediction", "report.search"},
    "report/figures": {"report.page", "report.search", "report.pipeline", "report.leaderboard"},
    "report/statistics": {"report.common", "report.figures", "report.page"},
    "strategies/one_shot": {"strategies.bayesian", "strategies.running", "strategies.peers"},
    "studies/engine": {"studies.search", "studies.pipeline", "studies.one_shot"},
    "studies/run_folder": {
        "studies.engine",
        "studies.prediction",
        "studies.search",
        "studies.pipeline",
    },
    "tasks/files": {"tasks.tables", "tasks.live", "tasks.recipes"},
    "tasks/recipes": {"tasks.live"},
    "tasks/tables": {"tasks.live", "tasks.recipes"},
    "training/datasets": {"training.loop", "training.networks", "training.zero_cost"},
    "training/zero_cost": {"training.loop.groups"},
}
# Where names stand for ``module:attribute``: registries, and what is published under names.
REGISTERING = {
    "acquisition/__init__.py",
    "encodings/__init__.py",
    "predictors/__init__.py",
    "spaces/__init__.py",
    "strategies/__init__.py",
    "strategies/bayesian/generation.py",
    "strategies/one_shot/__init__.py",
    "tasks/live/live.py",
    "tasks/recipes/__init__.py",
    "training/zero_cost/__init__.py",
}
NAMED = re.compile(r"surrobench(\.\w+)+(:[\w.]*)?")


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def room(module: str) -> str:
    """The layer name of ``a.b`` inside the package."""
    return module if module in LAYERS[0] else module.split(".")[0]


def level(name: str) -> int:
    return next(i for i, names in enumerate(LAYERS) if name in names)


def imported(path: Path) -> set[str]:
    """Modules of the package that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(parsed(path)):
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


def named_in_strings(path: Path) -> list[str]:
    """Modules of the package, and ``module:attribute``, that a file names in texts."""
    tree = parsed(path)
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    return [text for text in texts if isinstance(text, str) and NAMED.fullmatch(text)]


@pytest.mark.parametrize("file", modules())
def test_imports_run_downward(file: str) -> None:
    """Also those inside functions, and what is only named in a text that is imported later."""
    own = room(".".join(Path(file).with_suffix("").parts))
    # The table of homes holds names of modules as data and imports none of them.
    texts = named_in_strings(ROOT / file) if file != "base/homes.py" else []
    named = {text.partition(":")[0].removeprefix("surrobench.") for text in texts}
    for target in imported(ROOT / file) | named:
        other = room(target if target in LAYERS[0] else ".".join(target.split(".")[:2]))
        if not any(other in names for names in LAYERS):
            continue
        assert level(other) <= level(own), f"{file} imports surrobench.{target}"
        assert other not in FORBIDDEN.get(own, ()), f"{file} imports surrobench.{target}"


@pytest.mark.parametrize("family", sorted(path.name for path in ROOT.iterdir() if path.is_dir()))
def test_folders_of_a_family_make_no_circle(family: str) -> None:
    """A folder is a room: what one needs of another, that one does not need of it."""
    needs: dict[str, set[str]] = {}
    for path in (ROOT / family).glob("*/*.py"):
        folder = path.parent.name
        others = (target.split(".") for target in imported(path))
        found = {parts[1] for parts in others if parts[0] == family and len(parts) > 2}
        needs.setdefault(folder, set()).update(found - {folder})
    needs = {folder: found & set(needs) for folder, found in needs.items()}
    while free := [folder for folder, found in needs.items() if not found & set(needs)]:
        for folder in free:
            del needs[folder]
    assert not needs


@pytest.mark.parametrize("folder", APART)
def test_folders_of_a_layer_run_one_way(folder: str) -> None:
    paths = sorted((ROOT / folder).rglob("*.py"))
    assert paths
    for path in paths:
        for target in imported(path):
            wrong = [no for no in APART[folder] if target == no or target.startswith(no + ".")]
            assert not wrong, f"{path.relative_to(ROOT)} imports surrobench.{target}"


def test_code_is_called_by_name_and_not_through_a_text() -> None:
    """A text that stands for code cannot be followed, typed or found; registries alone have any."""
    found = {}
    for path in ROOT.rglob("*.py"):
        texts = [text for text in named_in_strings(path) if ":" in text]
        if texts and str(path.relative_to(ROOT)) not in REGISTERING:
            found[str(path.relative_to(ROOT))] = texts
    assert not found
    used = {file for file in REGISTERING if "surrobench." in (ROOT / file).read_text("utf-8")}
    assert used == REGISTERING


def test_no_module_needs_itself() -> None:
    """Imports make no circle, not even those inside functions (for types alone they may)."""
    files = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in ROOT.rglob("*.py")
    }
    known = {name.removesuffix(".__init__"): path for name, path in files.items()}
    needs = {name: run_time_imports(path, set(known)) - {name} for name, path in known.items()}
    while free := [name for name, wanted in needs.items() if not wanted & set(needs)]:
        for name in free:
            del needs[name]
    assert not needs


def run_time_imports(path: Path, known: set[str]) -> set[str]:
    """Modules of the package that a file imports other than for types."""
    found: set[str] = set()
    queue: list[ast.AST] = [parsed(path)]
    while queue:
        for node in ast.iter_child_nodes(queue.pop()):
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
                continue
            queue.append(node)
            if isinstance(node, ast.ImportFrom) and node.module:
                names = {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
                names = {
                    name.removeprefix("surrobench.") for name in names if "surrobench." in name
                }
                exact = {name for name in names if name in known and name != node.module}
                found |= exact - {node.module.removeprefix("surrobench.")} or names & known
    return found


# Words of this project's own for what has a name in the field.
PRIVATE = {
    "belief", "beliefs", "believing", "situation", "outlook", "moment", "told", "deviation",
    "hopeless", "company", "course", "cast", "dress", "look", "looks",
}  # fmt: skip
KEPT = {"stop_hopeless"}  # a key of studies and of what is stored


def test_public_names_are_the_fields_words() -> None:
    """Of modules, classes and functions, and of what classes are made of."""
    wrong = []
    for path in ROOT.rglob("*.py"):
        where = path.relative_to(ROOT)
        names = [part.removesuffix(".py") for part in where.parts]
        tree = parsed(path)
        kinds = (ast.ClassDef, ast.FunctionDef)
        for node in [tree, *(found for found in ast.walk(tree) if isinstance(found, kinds))]:
            names += [] if node is tree else [node.name]  # type: ignore[attr-defined]
            if isinstance(node, ast.ClassDef):
                fields = [item.target for item in node.body if isinstance(item, ast.AnnAssign)]
                names += [field.id for field in fields if isinstance(field, ast.Name)]
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                names += [argument.arg for argument in node.args.args + node.args.kwonlyargs]
        public = [name for name in names if not name.startswith("_") and name not in KEPT]
        words = {
            name: re.findall(r"[a-z]+", re.sub(r"(?=[A-Z])", "_", name).lower()) for name in public
        }
        wrong += [f"{where}: {name}" for name, parts in words.items() if PRIVATE & set(parts)]
    assert not wrong


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
