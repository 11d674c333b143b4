"""NAS-Bench-201 cells as every nb201 table lists them, with counts of parameters and FLOPs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd

from surrobench.base.wording import counted
from surrobench.errors import UserError
from surrobench.spaces.edge_cells import EdgeCells, nas_bench_201

OPERATION_COLUMNS = ("op_0_1", "op_0_2", "op_1_2", "op_0_3", "op_1_3", "op_2_3")
CHANNELS = (16, 32, 64)
PIXELS = (32 * 32, 16 * 16, 8 * 8)
CELLS_PER_STAGE = 5
CLASSES = 10

NASLIB_OPERATIONS = ("skip_connect", "none", "nor_conv_3x3", "nor_conv_1x1", "avg_pool_3x3")
NASLIB_EDGES = (0, 1, 3, 2, 4, 5)
"""Position, in NASLib's tuple, of the edges in the order of the published cell string."""


def all_cells() -> pd.DataFrame:
    """One row per cell in the order of the space, indexed by its published string.

    Columns: ``op_0_1`` … ``op_2_3`` (operation of each edge), ``iso_class`` (equal networks by the
    published key), ``network_class`` (by the finer one, which merges nested sums),
    ``without_unreachable`` (every operation lies on a path from input to output), ``params_m``
    and ``flops_m``.
    """
    space = nas_bench_201()
    archs = list(space)
    codes = np.array(archs)
    labels = np.array(space.operations, dtype=object)
    frame = pd.DataFrame(
        {
            name: pd.Categorical(labels[codes[:, i]], categories=space.operations)
            for i, name in enumerate(OPERATION_COLUMNS)
        },
        index=pd.Index([space.to_string(arch) for arch in archs], name="arch_str", dtype=object),
    )
    frame["iso_class"] = np.asarray(space.published_groups(archs), dtype=np.int32)
    frame["network_class"] = space.groups(archs).astype(np.int32)
    unreachable = (codes != space.none) & ~space.used_edges(codes)
    frame["without_unreachable"] = ~unreachable.any(axis=1)
    frame["params_m"] = parameters(space, codes) / 1e6
    frame["flops_m"] = flops(space, codes) / 1e6
    return frame


def parameters(space: EdgeCells, codes: npt.NDArray[np.int_]) -> npt.NDArray[np.int_]:
    """Trainable parameters of the CIFAR-10 network of each cell (``n x 6`` codes).

    Skeleton of Dong & Yang (ICLR 2020): 3x3 stem, three stages of five cells with 16, 32 and 64
    channels, a residual block of stride 2 between stages, batch norm and a linear classifier.
    Every convolution is followed by batch norm (2 parameters a channel).
    """
    ones, threes = _convolutions(space, codes)
    fixed = 3 * CHANNELS[0] * 9 + 2 * CHANNELS[0]
    for inner, outer in pairwise(CHANNELS):
        fixed += inner * outer * 9 + 2 * outer + outer * outer * 9 + 2 * outer + inner * outer
    fixed += 2 * CHANNELS[-1] + CHANNELS[-1] * CLASSES + CLASSES
    cells = sum(ones * (c * c + 2 * c) + threes * (9 * c * c + 2 * c) for c in CHANNELS)
    return np.asarray(fixed + CELLS_PER_STAGE * cells)


def flops(space: EdgeCells, codes: npt.NDArray[np.int_]) -> npt.NDArray[np.int_]:
    """Multiply-accumulates of convolutions and classifier for one 32x32 image, as NB201 counts."""
    ones, threes = _convolutions(space, codes)
    fixed = 3 * CHANNELS[0] * 9 * PIXELS[0] + CHANNELS[-1] * CLASSES
    for i in (1, 2):
        inner, outer = CHANNELS[i - 1], CHANNELS[i]
        fixed += (inner * outer * 9 + outer * outer * 9 + inner * outer) * PIXELS[i]
    work = sum(p * c * c for c, p in zip(CHANNELS, PIXELS, strict=True))
    return np.asarray(fixed + CELLS_PER_STAGE * work * (ones + 9 * threes))


def _convolutions(
    space: EdgeCells, codes: npt.NDArray[np.int_]
) -> tuple[npt.NDArray[np.int_], npt.NDArray[np.int_]]:
    ones = (codes == space.operations.index("nor_conv_1x1")).sum(axis=1)
    threes = (codes == space.operations.index("nor_conv_3x3")).sum(axis=1)
    return ones, threes


def from_naslib(tuples: Iterable[str]) -> list[str]:
    """Published strings of cells that NASLib writes as ``"(4, 0, 3, 1, 4, 3)"``."""
    space = nas_bench_201()
    return [space.to_string(naslib_arch(space, NASLIB_OPERATIONS, text)) for text in tuples]


def naslib_arch(space: EdgeCells, operations: Sequence[str], text: str) -> tuple[int, ...]:
    """A cell that NASLib writes as numbers of its own list of operations."""
    digits = [int(part) for part in text.strip("() ").split(",")]
    return tuple(space.operations.index(operations[digits[edge]]) for edge in NASLIB_EDGES)


def join(cells: pd.DataFrame, extra: pd.DataFrame, what: str, *, complete: bool) -> pd.DataFrame:
    """Add the columns of ``extra`` (indexed by cell string) to the cells.

    Raises:
        UserError: if ``extra`` repeats a cell, has an unknown one or, if it must be
            ``complete``, lacks one.
    """
    strangers = extra.index.difference(cells.index)
    lacking = len(cells.index.difference(extra.index)) if complete else 0
    if extra.index.has_duplicates or len(strangers) or lacking:
        raise UserError(
            f"{what}: {int(extra.index.duplicated().sum())} repeated, {len(strangers)} unknown "
            f"and {counted(lacking, 'missing cell')}; this is not the expected file."
        )
    return cells.join(extra)
