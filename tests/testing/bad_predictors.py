"""A gallery of predictors that each break one promise, and otherwise behave.

Those that derive from :class:`Good` follow the full contract, those from :class:`Line` have
scikit-learn's shape.
"""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from surrobench.predictors import make_predictor
from surrobench.predictors.models import MomentsModel
from surrobench.predictors.predictive import predict
from surrobench.predictors.protocol import Source
from surrobench.testing.problems import cells


def ridge(X: Tensor, y: Tensor) -> tuple[Any, float, float]:
    """A function from rows to mean and deviation, with noise and floor."""
    model = make_predictor("bayesian-ridge").fit(X, y, seed=0)

    def answer(Z: Tensor) -> tuple[Tensor, Tensor]:
        found = predict(model, Z)
        return torch.tensor(found.mean), torch.tensor(found.std)

    return answer, 0.0, 1e-12


class Good:
    """Breaks nothing: a Bayesian line."""

    def fit(self, X: Tensor, y: Tensor, *, seed: int) -> Any:
        answer, noise, floor = ridge(X.clone(), y.clone())
        seen = y.clone()
        return self.model(lambda Z: self.changed(*answer(Z), Z, seen), noise, floor)

    def model(self, answer: Any, noise: float, floor: float) -> Any:
        return MomentsModel(answer, noise, floor)

    def changed(self, mean: Tensor, std: Tensor, Z: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        return mean, std


class Line:
    """Breaks nothing: least squares with a ridge, and the deviation of its residuals."""

    def fit(self, X: Any, y: Any) -> Any:
        self.centre, self.level = X.mean(axis=0), y.mean()
        Z = X - self.centre
        gram = Z.T @ Z + 0.5 * np.eye(Z.shape[1])
        self.weights = np.linalg.solve(gram, Z.T @ (y - self.level))
        self.std = max(float(np.std(y - self.level - Z @ self.weights)), 1e-6) + 0.3 * np.std(y)
        return self

    def predict(self, X: Any, return_std: bool = False) -> Any:
        mean = (X - self.centre) @ self.weights + self.level
        return (mean, np.full(len(X), self.std)) if return_std else mean


# -- randomness ---------------------------------------------------------------------------------


class IgnoresTheSeed(Good):
    def fit(self, X: Tensor, y: Tensor, *, seed: int) -> Any:
        shift = 0.001 * np.random.default_rng().standard_normal() * y.std(unbiased=False)
        answer, *rest = ridge(X, y)
        return MomentsModel(lambda Z: (answer(Z)[0] + shift, answer(Z)[1]), *rest)


class SeedsNumpy(Good):
    def fit(self, X: Tensor, y: Tensor, *, seed: int) -> Any:
        np.random.seed(seed)  # noqa: NPY002
        np.random.rand()  # noqa: NPY002
        return super().fit(X, y, seed=seed)


class SeedsTorch(Good):
    def fit(self, X: Tensor, y: Tensor, *, seed: int) -> Any:
        torch.manual_seed(seed)
        return super().fit(X, y, seed=seed)


class DrawsFromTorch(Good):
    """Repeats itself in studies, which seed the global generators, and nowhere else."""

    def fit(self, X: Tensor, y: Tensor, *, seed: int) -> Any:
        shift = 0.001 * torch.randn(1, dtype=torch.float64) * y.std(unbiased=False)
        answer, *rest = ridge(X, y)
        return MomentsModel(lambda Z: (answer(Z)[0] + shift, answer(Z)[1]), *rest)


# -- inputs -------------------------------------------------------------------------------------


class ScribblesOnInputs(Good):
    def fit(self, X: Tensor, y: Tensor, *, seed: int) -> Any:
        model = super().fit(X.clone(), y.clone(), seed=seed)
        X.mul_(2.0)
        return model


class ScribblesOnArrays(Line):
    def fit(self, X: Any, y: Any) -> Any:
        y -= y.mean()
        return super().fit(X, y)


class KeepsAView(Good):
    """Fits when it is asked, to tensors that are no longer its own."""

    def fit(self, X: Tensor, y: Tensor, *, seed: int) -> Any:
        return MomentsModel(lambda Z: ridge(X, y)[0](Z), 0.0, 1e-12)


# -- answers ------------------------------------------------------------------------------------


class NotAModel(Good):
    def fit(self, X: Tensor, y: Tensor, *, seed: int) -> Any:
        return 3


class WrongShape(Line):
    def predict(self, X: Any, return_std: bool = False) -> Any:
        return (np.zeros(3), np.ones(3)) if return_std else np.zeros(3)


class SinglePrecision(Good):
    class Rounded(MomentsModel):
        def posterior(self, X: Tensor, *more: Any, **options: Any) -> Any:
            found = super().posterior(X, *more, **options)
            found.distribution.loc = found.distribution.loc.float()
            return found

    def model(self, answer: Any, noise: float, floor: float) -> Any:
        return self.Rounded(answer, noise, floor)


class NotANumber(Line):
    def predict(self, X: Any, return_std: bool = False) -> Any:
        mean, std = super().predict(X, True)
        mean[0] = np.nan
        return (mean, std) if return_std else mean


class NegativeDeviation(Line):
    def predict(self, X: Any, return_std: bool = False) -> Any:
        mean, std = super().predict(X, True)
        return (mean, -std) if return_std else mean


class LooksAtTheOthers(Good):
    """Centres its predictions over whatever it is asked about."""

    def changed(self, mean: Tensor, std: Tensor, Z: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        return mean - mean.mean() + y.mean(), std


class FollowsTheOrder(Good):
    """Is a little more hopeful the later it is asked."""

    def changed(self, mean: Tensor, std: Tensor, Z: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        place = torch.arange(len(mean), dtype=mean.dtype) / 1000
        return mean + place * y.std(unbiased=False), std


class UpsideDown(Good):
    """Minimises."""

    def changed(self, mean: Tensor, std: Tensor, Z: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        return 2 * y.mean() - mean, std


class LearnsNothing(Good):
    def changed(self, mean: Tensor, std: Tensor, Z: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        spread = y.std(unbiased=False).clamp_min(1e-6)
        return torch.full_like(mean, float(y.mean())), torch.full_like(std, float(spread))


class KnowsTheAnswers(Good):
    """Adds what it has learned of the problem beforehand."""

    def fit(self, X: Tensor, y: Tensor, *, seed: int) -> Any:
        answer, *rest = ridge(X, y)
        known = cells()
        if X.shape[1] != known.X.shape[1]:
            return MomentsModel(answer, *rest)
        leaked = ridge(known.pool, (known.truth - known.truth.mean()) / known.truth.std())[0]
        size = 0.5 * y.std(unbiased=False)
        return MomentsModel(lambda Z: (answer(Z)[0] + size * leaked(Z)[0], answer(Z)[1]), *rest)


class OverconfidentByFar(Good):
    def changed(self, mean: Tensor, std: Tensor, Z: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        return mean, 1e-3 * std


class FixedDeviation(Good):
    """Its deviation is one, in whatever units."""

    def changed(self, mean: Tensor, std: Tensor, Z: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        return mean, torch.ones_like(std)


# -- training sets ------------------------------------------------------------------------------


class PrefersTheLast(Good):
    """Weighs examples by their place."""

    def fit(self, X: Tensor, y: Tensor, *, seed: int) -> Any:
        half = len(y) // 2
        return super().fit(torch.cat([X, X[half:]]), torch.cat([y, y[half:]]), seed=seed)


class NeedsTwo(Good):
    def fit(self, X: Tensor, y: Tensor, *, seed: int) -> Any:
        if len(y) < 2:
            raise ZeroDivisionError("the variance of one example")
        return super().fit(X, y, seed=seed)


class DividesByTheSpread(Good):
    def fit(self, X: Tensor, y: Tensor, *, seed: int) -> Any:
        if len(y) > 3 and float(y.max() - y.min()) == 0.0:
            raise ZeroDivisionError("the spread of the targets")
        return super().fit(X, y, seed=seed)


class NeedsTwoColumns(Good):
    def fit(self, X: Tensor, y: Tensor, *, seed: int) -> Any:
        first, second = X[:, 0], X[:, 1]  # its interaction
        assert len(first) == len(second)
        return super().fit(X, y, seed=seed)


class NeedsDifferentRows(Good):
    def fit(self, X: Tensor, y: Tensor, *, seed: int) -> Any:
        if X.shape[1] > 1 and len(torch.unique(X, dim=0)) < len(X):
            raise np.linalg.LinAlgError("singular matrix")
        return super().fit(X, y, seed=seed)


# -- state --------------------------------------------------------------------------------------


class TakesSourcesAsTheyAre(Good):
    transfer = True

    def fit(self, X: Tensor, y: Tensor, *, seed: int, sources: Sequence[Source] = ()) -> Any:
        shift = sum(float(source.y.mean()) for source in sources)
        return super().fit(X, y + shift, seed=seed)


class ReturnsTheSameModel(Good):
    """Its earlier models are changed by the next fit."""

    answers: list[Any] = []  # noqa: RUF012

    def fit(self, X: Tensor, y: Tensor, *, seed: int) -> Any:
        self.answers[:] = [ridge(X.clone(), y.clone())[0]]
        return MomentsModel(lambda Z: self.answers[0](Z), 0.0, 1e-12)


class RemembersFormerFits(Good):
    """Keeps a trace of the last data it saw, where they were others."""

    last: list[float] = []  # noqa: RUF012

    def fit(self, X: Tensor, y: Tensor, *, seed: int) -> Any:
        before = self.last[0] if self.last else float(y.mean())
        self.last[:] = [float(y.mean())]
        drift = 1e-6 * (before - float(y.mean()))
        answer, *rest = ridge(X.clone(), y.clone())
        return MomentsModel(lambda Z: (answer(Z)[0] + drift, answer(Z)[1]), *rest)


@dataclass
class CountsItsFits(Good):
    fits: int = 0

    def fit(self, X: Tensor, y: Tensor, *, seed: int) -> Any:
        object.__setattr__(self, "fits", self.fits + 1)
        return super().fit(X, y, seed=seed)


# -- the process --------------------------------------------------------------------------------


@dataclass(frozen=True)
class HoldsALock(Good):
    lock: Any = field(default_factory=threading.Lock, repr=False)


class Prints(Line):
    def fit(self, X: Any, y: Any) -> Any:
        print("epoch 1: loss 0.3")
        return super().fit(X, y)


class ChangesTheFolder(Line):
    def fit(self, X: Any, y: Any) -> Any:
        os.chdir("..")
        return super().fit(X, y)


class SetsTheDefaultType(Good):
    def fit(self, X: Tensor, y: Tensor, *, seed: int) -> Any:
        torch.set_default_dtype(torch.float64)
        return super().fit(X, y, seed=seed)


class SilencesWarnings(Line):
    def fit(self, X: Any, y: Any) -> Any:
        warnings.simplefilter("ignore", UserWarning)
        return super().fit(X, y)


class SetsTheEnvironment(Line):
    def fit(self, X: Any, y: Any) -> Any:
        os.environ["OMP_NUM_THREADS"] = str(int(os.environ.get("OMP_NUM_THREADS", "1")) + 1)
        return super().fit(X, y)


GALLERY: dict[type, str] = {
    IgnoresTheSeed: "same_seed_same_result",
    SeedsNumpy: "global_random_state_is_untouched",
    SeedsTorch: "global_random_state_is_untouched",
    DrawsFromTorch: "global_random_state_is_untouched",
    ScribblesOnInputs: "inputs_are_unchanged",
    ScribblesOnArrays: "inputs_are_unchanged",
    KeepsAView: "inputs_are_unchanged",
    NotAModel: "is_a_botorch_model",
    WrongShape: "shapes_follow_botorch",
    SinglePrecision: "shapes_follow_botorch",
    NotANumber: "moments_are_finite",
    NegativeDeviation: "moments_are_finite",
    LooksAtTheOthers: "chunks_do_not_matter",
    FollowsTheOrder: "chunks_do_not_matter",
    UpsideDown: "larger_is_better",
    LearnsNothing: "a_simple_function_is_learned",
    KnowsTheAnswers: "shuffled_targets_teach_nothing",
    OverconfidentByFar: "deviations_fit_the_errors",
    FixedDeviation: "units_do_not_matter",
    PrefersTheLast: "row_order_does_not_matter",
    NeedsTwo: "few_points_suffice",
    DividesByTheSpread: "constant_targets_are_learned",
    NeedsTwoColumns: "one_column_is_enough",
    TakesSourcesAsTheyAre: "other_tasks_are_taken_in",
    NeedsDifferentRows: "duplicate_rows_are_averaged",
    ReturnsTheSameModel: "fits_are_independent",
    RemembersFormerFits: "fits_are_independent",
    CountsItsFits: "the_recipe_is_left_as_it_was",
    HoldsALock: "workers_can_be_sent_it",
    Prints: "nothing_is_printed",
    ChangesTheFolder: "the_process_is_left_as_it_was",
    SetsTheDefaultType: "the_process_is_left_as_it_was",
    SilencesWarnings: "the_process_is_left_as_it_was",
    SetsTheEnvironment: "the_process_is_left_as_it_was",
}
"""Bad predictor -> the promise it breaks."""
