"""Tensors as data that JSON can hold, bit by bit: no pickles in a saved search."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

_KINDS: dict[str, np.dtype[Any]] = {"float32": np.dtype("<f4"), "float64": np.dtype("<f8")}


def encode_tensor(tensor: Tensor) -> dict[str, Any]:
    """The kind, the shape and the little-endian bytes (in base64) of a float tensor.

    Raises:
        ValueError: if the tensor is not one of float32 or float64.
    """
    values = np.ascontiguousarray(tensor.detach().cpu().numpy())
    kind = str(values.dtype)
    if kind not in _KINDS:
        raise ValueError(f"a tensor of {kind} cannot be saved; valid: {', '.join(_KINDS)}")
    data = base64.b64encode(values.astype(_KINDS[kind], copy=False).tobytes())
    return {"dtype": kind, "shape": list(tensor.shape), "data": data.decode("ascii")}


def decode_tensor(content: Mapping[str, Any]) -> Tensor:
    """The tensor that :func:`encode_tensor` wrote, bit by bit the same.

    Raises:
        KeyError: if a part is missing or the kind is unknown.
        ValueError: if the bytes do not fit the shape.
    """
    kind = _KINDS[content["dtype"]]
    data = base64.b64decode(content["data"], validate=True)
    values = np.frombuffer(data, dtype=kind).reshape([int(size) for size in content["shape"]])
    return torch.from_numpy(values.astype(kind.newbyteorder("="), copy=True))
