"""What the predictors from in-context models share: options, a process left alone, and chunks."""

from __future__ import annotations

import os
import random
import warnings
from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from botorch.models.model import Model

from surrobench.arrays import FloatArray
from surrobench.base.process_state import restored, standard_numerics
from surrobench.errors import UserError
from surrobench.predictors.in_context.checkpoints import (
    SHA256,
    Origin,
    check_checkpoint,
    find_checkpoint,
)
from surrobench.predictors.learners.baselines import Constant
from surrobench.predictors.learners.library_regressors import LibraryRegressor
from surrobench.predictors.recipe import SMALL, option

Answer = Callable[[FloatArray], tuple[FloatArray, FloatArray]]
"""From inputs ``m x d`` to means and variances, each ``m``."""

_REFUSALS = (AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
"""What the packages raise for a checkpoint that is another one than they expect."""


@dataclass(frozen=True, kw_only=True)
class InContextPredictor(LibraryRegressor):
    """A transformer that gets the examples as its input and answers with distributions.

    Nothing is trained and nothing downloaded: the weights come from a checkpoint on disk, which is
    only opened once ``torch.load(weights_only=True)`` or safetensors can read it.

    Args:
        checkpoint: the file; where it is "", the environment variable of the package names it.
        sha256: what the checksum of the file must be, 64 hexadecimal digits; "" for any. It is part
            of the key of a result, the content of the file is not.
        estimators: passes over differently prepared copies of the examples, whose answers are put
            together.
        rows: candidates at a time, beside the examples; fewer take less memory. No answer depends
            on them.
        device: as torch names it. Only results of a CPU can be expected to repeat to the last bit.
    """

    extra: ClassVar[str] = "in-context"
    origin: ClassVar[Origin]

    checkpoint: str = ""
    sha256: str = ""
    estimators: int = option(8, least=1, most=1000)
    rows: int = option(2048, least=1, most=1_000_000)
    device: str = "cpu"

    def __post_init__(self) -> None:
        """Refuse options of the wrong type or outside their bounds."""
        super().__post_init__()
        if isinstance(self.checkpoint, os.PathLike):
            object.__setattr__(self, "checkpoint", os.fspath(self.checkpoint))
        for name in ("checkpoint", "sha256", "device"):
            if not isinstance(getattr(self, name), str):
                raise UserError(
                    f"{type(self).__name__}: option {name!r} must be text; "
                    f"got {getattr(self, name)!r}."
                )
        if self.sha256 and not SHA256.fullmatch(self.sha256):
            raise UserError(
                f"{type(self).__name__}: option 'sha256' must have 64 hexadecimal digits; "
                f"got {self.sha256!r}."
            )

    def load(self) -> Any:
        """The package; its import leaves generators, the environment and other settings alone."""
        with restored(), apart(0):
            return super().load()

    def fit_targets(self, X: FloatArray, y: FloatArray, seed: int) -> Model:
        """Take the examples in; columns that never change tell nothing, and TabPFN refuses them."""
        if np.ptp(X, axis=0).any():
            return super().fit_targets(X, y, seed)
        self.regressor(len(y), seed)
        return Constant().fit_targets(X, y, seed)

    def regressor(self, n: int, seed: int) -> Any:
        """The package's regressor with this checkpoint, which is looked through first."""
        self.load()
        path = find_checkpoint(self.checkpoint, self.origin)
        with standard_numerics():
            check_checkpoint(path, self.origin, self.sha256)
        return InContextRegressor(self, path)

    @abstractmethod
    def answer(self, path: Path, X: FloatArray, y: FloatArray, seed: int) -> Answer:
        """How the package answers after examples ``X`` (``n x d``) and targets ``y`` (``n``)."""

    @contextmanager
    def opening(self, path: Path) -> Iterator[None]:
        """Around what the package makes of the checkpoint: its errors name the file."""
        try:
            yield
        except _REFUSALS as error:
            raise self._refused(path, error) from error

    def _refused(self, path: Path, error: Exception) -> UserError:
        try:
            package = f"{self.module} {version(self.module)}"
        except PackageNotFoundError:
            package = self.module
        said = " ".join(str(error).split())[:300]
        return UserError(
            f"{package} cannot use {path} as a regressor ({type(error).__name__}: {said}). It "
            f"takes files such as {self.origin.file} of {self.origin.repository}."
        )


class InContextRegressor:
    """A regressor in scikit-learn's shape around one of the packages.

    Args:
        recipe: the options, and how the package is asked.
        path: of the checkpoint.
    """

    def __init__(self, recipe: InContextPredictor, path: Path) -> None:
        self.recipe, self.path, self.random_state = recipe, path, 0
        self._answer: Answer | None = None

    def fit(self, X: FloatArray, y: FloatArray) -> InContextRegressor:
        """Take in ``X`` (``n x d``) and ``y`` (``n``)."""
        seed = self.random_state % 2**31
        with apart(seed):
            self._answer = self.recipe.answer(self.path, X.copy(), y.copy(), seed)
        return self

    def predict(self, X: FloatArray, return_std: bool = True) -> Any:
        """Means ``m``, with standard deviations ``m`` if these are asked for."""
        assert self._answer is not None
        parts = []
        for low in range(0, len(X), self.recipe.rows):
            with apart(self.random_state % 2**31):
                parts.append(self._answer(X[low : low + self.recipe.rows].copy()))
        mean, variance = (
            np.concatenate([np.asarray(part[i], dtype=np.float64) for part in parts])
            for i in range(2)
        )
        # The targets are standardised: less than this is the rounding of 32 bits.
        return (mean, np.sqrt(np.maximum(variance, SMALL))) if return_std else mean


@contextmanager
def apart(seed: int) -> Iterator[None]:
    """Let others compute as in a fresh process, with generators that are put back.

    Their warnings are about their own relations to other packages, and come with every fit.
    """
    states = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        with (
            torch.random.fork_rng(devices=[]),
            standard_numerics(),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            torch.default_generator.manual_seed(seed)
            np.random.seed(seed)  # noqa: NPY002
            random.seed(seed)
            yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
