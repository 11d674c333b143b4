"""Parameters and FLOPs of every TransNAS-Bench-101 network from those of a published subset.

Both counts are sums over the parts of a network, so they are an exact linear function of a few
features. The function is found on the published subset, must reproduce it to within rounding, and
then gives the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from surrobench.arrays import FloatArray
from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch

TOLERANCE = 1e-6  # millions: one parameter
DOUBLING = (2, 4)
HALVING = (3, 4)


def extend(
    archs: Sequence[Arch],
    subset: pd.DataFrame,
    features: Callable[[npt.NDArray[np.int_], str], FloatArray],
) -> pd.DataFrame:
    """``params`` and ``flops`` (millions) of all ``archs``, indexed like ``subset``.

    Args:
        archs: every architecture of the space.
        subset: columns ``params`` and ``flops``, indexed by the text of an architecture.
        features: ``(codes, "params" or "flops") -> n x k``.

    Raises:
        UserError: if the published counts are not such a linear function.
    """
    codes = np.array(archs)
    names = [str(tuple(int(choice) for choice in arch)) for arch in archs]
    known = pd.Index(names).get_indexer(subset.index)
    result = pd.DataFrame(index=pd.Index(names, dtype=object))
    for quantity in ("params", "flops"):
        published = subset[quantity].to_numpy()
        x = features(codes, quantity)
        x = x[:, np.ptp(x[known], axis=0) + np.abs(x[known]).max(axis=0) > 0]
        scale = np.abs(x).max(axis=0)
        weights, *_ = np.linalg.lstsq(x[known] / scale, published, rcond=None)
        found = (x / scale) @ weights
        gap = float(np.abs(found[known] - published).max())
        if gap > TOLERANCE:
            raise UserError(f"published {quantity} do not add up from parts (off by {gap:g} M).")
        result[quantity] = np.round(found, 6)
    return result


def cell_features(codes: npt.NDArray[np.int_], quantity: str) -> FloatArray:
    """One indicator per operation and edge."""
    indicators = (codes[:, :, None] == np.arange(4)).reshape(len(codes), -1)
    return np.hstack([np.ones((len(codes), 1)), indicators]).astype(np.float64)


def stage_features(codes: npt.NDArray[np.int_], quantity: str) -> FloatArray:
    """Per module type, the sums of C² and C over its places (times pixels for FLOPs).

    C is the number of incoming channels. What follows the last module depends on its shape, so
    every final shape has its own indicator.
    """
    rows, shapes = [], []
    for arch in codes:
        sums, channels, pixels = np.zeros((5, 2)), 1.0, 1.0
        for module in arch:
            pixels /= 4 if quantity == "flops" and module in HALVING else 1
            sums[module] += np.array([channels**2, channels]) * pixels
            channels *= 2 if module in DOUBLING else 1
        rows.append(sums[1:].ravel())
        shapes.append((channels, pixels))
    _, shape = np.unique(np.array(shapes), axis=0, return_inverse=True)
    indicators = shape.ravel()[:, None] == np.arange(shape.max() + 1)
    return np.hstack([np.array(rows), indicators]).astype(np.float64)
