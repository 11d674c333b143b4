"""The settings of a training."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from surrobench.errors import UserError
from surrobench.training.loop.devices import Precision

OptimiserName = Literal["sgd", "adamw"]

_RANGES: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "epochs": (lambda value: value >= 1, "at least 1"),
    "batch_size": (lambda value: value >= 1, "at least 1"),
    "learning_rate": (lambda value: 0 < value < math.inf, "above 0"),
    "momentum": (lambda value: 0 <= value < 1, "at least 0 and below 1"),
    "weight_decay": (lambda value: 0 <= value < math.inf, "at least 0"),
    "warm_up": (lambda value: 0 <= value < 1, "at least 0 and below 1"),
    "clip": (lambda value: value is None or 0 < value < math.inf, "above 0, or None"),
    "label_smoothing": (lambda value: 0 <= value < 1, "at least 0 and below 1"),
}
_ADDED = {
    "optimiser": "sgd",
    "warm_up": 0.0,
    "clip": None,
    "label_smoothing": 0.0,
    "stop_hopeless": False,
    "precision": "float32",
    "cuda_graphs": False,
}


@dataclass(frozen=True)
class Recipe:
    """How a network is trained; the learning rate falls to zero along a cosine, step by step.

    Attributes:
        epochs: passes over the training data.
        batch_size: examples in a step.
        learning_rate: at the peak.
        momentum: of SGD; for AdamW the decay rate of the mean of gradients (its first beta, the
            second is 0.999).
        weight_decay: of every parameter; for AdamW decoupled from the gradient.
        optimiser: ``"sgd"`` with Nesterov momentum, or ``"adamw"`` (Loshchilov & Hutter, ICLR
            2019).
        warm_up: share of the steps in which the learning rate first rises to the peak in equal
            parts.
        clip: largest norm of the gradient of a network (each for itself if several are trained
            together); None is no limit.
        label_smoothing: share of the target that is spread evenly over all classes, in training
            only.
        stop_hopeless: whether a training ends when it has diverged or is no better than chance
            after a quarter of the epochs (:func:`~.early_stopping.early_stop_reason`).
        precision: of convolutions and matrix products; weights, normalisation and losses stay in
            float32 with ``"bfloat16"`` too.
        cuda_graphs: whether the step is recorded once and replayed, on a CUDA GPU; elsewhere the
            run notes that it was not.

    Raises:
        UserError: naming a field that is out of range.
    """

    epochs: int = 3
    batch_size: int = 128
    learning_rate: float = 0.05
    momentum: float = 0.9
    weight_decay: float = 5e-4
    optimiser: OptimiserName = "sgd"
    warm_up: float = 0.0
    clip: float | None = None
    label_smoothing: float = 0.0
    stop_hopeless: bool = False
    precision: Precision = "float32"
    cuda_graphs: bool = False

    def __post_init__(self) -> None:
        if self.precision not in get_args(Precision):
            raise UserError(
                f"recipe: precision is {self.precision!r}; it must be 'float32' or 'bfloat16'."
            )
        if self.optimiser not in get_args(OptimiserName):
            raise UserError(
                f"recipe: optimiser is {self.optimiser!r}; it must be 'sgd' or 'adamw'."
            )
        for name, (valid, range_) in _RANGES.items():
            value = getattr(self, name)
            if not valid(value):
                raise UserError(f"recipe: {name} is {value}; it must be {range_}.")

    @property
    def settings(self) -> dict[str, Any]:
        """The fields by name, as keys of what was trained hold them.

        Later additions are left out where they have no effect, so that older keys stay valid.
        """
        values = asdict(self)
        return {n: v for n, v in values.items() if n not in _ADDED or v != _ADDED[n]}
