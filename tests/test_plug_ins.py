"""Parts of installed packages: found by name, told apart, and never in the way of the rest."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from surrobench.base.plug_ins import plug_ins
from surrobench.base.registry import Registry
from surrobench.errors import UserError
from surrobench.predictors import PREDICTORS
from surrobench.predictors.regressors import RegressorPredictor

MEAN = '''
class Mean:
    """The mean of the training targets.

    More about it.
    """

    def fit(self, X, y):
        self.mean = y.mean()
        return self

    def predict(self, X):
        import numpy as np

        return np.full(len(X), self.mean)
'''

Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Put a package with entry points where Python finds it."""

    def put(
        name: str, points: dict[str, dict[str, str]], code: str = MEAN, requires: str = ""
    ) -> Path:
        folder = tmp_path / name
        info = folder / f"{name}-1.5.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.5\n{requires}\n"
        )
        groups = [
            f"[surrobench.{group}]\n" + "\n".join(f"{k} = {v}" for k, v in named.items())
            for group, named in points.items()
        ]
        (info / "entry_points.txt").write_text("\n".join(groups) + "\n")
        (folder / f"{name}.py").write_text(code)
        monkeypatch.syspath_prepend(folder)
        monkeypatch.delitem(sys.modules, name, raising=False)
        plug_ins.cache_clear()
        return folder / f"{name}.py"

    yield put
    plug_ins.cache_clear()


def fresh(kind: str = "predictor") -> Registry[Any]:
    registry: Registry[Any] = Registry(kind)
    registry.register(
        "knn", "surrobench.predictors.learners.neighbours:NearestNeighbours", "our own"
    )
    return registry


def test_a_name_of_a_package_is_listed_with_its_first_line_and_its_origin(install: Install) -> None:
    install("meanpack", {"predictors": {"mean": "meanpack:Mean"}})
    registry = fresh()
    assert registry.names() == ["knn", "mean"]
    listed = registry.listed()[1]
    assert (listed.summary, listed.package, listed.broken) == (
        "The mean of the training targets",
        "meanpack 1.5",
        "",
    )
    assert registry.create("mean").fit(None, np.ones(2)).mean == 1.0


def test_two_owners_of_a_name_are_both_named_and_the_rest_works(install: Install) -> None:
    install("onepack", {"predictors": {"mean": "onepack:Mean", "one": "onepack:Mean"}})
    install("twopack", {"predictors": {"mean": "twopack:Mean"}})
    registry = fresh()
    message = r"onepack:Mean \(onepack 1.5\) and by twopack:Mean \(twopack 1.5\); uninstall"
    with pytest.raises(UserError, match=message):
        registry.create("mean")
    assert registry.create("one") is not None
    assert registry.create("twopack:Mean") is not None
    broken = {line.name: line.broken for line in registry.listed() if line.broken}
    assert list(broken) == ["mean"]
    assert "onepack" in broken["mean"]
    assert "twopack" in broken["mean"]


def test_a_name_of_ours_stays_ours_and_the_other_claim_is_shown(install: Install) -> None:
    install("knnpack", {"predictors": {"knn": "knnpack:Mean"}})
    registry = fresh()
    assert type(registry.create("knn")).__name__ == "NearestNeighbours"
    told = [line.broken for line in registry.listed() if line.broken]
    assert len(told) == 1
    assert "neighbours:NearestNeighbours" in told[0]
    assert "knnpack:Mean (knnpack 1.5)" in told[0]


def test_a_package_that_fails_is_listed_as_broken_with_file_and_line(install: Install) -> None:
    path = install("badpack", {"predictors": {"bad": "badpack:Bad"}}, "x = 1\n1 / 0\n")
    install("goodpack", {"predictors": {"good": "goodpack:Mean", "typo": "goodpack:Maen"}})
    lines = {line.name: line for line in fresh().listed()}
    assert f"ZeroDivisionError: division by zero [{path}:2]" in lines["bad"].broken
    assert "badpack 1.5" in lines["bad"].broken
    assert "Did you mean 'Mean'" in lines["typo"].broken
    assert not lines["good"].broken


