"""Small networks of the in-context packages with random weights, in the files of each package.

They have learned nothing, so what they predict is arbitrary, but everything else is as with real
weights: the file, the way it is loaded, the inputs and the distribution that comes out.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import torch

BARS = 60


def _random(make: Callable[[], Any], scale: float = 1.0) -> Any:
    """A network with random matrices, ``scale`` times as large as usual, so that inputs matter."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        network = make()
        for parameter in network.parameters():
            if parameter.ndim > 1 and not parameter.any():  # some start as the identity
                torch.nn.init.xavier_uniform_(parameter)
            if parameter.ndim > 1:
                parameter.mul_(scale)
    return network


def _borders() -> torch.Tensor:
    levels = torch.linspace(0.001, 0.999, BARS + 1, dtype=torch.float64)
    return torch.special.ndtri(levels).float()


def tabpfn(folder: Path) -> Path:
    """Version 2, the format of torch."""
    from tabpfn.architectures import ARCHITECTURES
    from tabpfn.architectures.shared.bar_distribution import FullSupportBarDistribution

    config = {"emsize": 16, "nlayers": 2, "nhead": 2, "num_buckets": BARS, "max_num_classes": 0}
    architecture = ARCHITECTURES["tabpfn_v2"]
    parsed, _ = architecture.parse_config(config)
    network = _random(lambda: architecture.get_architecture(parsed))
    bars = FullSupportBarDistribution(_borders()).state_dict()
    state = {**network.state_dict(), **{f"criterion.{name}": part for name, part in bars.items()}}
    path = folder / "tabpfn-v2-regressor-random.ckpt"
    torch.save({"state_dict": state, "config": config}, path)
    return path


def tabpfn_as_safetensors(folder: Path) -> Path:
    """Version 3.5, with heads for both tasks."""
    from tabpfn.architectures import ARCHITECTURES
    from tabpfn.checkpoint import save_as_safetensors
    from tabpfn.constants import ModelVersion
    from tabpfn.inference_config import InferenceConfig

    architecture = ARCHITECTURES["tabpfn_v3_5"]
    config, _ = architecture.parse_config(
        {
            "embed_dim": 16,
            "dist_embed_num_blocks": 1,
            "dist_embed_num_heads": 2,
            "dist_embed_num_inducing_points": 8,
            "feat_agg_num_blocks": 1,
            "feat_agg_num_heads": 2,
            "feat_agg_num_cls_tokens": 2,
            "nlayers": 2,
            "icl_num_heads": 2,
            "decoder_head_dim": 8,
            "decoder_num_heads": 2,
            "num_buckets": BARS,
            "max_num_classes": 4,
        }
    )
    network = _random(lambda: architecture.get_architecture(config))
    state = network.state_dict()
    (name,) = (key for key in state if key.endswith("regression_borders"))
    state[name] = _borders()
    path = folder / "tabpfn-v3.5-random.safetensors"
    preparation = InferenceConfig.get_default("regression", ModelVersion.V2_5)
    save_as_safetensors(
        {
            "state_dict": state,
            "config": asdict(config),
            "architecture_name": "tabpfn_v3_5",
            "inference_config": asdict(preparation),
        },
        path,
    )
    return path


def tabicl(folder: Path, max_classes: int = 0) -> Path:
    """Version 2; a classifier with ``max_classes``."""
    from tabicl._model.tabicl import TabICL

    config = {
        "max_classes": max_classes,
        "num_quantiles": 99,
        "embed_dim": 16,
        "col_num_blocks": 1,
        "col_nhead": 2,
        "col_num_inds": 8,
        "row_num_blocks": 1,
        "row_nhead": 2,
        "row_num_cls": 2,
        "icl_num_blocks": 2,
        "icl_nhead": 2,
        "zero_init": False,
    }
    network = _random(lambda: TabICL(**config), 2.0)
    path = folder / f"tabicl-random-{max_classes}.ckpt"
    torch.save({"config": config, "state_dict": network.state_dict()}, path)
    return path


def tabdpt(folder: Path) -> Path:
    """Version 1.3."""
    from omegaconf import OmegaConf
    from safetensors.torch import save_file
    from tabdpt.model import TabDPTModel

    config = {
        "env": {"device": "cpu"},
        "training": {"dropout": 0.0},
        "model": {
            "enc_cell_dim": 8,
            "max_num_classes": 4,
            "regression_bin_count": BARS,
            "regression_bin_min": -6.0,
            "regression_bin_max": 6.0,
            "nhead": 2,
            "ff_dim": 32,
            "emsize": 16,
            "nlayers": 2,
            "max_num_features": 30,
            "min_eval_context": 64,
            "max_eval_context": 2048,
            "y_encoder_dim": 8,
            "num_col_attn_layers": 2,
            "n_thinking_rows": 2,
        },
    }
    network = _random(lambda: _untrained(TabDPTModel, OmegaConf.create(config)), 2.0)
    path = folder / "tabdpt-random.safetensors"
    save_file(network.state_dict(), path, metadata={"cfg": json.dumps(config)})
    return path


def _untrained(kind: Any, config: Any) -> Any:
    """A network with the weights that it starts with, by the package's own reading of a config.

    The package only makes one together with a state to load.
    """
    made = []
    load = kind.load_state_dict
    kind.load_state_dict = lambda self, state: made.append(self)
    try:
        kind.load({}, config, False)
    finally:
        kind.load_state_dict = load
    return made[0]


MAKERS: dict[str, Callable[[Path], Path]] = {
    "tabpfn": tabpfn,
    "tabicl": tabicl,
    "tabdpt": tabdpt,
}
"""By the name of the predictor."""

_FOLDER = tempfile.TemporaryDirectory(prefix="checkpoints-")  # goes with the process


@cache
def checkpoint(name: str) -> Path:
    """A file for the predictor with this name, made once.

    Raises:
        ModuleNotFoundError: if its package is not installed.
    """
    return MAKERS[name](Path(_FOLDER.name))
