"""The weights that come with the package: plain arrays, of one known content."""

from __future__ import annotations

from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
import torch

from surrobench.base.sealed import published_bytes
from surrobench.predictors.pfn.network import HyperparameterNetwork

FILE = Path(__file__).with_name("weights.npz")
SHA256 = "0abe2552b43a79711acb28571434a786ce041700f777b38d975289881076ee01"
"""Of the file that ``benchmarks/pfn_training.py`` made on made-up tables alone."""


@cache
def embedded() -> HyperparameterNetwork:
    """The network of the package.

    Raises:
        DamagedStoreError: if the file is not the one that was published.
    """
    return read(FILE, SHA256)


def read(file: Path, sha256: str | None = None) -> HyperparameterNetwork:
    """A network from a file of plain arrays, one for each of its parameters.

    Args:
        file: a NumPy archive; nothing in it is unpickled.
        sha256: what its content must hash to, if that is known.

    Raises:
        DamagedStoreError: if the content is another one.
        ValueError: if the arrays are not those of the network.
    """
    content = published_bytes(file, sha256)
    with np.load(BytesIO(content), allow_pickle=False) as arrays:
        state = {name: torch.from_numpy(arrays[name]) for name in arrays.files}
    network = HyperparameterNetwork()
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise ValueError(f"{file} holds other weights than those of `pfn`: {error}") from error
    return network.eval().requires_grad_(False)
