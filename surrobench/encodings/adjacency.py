"""Adjacency matrix plus one-hot operations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from surrobench.arrays import FloatArray, IntArray
from surrobench.encodings.protocol import choice_matrix
from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch, SearchSpace
from surrobench.spaces.node_form import HasNodeForm


@dataclass(frozen=True)
class Adjacency:
    """The one-hot adjacency encoding of White et al., "A Study on Encodings for NAS" (2020).

    A cell is turned into a graph with operations on its nodes: one node per edge of an edge cell,
    linked to the edges that start where it ends. A missing operation (none, an absent layer)
    removes its node with all links. The columns are the entries of the upper-triangular adjacency
    matrix that some architecture of the space fills, then one 0/1 column per node and operation:
    10 + 6 x 4 = 34 for NAS-Bench-201.
    """

    isomorphism_invariant: ClassVar[bool] = False

    def columns(self, space: SearchSpace, measured: Mapping[str, FloatArray]) -> list[str]:
        """Names such as ``"link input>1"`` and ``"node 1=nor_conv_3x3"``."""
        form = _with_nodes(space).node_form
        links = [f"link {form.node_name(s)}>{form.node_name(t)}" for s, t in form.edges]
        return links + [
            f"node {number}={label}"
            for number, labels in enumerate(form.nodes, start=1)
            for label in labels
        ]

    def __call__(
        self,
        archs: Sequence[Arch] | IntArray,
        space: SearchSpace,
        measured: Mapping[str, FloatArray],
    ) -> FloatArray:
        """Encode as ``n x d`` zeros and ones."""
        form_space = _with_nodes(space)
        choices = choice_matrix(archs, space)
        labels = form_space.node_choices(choices)
        operations = [
            labels[:, [node]] == np.arange(len(names))
            for node, names in enumerate(form_space.node_form.nodes)
        ]
        return np.hstack([form_space.node_edges(choices), *operations]).astype(np.float64)


def _with_nodes(space: SearchSpace) -> HasNodeForm:
    if not isinstance(space, HasNodeForm):
        raise UserError(
            f"the encoding 'adjacency' needs networks with a graph form, which the space "
            f"{space.name!r} does not have; 'one-hot' and 'ordinal' work for every space."
        )
    return space
