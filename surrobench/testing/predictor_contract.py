"""What every predictor promises, one sentence and one check each."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from botorch.acquisition.acquisition import AcquisitionFunction
from botorch.acquisition.analytic import LogExpectedImprovement, UpperConfidenceBound
from botorch.acquisition.logei import qLogExpectedImprovement
from botorch.acquisition.monte_carlo import qUpperConfidenceBound
from botorch.models.model import Model

from surrobench.base.wording import counted
from surrobench.testing.checks import Contract
from surrobench.testing.problems import Subject, moments, rank_correlation

PREDICTOR_CONTRACT = Contract(Subject.of)
promise = PREDICTOR_CONTRACT.promise


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
    """Fitting returns a new BoTorch model with one output.

    Return a model of your own kind each time; ``surrobench.predictors.models`` makes one of a
    function, and a class with scikit-learn's ``fit`` and ``predict`` needs none.
    """
    first, second = subject.model, subject.fit()
    assert isinstance(first, Model), f"fit returned {type(first).__name__}"
    assert first is not second, "fit returned the same model twice"
    assert first.num_outputs == 1, f"{counted(first.num_outputs, 'output')}"


@promise
def shapes_follow_botorch(subject: Subject) -> None:
    """Inputs of shape batch x q x d give a mean and a variance of shape batch x q x 1.

    Flatten the inputs to n x d, predict, and give the answer the shape of the inputs without
    their last axis, and one more; compute in float64.
    """
    pool = subject.problem.pool
    for shape in ((5,), (1,), (4, 1), (2, 3, 2)):
        X = pool[: int(np.prod(shape))].reshape(*shape, pool.shape[1])
        for value in moments(subject.model, X):
            assert value.shape == (*shape, 1), f"{tuple(value.shape)} for inputs {tuple(X.shape)}"
            assert value.dtype == torch.float64, f"{value.dtype} instead of float64"


@promise
def moments_are_finite(subject: Subject) -> None:
    """Means are finite, variances finite and positive, larger with observation noise or equal.

    Look for divisions by a spread that may be zero and for roots of differences; add a floor to
    the variance.
    """
    mean, deviation = moments(subject.model, subject.problem.pool)
    _, noisy = moments(subject.model, subject.problem.pool, noise=True)
    assert torch.isfinite(mean).all(), "a mean is not finite"
    assert (torch.isfinite(deviation) & (deviation > 0)).all(), "a variance is not positive"
    assert (noisy >= deviation * (1 - 1e-9)).all(), "observation noise made a variance smaller"


@promise
def chunks_do_not_matter(subject: Subject) -> None:
    """A prediction depends neither on the other rows asked about nor on their order.

    Compute nothing from the rows asked about taken together (means, ranks, scalings, batch
    norms); learn such numbers in ``fit`` and keep them.
    """
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


def global_states() -> tuple[torch.Tensor, Any, Any]:
    """States of the generators of torch, NumPy and Python."""
    return torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002


def same_states(before: tuple[Any, ...], after: tuple[Any, ...]) -> str:
    """Whose generator was used between two states; "" if none was."""
    same = (
        torch.equal(before[0], after[0]),
        np.array_equal(before[1][1], after[1][1]) and before[1][2] == after[1][2],
        before[2] == after[2],
    )
    owners = zip(("torch's", "NumPy's", "Python's"), same, strict=True)
    return " and ".join(owner for owner, unchanged in owners if not unchanged)


@promise
def global_random_state_is_untouched(subject: Subject) -> None:
    """Fitting and predicting neither read nor advance the global generators.

    Use a generator of your own; around a library that seeds the global ones, keep their states
    and put them back.
    """
    states = global_states()
    try:
        before, mean, after = _under_one_global_seed(subject)
        _, again, _ = _under_one_global_seed(subject)
    finally:
        torch.set_rng_state(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        random.setstate(states[2])
    changed = same_states(before, after)
    assert not changed, f"{changed} global generator was used"
    plain = moments(subject.model, subject.problem.pool)[0]
    assert torch.equal(mean, plain) or not torch.equal(mean, again), (
        "the result depends on a global generator"
    )


def _under_one_global_seed(subject: Subject) -> tuple[Any, torch.Tensor, Any]:
    """States before and after a fit, and its predictions."""
    torch.manual_seed(123)
    np.random.seed(123)  # noqa: NPY002
    random.seed(123)
    before = global_states()
    mean, _ = moments(subject.fit(), subject.problem.pool)
    return before, mean, global_states()


@promise
def same_seed_same_result(subject: Subject) -> None:
    """The same training set and seed give bit-identical predictions.

    Draw from ``numpy.random.default_rng(seed)`` or a ``torch.Generator`` with that seed, and
    from nothing else: no clock, no hash, no unseeded generator.
    """
    for a, b in zip(
        moments(subject.model, subject.problem.pool),
        moments(subject.fit(), subject.problem.pool),
        strict=True,
    ):
        assert torch.equal(a, b), f"two fits differ by {float((a - b).abs().max()):.3g}"


@promise
def fits_are_independent(subject: Subject) -> None:
    """A fit changes no model of an earlier one, and knows nothing of it.

    Keep what is learned in the model that ``fit`` returns, not in the recipe, its class or its
    module.
    """
    problem = subject.problem
    before = moments(subject.model, problem.pool)
    subject.fit(problem.X[:9], problem.y[:9] * -3.0, seed=7)
    after = moments(subject.model, problem.pool)
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True)), (
        "a later fit changed an earlier model"
    )
    again = moments(subject.fit(), problem.pool)
    assert all(torch.equal(a, b) for a, b in zip(before, again, strict=True)), (
        "a fit after one to other data differs from the same fit before it"
    )


@promise
def inputs_are_unchanged(subject: Subject) -> None:
    """Training and pool tensors are left alone, and changing them later changes no model.

    Work on copies: ``X = X.clone()``, or ``X.copy()`` of an array.
    """
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
    """Targets 100 y + 7 give means 100 m + 7 and deviations 100 s.

    Standardise the targets in ``fit`` and take it back in the answer, the deviation too; no
    constant in units of y.
    """
    rescaled = subject.fit(y=100.0 * subject.problem.y + 7.0)
    mean, deviation = moments(subject.model, subject.problem.pool)
    other_mean, other_deviation = moments(rescaled, subject.problem.pool)
    tolerance = 0.02 * subject.problem.spread
    close((other_mean - 7.0) / 100.0, mean, tolerance, "the mean")
    close(other_deviation / 100.0, deviation, tolerance, "the deviation")


@promise
def row_order_does_not_matter(subject: Subject) -> None:
    """Training examples in another order give the same predictions.

    Sort the rows first (``surrobench.predictors.recipe.canonical_rows``), so that folds and
    draws do not follow their order.
    """
    order = torch.tensor(np.random.default_rng(5).permutation(len(subject.problem.y)))
    shuffled = subject.fit(subject.problem.X[order], subject.problem.y[order])
    same(subject.model, shuffled, subject, 0.02, "with rows in another order")


@promise
def constant_targets_are_learned(subject: Subject) -> None:
    """If all targets are equal, so are the means, and the variances are finite and positive.

    Divide by the spread of the targets only where it is above zero.
    """
    model = subject.fit(y=torch.full_like(subject.problem.y, 0.7))
    mean, deviation = moments(model, subject.problem.pool)
    close(mean, torch.full_like(mean, 0.7), 0.05, "the mean")
    assert (torch.isfinite(deviation) & (deviation > 0)).all(), "a variance is not positive"


@promise
def few_points_suffice(subject: Subject) -> None:
    """One, two or three training examples are enough for predictions that are not far from them.

    Where there are too few examples for folds, neighbours or a covariance, answer with the mean
    and the spread of the targets.
    """
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
def one_column_is_enough(subject: Subject) -> None:
    """Inputs of a single column are no obstacle, nor is a column that never changes.

    Expect no two columns, and divide by the spread of a column only where it is above zero.
    """
    if subject.on_graphs:
        return
    for name, X, pool in subject.problem.column_only:
        mean, deviation = moments(subject.fit(X), pool)
        assert torch.isfinite(mean).all(), f"a mean is not finite with {name}"
        assert (torch.isfinite(deviation) & (deviation > 0)).all(), f"variance with {name}"


@promise
def duplicate_rows_are_averaged(subject: Subject) -> None:
    """The same input with different targets is no obstacle.

    Add noise or a ridge to what is inverted.
    """
    X, y = subject.problem.X[:12].repeat(3, 1), subject.problem.y[:12].repeat(3, 1)
    y[12:24] += subject.problem.spread
    y[24:] -= subject.problem.spread
    mean, deviation = moments(subject.fit(X, y), subject.problem.pool)
    assert torch.isfinite(mean).all(), "a mean is not finite"
    assert (torch.isfinite(deviation) & (deviation > 0)).all(), "a variance is not positive"


@promise
def other_tasks_are_taken_in(subject: Subject) -> None:
    """One that learns from other tasks can, in any units, from many examples of its own or one.

    Only asked of a predictor with ``transfer = True``: standardise each source by itself, expect
    sources of a single example, and leave their tensors alone.
    """
    if not subject.transfers:
        return
    problem = subject.problem
    single = problem.sources()[0]
    single = replace(single, name="single", X=single.X[:1], y=single.y[:1])
    told, known = [*problem.sources(), single], [*problem.sources(), single]
    for n in (1, 3, len(problem.y)):
        model = subject.fit(problem.X[:n], problem.y[:n], sources=told)
        mean, deviation = moments(model, problem.pool)
        assert torch.isfinite(mean).all(), f"a mean is not finite after {counted(n, 'example')}"
        assert (torch.isfinite(deviation) & (deviation > 0)).all(), (
            f"variance after {counted(n, 'example')}"
        )
    for before, after in zip(known, told, strict=True):
        same_source = torch.equal(before.X, after.X) and torch.equal(before.y, after.y)
        assert same_source, f"fit changed the source {after.name!r}"
    again = moments(subject.fit(sources=known), problem.pool)[0]
    assert torch.equal(mean, again), "two fits after the same sources differ"
    rescaled = subject.fit(sources=problem.sources(unit=1000.0))
    plain = subject.fit(sources=problem.sources())
    same(plain, rescaled, subject, 0.02, "with sources in other units")


@promise
def a_simple_function_is_learned(subject: Subject) -> None:
    """An almost additive function is ranked with a Kendall tau above 0.4 in size.

    If it is meant to learn from these columns, look at what reaches it: scaling, regularisation,
    the number of steps.
    """
    tau = _tau(subject)
    assert abs(tau) > 0.4, f"tau is {tau:.2f}"


@promise
def larger_is_better(subject: Subject) -> None:
    """The best are not taken for the worst: tau is not far below zero.

    Targets come with the sign that makes large ones good, whatever they measure; predict them as
    they are.
    """
    tau = _tau(subject)
    assert tau > -0.2, f"tau is {tau:.2f}: predictions have the wrong sign"


def _tau(subject: Subject) -> float:
    mean, _ = moments(subject.model, subject.problem.pool)
    return rank_correlation(mean, subject.problem.truth)


@promise
def deviations_fit_the_errors(subject: Subject) -> None:
    """Errors are neither twenty times the predicted deviations nor a twentieth of them.

    Estimate the deviation of an observation where it was not trained: by left-out examples, an
    ensemble, or a likelihood.
    """
    mean, _ = moments(subject.model, subject.problem.pool)
    _, deviation = moments(subject.model, subject.problem.pool, noise=True)
    size = float(((subject.problem.truth - mean) / deviation).square().mean().sqrt())
    assert 0.05 < size < 20.0, f"errors are {size:.3g} deviations large"


@promise
def shuffled_targets_teach_nothing(subject: Subject) -> None:
    """Trained on shuffled targets, the mean tau over draws is within 0.05 of zero.

    Learn from ``X`` and ``y`` alone: something knows the truth from elsewhere. (Each draw is used
    with its mirror image: what chance learns cancels, what is known shows up twice.)
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
    """Analytic and Monte-Carlo acquisition is finite, and identical candidates tie.

    The posterior must be able to sample: return one of BoTorch's, or use
    ``surrobench.predictors.models``.
    """
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
    """Monte-Carlo acquisition of two candidates at once is finite.

    See that the posterior takes inputs of shape batch x q x d with q above 1.
    """
    pairs = subject.problem.pool[:8].reshape(4, 2, -1)
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        for acquisition in _acquisitions(subject.model, subject.problem.y.max())[2:]:
            assert torch.isfinite(acquisition(pairs)).all(), type(acquisition).__name__
