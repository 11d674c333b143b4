"""The predictors of the registry that know the blocks of an encoding."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from block_pools import NUMERIC, ONE_HOT, VARIABLES, pool, targets
from scipy.stats import kendalltau

from surrobench.base.columns import ColumnBlock
from surrobench.encodings.column_blocks import column_blocks
from surrobench.errors import UserError
from surrobench.predictors import make_predictor
from surrobench.predictors.gp.kernels import CodedBlock, DenseBlock
from surrobench.predictors.gp.recipe import PoolGP
from surrobench.predictors.transforms import WarpedModel
from surrobench.spaces.chains import Chains
from surrobench.spaces.edge_cells import nas_bench_201
from surrobench.testing.conformance import check_predictor

ROWS = list(range(0, 72, 2))


@pytest.mark.parametrize("transform", ["none", "standardise", "quantile-normal"])
@pytest.mark.parametrize("combine", ["sum", "product"])
def test_a_fitted_model_answers_in_units_of_the_targets(transform: str, combine: str) -> None:
    recipe = PoolGP(combine=combine, transform=transform).for_blocks((ONE_HOT, NUMERIC))
    y = targets(ROWS)
    model = recipe.fit(pool()[ROWS], y, seed=0)
    with torch.no_grad():
        mean = model.posterior(pool()[ROWS]).mean
    assert float((mean - y).abs().mean()) < 0.5 * float((y - y.mean()).abs().mean())
    assert isinstance(model, WarpedModel) is (transform == "quantile-normal")
    everything = list(range(72))
    with torch.no_grad():
        others = model.posterior(pool()).mean.squeeze(-1)
    assert kendalltau(others.numpy(), targets(everything).squeeze(-1).numpy()).statistic > 0.5


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gp-categorical", "gp-blocks"])
def test_the_contract_is_kept_with_blocks(name: str) -> None:
    groups = tuple(np.repeat(np.arange(6), 5).tolist())
    blocks = (ColumnBlock("one-hot", 0, 30, "one-hot", groups),)
    recipe = make_predictor(name).for_blocks(blocks)  # type: ignore[attr-defined]
    check_predictor(recipe, expected={"one_column_is_enough": "its blocks are of 30 columns"})


def test_registered_recipes_combine_blocks_in_their_way() -> None:
    for name, product in (("gp-categorical", True), ("gp-blocks", False)):
        recipe = make_predictor(name).for_blocks((ONE_HOT, NUMERIC))  # type: ignore[attr-defined]
        covariance = recipe.on_pool(pool()).covariance
        assert covariance.product is product
        coded, dense = covariance.blocks
        assert isinstance(coded, CodedBlock)
        assert isinstance(dense, DenseBlock)
        assert (coded.kernel, coded.size) == ("rbf", 4)
        assert (dense.kernel, dense.size) == ("matern-5/2", 1)


def test_without_blocks_zeros_and_ones_are_categorical() -> None:
    binary = PoolGP().on_pool(pool()[:, :12]).covariance.blocks[0]
    assert binary.categorical
    assert binary.size == 12
    mixed = PoolGP().on_pool(pool()).covariance.blocks[0]
    assert not mixed.categorical
    assert mixed.kernel == "matern-5/2"


@pytest.mark.parametrize(
    "option",
    [
        {"kernel": "matern"},
        {"lengthscales": "variables"},
        {"combine": "add"},
        {"transform": "log"},
        {"max_evaluations": 0},
        {"warm_evaluations": True},
    ],
)
def test_wrong_options_are_named(option: dict[str, object]) -> None:
    with pytest.raises(UserError, match=str(next(iter(option.values())))):
        PoolGP(**option)  # type: ignore[arg-type]


@pytest.mark.parametrize("blocks", [(ONE_HOT,), (NUMERIC,), (ONE_HOT, ONE_HOT)])
def test_blocks_must_make_up_the_columns(blocks: tuple[ColumnBlock, ...]) -> None:
    with pytest.raises(ValueError, match="15 columns"):
        PoolGP().for_blocks(blocks).fit(pool(), targets(list(range(72))), seed=0)


def test_blocks_of_a_sum_of_encodings() -> None:
    space = nas_bench_201()
    measured = {"params": np.array([1.0, 2.0, np.nan]), "flops": np.array([1.0, 2.0, 3.0])}
    one_hot, ranks, path = column_blocks("one-hot + measured:params,flops+path:10", space, measured)
    assert one_hot == ColumnBlock(
        "one-hot", 0, 30, "one-hot", tuple(np.repeat(np.arange(6), 5).tolist())
    )
    assert ranks == ColumnBlock("measured:params,flops", 30, 33)
    assert path == ColumnBlock("path:10", 33, 43)


def test_columns_of_optional_layers_belong_to_their_variables() -> None:
    space = Chains()
    (block,) = column_blocks("one-hot", space, {})
    assert block.kind == "one-hot"
    assert len(block.groups) == block.stop
    assert max(block.groups) + 1 == len(space.variables)
    assert list(VARIABLES) == sorted(VARIABLES)


def test_column_blocks_name_unknown_encodings() -> None:
    with pytest.raises(UserError, match="one-hott"):
        column_blocks("one-hott", nas_bench_201(), {})
