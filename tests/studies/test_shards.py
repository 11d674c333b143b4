"""Shards: every cell in exactly one, as dear as each other, the same on every machine."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from live_toy import TINY
from search_toy import search_study
from toy import toy_study

from surrobench.errors import UserError
from surrobench.predictors import PREDICTORS
from surrobench.strategies import STRATEGIES
from surrobench.studies.expected_cost import Cost, predictor_seconds, search_cost
from surrobench.studies.kinds import kind_of
from surrobench.studies.plan import Plan, Work
from surrobench.studies.run_folder.shards import Shard, costs_of, deal, pieces_of, share_of
from surrobench.studies.search.plan import SearchCell

RESULTS = Path(__file__).parents[2] / "results"


def planned(content: dict[str, Any], base: Path) -> Plan:
    kind = kind_of(content)
    return kind.plan(kind.build(content, "", "study"), base)


def live_study(**changes: Any) -> dict[str, Any]:
    content = {
        "kind": "pipeline",
        "name": "pipes",
        "tasks": ["live:cells"],
        "predictors": ["knn", "gp-matern52"],
        "encodings": ["one-hot"],
        "candidates": 20,
        "train": 8,
        "picks": 2,
        "runs": 1,
        "proxy_epochs": 1,
        "seeds": 3,
        "live": TINY,
    }
    return {**content, **changes}


costs = st.builds(
    Cost,
    own=st.floats(1e-3, 1e4),
    shared=st.floats(0.0, 1e4),
    group=st.one_of(st.none(), st.tuples(st.sampled_from("ab"), st.integers(0, 3))),
)


@given(st.lists(costs, min_size=1, max_size=60), st.integers(1, 80))
@settings(max_examples=50, deadline=None)
def test_every_cell_is_in_exactly_one_shard_and_shards_are_balanced(
    found: list[Cost], shards: int
) -> None:
    pieces = pieces_of(found, shards)
    keys = [f"{place:04d}" for place in range(len(found))]
    dealt = deal(pieces, keys, shards)
    assert len(dealt) == shards
    places = [place for mine in dealt for piece in mine for place in piece.places]
    assert sorted(places) == list(range(len(found)))
    loads = [math.fsum(piece.seconds for piece in mine) for mine in dealt]
    dearest = max(piece.seconds for piece in pieces)
    assert max(loads) - min(loads) <= dearest * (1 + 1e-9)
    assert deal(pieces[::-1], keys, shards) == dealt  # costs and keys decide, not an order


@pytest.mark.parametrize("count", [1, 2, 3, 5, 40])
def test_the_shards_of_a_study_are_the_study(in_toy: Path, count: int) -> None:
    plan = planned(toy_study(seeds=3), in_toy)
    shares = [share_of(plan, Shard(number, count)) for number in range(1, count + 1)]
    keys = [cell.key for share in shares for cell in share.plan.cells]
    assert sorted(keys) == sorted(cell.key for cell in plan.cells)
    order = {cell.key: place for place, cell in enumerate(plan.cells)}
    for share in shares:
        places = [order[cell.key] for cell in share.plan.cells]
        assert places == sorted(places)
    assert math.fsum(share.seconds for share in shares) == pytest.approx(shares[0].total)


def test_shards_are_balanced_by_cost_not_by_count(in_toy: Path) -> None:
    study = toy_study(predictors=["constant", "xgboost-tuned"], train_sizes=[16], seeds=4)
    plan = planned(study, in_toy)
    shares = [share_of(plan, Shard(number, 2)) for number in (1, 2)]
    dear = [sum(c.predictor != "constant" for c in share.plan.cells) for share in shares]
    assert dear == [2, 2]
    lone = planned({**study, "seeds": 1}, in_toy)
    counts = sorted(len(share_of(lone, Shard(number, 2)).plan.cells) for number in (1, 2))
    assert counts == [1, 1]
    odd = planned(toy_study(predictors=["constant", "xgboost-tuned"], seeds=1), in_toy)
    unequal = sorted(len(share_of(odd, Shard(number, 2)).plan.cells) for number in (1, 2))
    assert unequal == [1, 3]  # the tuned fit to 16 examples outweighs all others


def test_cells_that_share_trainings_stay_together_while_that_is_fair(live_cache: Path) -> None:
    plan = planned(live_study(), Path())
    assert len({cost.group for cost in costs_of(plan)}) == 3
    shares = [share_of(plan, Shard(number, 3)) for number in (1, 2, 3)]
    assert [len({cell.seed for cell in share.plan.cells}) for share in shares] == [1, 1, 1]
    assert shares[0].total == pytest.approx(3 * shares[0].seconds)
    many = [share_of(plan, Shard(number, 9)).plan.cells for number in range(1, 10)]
    assert sum(map(len, many)) == len(plan.cells)
    assert all(len({cell.seed for cell in cells}) == 1 for cells in many)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0/4", "shards are counted from 1, so 4 of them are 1/4 to 4/4"),
        ("5/4", "shards are counted from 1"),
        ("1/0", "cut into 1 to 1,000,000 shards, not 0"),
        ("1/2000000", "not 2000000"),
        ("three", "such as 3/64"),
        ("-1/4", "such as 3/64"),
        ("1/4/2", "such as 3/64"),
        ("1,5/4", "such as 3/64"),
        ("/64", "such as 3/64"),
        ("²/4", "such as 3/64"),
        ("", "such as 3/64"),
    ],
)
def test_shards_that_cannot_be_are_refused(text: str, message: str) -> None:
    with pytest.raises(UserError, match="--shard") as refused:
        Shard.parse(text)
    assert message in str(refused.value)


def test_a_shard_is_read_as_it_is_written() -> None:
    assert Shard.parse("3/64") == Shard.parse(" 03 / 64 ") == Shard(3, 64)
    assert str(Shard(3, 64)) == "3/64"


def test_everything_that_has_a_name_has_a_cost(in_maze: Path) -> None:
    for name in PREDICTORS.names():
        assert 0 < predictor_seconds(name, 100, 1000) < 1000, name
        assert predictor_seconds(name, 100, 1000) <= predictor_seconds(name, 400, 10_000), name
    assert predictor_seconds("mine:Mine", 100, 1000) > predictor_seconds("params", 100, 1000)
    assert predictor_seconds("svr-tuned", 100, 10) > 10 * predictor_seconds("svr", 100, 10)
    plan = planned(search_study(), in_maze)
    cell = next(cell for cell in plan.cells if isinstance(cell, SearchCell))
    assert plan.work == {cell.task: Work(256)}
    for name in STRATEGIES.names():
        found = search_cost(SearchCell(**{**vars(cell), "use": name}), Work(1000))
        assert (found.own > 0, found.group) == (True, None)
    trained = search_cost(cell, Work(1000, examples=50_000, epochs=5))
    assert trained.shared == pytest.approx(trained.own * cell.initial / 15, rel=0.1)
    assert trained.group == (cell.task, cell.seed)


def test_expected_costs_follow_those_that_were_measured() -> None:
    """The published run: 15,625 architectures, seventeen methods, six training sizes."""
    frame = pd.read_parquet(RESULTS / "nb201-predictors" / "results.parquet")
    frame = frame[frame["status"] == "ok"]
    seconds = frame["fit_seconds"] + frame["query_seconds_per_arch"] * frame["n_test"]
    measured = seconds.groupby([frame["predictor"], frame["train_size"]]).median()
    expected = pd.Series(
        [predictor_seconds(name, n, 10_000) for name, n in measured.index], measured.index
    )
    assert measured.corr(expected, method="spearman") > 0.9
    known = measured[[":" not in name for name, _ in measured.index]]
    ratios = (expected[known.index] + 0.02) / (known + 0.02)
    assert ratios.between(1 / 4, 4).all(), ratios[~ratios.between(1 / 4, 4)]
