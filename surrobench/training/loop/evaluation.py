"""How good networks that are trained together are, each for itself."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy

import torch
from torch import Tensor, nn

from surrobench.training.datasets.data import Split
from surrobench.training.fusing.folding import fold
from surrobench.training.fusing.fusion import Alone
from surrobench.training.loop.devices import computing_in
from surrobench.training.loop.measures import Measures, measure
from surrobench.training.loop.members import Members
from surrobench.training.loop.recipe import Recipe
from surrobench.training.networks.cells import CellNetwork

EVALUATED = 500
"""Examples that are evaluated at once."""
TOGETHER_ON_CPU = 1024
"""Examples times members that are evaluated at once on a CPU: more would leave its cache."""
ALONE_ON_CPU = 64_000
"""Pixels that a network of cells evaluates at once when it is alone on a CPU."""


class Evaluation:
    """Measures the members of a fused network, together or one after the other.

    Many images at a time keep a CPU busy without company. Cells are then measured alone in less
    than half the time: together, what their edges carry has to be gathered.

    Args:
        fused: what :func:`~surrobench.training.fusing.fusion.fuse` made of ``networks``.
        networks: the members.
        recipe: decides the precision.
    """

    def __init__(self, fused: nn.Module, networks: Sequence[nn.Module], recipe: Recipe) -> None:
        self._fused, self._n, self._recipe = fused, len(networks), recipe
        on_cpu = all(parameter.device.type == "cpu" for parameter in fused.parameters())
        cells = all(isinstance(network, CellNetwork) for network in networks)
        self._members = Members([_folded(n) for n in networks]) if on_cpu and cells else None

    def __call__(self, split: Split) -> list[Measures]:
        """Measures of each member as it is now."""
        if self._members is None:
            return evaluate(self._fused, split, self._n, recipe=self._recipe)
        pixels = split.inputs[0, 0].numel()
        return [
            measures
            for member in self._members.of(_folded(self._fused))
            for measures in _measured(
                Alone(member), split, 1, self._recipe, max(1, ALONE_ON_CPU // pixels)
            )
        ]


@torch.no_grad()
def _folded(network: nn.Module) -> nn.Module:
    """A copy that is only good for evaluation."""
    folded = fold(deepcopy(network).eval())
    return folded.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def evaluate(
    network: nn.Module,
    split: Split,
    members: int,
    *,
    recipe: Recipe | None = None,
) -> list[Measures]:
    """Measures of each member of a fused network, in the precision of the recipe."""
    batch_size = EVALUATED
    if split.labels.device.type == "cpu":
        batch_size = min(batch_size, max(16, TOGETHER_ON_CPU // members))
    return _measured(network, split, members, recipe or Recipe(), batch_size)


@torch.no_grad()
def _measured(
    network: nn.Module, split: Split, members: int, recipe: Recipe, batch_size: int
) -> list[Measures]:
    network.eval()
    outputs = [
        scores_of(network, laid_out(inputs), recipe) for inputs in split.inputs.split(batch_size)
    ]
    return measure(torch.cat(outputs, dim=1), split.labels.expand(members, -1))


def scores_of(network: nn.Module, inputs: Tensor, recipe: Recipe) -> Tensor:
    """``members x n x classes`` in the precision of the recipe; half precision is widened."""
    with computing_in(recipe.precision, inputs.device):
        scores: Tensor = network(inputs)
    return scores.float() if scores.dtype == torch.bfloat16 else scores


def laid_out(inputs: Tensor) -> Tensor:
    """In the order of memory that is fastest: images with their channels last."""
    return inputs.contiguous(memory_format=torch.channels_last) if inputs.ndim == 4 else inputs
