"""Kernels and their closed-form gradients against GPyTorch and plain formulas."""

from __future__ import annotations

import itertools

import gpytorch
import numpy as np
import pytest
import torch
from block_pools import NUMERIC, ONE_HOT, VARIABLES, covariance, one_hot, pool, process, targets
from gpytorch.kernels import MaternKernel, RBFKernel
from gpytorch.mlls import ExactMarginalLogLikelihood

from surrobench.base.columns import ColumnBlock
from surrobench.predictors.gp.covariance import PoolCovariance
from surrobench.predictors.gp.fitted_gp import FittedGP
from surrobench.predictors.gp.kernels import CodedBlock, DenseBlock
from surrobench.predictors.gp.modules import CategoricalKernel, botorch_model

KERNELS = ("categorical", "rbf", "matern-1/2", "matern-3/2", "matern-5/2")
COMBINATIONS = list(
    itertools.product(KERNELS, ("shared", "variable", "column"), ("sum", "product"))
)
ROWS = list(range(0, 72, 3))


def random_parameters(cov: PoolCovariance, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    lengthscales = rng.normal(0.3, 0.4, size=cov.lengthscales)
    return np.array([*lengthscales, *rng.normal(0.0, 0.5, cov.scales), rng.uniform(-4.0, -1.0)])


def gpytorch_objective(model: FittedGP, cov: PoolCovariance) -> tuple[float, np.ndarray]:
    """GPyTorch's log posterior and its gradient in our parameters."""
    model.train()
    mll = ExactMarginalLogLikelihood(model.likelihood, model)
    value = mll(model(*model.train_inputs), model.train_targets) * len(model.train_targets)
    value.backward()
    module = model.covar_module
    scaled = [module] if cov.scales == 1 else list(module.kernels)
    blocks = list(scaled[0].base_kernel.kernels) if cov.product else [s.base_kernel for s in scaled]
    parts = [block.raw_lengthscale for block in blocks] + [s.raw_outputscale for s in scaled]
    parts.append(model.likelihood.raw_noise)
    return value.item(), torch.cat([(p.grad * p).reshape(-1) for p in parts]).detach().numpy()


@pytest.mark.parametrize(("kernel", "lengthscales", "combine"), COMBINATIONS)
def test_likelihood_gradient_and_posterior_equal_gpytorch(
    kernel: str, lengthscales: str, combine: str
) -> None:
    X, y = pool(), targets(ROWS).squeeze(-1)
    y = (y - y.mean()) / y.std()
    cov = covariance(X, (ONE_HOT, NUMERIC), kernel, lengthscales, combine)
    unit = float(y.var())
    objective = cov.objective(np.array(ROWS), y.numpy(), unit)
    for seed in range(2):
        log_parameters = random_parameters(cov, seed)
        point = objective(log_parameters)
        model = botorch_model(
            process(X, cov, log_parameters, unit), torch.tensor(ROWS), y, point.constant
        )
        value, gradient = gpytorch_objective(model, cov)
        # GPyTorch finds rounding instead of zero for a point's distance to itself, and the
        # Matérn-1/2 kernel has its kink there.
        tolerance = 1e-6 if kernel == "matern-1/2" else 1e-8
        assert point.value == pytest.approx(value, rel=tolerance)
        np.testing.assert_allclose(point.gradient, gradient, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("block", [ONE_HOT, NUMERIC])
@pytest.mark.parametrize("kernel", KERNELS)
def test_gradient_of_one_block_equals_finite_differences(block: ColumnBlock, kernel: str) -> None:
    X, y = pool(), targets(ROWS).squeeze(-1).numpy()
    alone = ColumnBlock(block.name, 0, block.stop - block.start, block.kind, block.groups)
    X = X[:, block.start : block.stop]
    cov = covariance(X, (alone,), kernel, "column", "sum")
    objective = cov.objective(np.array([*ROWS, *ROWS[:4]]), np.array([*y, *y[:4] + 1]), y.var())
    at = random_parameters(cov, 0)
    gradient = objective(at).gradient
    for i in range(len(at)):
        step = np.zeros_like(at)
        step[i] = 1e-5
        slope = (objective(at + step).value - objective(at - step).value) / 2e-5
        assert gradient[i] == pytest.approx(slope, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("combine", ["sum", "product"])
def test_gradient_with_jitter_equals_finite_differences(combine: str) -> None:
    X = pool()
    cov = covariance(X, (ONE_HOT, NUMERIC), "rbf", "shared", combine)
    rows, y = np.repeat(ROWS, 2), np.repeat(targets(ROWS).squeeze(-1).numpy(), 2)
    objective = cov.objective(rows, y, 1.0)
    at = np.array([1.0, 1.0, *[18.0] * cov.scales, -50.0])
    point = objective(at)
    assert point.jitter > 0.0
    for i in range(len(at) - 1):
        step = np.zeros_like(at)
        step[i] = 1e-4
        slope = (objective(at + step).value - objective(at - step).value) / 2e-4
        assert point.gradient[i] == pytest.approx(slope, rel=1e-3, abs=0.05)


def blockwise(values: np.ndarray, lengthscales: np.ndarray) -> np.ndarray:
    """The categorical kernel by its definition."""
    total = np.zeros((len(values), len(values)))
    for variable, lengthscale in enumerate(lengthscales):
        own = values[:, np.array(VARIABLES) == variable]
        total += (own[:, None] != own[None]).any(axis=-1) / lengthscale**2
    return np.exp(-total)


def test_categorical_kernel_is_its_definition_and_a_tied_rbf() -> None:
    X = torch.from_numpy(one_hot())
    cov = covariance(X, (ONE_HOT,), "categorical", "variable", "sum")
    lengthscales = np.array([0.7, 1.3, 2.0, 0.9])
    bound = cov.blocks[0].bind(lengthscales, 1.0)
    rows = np.arange(72)
    expected = blockwise(one_hot(), lengthscales)
    np.testing.assert_allclose(bound.between(rows, rows), expected, rtol=1e-12)
    rbf = RBFKernel(ard_num_dims=12).double()
    rbf.lengthscale = torch.from_numpy(lengthscales[list(VARIABLES)])
    np.testing.assert_allclose(rbf(X).to_dense().detach().numpy(), expected, rtol=1e-10)


def test_categorical_kernel_compares_patterns_where_choices_are_absent() -> None:
    values = one_hot()
    values[::2, :3] = 0.0
    X = torch.from_numpy(values)
    cov = covariance(X, (ONE_HOT,), "categorical", "variable", "sum")
    lengthscales = np.array([0.7, 1.3, 2.0, 0.9])
    rows = np.arange(72)
    expected = blockwise(values, lengthscales)
    np.testing.assert_allclose(
        cov.blocks[0].bind(lengthscales, 1.0).between(rows, rows), expected, rtol=1e-12
    )
    module = CategoricalKernel(VARIABLES, shared=False).double()
    module.lengthscale = torch.from_numpy(lengthscales)
    np.testing.assert_allclose(module(X).to_dense().detach().numpy(), expected, rtol=1e-12)
    assert torch.equal(module(X, diag=True), torch.ones(72, dtype=torch.float64))


def test_variable_lengthscales_equal_gpytorchs_tied_matern() -> None:
    X = torch.from_numpy(one_hot())
    cov = covariance(X, (ONE_HOT,), "matern-3/2", "variable", "sum")
    lengthscales = np.array([0.7, 1.3, 2.0, 0.9])
    matern = MaternKernel(nu=1.5, ard_num_dims=12).double()
    matern.lengthscale = torch.from_numpy(lengthscales[list(VARIABLES)])
    rows = np.arange(72)
    np.testing.assert_allclose(
        cov.blocks[0].bind(lengthscales, 1.0).between(rows, rows),
        matern(X).to_dense().detach().numpy(),
        rtol=1e-10,
        atol=1e-10,
    )


@pytest.mark.parametrize("lengthscales", ["shared", "variable", "column"])
@pytest.mark.parametrize("kernel", KERNELS)
def test_coded_and_dense_forms_agree(kernel: str, lengthscales: str) -> None:
    rng = np.random.default_rng(0)
    many = np.hstack([np.eye(2)[rng.integers(2, size=40)] for _ in range(18)])
    groups = tuple(np.repeat(np.arange(18), 2).tolist())
    block = ColumnBlock("one-hot", 0, 36, "one-hot", groups)
    cov = covariance(torch.from_numpy(many), (block,), kernel, lengthscales, "sum")
    kind = CodedBlock if lengthscales == "shared" else DenseBlock
    assert type(cov.blocks[0]) is kind
    scales = rng.uniform(1.0, 3.0, size=cov.lengthscales)
    by_column = np.broadcast_to(scales, 18)[list(groups)] if len(scales) < 36 else scales
    module = (
        RBFKernel(ard_num_dims=36)
        if kernel in ("categorical", "rbf")
        else MaternKernel(nu=float(kernel[-3]) / 2, ard_num_dims=36)
    ).double()
    module.lengthscale = torch.from_numpy(by_column.copy())
    expected = module(torch.from_numpy(many)).to_dense().detach().numpy()
    rows = np.arange(40)
    bound = cov.blocks[0].bind(scales, 1.0)
    tolerance = 1e-7 if kernel == "matern-1/2" else 1e-9
    np.testing.assert_allclose(bound.between(rows, rows), expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize(("kernel", "lengthscales", "combine"), COMBINATIONS)
def test_rows_and_tiles_of_the_pool_agree(kernel: str, lengthscales: str, combine: str) -> None:
    X = pool()
    cov = covariance(X, (ONE_HOT, NUMERIC), kernel, lengthscales, combine)
    bound = cov.bind(cov.parameters(random_parameters(cov, 1), 0.0))
    rows, all_rows = np.array([5, 9, 60]), np.arange(72)
    whole = bound.between(rows, all_rows)
    np.testing.assert_allclose(np.stack([bound.row(row) for row in rows]), whole, rtol=1e-9)
    tile = np.empty((3, 20))
    bound.cross(rows, slice(30, 50), tile)
    np.testing.assert_allclose(tile, whole[:, 30:50], rtol=1e-9)
    np.testing.assert_allclose(whole[range(3), rows], bound.scale, rtol=1e-9)


def test_priors_are_those_of_the_single_process_shared_among_blocks() -> None:
    X = pool()
    cov = covariance(X, (ONE_HOT, NUMERIC), "rbf", "shared", "sum")
    lengthscales, outputscale, _ = cov.priors(4.0)
    assert outputscale.location == pytest.approx(np.log(2.0))
    assert lengthscales[0].location - lengthscales[1].location == pytest.approx(0.5 * np.log(4.0))
    alone = covariance(X, (ONE_HOT, NUMERIC), "rbf", "shared", "product")
    assert alone.priors(4.0)[1].location == pytest.approx(np.log(4.0))


def test_numeric_columns_cannot_be_one_hot() -> None:
    X = pool()
    wrong = ColumnBlock("wrong", 12, 15, "one-hot", (0, 1, 2))
    with pytest.raises(ValueError, match="'wrong' must be 0 or 1"):
        covariance(X, (ONE_HOT, wrong), "categorical", "shared", "sum")


def test_gpytorch_is_used_in_double_precision() -> None:
    X = pool()
    cov = covariance(X, (ONE_HOT, NUMERIC), "categorical", "column", "sum")
    made = process(X, cov, random_parameters(cov, 0), 1.0)
    model = botorch_model(made, torch.tensor(ROWS), torch.zeros(len(ROWS)).double(), 0.0)
    assert {p.dtype for p in model.parameters()} == {torch.float64}
    assert isinstance(model.likelihood.noise_covar.noise_prior, gpytorch.priors.LogNormalPrior)
