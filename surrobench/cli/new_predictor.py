"""``surrobench new predictor``: a small package that already works."""

from __future__ import annotations

import importlib.util
import keyword
import re
from pathlib import Path
from string import Template

from surrobench.cli.console import say
from surrobench.errors import UserError

PYPROJECT = """\
[build-system]
requires = ["hatchling>=1.24"]
build-backend = "hatchling.build"

[project]
name = "$dashed"
version = "0.1.0"
description = "A predictor for surrobench."
readme = "README.md"
requires-python = ">=3.11"
dependencies = ["surrobench", "numpy"]

[project.optional-dependencies]
test = ["pytest"]

[project.entry-points."surrobench.predictors"]
$dashed = "$module:$kind"

[tool.hatch.build.targets.wheel]
packages = ["$module"]
"""

INIT = '''\
"""A predictor for surrobench."""

from $module.predictor import $kind

__all__ = ["$kind"]
'''

PREDICTOR = '''\
"""The idea."""

from __future__ import annotations

from typing import Any

import numpy as np


class $kind:
    """Ridge regression, until your idea stands here.

    ``fit`` gets the encoded architectures ``X`` (n x d) and their values ``y`` (n), the larger the
    better; ``predict`` answers with a mean and a standard deviation for each row. Draw from
    ``numpy.random.default_rng(self.random_state)`` alone: surrobench sets ``random_state``.

    Other columns than those of the study: ``encoding = "one-hot+measured:params"``, as an attribute
    of the class. Graphs in place of a matrix: ``inputs = "graphs"``. What is known of other tasks:
    ``transfer = True``, and a keyword ``sources`` of ``fit``.

    Args:
        penalty: on the weights.
    """

    def __init__(self, penalty: float = 1.0, random_state: int = 0) -> None:
        self.penalty, self.random_state = penalty, random_state

    def fit(self, X: Any, y: Any) -> $kind:
        self.centre, self.level = X.mean(axis=0), float(y.mean())
        Z = X - self.centre
        gram = Z.T @ Z + self.penalty * np.eye(Z.shape[1])
        self.weights = np.linalg.solve(gram, Z.T @ (y - self.level))
        self.inverse = np.linalg.inv(gram)
        left = y - self.level - Z @ self.weights
        freedom = max(len(y) - float(np.trace(self.inverse @ (Z.T @ Z))), 1.0)
        spread = max(float(np.std(y)), 1e-9)
        self.noise = max(float(left @ left) / freedom, (0.01 * spread) ** 2)
        return self

    def predict(self, X: Any, return_std: bool = False) -> Any:
        Z = X - self.centre
        mean = self.level + Z @ self.weights
        if not return_std:
            return mean
        leverage = np.einsum("ij,jk,ik->i", Z, self.inverse, Z)
        return mean, np.sqrt(self.noise * (1.0 + np.maximum(leverage, 0.0)))
'''

TEST = """\
import pytest
from surrobench.testing import predictor_checks

from $module import $kind


@pytest.mark.parametrize("check", predictor_checks(), ids=str)
def test_it_keeps_its_promises(check):
    check($kind())
"""

README = """\
# $dashed

A predictor for [surrobench](https://pypi.org/project/surrobench/).

```bash
pip install -e '.[test]'
pytest                                                    # does it keep every promise?
surrobench check $dashed                                  # the same in words, costs, and a table
surrobench run quickstart --add-predictor $dashed         # tables, figures, a verdict
```

The idea goes into `$module/predictor.py`. Without installing anything, from this folder:
`surrobench check $module:$kind`.
"""

FILES = {
    "pyproject.toml": PYPROJECT,
    "README.md": README,
    "$module/__init__.py": INIT,
    "$module/predictor.py": PREDICTOR,
    "$module/py.typed": "",
    "tests/test_$module.py": TEST,
}


def new_predictor(name: str, folder: Path) -> None:
    """Write the package, and say what to do with it.

    Args:
        name: of the module, ``my_idea``; dashes are read as underscores.
        folder: where the folder of the package is made.

    Raises:
        UserError: for a name that cannot be one or is taken, and a folder that is there already.
    """
    module = name.replace("-", "_")
    _check(name, module)
    words = {
        "module": module,
        "dashed": module.replace("_", "-"),
        "kind": "".join(part.capitalize() for part in module.split("_")),
    }
    home = folder / module
    if home.exists():
        raise UserError(f"{home} is there already, and nothing is overwritten; give another name.")
    for place, content in FILES.items():
        path = home / Template(place).substitute(words)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(Template(content).substitute(words), encoding="utf-8")
        say(str(path), style="cyan")
    say()
    say(f"It works as it is: cd {home} && surrobench check {module}:{words['kind']}")


def _check(name: str, module: str) -> None:
    from surrobench.predictors import PREDICTORS

    if not re.fullmatch(r"[a-z][a-z0-9_]*[a-z0-9]", module) or keyword.iskeyword(module):
        raise UserError(
            f"{name!r} cannot be the name of a package: use small letters, digits and underscores, "
            "such as my_idea."
        )
    if module.replace("_", "-") in PREDICTORS.names():
        raise UserError(f"there is a predictor {module.replace('_', '-')!r} already.")
    if importlib.util.find_spec(module) is not None:
        raise UserError(f"there is a Python module {module!r} already; give another name.")
