"""The in-context predictor: its algebra, what may not matter to it, and its weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from surrobench.errors import DamagedStoreError
from surrobench.predictors import make_predictor
from surrobench.predictors.pfn.network import HyperparameterNetwork
from surrobench.predictors.pfn.process import Covariances, evidence, predictive
from surrobench.predictors.pfn.weights import FILE, SHA256, embedded, read
from surrobench.predictors.predictive import predict

RNG = np.random.default_rng(11)


def examples(n: int, d: int) -> tuple[Tensor, Tensor]:
    """Columns of two or three levels and a noisy sum of the first two."""
    X = torch.tensor(RNG.integers(0, 3, size=(n, d)) / 2.0)
    y = X[:, :1] - 2.0 * X[:, 1:2] + 0.1 * torch.tensor(RNG.standard_normal((n, 1)))
    return X, y


def process_of(d: int) -> Covariances:
    """Some hyperparameters of a process over ``d`` columns."""
    return Covariances(
        torch.tensor(RNG.uniform(0.1, 2.0, size=(1, 3, d))),
        torch.tensor(RNG.uniform(0.2, 1.0, size=(1, 3))),
        torch.tensor([0.1], dtype=torch.float64),
    )


def test_one_example_is_conditioned_on_as_by_hand() -> None:
    # One example y = 1 at distance 0 of the query: K = 2 + 0.5, constant 1/2.5 / (1/2.5 + 4).
    process = Covariances(
        torch.ones(1, 3, 1, dtype=torch.float64),
        torch.tensor([[1.0, 0.5, 0.5]], dtype=torch.float64),
        torch.tensor([0.5], dtype=torch.float64),
    )
    X, y = torch.zeros(1, 1, 1, dtype=torch.float64), torch.ones(1, 1, dtype=torch.float64)
    mean, variance = predictive(X, y, X, process)
    constant = 0.4 / 4.4
    assert float(mean) == pytest.approx(constant + 0.8 * (1.0 - constant), abs=1e-6)
    assert float(variance) == pytest.approx(2.5 - 2.0**2 / 2.5, abs=1e-6)


def test_slopes_are_those_of_the_likelihood() -> None:
    X, y = examples(12, 4)
    X, y = X.unsqueeze(0), y.T
    process = process_of(4)
    logs = [
        part.log().requires_grad_()
        for part in (process.relevances, process.outputscales, process.noise)
    ]
    moving = Covariances(*(part.exp() for part in logs))
    known = evidence(X, y, process)
    distance = (X.unsqueeze(2) - X.unsqueeze(1)).square()
    squares = torch.einsum("bnmd,bjd->bjnm", distance, moving.relevances) + 1e-10
    r5, r3 = (5 * squares[:, 1]).sqrt(), (3 * squares[:, 2]).sqrt()
    kernels = torch.stack(
        [
            torch.exp(-squares[:, 0] / 2),
            (1 + r5 + r5**2 / 3) * torch.exp(-r5),
            (1 + r3) * torch.exp(-r3),
        ],
        dim=1,
    )
    covariance = torch.einsum("bj,bjnm->bnm", moving.outputscales, kernels)[0]
    covariance = covariance + moving.noise * torch.eye(12)
    inverse = covariance.inverse().detach()
    constant = (inverse @ y[0]).sum() / (inverse.sum() + 4.0)
    normal = torch.distributions.MultivariateNormal(constant.expand(12), covariance)
    slopes = torch.autograd.grad(normal.log_prob(y[0]), logs)
    for ours, theirs in zip(
        (known.by_relevance, known.by_outputscale, known.by_noise), slopes, strict=True
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)


def test_left_out_residuals_are_of_processes_without_the_example() -> None:
    X, y = examples(8, 3)
    process = process_of(3)
    X, y = X.unsqueeze(0), y.T
    known = evidence(X, y, process)
    rest = torch.arange(8) != 5
    # The constant is that of all examples, so targets are compared after it was taken off.
    constant = y[0, 5] - known.residuals[0, 5] * known.deviations[0, 5]
    alone, variance = predictive(X[:, rest], y[:, rest], X[:, 5:6], process)
    assert float(known.deviations[0, 5] ** 2) == pytest.approx(float(variance), rel=1e-5)
    assert float(constant) == pytest.approx(float(alone), abs=0.05)


def test_the_model_answers_what_the_network_was_trained_to() -> None:
    X, y = examples(24, 5)
    model = make_predictor("pfn", transform="standardise").fit(X, y, seed=0)
    kernel = model.covar_module
    process = Covariances(
        torch.stack([part.base_kernel.lengthscale[0] ** -2 for part in kernel.kernels]).unsqueeze(
            0
        ),
        torch.stack([part.outputscale for part in kernel.kernels]).unsqueeze(0),
        model.likelihood.noise,
    )
    inputs, targets = model.train_inputs[0], model.train_targets.unsqueeze(0)
    queries, _ = examples(10, 5)
    scaled = model.transform_inputs(queries)
    mean, variance = predictive(inputs.unsqueeze(0), targets, scaled.unsqueeze(0), process)
    answer = predict(model, queries)
    std, shift = y.std(), y.mean()
    np.testing.assert_allclose(answer.mean, (mean[0] * std + shift).detach().numpy(), atol=1e-5)
    np.testing.assert_allclose(answer.std, (variance[0].sqrt() * std).detach().numpy(), rtol=1e-4)


def test_neither_the_order_of_columns_nor_that_of_examples_matters() -> None:
    X, y = examples(30, 6)
    queries, _ = examples(12, 6)
    first = predict(make_predictor("pfn").fit(X, y, seed=0), queries)
    rows, columns = torch.tensor(RNG.permutation(30)), torch.tensor(RNG.permutation(6))
    model = make_predictor("pfn").fit(X[rows][:, columns], y[rows], seed=0)
    again = predict(model, queries[:, columns])
    np.testing.assert_allclose(again.median, first.median, atol=2e-3)
    np.testing.assert_allclose(again.std, first.std, rtol=1e-2)


def test_columns_that_are_not_real_do_not_matter() -> None:
    X, y = examples(20, 4)
    X, y = X.float().unsqueeze(0), y.float().T
    padded = torch.cat([X, torch.zeros(1, 20, 3)], dim=2)
    real = torch.tensor([[True] * 4 + [False] * 3])
    alone = embedded()(X, y, real[:, :4])[-1]
    beside = embedded()(padded, y, real)[-1]
    torch.testing.assert_close(beside.relevances[..., :4], alone.relevances, rtol=1e-3, atol=1e-5)
    assert (beside.relevances[..., 4:] == 0).all()
    torch.testing.assert_close(beside.noise, alone.noise, rtol=1e-3, atol=1e-5)


def test_relevant_columns_are_told_from_others() -> None:
    X, y = examples(64, 8)
    model = make_predictor("pfn", transform="standardise").fit(X, y, seed=0)
    influence = sum(
        part.outputscale * part.base_kernel.lengthscale[0] ** -2
        for part in model.covar_module.kernels
    )
    assert influence[:2].min() > 3.0 * influence[2:].max()


def test_intervals_cover_what_they_say_on_draws_of_processes() -> None:
    inside, errors, spread = [], [], []
    for _ in range(30):
        labels = RNG.integers(0, 4, size=(72, 6))
        columns = np.eye(4)[labels].reshape(72, -1)
        apart = (labels[:, None] != labels[None]) @ RNG.exponential(size=6) / 2.0
        function = np.linalg.cholesky(np.exp(-apart) + 1e-6 * np.eye(72)) @ RNG.standard_normal(72)
        values = function + 0.2 * RNG.standard_normal(72)
        X, y = torch.tensor(columns), torch.tensor(values).unsqueeze(-1)
        answer = predict(make_predictor("pfn").fit(X[:32], y[:32], seed=0), X[32:])
        inside.append(np.abs(answer.cdf(values[32:]) - 0.5) < 0.45)
        errors.append(np.abs(answer.median - values[32:]).mean())
        spread.append(np.abs(values[32:] - np.median(values[:32])).mean())
    assert 0.85 <= np.mean(inside) <= 0.95
    assert np.mean(errors) < 0.9 * np.mean(spread)


def test_of_many_examples_some_are_read_and_all_are_conditioned_on() -> None:
    X, y = examples(300, 4)
    recipe = make_predictor("pfn")
    model = recipe.fit(X, y, seed=3)
    assert len(model.base.train_targets) == 300
    again = recipe.fit(X, y, seed=3)
    assert torch.equal(model.base.likelihood.noise, again.base.likelihood.noise)


def test_the_weights_are_those_that_were_published() -> None:
    network = read(FILE, SHA256)
    count = sum(part.numel() for part in network.parameters())
    assert count < 2_000_000
    assert FILE.stat().st_size < 4 * 2**20


def test_damaged_and_foreign_weights_are_refused(tmp_path) -> None:
    content = bytearray(FILE.read_bytes())
    content[len(content) // 2] ^= 1
    damaged = tmp_path / "damaged.npz"
    damaged.write_bytes(bytes(content))
    with pytest.raises(DamagedStoreError, match="install it again"):
        read(damaged, SHA256)
    np.savez(tmp_path / "foreign.npz", other=np.zeros(3))
    with pytest.raises(ValueError, match="other weights"):
        read(tmp_path / "foreign.npz")
    pickled = tmp_path / "pickled.npz"
    np.savez(pickled, other=np.array([{}], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle"):
        read(pickled)


def test_a_network_with_other_weights_answers_otherwise() -> None:
    X, y = examples(20, 4)
    torch.manual_seed(0)
    real = torch.ones(1, 4, dtype=torch.bool)
    read_now = (X.float().unsqueeze(0), y.float().T, real)
    raw = HyperparameterNetwork()(*read_now)[-1]
    assert not torch.allclose(raw.noise, embedded()(*read_now)[-1].noise)
