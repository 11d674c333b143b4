"""A network that starts from the weights of another one.

Cells take over the operations that both have on an edge. Chains take over whole layers, wider and
deeper ones by the morphisms of Net2Net (Chen, Goodfellow & Shlens, ICLR 2016): see
:mod:`~surrobench.training.networks.morphism`. Anything else takes over tensors of equal name and
shape.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from surrobench.errors import UserError
from surrobench.training.networks.cells import Cell, CellNetwork
from surrobench.training.networks.morphism import ChainParts, morph


class Inherited(NamedTuple):
    """What a network took over.

    Attributes:
        exact: whether it computes what the other one does, in evaluation and up to rounding.
        share: of its parameters that came from the other one.
    """

    exact: bool
    share: float


@torch.no_grad()
def inherit(child: nn.Module, parent: nn.Module) -> Inherited:
    """Overwrite weights and running statistics of ``child`` with those of ``parent`` that fit.

    Everything else stays as it was initialised.

    Args:
        child: changed in place.
        parent: a trained network of the same space.

    Raises:
        UserError: for cells in different skeletons.
    """
    if isinstance(child, CellNetwork) and isinstance(parent, CellNetwork):
        return _inherit_cells(child, parent)
    parts = ChainParts.of(child), ChainParts.of(parent)
    if parts[0] and parts[1]:
        exact, taken = morph(parts[0], parts[1])
        return Inherited(exact, taken / _size(child))
    copied = _copy(child, parent)
    same = set(child.state_dict()) == copied == set(parent.state_dict())
    return Inherited(same and str(child) == str(parent), _share(child, copied))


def _inherit_cells(child: CellNetwork, parent: CellNetwork) -> Inherited:
    if child.skeleton != parent.skeleton:
        raise UserError(f"cells in {parent.skeleton} cannot give weights to {child.skeleton}.")
    changed = []
    exact = True
    for place, (block, other) in enumerate(zip(child.body, parent.body, strict=True)):
        if isinstance(block, Cell) and isinstance(other, Cell):
            exact = exact and block.edges == other.edges
            changed += [
                f"body.{place}.operations.{edge}."
                for edge, operation in block.operations.items()
                if edge not in other.operations or str(operation) != str(other.operations[edge])
            ]
    copied = _copy(child, parent, without=tuple(changed))
    return Inherited(exact, _share(child, copied))


def _copy(child: nn.Module, parent: nn.Module, without: tuple[str, ...] = ()) -> set[str]:
    """Copy what has the same name and shape in both; the names."""
    theirs, copied = parent.state_dict(), set()
    for name, value in child.state_dict().items():
        fits = name in theirs and theirs[name].shape == value.shape
        if fits and not name.startswith(without or ("\0",)):
            value.copy_(theirs[name])
            copied.add(name)
    return copied


def _share(network: nn.Module, copied: set[str]) -> float:
    named: dict[str, Tensor] = dict(network.named_parameters())
    return sum(value.numel() for name, value in named.items() if name in copied) / _size(network)


def _size(network: nn.Module) -> int:
    return max(1, sum(parameter.numel() for parameter in network.parameters()))
