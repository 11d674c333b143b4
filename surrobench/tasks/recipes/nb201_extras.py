"""What others measured of the NAS-Bench-201 cells: devices, attacks, shared weights."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa

from surrobench.errors import UserError
from surrobench.tasks.files.plain_pickles import read_plain_pickle, read_torch_file
from surrobench.tasks.recipes.help_devices import latencies
from surrobench.tasks.recipes.nb201_cells import all_cells, from_naslib, join

DATASETS = {"cifar10": "cifar10", "cifar100": "cifar100", "ImageNet16-120": "in16"}
NO_RESULT = -1.0
_EDGE = re.compile(r"\('(\w+)', (\d)\)")
NCP_OPERATIONS = ("avg_pool_3x3", "none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3")


def convert_hardware(files: Mapping[str, Path]) -> pa.Table:
    """HW-NAS-Bench and HELP; the former's -1 (no EdgeTPU result) becomes null."""
    cells = all_cells()
    for dataset, short in DATASETS.items():
        measured = _by_cell(files[dataset]).add_prefix(f"{short}_").astype("float32")
        measured = measured.mask(measured == NO_RESULT)
        cells = join(cells, measured, f"hw_{dataset}.csv", complete=True)
    by_index = official_order(files["index"])
    helped = latencies(files, len(by_index)).set_index(by_index)
    return _table(join(cells, helped, "the latencies of HELP", complete=True))


def official_order(path: Path) -> pd.Index:
    """The strings of all cells in the order of the official index, from HELP's dictionary.

    Raises:
        UserError: if it does not number them from 0.
    """
    numbers = read_torch_file(path)
    if sorted(numbers.values()) != list(range(len(numbers))):
        raise UserError(f"{path.name} does not number the cells from 0.")
    return pd.Index(sorted(numbers, key=numbers.__getitem__), dtype=object)


def convert_robustness(files: Mapping[str, Path]) -> pa.Table:
    """Accuracy under attack, %, and the accuracy of the NASLib run beside it."""
    attacked = _by_cell(files["targets"]).rename(columns={"val_accs": "cifar10_val_acc_run"})
    cells = join(all_cells(), attacked.astype("float32"), "robustness_targets.csv", complete=True)
    return _table(cells)


def convert_supernets(files: Mapping[str, Path]) -> pa.Table:
    """Accuracy with the shared weights of one or several supernets, and after training alone."""
    published = {
        "one-shot": "cifar10_oneshot_supernet_acc",
        "few-shot": "cifar10_fewshot_supernet_acc",
        "trained": "cifar10_test_acc_fewshotnas_repo",
    }
    cells = all_cells()
    for source, column in published.items():
        content = json.loads(files[source].read_bytes())
        names = pd.Index([_from_genotype(text) for text in content], dtype=object)
        values = pd.DataFrame({column: list(content.values())}, index=names)
        cells = join(cells, values, files[source].name, complete=True)
    costs = pd.DataFrame(_counted_for_cifar100(files["costs"])).set_index("arch_str")
    return _table(join(cells, costs, "trainval.pkl", complete=True))


def _from_genotype(text: str) -> str:
    """``[(("none", 0),), …]`` -> ``|none~0|+…``."""
    edges = [f"{name}~{source}" for name, source in _EDGE.findall(text)]
    return "+".join(f"|{'|'.join(node)}|" for node in (edges[:1], edges[1:3], edges[3:]))


def _counted_for_cifar100(path: Path) -> list[dict[str, object]]:
    """Millions of parameters and FLOPs of the CIFAR-100 networks, as NAS-Bench-201 states them."""
    rows: list[dict[str, object]] = []
    for entry in read_plain_pickle(path.read_bytes(), path.name):
        chosen = entry["embedding"].values.reshape(-1, len(NCP_OPERATIONS)).argmax(axis=1)
        names = [NCP_OPERATIONS[i] for i in chosen]
        nodes = (names[:1], names[1:3], names[3:])
        cell = "+".join(f"|{'|'.join(f'{n}~{i}' for i, n in enumerate(node))}|" for node in nodes)
        costs = {"flops_m_cifar100": entry["Flops"], "params_m_cifar100": entry["Params"]}
        rows.append({"arch_str": cell, **costs})
    return rows


def _by_cell(path: Path) -> pd.DataFrame:
    frame = pd.read_csv(path)
    frame.index = pd.Index(from_naslib(frame["net"]), dtype=object)
    return frame.drop(columns="net")


def _table(cells: pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(cells.reset_index(), preserve_index=False)
