"""A small study of every kind, for what has to hold of all."""

from __future__ import annotations

from typing import Any

from live_toy import TINY
from search_toy import search_study
from toy import toy_study

SMALL_PIPELINE = {
    "kind": "pipeline",
    "name": "pipes",
    "predictors": ["knn", "params"],
    "encodings": ["one-hot"],
    "proxy_epochs": 1,
    "seeds": 2,
}
STUDIES: dict[str, dict[str, Any]] = {
    "prediction": toy_study(predictors=["constant", "knn", "zoo:Raises"], train_sizes=[8]),
    "search": search_study(
        tasks=["maze.toml:accuracy"],
        strategies=["random", "wild:Careless", "wild:Raises"],
        evaluations=12,
        objectives=["maze.toml:latency"],
    ),
    "pipeline": {
        **SMALL_PIPELINE,
        **{"tasks": ["live/digits-chain"], "candidates": 40, "train": 10, "picks": 2},
    },
    "live search": search_study(
        tasks=["live:cells"],
        strategies=["random", "hyperband"],
        evaluations=3,
        initial=2,
        live={**TINY, "pool": 20},
    ),
    "live pipeline": {
        **SMALL_PIPELINE,
        **{"tasks": ["live:cells"], "candidates": 8, "train": 4, "picks": 1, "runs": 1},
        **{"live": TINY, "proxy_share": 0.5, "reference": 1},
    },
}
FAILED = {"prediction": 2, "search": 2}
