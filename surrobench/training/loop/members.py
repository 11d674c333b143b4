"""The members of a fused network: taken apart, and fewer of them put together again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from surrobench.training.fusing.fusion import fuse

EXACT = 2**8
"""Whole numbers below it are exact in every type of floating point."""


class Members:
    """Networks that take the weights of what they were fused to.

    To find out which number belongs where, networks that hold the numbers 0, 1, 2, … are fused, so
    this works for whatever can be fused.

    Args:
        networks: the members; their weights are overwritten.
    """

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        self._networks = networks
        self._values = [v for network in networks for v in _numbers(network).values()]
        self._flat = torch.cat([value.flatten().cpu().double() for value in self._values])
        places, unit = torch.arange(len(self._flat)), 1
        self._places = self._fused(places % EXACT)
        while (unit := unit * EXACT) < len(places):
            for name, digits in self._fused(places // unit % EXACT).items():
                self._places[name] += unit * digits

    def _fused(self, flat: Tensor) -> dict[str, Tensor]:
        """Which of the whole numbers of ``flat``, below ``EXACT``, each fused number is."""
        _fill(self._values, flat)
        fused = _numbers(fuse(self._networks))
        return {name: value.flatten().cpu().long() for name, value in fused.items()}

    @torch.no_grad()
    def of(self, fused: nn.Module) -> Sequence[nn.Module]:
        """The networks, with the weights and running statistics that ``fused`` has now.

        What the fused network does not compute (operations without influence) stays as it was.

        Args:
            fused: what :func:`~surrobench.training.fusing.fusion.fuse` made of the networks,
                trained since.
        """
        current = _numbers(fused)
        for name, place in self._places.items():
            self._flat[place] = current[name].flatten().cpu().double()
        _fill(self._values, self._flat)
        return self._networks


def separate(fused: nn.Module, networks: Sequence[nn.Module]) -> list[nn.Module]:
    """Copies of ``networks`` with the weights and running statistics that ``fused`` has now.

    Args:
        fused: what :func:`~surrobench.training.fusing.fusion.fuse` made of ``networks``, trained
            since.
        networks: the members; they are left as they are.
    """
    return list(Members([deepcopy(network) for network in networks]).of(fused))


def _numbers(network: nn.Module) -> dict[str, Tensor]:
    """Weights and statistics by name; counters are not among them."""
    return {name: v for name, v in network.state_dict().items() if v.is_floating_point()}


@torch.no_grad()
def _fill(values: Sequence[Tensor], flat: Tensor) -> None:
    """Write the numbers of ``flat`` into ``values``, one after the other."""
    parts = flat.split([value.numel() for value in values])
    for value, part in zip(values, parts, strict=True):
        value.copy_(part.view(value.shape))


def without_others(
    fused: nn.Module,
    optimiser: Optimizer,
    networks: Sequence[nn.Module],
    places: Sequence[int],
    make: Callable[[nn.Module], Optimizer],
) -> tuple[nn.Module, Optimizer]:
    """Some members alone as they are now, and an optimiser that goes on where the first one is.

    Args:
        fused: the network of all members.
        optimiser: over its parameters.
        networks: the members before training.
        places: which of them stay, ascending.
        make: a new optimiser over the parameters of a network.
    """
    device = next(fused.parameters()).device

    def fewer(network: nn.Module) -> nn.Module:
        members = separate(network, networks)
        return fuse([members[place] for place in places]).to(device)

    smaller = fewer(fused)
    following = make(smaller)
    states = [optimiser.state.get(parameter, {}) for parameter in fused.parameters()]
    names = {name: value for state in states for name, value in state.items()}
    for name in (name for name, value in names.items() if isinstance(value, Tensor)):
        carried = list(fewer(_carrier(fused, name, optimiser)).parameters())
        shared = next(state[name] for state in states if name in state)
        for parameter, value in zip(smaller.parameters(), carried, strict=True):
            own = value.detach() if shared.ndim else shared.clone()
            following.state[parameter][name] = own
    return smaller, following


@torch.no_grad()
def _carrier(fused: nn.Module, name: str, optimiser: Optimizer) -> nn.Module:
    """The network with what the optimiser has noted of each parameter in the parameter's place."""
    carrier = deepcopy(fused)
    for parameter, place in zip(fused.parameters(), carrier.parameters(), strict=True):
        noted = optimiser.state.get(parameter, {}).get(name)
        place.copy_(noted if isinstance(noted, Tensor) else torch.zeros_like(place))
    return carrier
