from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from surrobench.base.registry import Entry, _groups
from surrobench.encodings import make_encoding
from surrobench.errors import UserError
from surrobench.predictors import PREDICTORS, make_predictor
from surrobench.predictors.learners.baselines import MeasuredColumn, Params
from surrobench.predictors.learners.kernel_machines import SVR
from surrobench.predictors.learners.trees import RandomForest
from surrobench.predictors.regressors import RegressorPredictor
from surrobench.training.zero_cost import PROXIES


class Predicts:
    """Lacks half of a regressor."""

    def predict(self, X: object) -> object:
        return X


class Fits:
    """Lacks the other half."""

    def fit(self, X: object, y: object) -> None:
        pass


def test_all_names_of_the_comparison_are_registered() -> None:
    kernels = ("rbf", "matern12", "matern32", "matern52")
    expected = {f"gp-{kernel}{ard}" for kernel in kernels for ard in ("", "-ard")}
    expected |= {"random-forest", "xgboost", "mlp-ensemble", "svr", "knn", "bayesian-ridge"}
    expected |= {"constant", "params", "flops"}
    assert set(PREDICTORS.names()) >= expected


def test_a_name_may_end_in_a_transform() -> None:
    assert make_predictor("svr") == SVR()
    assert make_predictor("svr+quantile-normal") == SVR(transform="quantile-normal")
    assert make_predictor("svr", transform="none") == SVR(transform="none")


def test_a_mapping_holds_options() -> None:
    made = make_predictor({"use": "random-forest+none", "trees": 50}, min_samples_leaf=2)
    assert made == RandomForest(trees=50, min_samples_leaf=2, transform="none")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("random-forst", "Did you mean 'random-forest'"),
        ("svr+quantile", "unknown transform 'quantile'.*quantile-normal"),
        ({"use": "random-forest", "tree": 50}, "no option 'tree'. Did you mean 'trees'"),
        ({"use": "svr+none", "transform": "standardise"}, "says otherwise"),
        ({"name": "svr"}, "under the key 'use'"),
        ({"use": "random-forest", "trees": "many"}, "'trees' is 'many'; it must be a whole number"),
        ({"use": "random-forest", "trees": True}, "must be a whole number from 2"),
        ({"use": "xgboost", "learning_rate": 3}, "must be a number from 1e-06 to 1"),
        ("no_such_module_here:Thing", "no module 'no_such_module_here'"),
        ("sklearn.linear_model:Rigde", "Did you mean.*'Ridge'"),
        ("sklearn.linear_model.Ridge", "unknown predictor.*One of your own is written module:Name"),
        ("no_such_file.py:Thing", r"Name the module, without \.py: no_such_file:…"),
        ({"use": "sklearn.linear_model:Ridge", "alfa": 1.0}, "Did you mean 'alpha'"),
        ("math:pi", r"math:pi is no regressor: it has no fit\(X, y\) and no predict\(X\)"),
        ("math:factorial", "could not be built|takes|no regressor"),
        (Predicts, r"Predicts is no regressor: it has no fit\(X, y\)\.$"),
        ({"use": Predicts}, r"Predicts is no regressor: it has no fit\(X, y\)\.$"),
        (Predicts(), r"Predicts is no regressor: it has no fit\(X, y\)\.$"),
        ("builtins:memoryview", r"could not be built: [^\[]*\.$"),
        (Fits, r"Fits is no regressor: it has no predict\(X\) or other way .*predict_members"),
        (3, "3 is no predictor: a name in quotation marks"),
    ],
)
def test_a_wrong_specification_says_what_to_do(spec: object, message: str) -> None:
    with pytest.raises(UserError, match=message):
        make_predictor(spec)  # type: ignore[arg-type]


def test_a_dotted_path_to_a_regressor_class_is_wrapped() -> None:
    made = make_predictor({"use": "sklearn.linear_model:Ridge", "alpha": 2.0, "transform": "none"})
    assert isinstance(made, RegressorPredictor)
    assert made.regressor.alpha == 2.0
    assert made.transform == "none"


