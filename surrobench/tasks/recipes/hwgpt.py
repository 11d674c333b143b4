"""HW-GPT-Bench: sub-networks of three GPT-2-like supernets, with weights inherited from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from surrobench.errors import UserError
from surrobench.tasks.files.plain_pickles import read_plain_pickle

SCALES = {"s": 8_192, "m": 4_096, "l": 1_024}
"""Scale -> tokens in the batch that FLOPs are counted for."""
TOKENS = 50_254  # of the vocabulary
Arch = tuple[int, int, tuple[int, ...], tuple[int, ...], bool]


def convert(files: Mapping[str, Path]) -> pa.Table:
    """Networks with a known perplexity, scale by scale, in the order in which they were scored.

    ``params``, ``macs`` and ``flops`` are published for the small scale only. They are counted here
    for all (:func:`counts`), and compared with the published ones.

    Raises:
        UserError: if a count is not the published one.
    """
    rows = []
    for scale in SCALES:
        for entry in _entries(files, f"perplexity-{scale}-"):
            arch = _arch(entry["arch"])
            scores = {"perplexity": entry["perplexity"], "next_token_acc": entry["accuracy"]}
            rows.append({"scale": scale, **_columns(arch), **scores, **counts(arch, scale)})
    frame = pd.DataFrame(rows)
    measured = _on_a100(files)
    keys = [_key(row) if row.scale == "s" else None for row in frame.itertuples()]
    for column in ("gpu_latency_ms", "gpu_energy_kwh", "gpu_energy_codecarbon_kwh"):
        found = [measured.get(key, {}).get(column) for key in keys]
        frame[f"a100_{column}"] = np.array(found, dtype=np.float32)
    _compare(frame, keys, measured)
    return pa.Table.from_pandas(frame, preserve_index=False)


def counts(arch: Arch, scale: str) -> dict[str, float]:
    """Parameters, and multiply-accumulates and FLOPs of one batch, as the authors count them.

    Head and embedding have 50,254 tokens; a head has 64 channels, keys and values beside queries
    and the output; the MLP of a layer is gated (three matrices).
    """
    width, layers, heads, ratios, bias = arch
    h, m, tokens = sum(heads), sum(ratios), SCALES[scale]
    body = 256 * h * width + 3 * m * width**2
    extra = bias * (2 * layers * width + 2 * m * width + 192 * h)
    macs = tokens * (TOKENS * width + body)
    return {
        "flops": float(2 * macs + tokens * width * (10 * layers + m + 5)),
        "macs": float(macs),
        "params": float(2 * TOKENS * width + 2 * width + 4 * layers * width + body + extra),
    }


def _entries(files: Mapping[str, Path], start: str) -> Iterator[Mapping[str, Any]]:
    """The entries of all files whose names begin so, from the first network on."""
    names = [name for name in files if name.startswith(start)]
    for name in sorted(names, key=lambda name: int(name.removeprefix(start))):
        yield from read_plain_pickle(files[name].read_bytes(), files[name].name)


def _arch(entry: Mapping[str, Any]) -> Arch:
    """What there is of a network; entries of layers beyond its depth are leftovers."""
    layers = entry["sample_n_layer"]
    heads, ratios = entry["sample_n_head"][:layers], entry["sample_mlp_ratio"][:layers]
    return entry["sample_embed_dim"], layers, tuple(heads), tuple(ratios), entry["sample_bias"]


def _columns(arch: Arch) -> dict[str, Any]:
    width, layers, heads, ratios, bias = arch
    lists = {"n_head": list(heads), "mlp_ratio": list(ratios)}
    return {"embed_dim": width, "n_layer": layers, **lists, "bias": bias}


def _key(row: Any) -> Arch:
    return row.embed_dim, row.n_layer, tuple(row.n_head), tuple(row.mlp_ratio), row.bias


def _on_a100(files: Mapping[str, Path]) -> dict[Arch | None, dict[str, float]]:
    """What was measured of networks of the small scale on an A100, and published counts."""
    found: dict[Arch | None, dict[str, float]] = {}
    for entry in _entries(files, "latency-"):
        found[_arch(entry["arch"])] = {
            "gpu_latency_ms": entry["gpu_lat"],
            "gpu_energy_codecarbon_kwh": entry["mean_energy_gpu"],
            **{name: entry[name] for name in ("flops", "macs", "params")},
        }
    for entry in _entries(files, "energy-"):
        found[_arch(entry["arch"])]["gpu_energy_kwh"] = entry["mean_energy_gpu"]
    return found


def _compare(frame: pd.DataFrame, keys: list[Arch | None], measured: Mapping[Any, Any]) -> None:
    for name in ("flops", "macs", "params"):
        published = np.array([measured.get(key, {}).get(name, np.nan) for key in keys])
        known = ~np.isnan(published)
        if not np.array_equal(frame[name].to_numpy()[known], published[known]):
            raise UserError(f"hwgpt: {name} as counted here are not the published ones.")
