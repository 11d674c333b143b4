"""Pairings that cannot work are refused before any data are seen."""

from __future__ import annotations

import pytest
import torch
from botorch.models.model import Model
from torch import Tensor
from toy_pool import NAMES, OBSERVED, belief, objectives, pool, predictor

from surrobench.acquisition import ACQUISITIONS, make_acquisition
from surrobench.acquisition.pairing import acquisitions_for, check_pairing, posterior_kind
from surrobench.errors import UserError
from surrobench.predictors.model_posterior import posterior_kind_of
from surrobench.predictors.protocol import Source
from surrobench.predictors.regressors import as_predictor


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_made_up_problem_tells_the_kind(name: str) -> None:
    asked = predictor(name)
    if not getattr(asked, "transfer", False):
        assert posterior_kind(asked) == belief(name).kind
        return
    # With nothing known of other tasks some are plain processes, which can do more.
    X, y = pool(), objectives(pool())[:, :2]
    others = [Source("alike", X, y[:, :1] + 0.1 * y[:, 1:])]
    rows = list(OBSERVED)
    model = asked.fit(X[rows], y[rows, :1], seed=0, sources=others)
    assert posterior_kind(asked) == posterior_kind_of(model)


@pytest.mark.parametrize("name", ["xgboost", "svr+quantile-normal"])
@pytest.mark.parametrize("acquisition", ["mes", "jes", "knowledge-gradient"])
def test_a_refusal_says_what_would_work(name: str, acquisition: str) -> None:
    kind = belief(name).kind
    with pytest.raises(UserError) as refusal:
        check_pairing(acquisition, name)
    message = str(refusal.value)
    assert repr(acquisition) in message
    assert repr(name) in message
    offered = message.split("work: ")[1].rstrip(".").split(", ")
    assert offered == acquisitions_for(kind)
    assert {"log-ei", "its", "qlog-ei", "gibbon"} <= set(offered)
    for other in offered:
        check_pairing(other, name)


def test_a_process_serves_everything() -> None:
    every = acquisitions_for("gp") + acquisitions_for("gp", "many")
    assert sorted(every) == sorted(ACQUISITIONS.names())
    for name in every:
        check_pairing({"use": name}, {"use": "gp-rbf"})


class Members:
    def fit(self, X: Tensor, y: Tensor) -> Members:
        return self

    def predict_members(self, X: Tensor) -> Tensor:
        return torch.zeros(3, len(X))


class Declared:
    posterior_kind = "moments"

    def fit(self, X: Tensor, y: Tensor, *, seed: int) -> Model:
        raise AssertionError("was fitted all the same")


class NeedsSixColumns:
    def fit(self, X: Tensor, y: Tensor, *, seed: int) -> Model:
        raise ValueError("expected 6 columns")


def test_own_predictors_are_tried() -> None:
    assert posterior_kind(as_predictor(Members())) == "ensemble"
    assert posterior_kind(Declared()) == "moments"
    assert posterior_kind(NeedsSixColumns()) is None


def test_trying_leaves_the_random_state_alone() -> None:
    before = torch.random.get_rng_state()
    posterior_kind(predictor("mlp-ensemble+none"))
    assert torch.equal(torch.random.get_rng_state(), before)


def test_wrong_names_are_named() -> None:
    with pytest.raises(UserError, match="knowledge-gradient"):
        check_pairing("knowledge-gradeint", "gp-rbf")
    with pytest.raises(UserError, match="gp-rbf"):
        check_pairing("ei", "gp-rfb")
    assert make_acquisition("ei").serves == {"gp", "ensemble", "moments"}
