"""NAS-Bench-201: accuracies, training times and zero-cost proxies of all 15,625 cells."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from surrobench.tasks.files.archives import members
from surrobench.tasks.files.unpickle import read_pickled_frame
from surrobench.tasks.recipes.nb201_cells import all_cells, from_naslib, join
from surrobench.tasks.recipes.nb201_runs import behind_test, behind_validation

RUN_NAMES = {"Cifar10": "cifar10", "Cifar100": "cifar100", "ImageNet16": "in16"}
DATASETS = {"cifar10": "cifar10", "cifar100": "cifar100", "ImageNet16-120": "in16"}


def convert(files: Mapping[str, Path]) -> pa.Table:
    """One row per cell in the order of the space; see the card for the columns."""
    cells = all_cells()
    scores = _scores(files["scores"])
    cells = join(cells, scores, "arch_score_acc.pd", complete=True)
    cells = join(cells, _averages(files["averages"]), "nats_bench.csv", complete=True)
    cells = join(cells, _single_runs(files["runs"]), "nats_bench.csv", complete=True)
    by_index = scores.index[np.argsort(scores["arch_index"].to_numpy())]
    cells["iso_class"] = _renumbered(cells["iso_class"], by_index)
    for dataset, short in DATASETS.items():
        short_runs = _twelve_epochs(files[f"short-{dataset}"], short, by_index)
        cells = join(cells, short_runs, f"{dataset}-val12.csv", complete=True)
    cells = join(cells, _zen(files["zen"]), "nb201_zen.zip", complete=True)
    for dataset, short in (("cifar10", "cifar10"), ("ImageNet16-120", "in16")):
        proxies = _proxies(files[f"proxies-{dataset}"], short)
        cells = join(cells, proxies, f"proxies of {dataset}", complete=False)
    cells["test_runs"], cells["validation_runs"] = behind_test(cells), behind_validation(cells)
    return pa.Table.from_pandas(cells.reset_index(), preserve_index=False)


def _renumbered(classes: pd.Series, by_index: pd.Index) -> pd.Series:
    """Isomorphism classes numbered by first appearance in the order of the official index."""
    codes, _ = pd.factorize(classes.loc[by_index])
    return pd.Series(codes.astype(np.int32), index=by_index)


def _scores(path: Path) -> pd.DataFrame:
    """Mellor et al. (ICML 2021): averages of NAS-Bench-201 v1.0 and the NASWOT score."""
    frame = read_pickled_frame(path.read_bytes(), path.name)
    published = {
        "arch": "arch_index",
        "params": "params_m_cifar10",
        "score": "cifar10_naswot_repo_score",
        "test_top1": "cifar10_test_acc_nb201v10",
        "valid_top1": "cifar10_val_acc",
        "valid_test_top1": "cifar10_valid_model_test_acc",
    }
    content = {ours: frame[theirs] for theirs, ours in published.items()}
    return pd.DataFrame(content, index=pd.Index(frame["cellstr"], dtype=object))


def _averages(path: Path) -> pd.DataFrame:
    """Seed-averaged test accuracy after 200 epochs (NATS-Bench)."""
    published = {
        "CIFAR10TestAccuracy200Epochs": "cifar10_test_acc",
        "CIFAR100TestAccuracy200Epochs": "cifar100_test_acc",
        "ImageNetTestAccuracy200Epochs": "in16_test_acc",
        "UniqueString": "iso_string",
    }
    return _by_cell(path).rename(columns=published)[list(published.values())]


def _single_runs(path: Path) -> pd.DataFrame:
    """Test accuracy of one randomly drawn run after 12 and after 200 epochs."""
    published = {
        f"{theirs}TestAccuracy{epochs}Epochs": f"{ours}_test_acc_{suffix}"
        for theirs, ours in RUN_NAMES.items()
        for epochs, suffix in (("12", "12ep_run"), ("200", "run"))
    }
    return _by_cell(path).rename(columns=published)[list(published.values())]


def _by_cell(path: Path) -> pd.DataFrame:
    return pd.read_csv(path).set_index("ArchitectureString")


def _twelve_epochs(path: Path, dataset: str, by_index: pd.Index) -> pd.DataFrame:
    """Validation accuracy and seconds of the 12-epoch schedule, by official cell number."""
    frame = pd.read_csv(path, encoding="utf-8-sig").set_index("uid").sort_index()
    content = {
        f"{dataset}_val_acc_12ep": frame["valid_accuracy_12_epochs"].to_numpy(),
        f"{dataset}_time_12ep_s": frame["time"].to_numpy(),
    }
    return pd.DataFrame(content, index=by_index[frame.index.to_numpy()])


def _zen(path: Path) -> pd.DataFrame:
    """Zen scores, and the single runs that NASLib uses as targets.

    NASLib calls all of these validation accuracy; only that of CIFAR-10 is, the others are test
    accuracies of one run.
    """
    records: dict[str, dict[str, float]] = {}
    accuracy = {
        "cifar10": "cifar10_val_acc_run",
        "cifar100": "cifar100_test_acc_naslib_run",
        "in16": "in16_test_acc_naslib_run",
    }
    for name, content in members(path):
        dataset = DATASETS[name.split("--")[2]]
        for entry in json.loads(content):
            record = records.setdefault(entry["arch"], {})
            record[f"{dataset}_zc_zen"] = entry["zen"]["score"]
            record[accuracy[dataset]] = entry["val_accuracy"]
    return pd.DataFrame(list(records.values()), index=from_naslib(records))


def _proxies(path: Path, dataset: str) -> pd.DataFrame:
    """NAS-Bench-Suite-Zero scores of the 9,445 cells without unreachable operations."""
    frame = pd.read_csv(path)
    frame.index = pd.Index(from_naslib(frame["net"]), dtype=object)
    frame = frame.drop(columns=["net", "net_str"], errors="ignore")
    return frame.add_prefix(f"{dataset}_")
