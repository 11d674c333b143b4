"""Predicted accuracies on the sources as further columns of any predictor."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import torch
from botorch.models.model import Model
from torch import Tensor

from surrobench.base.columns import ColumnBlock
from surrobench.base.options import check_whole
from surrobench.base.process_state import standard_numerics
from surrobench.errors import UserError
from surrobench.predictors import make_predictor
from surrobench.predictors.composed import MappedInputs
from surrobench.predictors.gp.gp import ExactGP
from surrobench.predictors.protocol import Predictor, Source
from surrobench.predictors.transfer.source_models import SourceProcess, enough, source_processes
from surrobench.predictors.transforms import check_transform

BLOCK = "sources"
"""Name of the block of columns that is added."""


@dataclass(frozen=True, kw_only=True)
class SourceFeatures:
    """Another predictor that sees, beside the encoding, a column for each source.

    A column is what a Gaussian process (Matérn-5/2, one lengthscale) fitted to the source predicts:
    the accuracies themselves of the architectures that are asked about are never known, and the
    predictor would learn to trust a column that it then has only for its training set. These
    columns come first, as boosted trees take the first of splits that are equally good, which with
    few examples many are. Without sources it is the predictor itself.

    Args:
        predictor: name of the predictor inside.
        options: of the predictor inside.
        beside: whether the columns of the encoding stay; otherwise the sources' are all.
        source_examples: that are used of each source, drawn where there are more.
        transform: of the targets, those of each source by their own values.
        blocks: set by :meth:`for_blocks`.
    """

    transfer: ClassVar[bool] = True

    predictor: str = "random-forest"
    options: Mapping[str, Any] = field(default_factory=dict)
    beside: bool = True
    source_examples: int = 200
    transform: str = "standardise"
    blocks: tuple[ColumnBlock, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        """Refuse options that are not valid."""
        check_transform(self.transform)
        check_whole(self, "source_examples", self.source_examples, 2, 5_000)
        if not isinstance(self.beside, bool):
            raise UserError(f"SourceFeatures: option 'beside' is {self.beside!r}; true or false.")
        if getattr(self._inside(), "transfer", None) is True:
            raise UserError(f"predictor {self.predictor!r} takes sources itself; name another.")

    def for_blocks(self, blocks: Sequence[ColumnBlock]) -> SourceFeatures:
        """The same recipe for an encoding with these blocks of columns."""
        return replace(self, blocks=tuple(blocks))

    def with_sources(self, sources: Sequence[Source], *, seed: int) -> _AfterSources:
        """What has learned of the sources and is fitted to targets."""
        models = source_processes(
            enough(sources), ExactGP(), self.transform, self.source_examples, seed
        )
        return _AfterSources(self, tuple(models))

    def fit(self, X: Tensor, y: Tensor, *, seed: int, sources: Sequence[Source] = ()) -> Model:
        """Fit to ``X`` (``n x d``) and ``y`` (``n x 1``), with what is known of other tasks."""
        with standard_numerics():
            after = self.with_sources(sources, seed=seed)
        return after.fit(X, y, seed=seed)

    def _inside(self, added: int = 0) -> Predictor:
        """The predictor inside, told of the blocks of its columns."""
        made: Any = make_predictor(
            self.predictor, **{**dict(self.options), "transform": self.transform}
        )
        known = bool(self.blocks) or not self.beside  # else it looks at the columns themselves
        if known and hasattr(made, "for_blocks"):
            sources = [ColumnBlock(BLOCK, 0, added)] if added else []
            rest = self.blocks if self.beside else ()
            made = made.for_blocks((*sources, *(_moved(block, added) for block in rest)))
        inside: Predictor = made
        return inside


def _moved(block: ColumnBlock, by: int) -> ColumnBlock:
    return replace(block, start=block.start + by, stop=block.stop + by)


@dataclass(frozen=True)
class _AfterSources:
    """The predictor with the processes that make its columns."""

    recipe: SourceFeatures
    models: tuple[SourceProcess, ...]

    def fit(self, X: Tensor, y: Tensor, *, seed: int) -> Model:
        """Fit to ``X`` (``n x d``) and ``y`` (``n x 1``)."""
        if not self.models:
            return self.recipe._inside().fit(X, y, seed=seed)
        columns = self.columns()
        model = self.recipe._inside(len(self.models)).fit(columns(X), y, seed=seed)
        return MappedInputs(model, columns)

    def columns(self) -> Callable[[Tensor], Tensor]:
        """From the encoding (``... x d``) to what the predictor inside sees."""
        beside, models = self.recipe.beside, self.models

        def mapped(X: Tensor) -> Tensor:
            rows = X.reshape(-1, X.shape[-1])
            means = [model.marginals(rows)[0] for model in models]
            known = torch.stack(means, dim=-1).reshape(*X.shape[:-1], len(models)).to(X)
            return torch.cat([known, X], dim=-1) if beside else known

        return mapped