def test_what_is_missing_is_told_with_the_line_that_installs_it(install: Install) -> None:
    needs = 'Provides-Extra: deep\nRequires-Dist: No_Such.Library >=2 ; extra == "deep"\n'
    install(
        "deeppack", {"predictors": {"deep": "deeppack:D"}}, "import no_such_library.nn\n", needs
    )
    install("barepack", {"predictors": {"bare": "barepack:D"}}, "import another_such\n")
    registry = fresh()
    with pytest.raises(UserError, match=r"'no_such_library'.*pip install 'deeppack\[deep\]'"):
        registry.create("deep")
    with pytest.raises(UserError, match="Install it with: pip install another_such"):
        registry.create("bare")


@pytest.mark.parametrize(
    ("kind", "group"), [("strategy", "strategies"), ("space", "spaces"), ("figure", "figures")]
)
def test_every_kind_has_its_group(install: Install, kind: str, group: str) -> None:
    install("anypack", {group: {"mine": "anypack:Mean"}})
    assert "mine" in fresh(kind).names()


def test_a_regressor_is_wrapped_behind_a_name_as_behind_a_path(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("wrappack", {"predictors": {"wrapped": "wrappack:Mean"}})
    monkeypatch.setattr(PREDICTORS, "_plugins_read", False)
    monkeypatch.setattr(PREDICTORS, "_entries", dict(PREDICTORS._entries))
    from surrobench.predictors import make_predictor

    named = make_predictor("wrapped+quantile-normal", bootstrap=4)
    by_path = make_predictor({"use": "wrappack:Mean", "bootstrap": 4}, transform="quantile-normal")
    assert isinstance(named, RegressorPredictor)
    assert (named.transform, named.members) == ("quantile-normal", 4)
    assert type(by_path) is type(named)
    assert (by_path.transform, by_path.members) == ("quantile-normal", 4)


CARD = """
name = "{name}"
description = "squares"
data = "squares.csv"
decisions = ["a", "b"]
[tasks.sum]
target = "y"
direction = "maximize"
"""


def test_a_table_of_a_package_is_a_task_like_any_other(
    install: Install, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    code = (
        "from pathlib import Path\nCARD = Path(__file__).parent / 'squares.toml'\n"
        "def other():\n    return str(CARD)\nNOTHING = Path('nowhere.toml')\n"
    )
    points = {
        "squares": "tablepack:CARD",
        "oblongs": "tablepack:other",
        "lost": "tablepack:NOTHING",
        "nb201": "tablepack:CARD",
    }
    path = install("tablepack", {"tasks": points}, code)
    (path.parent / "squares.toml").write_text(CARD.format(name="squares"))
    rows = "".join(f"{a},{b},{a * a + b}\n" for a in range(5) for b in range(4))
    (path.parent / "squares.csv").write_text("a,b,y\n" + rows)
    from surrobench.tasks import expand_tasks, load_task
    from surrobench.tasks.catalogue import TASKS, table_lines

    monkeypatch.setattr(TASKS, "_plugins_read", False)
    monkeypatch.setattr(TASKS, "_entries", {})
    monkeypatch.chdir(tmp_path)
    assert expand_tasks("squares") == ["squares/sum"]
    assert len(load_task("squares/sum")) == 20
    assert expand_tasks("nb201")[0] == "nb201/cifar10-val"
    with pytest.raises(UserError, match="'squares'; the two must agree"):
        load_task("oblongs")
    with pytest.raises(
        UserError, match=r"task 'lost' of tablepack 1.5 is broken: there is no card"
    ):
        load_task("lost")
    with pytest.raises(UserError, match="Did you mean 'squares'"):
        load_task("sqares")
    lines = {line.name: line for line in table_lines() if line.package}
    assert (lines["squares"].tasks, lines["squares"].broken) == (("sum",), "")
    assert lines["squares"].description == "squares"
    assert "no card" in lines["lost"].broken
    assert "claimed by" in lines["nb201"].broken
