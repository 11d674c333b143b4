"""What an explanation says of a table whose truth is known."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from surrobench.errors import UserError
from surrobench.predictors import make_predictor
from surrobench.predictors.learners.trees import XGBoost
from surrobench.report.understanding.summaries import in_order, over_seeds
from surrobench.report.understanding.writer import Subject, write_explanation
from surrobench.tasks import load_task
from surrobench.understanding import Explanation, explain
from surrobench.understanding.contributions import shap_values
from surrobench.understanding.features import features_of
from surrobench.understanding.fitting import draw, fit
from surrobench.understanding.importance import permutation_importance

CARD = """
name = "known"
data = "known.csv"
decisions = ["width", "op", "useless"]
measured = ["params"]

[tasks.score]
target = "score"
direction = "maximize"
unit = "points"
"""
OPS = {"conv": 3.0, "pool": -3.0, "skip": 0.0}


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> str:
    """score = width + 3 for a convolution, - 3 for a pooling; the third decision does nothing."""
    folder = tmp_path_factory.mktemp("known")
    lines = ["width,op,useless,params,score"]
    for width, op, useless in itertools.product(range(1, 7), OPS, "abcdefg"):
        lines.append(f"{width},{op},{useless},{10 * width},{width + OPS[op]}")
    (folder / "known.csv").write_text("\n".join(lines), encoding="utf-8")
    (folder / "known.toml").write_text(CARD, encoding="utf-8")
    return f"{folder / 'known.toml'}:score"


@pytest.fixture(scope="module")
def told(card: str) -> Explanation:
    return explain(card, "xgboost", encoding="one-hot", train_size=60, seeds=2, protocol="grouped")


@pytest.mark.slow
def test_importance_finds_what_matters(told: Explanation) -> None:
    for frame, column in (("importance", "tau_loss"), ("contributions", "mean_abs_shap")):
        table = told.frames[frame].groupby("feature")[column].mean()
        assert table["op"] > 0.2
        assert table["op"] > table["width"] > 5 * abs(table["useless"])
    gain = told.frames["importance"].groupby("feature")["mae_gain"].mean()
    assert gain["op"] > gain["width"] > max(0.0, gain["useless"])


def test_effects_are_those_of_the_table(told: Explanation) -> None:
    table = told.frames["effects"]
    means = table[table["variable"] == "op"].groupby("choice")[["true", "predicted", "shap"]].mean()
    for choice, effect in OPS.items():
        assert means.loc[choice].to_list() == pytest.approx([effect] * 3, abs=0.7)
    useless = table[table["variable"] == "useless"]
    assert useless["shap"].abs().max() < 0.3


def test_relevance_finds_what_matters(told: Explanation) -> None:
    table = told.frames["relevance"]
    relevance = table.groupby("feature")["relevance"].mean()
    assert relevance["op"] > 10 * relevance["useless"]
    assert relevance.dropna().between(0, 1).all()
    shares = table.drop_duplicates(["seed", "block"]).groupby("seed")["share"].sum()
    assert shares.to_list() == pytest.approx([1, 1])


def test_residuals_add_up(told: Explanation) -> None:
    table = told.frames["residuals"]
    table = table[table["seed"] == 0]
    whole = table[table["by"] == "all"].iloc[0]
    for by in ("true value", "params"):
        parts = table[table["by"] == by]
        if parts["n"].sum() == whole["n"]:
            bias = (parts["bias"] * parts["n"]).sum() / whole["n"]
            assert bias == pytest.approx(whole["bias"])
    assert (table["mae"] >= table["bias"].abs() - 1e-12).all()
    assert table["coverage_90"].between(0, 1).all()


def test_shap_values_add_up_to_the_prediction(card: str) -> None:
    sample = draw(load_task(card), "one-hot", "grouped", 60, 0)
    X, y = torch.tensor(sample.X), torch.tensor(sample.y).unsqueeze(-1)
    model = XGBoost().fit(X, y, seed=0)
    with torch.no_grad():
        predicted = model.posterior(torch.tensor(sample.X_test).unsqueeze(1)).mean.flatten().numpy()
    rest = predicted - shap_values(sample).sum(axis=1)
    assert rest == pytest.approx(np.full(len(rest), rest[0]), abs=1e-4)
    assert predicted.std() > 1


@pytest.mark.parametrize("encoding", ["ordinal", "categorical+numeric"])
def test_effects_of_numbers_have_shap_values_too(card: str, encoding: str) -> None:
    task = load_task(card)
    features = features_of(encoding, task.space, task.measured)
    assert sorted(feature.variable for feature in features) == [0, 1, 2]


def test_features_gather_columns(card: str) -> None:
    task = load_task(card)
    features = features_of("one-hot+measured:params", task.space, task.measured)
    assert [feature.name for feature in features] == ["width", "op", "useless", "params"]
    columns = [column for feature in features for column in feature.columns]
    assert columns == list(range(task.encode("one-hot+measured:params").shape[1]))
    missing = {"params": np.where(np.arange(len(task)) < 3, np.nan, 1.0 * np.arange(len(task)))}
    (feature,) = features_of("measured:params", task.space, missing)
    assert feature.columns == (0, 1)


@pytest.mark.slow
def test_the_same_question_has_the_same_answer(card: str, told: Explanation) -> None:
    again = explain(card, "xgboost", encoding="one-hot", train_size=60, seeds=1, protocol="grouped")
    for name, frame in again.frames.items():
        first = told.frames[name]
        pd.testing.assert_frame_equal(frame, first[first["seed"] == 0], check_exact=True)


def test_bad_questions(card: str) -> None:
    with pytest.raises(UserError, match="seeds is 0"):
        explain(card, seeds=0)
    with pytest.raises(UserError, match="unknown predictor"):
        explain(card, "xgbost", train_size=20, seeds=1, protocol="grouped")
    with pytest.raises(UserError, match="training examples"):
        explain(card, train_size=10_000, seeds=1)


def test_what_a_predictor_insists_on_is_explained(card: str) -> None:
    found = explain(card, "params", train_size=20, seeds=1, protocol="grouped")
    assert found.encoding == "measured:params"
    assert found.frames["importance"]["feature"].to_list() == ["params"]
    with pytest.raises(UserError, match="reads the encoding 'measured:params' and no other"):
        explain(card, "params", encoding="one-hot", train_size=20, seeds=1, protocol="grouped")


def test_a_share_of_learning_curves_is_explained() -> None:
    found = draw(load_task("live-cells/digits"), "curve-last:0.5", "grouped-2000", 30, 0)
    table = permutation_importance(fit(found, "last-value"), repeats=1)
    assert table["feature"].to_list() == ["value after 1"]
    assert table["tau_loss"][0] > 0.1


def test_decisions_of_graphs_are_shuffled() -> None:
    """Every edge of the cell is one row, though it is a node and several links to the network."""
    found = draw(load_task("live-cells/digits"), "adjacency", "grouped-2000", 60, 0)
    recipe = make_predictor("gcn", width=8, layers=2, steps=60)
    fitted = fit(found, recipe)
    table = permutation_importance(fitted, repeats=1)
    assert table["feature"].to_list() == ["0>1", "0>2", "1>2", "0>3", "1>3", "2>3"]
    assert table["tau_loss"].max() > 0.05


def test_means_over_seeds() -> None:
    frame = pd.DataFrame({"seed": [0, 1, 0], "feature": ["a", "a", "b"], "x": [1.0, 3.0, 5.0]})
    table = over_seeds(frame, ["feature"]).set_index("feature")
    assert table.loc["a", ["seeds", "x"]].to_list() == [2, 2.0]
    assert table.loc["a", "x_sd"] == pytest.approx(2**0.5)
    assert np.isnan(table.loc["b", "x_sd"])


def test_groups_stand_in_their_order() -> None:
    frame = pd.DataFrame({"by": ["n", "v", "n", "v"], "group": ["10", "low", "2", "high"]})
    assert in_order(frame)["group"].to_list() == ["2", "10", "low", "high"]


@pytest.mark.slow
def test_everything_is_written(told: Explanation, tmp_path: Path) -> None:
    subject = Subject("<script>", "100 % & $x$", told.predictor, "one-hot", 60, 2)
    paths = write_explanation(subject, told.frames, tmp_path, formats=("png",))
    names = {path.name for path in paths}
    assert names >= {
        "explanation.html",
        "explanation.md",
        "importance.png",
        "effects.csv",
        "relevance.png",
        "residuals.csv",
    }
    page = (tmp_path / "explanation.html").read_text(encoding="utf-8")
    assert "What xgboost learns about &lt;script&gt;" in page
    assert page.count("<svg") >= 4