def test_a_dotted_path_to_a_predictor_is_taken_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_parts.py").write_text(
        "from dataclasses import dataclass\n"
        "from surrobench.predictors import make_predictor\n"
        "@dataclass(frozen=True)\n"
        "class Mine:\n"
        "    level: float = 1.0\n"
        "    def fit(self, X, y, *, seed):\n"
        "        return make_predictor('constant').fit(X, y * self.level, seed=seed)\n"
        "mine = Mine(2.0)\n"
        "def regressor():\n"
        "    from sklearn.linear_model import Ridge\n"
        "    return Ridge()\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert make_predictor({"use": "my_parts:Mine", "level": 3.0}).level == 3.0  # type: ignore[attr-defined]
    assert make_predictor("my_parts:mine").level == 2.0  # type: ignore[attr-defined]
    assert isinstance(make_predictor("my_parts:regressor"), RegressorPredictor)
    with pytest.raises(UserError, match="no option 'transform'"):
        make_predictor("my_parts:Mine+none")
    with pytest.raises(UserError, match="no option 'level'"):
        make_predictor({"use": "my_parts:mine", "level": 3.0})


def test_measured_baselines_insist_on_their_column() -> None:
    assert make_predictor("params").encoding == "measured:params"  # type: ignore[attr-defined]
    assert make_predictor("flops").encoding == "measured:flops"  # type: ignore[attr-defined]
    assert make_predictor("svr").encoding is None  # type: ignore[attr-defined]
    assert make_predictor("params") == Params()


def test_every_zero_cost_proxy_names_a_predictor() -> None:
    for name in PROXIES.names():
        expected = "layers" if name == "layers" else f"measured:{name}"  # most spaces count them
        assert make_predictor(name).encoding == expected  # type: ignore[attr-defined]
    assert make_predictor("synflow") == MeasuredColumn(column="synflow")
    for wrong in ("", "a,b", 3):
        with pytest.raises(UserError, match="'column' is"):
            MeasuredColumn(column=wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["az-nas", "vkdnw-agg"])
def test_rank_sums_are_predictors_and_encodings(name: str) -> None:
    predictor = make_predictor(name)
    assert predictor.encoding == name  # type: ignore[attr-defined]
    assert set(make_encoding(name).names) <= set(PROXIES.names())  # type: ignore[attr-defined]


def test_training_sets_of_the_wrong_shape_are_refused() -> None:
    predictor = make_predictor("constant")
    X, y = torch.rand(4, 2, dtype=torch.float64), torch.rand(4, 1, dtype=torch.float64)
    for bad_X, bad_y in ((X, y[:, 0]), (X[:3], y), (X[:0], y[:0])):
        with pytest.raises(ValueError, match="n x d"):
            predictor.fit(bad_X, bad_y, seed=0)
    with pytest.raises(ValueError, match="not finite"):
        predictor.fit(X, y * float("nan"), seed=0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("raise ValueError('no \\udcff')", r"cannot be imported: ValueError: no .*udcff .*:1\]"),
        ("import sys; sys.exit(3)", "cannot be imported: SystemExit: 3"),
        ("def broken(:", r"cannot be imported: SyntaxError: .*\.py:1\]"),
        (
            "class Mine:\n    def __init__(self):\n        1 / 0\n"
            "    def fit(self, X, y): ...\n    def predict(self, X): ...",
            r"could not be built: ZeroDivisionError: .*\.py:3\]",
        ),
    ],
)
def test_a_plug_in_that_raises_is_named_with_its_file_and_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str
) -> None:
    name = f"raising_{abs(hash(text))}"
    (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(UserError, match=message):
        make_predictor(f"{name}:Mine")


def test_a_regressor_behind_an_entry_point_is_wrapped_as_by_its_path(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(PREDICTORS._entries, "ridge", Entry("ridge", "sklearn.linear_model:Ridge"))
    by_name = make_predictor({"use": "ridge", "alpha": 2.0, "bootstrap": 3})
    assert isinstance(by_name, RegressorPredictor)
    assert (by_name.regressor.alpha, by_name.members) == (2.0, 3)


def test_the_conformance_kit_is_imported_from_one_place() -> None:
    from surrobench.testing import check_predictor, check_strategy, predictor_checks

    assert callable(check_predictor)
    assert callable(check_strategy)
    assert len(predictor_checks()) > 10


def test_plug_in_groups_have_the_plural_of_their_kind() -> None:
    assert _groups("predictor") == ("surrobench.predictors",)
    assert _groups("strategy") == ("surrobench.strategies", "surrobench.strategys")
