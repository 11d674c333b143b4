"""Learning curves of the first epochs as columns."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar, Literal

import numpy as np

from surrobench.arrays import FloatArray, IntArray
from surrobench.base.columns import PoolColumns
from surrobench.encodings.measured import pool_ranks
from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch, SearchSpace

TRAIN_LOSS = "train_loss"
"""Name of the curve whose sum ranks trainings."""

CurvePart = Literal["all", "last", "sum", "extrapolated"]
_ROUNDING = 1e-6
"""Names of encodings have six digits: a third of three epochs is one epoch."""
_POWERS: FloatArray = np.geomspace(0.05, 4.0, 24)


@dataclass(frozen=True)
class Curve:
    """What is known of each training after a share of its epochs, as pool ranks in [0, 1].

    With ``v_t`` the value of the target after the known epochs ``t_1 … t_k`` up to
    ``fraction * T``, ``T`` being the last:

    * ``"all"`` (``curve:0.2``): ``v``, its first differences and its second (the features of
      Baker et al., "Accelerating Neural Architecture Search using Performance Prediction", 2017),
      and the values of every other curve of the table;
    * ``"last"`` (``curve-last``): ``v_{t_k}``, the early-stopped value;
    * ``"sum"`` (``curve-sum``): ``-sum_{t <= t_k} loss_t`` of the training loss (Ru et al.,
      "Speedy Performance Estimation for Neural Architecture Search", NeurIPS 2021);
    * ``"extrapolated"`` (``curve-extrapolated``): the power law ``c - a t^-b`` with the least
      squared error, at ``T`` (``pow3`` of Domhan et al., IJCAI 2015); with fewer than three epochs
      ``v_{t_k}``.

    The architectures that are asked about have to be trained for so many epochs: the columns are no
    labels, but they are not free. A training that failed ranks last. Where the table has several
    runs, curves are their means, as the targets are.

    Args:
        part: which of the above.
        fraction: of the epochs, between 0 and 1 and less than 1.
    """

    isomorphism_invariant: ClassVar[bool] = False

    part: CurvePart = "all"
    fraction: float = 0.2

    def narrowed(self, argument: str) -> Curve:
        """With the share of the epochs in ``argument``."""
        try:
            fraction = float(argument)
        except ValueError:
            fraction = np.nan
        if not 0.0 < fraction < 1.0:
            raise UserError(
                f"encoding 'curve:{argument}': write a share of the epochs between 0 and 1, as in "
                "'curve:0.2'."
            )
        return replace(self, fraction=fraction)

    def columns(self, space: SearchSpace, measured: Mapping[str, FloatArray]) -> list[str]:
        """Names such as ``"value after 12"``."""
        return list(self._features(space, measured))

    def __call__(
        self,
        archs: Sequence[Arch] | IntArray,
        space: SearchSpace,
        measured: Mapping[str, FloatArray],
    ) -> FloatArray:
        """Encode as ``n x d`` numbers between 0 and 1."""
        features = self._features(space, measured)
        return np.stack([pool_ranks(make()) for make in features.values()], axis=1)

    def _features(
        self, space: SearchSpace, measured: Mapping[str, FloatArray]
    ) -> dict[str, Callable[[], FloatArray]]:
        """Each column's name and how to compute it, ``n`` larger-is-better values without NaN."""
        known = measured if isinstance(measured, PoolColumns) else None
        if known is None or len(known.epochs) < 2:
            raise UserError(
                f"the encoding 'curve' needs a task with learning curves, which this one of the "
                f"space {space.name!r} does not have; use another encoding, such as 'one-hot'."
            )
        most = (self.fraction + _ROUNDING) * known.epochs[-1]
        epochs = np.array([t for t in known.epochs[:-1] if t <= most])
        if len(epochs) == 0:
            raise UserError(
                f"encoding 'curve': nothing is known after {self.fraction:g} of "
                f"{known.epochs[-1]} epochs; the first value is after {known.epochs[0]}."
            )
        seen, last = known.curve[:, : len(epochs)], epochs[-1]
        if self.part == "last":
            return {f"value after {last}": lambda: _worst(seen[:, -1])}
        if self.part == "extrapolated":
            at = known.epochs[-1]
            return {f"value at {at} from {last}": lambda: _worst(power_law(epochs, seen, at))}
        if self.part == "sum":
            losses = known.others.get(TRAIN_LOSS)
            if losses is None:
                raise UserError(
                    "the encoding 'curve-sum' needs a curve 'train_loss', which this task of the "
                    f"space {space.name!r} does not have; use 'curve-last', or 'one-hot'."
                )
            return {f"training loss to {last}": lambda: _worst(-_sum(losses, len(epochs)))}
        return _every(known, epochs)


def _every(known: PoolColumns, epochs: IntArray) -> dict[str, Callable[[], FloatArray]]:
    count = len(epochs)
    features: dict[str, Callable[[], FloatArray]] = {}
    differences = known.curve[:, :count]
    for order, word in enumerate(("value", "change", "change of change")):
        if order:
            differences = np.diff(differences, axis=1)
        for place in range(differences.shape[1]):
            name = f"{word} after {epochs[place + order]}"
            features[name] = partial(_worst, differences[:, place])
    for curve, values in known.others.items():
        # Losses fall and accuracies rise: which way is better is left to the predictor.
        for place in range(min(count, values.shape[1])):
            name = f"{curve} after {epochs[place]}"
            features[name] = partial(np.asarray, values[:, place])
    return features


def _worst(values: FloatArray) -> FloatArray:
    """Larger is better; a training that failed is behind all others."""
    return np.where(np.isnan(values), -np.inf, values)


def _sum(losses: FloatArray, count: int) -> FloatArray:
    total: FloatArray = losses[:, :count].sum(axis=1)
    return total


def power_law(epochs: IntArray, values: FloatArray, at: int) -> FloatArray:
    """``c - a t^-b`` fitted to each curve by least squares, at a later epoch.

    Args:
        epochs: ``t``, ``k`` of them, positive.
        values: of ``n`` curves, ``n x k``; a curve with a gap gets NaN.
        at: the epoch to extrapolate to.

    Returns:
        ``n`` values; with fewer than three epochs, or where no power rises, the last.
    """
    last: FloatArray = values[:, -1]
    if len(epochs) < 3:
        return last
    mean = values.mean(axis=1, keepdims=True)
    best, answer = np.full(len(values), np.inf), last.copy()
    for power in _POWERS:
        basis = epochs.astype(np.float64) ** -power
        centred = basis - basis.mean()
        slope = np.minimum((values - mean) @ centred / (centred @ centred), 0.0)
        error = np.square(values - mean - slope[:, None] * centred).sum(axis=1)
        better = (error < best) & (slope < 0)
        best = np.where(better, error, best)
        value = mean[:, 0] + slope * (float(at) ** -power - basis.mean())
        answer = np.where(better, value, answer)
    answer[np.isnan(values).any(axis=1)] = np.nan
    return answer


def mean_over_runs(values: FloatArray) -> FloatArray:
    """``n x epochs`` from ``n x runs x epochs``, without the runs that are not there."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of architectures without any
        means: FloatArray = np.nanmean(values, axis=1)
    return means
