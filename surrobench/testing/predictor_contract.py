"""What every predictor promises, one sentence and one check each."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from botorch.acquisition.acquisition import AcquisitionFunction
from botorch.acquisition.analytic import LogExpectedImprovement, UpperConfidenceBound
from botorch.acquisition.logei import qLogExpectedImprovement
from botorch.acquisition.monte_carlo import qUpperConfidenceBound
from botorch.models.model import Model

from surrobench.testing.problems import Subject, moments, rank_correlation
from surrobench.wording import counted


@dataclass(frozen=True)
class Check:
    """A named promise; calling it with a predictor raises ``AssertionError`` if it is broken."""

    name: str
    sentence: str
    body: Callable[[Subject], None]

    def __call__(self, predictor: Any) -> None:
        """Test a predictor, or a :class:`Subject` whose fitted model other checks share."""
        self.body(predictor if isinstance(predictor, Subject) else Subject(predictor))

    def __str__(self) -> str:
        return self.name


CHECKS: list[Check] = []


def promise(body: Callable[[Subject], None]) -> Callable[[Subject], None]:
    """Add a check; its docstring is the sentence."""
    sentence = " ".join((body.__doc__ or "").split())
    CHECKS.append(Check(body.__name__, sentence, body))
    return body


def close(a: torch.Tensor, b: torch.Tensor, tolerance: float, what: str) -> None:
    """Assert that two tensors differ by no more than ``tolerance`` anywhere."""
    assert a.shape == b.shape, f"{what}: shapes {tuple(a.shape)} and {tuple(b.shape)}"
    worst = float((a - b).abs().max())
    assert worst <= tolerance, f"{what} differs by {worst:.3g}, more than {tolerance:.3g}"


def same(a: Model, b: Model, subject: Subject, tolerance: float, what: str) -> None:
    """Assert that two models agree on the pool, in units of the targets' deviation."""
    for left, right, moment in zip(
        moments(a, subject.problem.pool),
        moments(b, subject.problem.pool),
        ("mean", "deviation"),
        strict=True,
    ):
        close(left, right, tolerance * subject.problem.spread, f"{what}: the {moment}")


@promise
def is_a_botorch_model(subject: Subject) -> None:
    """Fitting returns a new BoTorch model with one output and leaves the recipe as it was."""
    before = repr(subject.predictor)
    first, second = subject.model, subject.fit()
    assert isinstance(first, Model), f"fit returned {type(first).__name__}"
    assert first is not second, "fit returned the same model twice"
    assert first.num_outputs == 1, f"{counted(first.num_outputs, 'output')}"
    assert repr(subject.predictor) == before, "fit changed the recipe"


@promise
def shapes_follow_botorch(subject: Subject) -> None:
    """Inputs of shape batch x q x d give a mean and a variance of shape batch x q x 1."""
    pool = subject.problem.pool
    for shape in ((5,), (1,), (4, 1), (2, 3, 2)):
        X = pool[: int(np.prod(shape))].reshape(*shape, pool.shape[1])
        for value in moments(subject.model, X):
            assert value.shape == (*shape, 1), f"{tuple(value.shape)} for inputs {tuple(X.shape)}"
            assert value.dtype == torch.float64, f"{value.dtype} instead of float64"


@promise
def moments_are_finite(subject: Subject) -> None:
    """Means are finite, variances finite and positive, larger with observation noise or equal."""
    mean, deviation = moments(subject.model, subject.problem.pool)
    _, noisy = moments(subject.model, subject.problem.pool, noise=True)
    assert torch.isfinite(mean).all(), "a mean is not finite"
    assert (torch.isfinite(deviation) & (deviation > 0)).all(), "a variance is not positive"
    assert (noisy >= deviation * (1 - 1e-9)).all(), "observation noise made a variance smaller"


