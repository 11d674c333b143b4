"""Skeletons: sequences of modules that may double the channels or halve the resolution."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import product

from surrobench.arrays import BoolArray, FloatArray, IntArray
from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch, ArchGraph, Variable
from surrobench.spaces.blocks import ABSENT
from surrobench.spaces.edge_cells import tuple_of_indices
from surrobench.spaces.indexed import IndexedSpace, fits, single_changes
from surrobench.spaces.node_form import NodeForm, consecutive_edges

MODULES = (ABSENT, "normal", "channel-doubling", "down-sampling", "both")
_DOUBLES = (2, 4)
_HALVES = (3, 4)


class Stages(IndexedSpace):
    """Sequences of modules with a bounded number of doublings and down-samplings.

    A module is normal (1), channel-doubling (2), down-sampling (3) or both (4); 0 is an absent
    module at the end. Iteration is lexicographic.

    Args:
        name: name of the space.
        lengths: smallest and largest number of modules.
        doublings: smallest and largest number of modules that double the channels.
        halvings: smallest and largest number of modules that down-sample.
    """

    node_form: NodeForm

    def __init__(
        self,
        name: str,
        lengths: tuple[int, int],
        doublings: tuple[int, int],
        halvings: tuple[int, int],
    ) -> None:
        self.name = name
        self.lengths, self.doublings, self.halvings = lengths, doublings, halvings
        self.variables = tuple(Variable(f"module{i + 1}", MODULES) for i in range(lengths[1]))
        shortest, longest = lengths
        edges = [(i, i + 1) for i in range(longest)]
        edges += [(i, longest + 1) for i in range(shortest, longest + 1)]
        self.node_form = NodeForm((MODULES[1:],) * longest, tuple(edges))

    @cached_property
    def _archs(self) -> tuple[Arch, ...]:
        shortest, longest = self.lengths
        every = (
            modules + (0,) * (longest - length)
            for length in range(shortest, longest + 1)
            for modules in product(range(1, len(MODULES)), repeat=length)
        )
        return tuple(sorted(arch for arch in every if self._within_bounds(arch)))

    def _within_bounds(self, arch: Sequence[int]) -> bool:
        doublings = sum(module in _DOUBLES for module in arch)
        halvings = sum(module in _HALVES for module in arch)
        return (
            self.doublings[0] <= doublings <= self.doublings[1]
            and self.halvings[0] <= halvings <= self.halvings[1]
        )

    @property
    def size(self) -> int:
        """Number of skeletons."""
        return len(self._archs)

    def at(self, index: int) -> Arch:
        """The skeleton number ``index`` in lexicographic order."""
        return self._archs[index]

    def __contains__(self, arch: object) -> bool:
        """Whether absent modules come last and all bounds hold."""
        if not isinstance(arch, tuple) or not fits(arch, self.cardinalities):
            return False
        length = sum(module > 0 for module in arch)
        return length >= self.lengths[0] and 0 not in arch[:length] and self._within_bounds(arch)

    def neighbours(self, arch: Arch) -> list[Arch]:
        """Skeletons with one module changed, inserted or deleted, in that order."""
        present = tuple(module for module in self.check(arch) if module)
        longest = self.lengths[1]
        edited = list(single_changes(present, (len(MODULES),) * len(present)))
        edited += [
            (*present[:i], module, *present[i:])
            for i in range(len(present) + 1)
            for module in range(1, len(MODULES))
        ]
        edited += [present[:i] + present[i + 1 :] for i in range(len(present))]
        padded = dict.fromkeys(modules + (0,) * (longest - len(modules)) for modules in edited)
        return [other for other in padded if other in self and other != arch]

    def node_choices(self, archs: IntArray) -> IntArray:
        """Label index of each module in ``node_form``, -1 where absent."""
        return archs - 1

    def node_edges(self, archs: IntArray) -> BoolArray:
        """Which links of ``node_form`` exist: each module to the next, the last to the output."""
        return consecutive_edges(archs > 0, self.node_form)

    def trained_layers(self, choices: IntArray) -> FloatArray:
        """Convolutions: four a module, and one beside it where its shape changes."""
        present, reshaping = choices > 0, choices > 1
        layers: FloatArray = (4.0 * present + reshaping).sum(axis=1)
        return layers

    def graph(self, arch: Arch) -> ArchGraph:
        """The skeleton as a path of labelled nodes."""
        nodes = ("input", *(MODULES[module] for module in arch if module), "output")
        return ArchGraph(nodes, tuple((i, i + 1, "") for i in range(len(nodes) - 1)))

    def to_string(self, arch: Arch) -> str:
        """The tuple of module types, for example ``"(1, 2, 3, 4, 0, 0)"``."""
        return str(tuple(int(module) for module in arch))

    def parse(self, text: str) -> Arch:
        """A skeleton from ``"(1, 2, 3, 4, 0, 0)"``, ``"1234"`` or ``"64-1234-basic"``.

        Raises:
            UserError: if it is none of these or breaks the bounds of the space.
        """
        digits = text.strip().removeprefix("64-").removesuffix("-basic")
        arch = tuple_of_indices(digits)
        arch += (0,) * (self.lengths[1] - len(arch))
        if arch not in self:
            raise UserError(
                f"{text!r} is not a skeleton of {self.name!r}: expected {self.lengths[0]} to "
                f"{self.lengths[1]} module types from 1 to 4, of which {self.doublings[0]} to "
                f"{self.doublings[1]} double the channels (2, 4) and {self.halvings[0]} to "
                f"{self.halvings[1]} down-sample (3, 4)."
            )
        return arch


def trans_nas_bench_101_macro() -> Stages:
    """The macro space of TransNAS-Bench-101 (Duan et al., CVPR 2021): 3,256 skeletons."""
    return Stages("tnb101-macro", lengths=(4, 6), doublings=(1, 3), halvings=(1, 4))
