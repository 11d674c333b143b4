"""NAS-Bench-NLP on WikiText-2: recurrent cells with their recipes and learning curves."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from surrobench.tasks.files.archives import members

OPERATIONS = (
    "linear",
    "activation_sigm",
    "activation_tanh",
    "activation_leaky_relu",
    "elementwise_sum",
    "elementwise_prod",
    "blend",
)
Recipe = dict[str, dict[str, Any]]


def convert(files: Mapping[str, Path]) -> pa.Table:
    """One row per training log, in the order of the logs' names.

    ``nodes`` and ``inputs`` spell the recipe out in order of computation; ``n_<operation>``,
    ``n_nodes``, ``n_states`` and ``depth`` summarise it.
    """
    rows = [_row(name, json.loads(content)) for name, content in members(files["logs"])]
    rows.sort(key=lambda row: str(row["log"]))
    frame = pd.DataFrame(rows)
    embedding = pd.read_csv(files["embedding"]).rename(columns={"recepie_id": "recipe_id"})
    embedding = embedding.drop_duplicates("recipe_id").set_index("recipe_id")
    frame = frame.join(embedding.add_prefix("emb_"), on="recipe_id")
    return pa.Table.from_pandas(frame, preserve_index=False)


def _row(name: str, log: dict[str, Any]) -> dict[str, Any]:
    recipe: Recipe = json.loads(log["recepie"])
    counts = Counter(node["op"] for node in recipe.values())
    order = _order(recipe)
    place = {node: f"#{i}" for i, node in enumerate(order)}
    return {
        "log": name,
        "recipe_id": log["recepie_id"],
        "recipe": log["recepie"],
        "nhid": log["nhid"],
        "nlayers": log["nlayers"],
        "num_params": log["num_params"],
        "status": log["status"],
        "train_loss": log["train_losses"],
        "val_loss": log["val_losses"],
        "test_loss": log["test_losses"],
        "epoch_time_s": log["wall_times"],
        "nodes": [_label(node, recipe) for node in order],
        "inputs": ["+".join(place.get(i, i) for i in recipe[node]["input"]) for node in order],
        **{f"n_{operation}": counts.get(operation, 0) for operation in OPERATIONS},
        "n_nodes": len(recipe),
        "n_states": sum(node.startswith("h_new") for node in recipe),
        "depth": max(_depth(node, recipe) for node in recipe),
    }


def _label(node: str, recipe: Recipe) -> str:
    """The operation of a node, with the hidden state that it sets if it sets one."""
    operation = str(recipe[node]["op"])
    return f"{operation}>{node}" if node.startswith("h_new") else operation


def _order(recipe: Recipe) -> list[str]:
    """Nodes so that inputs come first; names do not matter, only the recipe's own order."""
    order: dict[str, None] = {}

    def visit(node: str) -> None:
        if node in recipe and node not in order:
            for source in recipe[node]["input"]:
                visit(source)
            order[node] = None

    for node in recipe:
        visit(node)
    return list(order)


def _depth(node: str, recipe: Recipe) -> int:
    """Number of nodes on the longest way from the cell's inputs to ``node``."""
    if node not in recipe:
        return 0
    return 1 + max((_depth(source, recipe) for source in recipe[node]["input"]), default=0)
