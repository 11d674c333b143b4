"""What is learned of other tasks before the target: a Gaussian process of each source."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from botorch.models.model import Model
from torch import Tensor

from surrobench.predictors.gp.gp import ExactGP
from surrobench.predictors.predictive import predict
from surrobench.predictors.protocol import Predictor, Source
from surrobench.predictors.recipe import canonical_rows
from surrobench.predictors.transforms import fit_inner_transform

FEWEST = 2
"""Examples of a source from which anything is learned."""


_REMEMBERED = 256
"""Sets of rows whose predictions are kept: those of a pool, a few thousand rows each."""


@dataclass(frozen=True)
class WithSources:
    """A recipe with ``transfer = True`` together with what it learns of at every fit."""

    recipe: Any
    sources: tuple[Source, ...]

    def fit(self, X: Tensor, y: Tensor, *, seed: int) -> Model:
        """Fit to ``X`` (``n x d``) and ``y`` (``n x 1``) with the sources."""
        model: Model = self.recipe.fit(X, y, seed=seed, sources=self.sources)
        return model


def with_sources(recipe: Any, sources: Sequence[Source], *, seed: int) -> Predictor:
    """A recipe that is fitted to many targets after the same sources.

    One with a method ``with_sources(sources, *, seed)`` learns of them here, once; any other at
    every fit.

    Args:
        recipe: a predictor with ``transfer = True``.
        sources: inputs are ``m x d``, values ``m x 1``.
        seed: of what is drawn among the sources.
    """
    if not sources:
        plain: Predictor = recipe
        return plain
    if hasattr(recipe, "with_sources"):
        learned: Predictor = recipe.with_sources(tuple(sources), seed=seed)
        return learned
    return WithSources(recipe, tuple(sources))


def enough(sources: Sequence[Source]) -> list[Source]:
    """The sources that anything can be learned of."""
    return [source for source in sources if len(source.y) >= FEWEST]


def some_of(source: Source, most: int, seed: int) -> Source:
    """At most ``most`` examples of a source, drawn without replacement, in canonical order."""
    X, y = canonical_rows(source.X, source.y)
    if len(y) > most:
        order = np.random.default_rng([seed % 2**32, len(y), most]).permutation(len(y))
        rows = torch.from_numpy(np.sort(order[:most]))
        X, y = X[rows], y[rows]
    return replace(source, X=X, y=y)


class SourceProcess:
    """The process of a source, which remembers what it said of rows that it was asked about.

    A search asks about the same pool at every step, and no source changes meanwhile.

    Args:
        model: a fitted model with one output.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self._said: dict[bytes, tuple[Tensor, Tensor]] = {}

    def marginals(self, X: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and variance of observations at ``X`` (``m x d``), each ``m``."""
        key = hashlib.blake2b(X.detach().contiguous().numpy().tobytes(), digest_size=16).digest()
        if key not in self._said:
            if len(self._said) >= _REMEMBERED:
                self._said.clear()
            known = predict(self.model, X)
            said = torch.from_numpy(known.mean), torch.from_numpy(known.std).square()
            self._said[key] = said
        return self._said[key]


def source_processes(
    sources: Sequence[Source], process: ExactGP, transform: str, most: int, seed: int
) -> list[SourceProcess]:
    """A process of each source, fitted to its values transformed by themselves.

    Args:
        sources: each with :data:`FEWEST` examples or more.
        process: the recipe.
        transform: of the values, see :func:`~.transforms.fit_inner_transform`.
        most: examples that are used of each.
        seed: of the draw.
    """
    models = []
    for source in sources:
        sample = some_of(source, most, seed)
        values = fit_inner_transform(transform, sample.y).forward(sample.y)
        models.append(SourceProcess(process.fit(sample.X, values, seed=seed)))
    return models