@promise
def chunks_do_not_matter(subject: Subject) -> None:
    """A prediction depends neither on the other rows asked about nor on their order."""
    pool = subject.problem.pool
    tolerance = 1e-4 * subject.problem.spread
    whole = moments(subject.model, pool)
    parts = [moments(subject.model, part) for part in pool.split(17)]
    backwards = moments(subject.model, pool.flip(0))
    alone = moments(subject.model, pool[3:4])
    for i, what in enumerate(("mean", "deviation")):
        close(whole[i], torch.cat([part[i] for part in parts]), tolerance, f"{what} in chunks")
        close(whole[i], backwards[i].flip(0), tolerance, f"{what} in reverse order")
        close(whole[i][3:4], alone[i], tolerance, f"{what} of a single row")


@promise
def same_seed_same_result(subject: Subject) -> None:
    """The same training set and seed give bit-identical predictions."""
    for a, b in zip(
        moments(subject.model, subject.problem.pool),
        moments(subject.fit(), subject.problem.pool),
        strict=True,
    ):
        assert torch.equal(a, b), f"two fits differ by {float((a - b).abs().max()):.3g}"


def _global_states() -> tuple[torch.Tensor, Any, Any]:
    """States of the generators of torch, NumPy and Python."""
    return torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002


@promise
def global_random_state_is_untouched(subject: Subject) -> None:
    """Fitting and predicting neither read nor advance the global generators."""
    states = _global_states()
    try:
        torch.manual_seed(123)
        np.random.seed(123)  # noqa: NPY002
        random.seed(123)
        before = _global_states()
        model = subject.fit()
        mean, _ = moments(model, subject.problem.pool)
        after = _global_states()
    finally:
        torch.set_rng_state(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        random.setstate(states[2])
    assert torch.equal(before[0], after[0]), "torch's global generator was used"
    assert np.array_equal(before[1][1], after[1][1]), "NumPy's global generator was used"
    assert before[2] == after[2], "Python's global generator was used"
    assert torch.equal(mean, moments(subject.model, subject.problem.pool)[0]), (
        "the result depends on a global generator"
    )


@promise
def fits_are_independent(subject: Subject) -> None:
    """Fitting again, to other data and with another seed, changes no earlier model."""
    before = moments(subject.model, subject.problem.pool)
    subject.fit(subject.problem.X[:9], subject.problem.y[:9] * -3.0, seed=7)
    after = moments(subject.model, subject.problem.pool)
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True)), "state leaked"


@promise
def inputs_are_unchanged(subject: Subject) -> None:
    """Training and pool tensors are left alone, and changing them later changes no model."""
    X, y, pool = (t.clone() for t in (subject.problem.X, subject.problem.y, subject.problem.pool))
    model = subject.predictor.fit(X, y, seed=0)
    before = moments(model, pool)
    assert torch.equal(X, subject.problem.X), "fit changed X"
    assert torch.equal(y, subject.problem.y), "fit changed y"
    assert torch.equal(pool, subject.problem.pool), "the posterior changed its inputs"
    X.fill_(0.5)
    y.fill_(0.5)
    after = moments(model, pool)
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True)), (
        "the model shares memory with the training tensors"
    )


@promise
def units_do_not_matter(subject: Subject) -> None:
    """Targets 100 y + 7 give means 100 m + 7 and deviations 100 s."""
    rescaled = subject.fit(y=100.0 * subject.problem.y + 7.0)
    mean, deviation = moments(subject.model, subject.problem.pool)
    other_mean, other_deviation = moments(rescaled, subject.problem.pool)
    tolerance = 0.02 * subject.problem.spread
    close((other_mean - 7.0) / 100.0, mean, tolerance, "the mean")
    close(other_deviation / 100.0, deviation, tolerance, "the deviation")


@promise
def row_order_does_not_matter(subject: Subject) -> None:
    """Training examples in another order give the same predictions."""
    order = torch.tensor(np.random.default_rng(5).permutation(len(subject.problem.y)))
    shuffled = subject.fit(subject.problem.X[order], subject.problem.y[order])
    same(subject.model, shuffled, subject, 0.02, "with rows in another order")


@promise
def constant_targets_are_learned(subject: Subject) -> None:
    """If all targets are equal, so are the means, and the variances are finite and positive."""
    model = subject.fit(y=torch.full_like(subject.problem.y, 0.7))
    mean, deviation = moments(model, subject.problem.pool)
    close(mean, torch.full_like(mean, 0.7), 0.05, "the mean")
    assert (torch.isfinite(deviation) & (deviation > 0)).all(), "a variance is not positive"


