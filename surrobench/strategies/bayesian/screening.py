"""Ranking candidates by what a predictor learnt from the observations so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import torch

from surrobench.arrays import FloatArray
from surrobench.encodings.column_blocks import with_blocks
from surrobench.encodings.default import default_encoding
from surrobench.predictors import make_predictor
from surrobench.predictors.predictive import predict
from surrobench.spaces.architecture import Arch
from surrobench.strategies.candidates import Candidates

Ranking = Literal["mean", "thompson"]
RANKINGS: tuple[str, ...] = ("mean", "thompson")

FEWEST = 2
"""Observations that a predictor needs at least."""


class Screen:
    """A predictor with the encoding that it sees.

    Args:
        candidates: where the encodings come from.
        predictor: as in :func:`~surrobench.predictors.make_predictor`.
        encoding: as in :func:`~surrobench.encodings.make_encoding`, or ``"default"``, unless the
            predictor has one of its own.
        ranking: ``"mean"`` ranks by the predicted mean; ``"thompson"`` by a draw from each
            candidate's own distribution, independent of the others'.

    Raises:
        UserError: for an unknown predictor, encoding or option.
    """

    def __init__(
        self,
        candidates: Candidates,
        predictor: str | Mapping[str, Any],
        encoding: str,
        ranking: Ranking = "mean",
    ) -> None:
        self.candidates = candidates
        recipe = make_predictor(predictor)
        encoding = default_encoding(candidates.space) if encoding == "default" else encoding
        # A predictor that insists on an encoding gets that, as in every other use of it.
        self.encoding: str = getattr(recipe, "encoding", None) or encoding
        self.ranking = ranking
        self.predictor = with_blocks(recipe, self.encoding, candidates.space, candidates.measured)

    def scores(
        self,
        archs: Sequence[Arch],
        observed: Sequence[Arch],
        values: FloatArray,
        rng: np.random.Generator,
    ) -> FloatArray:
        """Predicted worth of ``archs`` (``m``; larger is better) after ``n`` observations.

        Args:
            archs: what to rank.
            observed: architectures with known values, at least :data:`FEWEST`.
            values: these values, finite, ``n``.
            rng: of the fit and of the draws.
        """
        X = torch.from_numpy(self.candidates.encode(self.encoding, observed).copy())
        y = torch.from_numpy(np.asarray(values, dtype=np.float64).copy()).unsqueeze(-1)
        model = self.predictor.fit(X, y, seed=int(rng.integers(2**31)))
        pool = torch.from_numpy(self.candidates.encode(self.encoding, archs).copy())
        predicted = predict(model, pool)
        if self.ranking == "mean":
            return predicted.mean
        drawn: FloatArray = predicted.mean + predicted.std * rng.standard_normal(len(archs))
        return drawn

    def best(
        self,
        count: int,
        archs: Sequence[Arch],
        observed: Sequence[Arch],
        values: FloatArray,
        rng: np.random.Generator,
    ) -> list[Arch]:
        """The ``count`` of ``archs`` with the highest scores; the first of them if tied."""
        if not archs:
            return []
        order = np.argsort(-self.scores(archs, observed, values, rng), kind="stable")
        return [archs[row] for row in order[:count].tolist()]
