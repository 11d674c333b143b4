"""Finite pools of hyperparameter configurations: LCBench and HPO-B, as bocode packs them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from surrobench.errors import UserError
from surrobench.tasks.recipes.arrays import arrays_in

Numbers = npt.NDArray[np.float32]

LCBENCH = (
    "batch_size",
    "learning_rate",
    "max_dropout",
    "max_units",
    "momentum",
    "num_layers",
    "weight_decay",
)
INTEGERS = ("batch_size", "max_units", "num_layers")

_FOREST = (
    "num.trees",
    "num.trees.na",
    "mtry",
    "sample.fraction",
    "min.node.size",
    "min.node.size.na",
    "replace.FALSE",
    "replace.INVALID",
    "respect.unordered.factors.INVALID",
    "respect.unordered.factors.TRUE",
)
_LATER_FOREST = (
    "num.trees",
    "num.trees.na",
    "mtry",
    "min.node.size",
    "sample.fraction",
    "respect.unordered.factors.INVALID",
    "respect.unordered.factors.TRUE",
    "replace.FALSE",
    "replace.INVALID",
)
_SVM = (
    "cost",
    "gamma",
    "gamma.na",
    "degree",
    "degree.na",
    "kernel.INVALID",
    "kernel.linear",
    "kernel.polynomial",
)
_TREE = ("minsplit", "minsplit.na", "minbucket", "cp", "maxdepth", "maxdepth.na")
_DEEP = (
    "max_depth",
    "max_depth.na",
    "min_child_weight",
    "min_child_weight.na",
)
_SAMPLED = ("colsample_bytree", "colsample_bytree.na", "colsample_bylevel", "colsample_bylevel.na")
_BOOSTER = ("booster.INVALID", "booster.gblinear")
_ROUNDS = ("nrounds", "nrounds.na")
_XGBOOST = ("eta", *_DEEP, "subsample", *_SAMPLED, "lambda", "alpha", *_ROUNDS, *_BOOSTER)
_THREADS = ("nthread", "nthread.na")
_LATER_XGBOOST = (
    *("eta", "subsample", "lambda", "alpha"),
    *(*_THREADS, *_ROUNDS, *_DEEP, *_SAMPLED, *_BOOSTER),
)

SPACES: dict[str, tuple[str, ...]] = {
    "4796": ("minsplit", "minbucket", "cp"),
    "5527": _SVM,
    "5636": _TREE,
    "5859": _TREE,
    "5889": (*_FOREST[:4], "replace.FALSE", "replace.INVALID"),
    "5891": _SVM,
    "5906": _XGBOOST,
    "5965": _FOREST,
    "5970": ("alpha", "lambda"),
    "5971": _XGBOOST,
    "6766": ("alpha", "lambda"),
    "6767": _LATER_XGBOOST,
    "6794": _FOREST,
    "7607": _LATER_FOREST,
    "7609": _LATER_FOREST,
}
"""Search space of HPO-B-v3 -> its columns; ``x.na`` says that ``x`` is not set, ``x.<value>`` that
it has this value."""

DEFAULTS = {
    "kernel": "radial",
    "booster": "gbtree",
    "replace": "TRUE",
    "respect.unordered.factors": "FALSE",
}
"""What ``x.INVALID`` stands for: the default of R's function, which OpenML does not write out."""


def convert_lcbench(files: Mapping[str, Path]) -> pa.Table:
    """One row per configuration; a column of accuracies for each of the 35 data sets.

    Raises:
        UserError: if the data sets do not share their configurations.
    """
    columns: dict[str, Numbers] = {}
    shared: Numbers | None = None
    for dataset, array in arrays_in(files["pools"]):
        configurations, columns[dataset] = array[:, :-1], array[:, -1]
        if shared is None:
            shared = configurations
        elif not np.array_equal(shared, configurations):
            raise UserError(f"{dataset} has other configurations than the data sets before it.")
    if shared is None:
        raise UserError("lcbench_data.npz is empty.")
    known = {
        name: shared[:, i].astype(np.int32) if name in INTEGERS else shared[:, i]
        for i, name in enumerate(LCBENCH)
    }
    return pa.table({**known, **columns})


def convert_hpob(files: Mapping[str, Path]) -> pa.Table:
    """All pools below each other; hyperparameters that a configuration does not have are empty."""
    parts = []
    for name, array in arrays_in(files["pools"]):
        pool = pa.array([name.replace("_", "-")] * len(array))
        parts.append(pa.table({"pool": pool, **_hyperparameters(name, array)}))
    return pa.concat_tables(parts, promote_options="default")


def _hyperparameters(name: str, array: Numbers) -> dict[str, pa.Array]:
    """Accuracy and hyperparameters of one pool."""
    columns = dict(zip(SPACES[name.partition("_")[0]], array.T[:-1], strict=True))
    found = {"accuracy": pa.array(array[:, -1])}
    for column, values in columns.items():
        absent = columns.get(f"{column}.na")
        if _base(column) is None:
            found[column] = pa.array(values, mask=None if absent is None else absent == 1)
    for base, default in DEFAULTS.items():
        choices = {c.removeprefix(f"{base}."): c for c in columns if c.startswith(f"{base}.")}
        if choices:
            flags = np.stack([columns[column] for column in choices.values()], axis=1)
            if not (flags.sum(axis=1) == 1).all():
                raise UserError(f"{name}: {base} does not have one value in every row.")
            words = [default if word == "INVALID" else word for word in choices]
            chosen = np.asarray(words, dtype=object)[flags.argmax(axis=1)]
            found[base] = pa.array(chosen, type=pa.string())
    return found


def _base(column: str) -> str | None:
    """The hyperparameter that a column says something about; None if it is one itself."""
    if column.endswith(".na"):
        return column.removesuffix(".na")
    return next((base for base in DEFAULTS if column.startswith(f"{base}.")), None)
