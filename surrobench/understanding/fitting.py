"""One predictor fitted to one training set, with its answers on the test set."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from botorch.models.model import Model

from surrobench.arrays import FloatArray, IntArray
from surrobench.encodings.column_blocks import with_blocks
from surrobench.predictors import make_predictor
from surrobench.predictors.predictive import Predictive, predict
from surrobench.predictors.protocol import Predictor
from surrobench.studies.prediction.protocols import split
from surrobench.tasks.task import TableTask
from surrobench.understanding.features import Feature, features_of


@dataclass(frozen=True)
class Sample:
    """Training and test architectures of one seed, encoded.

    Attributes:
        task: they are from.
        features: of the encoding.
        X: training inputs, ``n x d``.
        y: training targets, ``n``.
        X_test: test inputs, ``m x d``.
        truth: test targets, ``m``.
        choices: of the test architectures, ``m x variables``.
        test: positions of the test architectures in the pool, ``m``.
        seed: that they were drawn with.
    """

    task: TableTask
    encoding: str
    features: tuple[Feature, ...]
    X: FloatArray
    y: FloatArray
    X_test: FloatArray
    truth: FloatArray
    choices: npt.NDArray[np.integer]
    test: IntArray
    seed: int


@dataclass(frozen=True)
class Fit:
    """A predictor that has learned from a sample.

    Attributes:
        sample: what it learned from.
        model: that it is now.
        predictive: of the test architectures.
        on_graphs: whether it reads graphs.
    """

    sample: Sample
    model: Model
    predictive: Predictive
    on_graphs: bool = False

    def answer(self, X: FloatArray) -> FloatArray:
        """Point predictions (predictive medians) at ``X`` (``m x d``), ``m``."""
        return np.asarray(predict(self.model, torch.tensor(X)).median, dtype=np.float64)


def draw(task: TableTask, encoding: str, protocol: str, train_size: int, seed: int) -> Sample:
    """The sample that a study would use for this seed.

    Raises:
        UserError: if the task is too small, or does not have the encoding.
    """
    features = features_of(encoding, task.space, task.columns)
    X = np.asarray(task.encode(encoding), dtype=np.float64)
    train, test = split(task, protocol, train_size, seed)
    return Sample(
        task, encoding, features, X[train], task.truth[train], X[test], task.truth[test],
        np.asarray(task.archs)[test], test, seed,
    )  # fmt: skip


def fit(sample: Sample, predictor: str | Predictor) -> Fit:
    """Fit a predictor, or one of that name, to the training part; it answers on the test part.

    Raises:
        UserError: for an unknown predictor.
    """
    task = sample.task
    named = make_predictor(predictor) if isinstance(predictor, str) else predictor
    recipe = with_blocks(named, sample.encoding, task.space, task.columns)
    X, y = torch.tensor(sample.X), torch.tensor(sample.y).unsqueeze(-1)
    model = recipe.fit(X, y, seed=sample.seed)
    on_graphs = getattr(recipe, "inputs", "matrix") == "graphs"
    return Fit(sample, model, predict(model, torch.tensor(sample.X_test)), on_graphs)
