"""NAS-Bench-NLP on Penn Treebank: final losses, training-free metrics, authors' embedding."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa

_METRICS = ("loss", "perplexity", "bits per word")
_RUN = r"log_stats_model_(\d+)_(\d{4}-\d{2}-\d{2}_\d{2}-\d{2}-\d{2})"
_COUNTED = re.compile(rf"^({_RUN}_\d+\.json),([^,]*),([^,]*),([^,]*),(\d+),(\d+)", re.MULTILINE)


def convert(files: Mapping[str, Path]) -> pa.Table:
    """One row per training log, in the order of their names."""
    frame = _counted(files["parameters"]).join(_training_free(files["results"]))
    found = frame.index.str.extract(_RUN)
    frame.insert(0, "log_name", frame.index)
    frame["recipe_id"] = found[0].astype("int64").to_numpy()
    frame["start_time"] = found[1].to_numpy()
    embedding = pd.read_csv(files["embedding"]).rename(columns={"recepie_id": "recipe_id"})
    embedding = embedding.drop_duplicates("recipe_id").set_index("recipe_id")
    frame = frame.join(embedding.add_prefix("emb_"), on="recipe_id")
    return pa.Table.from_pandas(frame, preserve_index=False)


def _counted(path: Path) -> pd.DataFrame:
    """Losses and numbers of parameters, by log.

    The file ends in a damaged copy of its own head: a second header is glued to the last row, and
    a hundred empty rows and headers follow. They are no logs and are not read.
    """
    rows = [match.groups() for match in _COUNTED.finditer(path.read_text("utf-8-sig"))]
    names = ["log_name", "id", "time", *_METRICS, "trainable_params", "total_params"]
    frame = pd.DataFrame(rows, columns=pd.Index(names)).drop(columns=["id", "time"])
    frame = frame.drop_duplicates("log_name").set_index("log_name").sort_index()
    return _plain_names(frame.astype(float))


def _training_free(path: Path) -> pd.DataFrame:
    """Scores of networks before training, by log."""
    frame = pd.read_csv(path, encoding="utf-8-sig").set_index("log name")
    return _plain_names(frame.drop(columns=list(_METRICS)))


def _plain_names(frame: pd.DataFrame) -> pd.DataFrame:
    """``Jacobian Cosine`` -> ``jacobian_cosine``."""
    return frame.rename(columns=lambda name: str(name).lower().replace(" ", "_"))