@promise
def few_points_suffice(subject: Subject) -> None:
    """One, two or three training examples are enough for predictions that are not far from them."""
    for n in (1, 2, 3):
        y = subject.problem.y[:n]
        mean, deviation = moments(subject.fit(subject.problem.X[:n], y), subject.problem.pool)
        assert torch.isfinite(mean).all(), f"a mean is not finite after {counted(n, 'example')}"
        assert (torch.isfinite(deviation) & (deviation > 0)).all(), (
            f"variance after {counted(n, 'example')}"
        )
        reach = 10.0 * max(float(y.max() - y.min()), 1.0)
        low, high = float(y.min()) - reach, float(y.max()) + reach
        assert ((mean >= low) & (mean <= high)).all(), f"means far from the {counted(n, 'example')}"


@promise
def duplicate_rows_are_averaged(subject: Subject) -> None:
    """The same input with different targets is no obstacle."""
    X, y = subject.problem.X[:12].repeat(3, 1), subject.problem.y[:12].repeat(3, 1)
    y[12:24] += subject.problem.spread
    y[24:] -= subject.problem.spread
    mean, deviation = moments(subject.fit(X, y), subject.problem.pool)
    assert torch.isfinite(mean).all(), "a mean is not finite"
    assert (torch.isfinite(deviation) & (deviation > 0)).all(), "a variance is not positive"


@promise
def a_simple_function_is_learned(subject: Subject) -> None:
    """An almost additive function is ranked with a Kendall tau above 0.4."""
    mean, _ = moments(subject.model, subject.problem.pool)
    tau = rank_correlation(mean, subject.problem.truth)
    assert tau > 0.4, f"tau is {tau:.2f}"


@promise
def shuffled_targets_teach_nothing(subject: Subject) -> None:
    """Trained on shuffled targets, the mean tau over draws is within 0.05 of zero.

    Each draw is used with its mirror image: what chance learns cancels, while anything that knows
    the truth from elsewhere shows up twice.
    """
    y, taus = subject.problem.y, []
    for seed in range(3):
        shuffled = y[torch.tensor(np.random.default_rng(seed).permutation(len(y)))]
        for targets in (shuffled, 2.0 * shuffled.mean() - shuffled):
            mean, _ = moments(subject.fit(y=targets, seed=seed), subject.problem.pool)
            taus.append(rank_correlation(mean, subject.problem.truth))
    assert abs(np.mean(taus)) < 0.05, f"mean tau is {np.mean(taus):.3f}"


@promise
def acquisition_functions_work(subject: Subject) -> None:
    """Analytic and Monte-Carlo acquisition is finite, and identical candidates tie."""
    pool, best = subject.problem.pool, subject.problem.y.max()
    copies = torch.cat([pool[:7], pool[:1], pool[7:12], pool[:1]]).unsqueeze(1)
    model = subject.model
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        for acquisition in _acquisitions(model, best):
            name = type(acquisition).__name__
            values = acquisition(copies)
            assert values.shape == (len(copies),), f"{name}: shape {tuple(values.shape)}"
            assert torch.isfinite(values).all(), f"{name} is not finite"
            scale = 1e-6 * max(float(values.abs().max()), 1.0)
            close(values[[7, 13]], values[[0, 0]], scale, f"{name} of identical candidates")


def _acquisitions(model: Model, best: torch.Tensor) -> list[AcquisitionFunction]:
    return [
        LogExpectedImprovement(model, best_f=best),
        UpperConfidenceBound(model, beta=2.0),
        qLogExpectedImprovement(model, best_f=best),
        qUpperConfidenceBound(model, beta=2.0),
    ]


@promise
def joint_candidates_work(subject: Subject) -> None:
    """Monte-Carlo acquisition of two candidates at once is finite."""
    pairs = subject.problem.pool[:8].reshape(4, 2, -1)
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        for acquisition in _acquisitions(subject.model, subject.problem.y.max())[2:]:
            assert torch.isfinite(acquisition(pairs)).all(), type(acquisition).__name__
