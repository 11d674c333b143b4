"""Gaussian processes over named blocks of columns, as predictors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Self, get_args

from botorch.models.model import Model
from torch import Tensor

from surrobench.arrays import FloatArray
from surrobench.base.columns import ColumnBlock
from surrobench.base.options import check_choice, check_counts
from surrobench.base.process_state import standard_numerics
from surrobench.base.wording import counted
from surrobench.errors import UserError
from surrobench.predictors.gp.correlations import is_binary
from surrobench.predictors.gp.covariance import Combine, PoolCovariance
from surrobench.predictors.gp.fitted_gp import checked, checked_examples, unit_cube
from surrobench.predictors.gp.gp_fit import PriorShape, prior_options
from surrobench.predictors.gp.kernels import (
    BlockKernel,
    BlockKernelName,
    Lengthscales,
    block_kernel,
)
from surrobench.predictors.gp.session import PoolGPSession
from surrobench.predictors.transforms import TargetTransform, check_transform


@dataclass(frozen=True)
class BlockGP(PriorShape):
    """What Gaussian processes over blocks of columns share.

    Args:
        kernel: ``"rbf"``, ``"matern-1/2"``, ``"matern-3/2"``, ``"matern-5/2"``, or
            ``"categorical"``: over one-hot blocks the product over variables of
            ``exp(-[a_v != b_v] / lengthscale_v²)``, over numeric blocks Matérn-5/2.
        lengthscales: ``"shared"``, one for each block; ``"variable"``, in one-hot blocks one for
            each variable; ``"column"``, one for each column (with a categorical kernel, for each
            variable).
        combine: ``"sum"`` of the blocks' kernels, each with an outputscale, or ``"product"``.
        transform: of the targets.
        ard: encodings whose columns have an RBF kernel with a lengthscale each, whatever ``kernel``
            and ``lengthscales`` say of the others: ``("measured",)`` for proxies.
        blocks: set by :meth:`for_blocks`.
    """

    kernel: BlockKernelName = "categorical"
    lengthscales: Lengthscales = "variable"
    combine: Combine = "sum"
    transform: TargetTransform = "standardise"
    ard: tuple[str, ...] = ()
    blocks: tuple[ColumnBlock, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        """Refuse options that are not valid."""
        super().__post_init__()
        check_transform(self.transform)
        for name, kind in (
            ("kernel", BlockKernelName),
            ("lengthscales", Lengthscales),
            ("combine", Combine),
        ):
            check_choice(self, name, getattr(self, name), get_args(kind))
        if isinstance(self.ard, str) or not all(isinstance(name, str) for name in self.ard):
            raise UserError(f"ard is {self.ard!r}; it must be a list of names of encodings.")
        object.__setattr__(self, "ard", tuple(self.ard))

    def for_blocks(self, blocks: Sequence[ColumnBlock]) -> Self:
        """The same recipe for an encoding with these blocks of columns."""
        return replace(self, blocks=tuple(blocks))

    def covariance(self, X: Tensor) -> PoolCovariance:
        """The covariance over the rows of ``X`` (``m x d``), moved to the unit cube.

        Raises:
            ValueError: if the blocks of columns are not those of ``X``.
        """
        scaled = unit_cube(X)(X).numpy()
        blocks = self.blocks or (_only_block(X),)
        ends = [0, *[block.stop for block in blocks]]
        if ends[:-1] != [block.start for block in blocks] or ends[-1] != X.shape[1]:
            raise ValueError(
                f"blocks of columns that end at {ends[1:]} do not make up inputs of "
                f"{counted(X.shape[1], 'column')}."
            )
        kernels = [self._kernel(scaled, block) for block in blocks]
        return PoolCovariance(kernels, self.combine, PriorShape(**prior_options(self)))

    def _kernel(self, scaled: FloatArray, block: ColumnBlock) -> BlockKernel:
        if block.name.partition(":")[0] in self.ard:
            return block_kernel(scaled, block, "rbf", "column")
        return block_kernel(scaled, block, self.kernel, self.lengthscales)


@dataclass(frozen=True)
class PoolGP(BlockGP):
    """An exact Gaussian process whose kernel treats the parts of an encoding differently.

    Each block of columns (a part of a sum such as ``"one-hot+measured:params,flops"``) has a kernel
    of its own. Columns are moved to the unit cube by their ranges, in :meth:`fit` those of the
    training inputs, in :meth:`on_pool` those of the whole pool (labels play no part). Without
    blocks, columns of zeros and ones are one block of one-hot columns, each a variable of its own,
    and other columns one numeric block.

    Args:
        kernel: ``"rbf"``, ``"matern-1/2"``, ``"matern-3/2"``, ``"matern-5/2"``, or
            ``"categorical"``: over one-hot blocks the product over variables of
            ``exp(-[a_v != b_v] / lengthscale_v²)``, over numeric blocks Matérn-5/2.
        lengthscales: ``"shared"``, one for each block; ``"variable"``, in one-hot blocks one for
            each variable; ``"column"``, one for each column (with a categorical kernel, for each
            variable).
        combine: ``"sum"`` of the blocks' kernels, each with an outputscale, or ``"product"``.
        transform: of the targets.
        ard: encodings whose columns have an RBF kernel with a lengthscale each, whatever ``kernel``
            and ``lengthscales`` say of the others: ``("measured",)`` for proxies.
        max_evaluations: budget of likelihood evaluations of a fit.
        warm_evaluations: of a fit that starts from the one before.
        fitted_examples: hyperparameters are chosen on so many of the examples, drawn at random,
            where there are more; the posterior is of all.
        blocks: set by :meth:`for_blocks`.

    Where the priors lie, and how wide, are further options
    (:class:`~surrobench.predictors.gp.gp_fit.PriorShape`).
    """

    max_evaluations: int = 100
    warm_evaluations: int = 20
    fitted_examples: int = 100_000

    def __post_init__(self) -> None:
        """Refuse options that are not valid."""
        super().__post_init__()
        check_counts(self, "max_evaluations", "warm_evaluations", "fitted_examples")

    @standard_numerics()
    def fit(self, X: Tensor, y: Tensor, *, seed: int) -> Model:
        """Fit to ``X`` (``n x d``) and ``y`` (``n x 1``); deterministic, ``seed`` is not used.

        Returns:
            A BoTorch model in units of ``y``.

        Raises:
            ValueError: for wrong shapes or values that are not finite.
        """
        X, y = checked_examples(X, y)
        posterior = self.on_pool(X).update(range(len(X)), y, seed=seed)
        return posterior.transform.wrap(posterior.model())

    def on_pool(self, X: Tensor) -> PoolGPSession:
        """Start on a pool ``X`` (``m x d``).

        Raises:
            ValueError: if the blocks of columns are not those of ``X``.
        """
        X = checked(X)
        return PoolGPSession(
            X,
            self.covariance(X),
            self.transform,
            self.max_evaluations,
            self.warm_evaluations,
            self.fitted_examples,
        )


def _only_block(X: Tensor) -> ColumnBlock:
    d = X.shape[1]
    if is_binary(X.numpy()):
        return ColumnBlock("columns", 0, d, "one-hot", tuple(range(d)))
    return ColumnBlock("columns", 0, d)
