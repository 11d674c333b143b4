"""Zero-cost proxies that come with the package, for tables that are published without them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np

from surrobench.arrays import FloatArray, IntArray
from surrobench.base.sealed import published_bytes
from surrobench.spaces.architecture import Arch, SearchSpace
from surrobench.spaces.edge_cells import EdgeCells, nas_bench_201

FILE = Path(__file__).with_name("proxies_nb201.npz")
SHA256 = "06882446cc714dd5ba444b3261e24ac17e607847c93fb996c1cf0537ef2b4415"
"""Of the file that ``benchmarks/zero_cost_all.py`` made."""
NAMES = ("expressivity", "progressivity", "trainability", "intrain")
"""The parts of AZ-NAS (Lee & Ham, CVPR 2024), and InTrain (Zhou et al., CVPR 2026): proxies that no
table of NAS-Bench-201 has columns of."""


def ships(name: str, space: SearchSpace) -> bool:
    """Whether the package has a proxy of every architecture of a space."""
    if name not in NAMES or not isinstance(space, EdgeCells):
        return False
    known = nas_bench_201()
    return (space.operations, space.edges, space.strided) == (known.operations, known.edges, False)


def shipped(name: str, archs: Sequence[Arch] | IntArray) -> FloatArray:
    """Values of one of :data:`NAMES` for cells of NAS-Bench-201 (``n``), the same for equal ones.

    They are those of the benchmark's own skeleton (16 channels, 5 cells a stage) on 16 images of
    normal noise, of one cell for each of the 4,930 different networks.

    Raises:
        DamagedStoreError: if the file is not the one that was published.
    """
    return published()[name][network_numbers(archs)].astype(np.float64)


def network_numbers(archs: Sequence[Arch] | IntArray) -> IntArray:
    """The number of the network of cells of NAS-Bench-201: the same for equal ones, from 0 on.

    Networks are numbered by their first cells in the order of the space.
    """
    space, cells = nas_bench_201(), np.asarray(archs, dtype=np.int_)
    shape = (len(space.operations),) * len(space.edges)
    return _numbers()[np.ravel_multi_index(tuple(cells.T), shape)]


@cache
def published() -> dict[str, FloatArray]:
    """Values of every different network, by its number.

    Raises:
        DamagedStoreError: if the file is not the one that was published.
    """
    content = published_bytes(FILE, SHA256)
    with np.load(BytesIO(content), allow_pickle=False) as arrays:
        return {name: arrays[name] for name in NAMES}


@cache
def _numbers() -> IntArray:
    """The number of the network of every cell, in the order of the space."""
    space = nas_bench_201()
    return space.groups(list(space))
