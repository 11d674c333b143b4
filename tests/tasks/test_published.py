"""Our conversions of the raw files against tables that were made independently of this code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from surrobench.errors import UserError
from surrobench.tasks import expand_tasks, load_task, prepare, published_names, task_info
from surrobench.tasks.card_file import read_card
from surrobench.tasks.catalogue import bundled
from surrobench.tasks.table import load_table

CONVERSIONS = {
    "nb201": {"nb201": "arch_str", "nb201_proxies": "arch_str"},
    "nb201-hw": {"nb201_hw": "arch_str"},
    "nb201-robust": {"nb201_robust": "arch_str"},
    "tnb101-micro": {"tnb101_micro": "arch"},
    "tnb101-macro": {"tnb101_macro": "arch"},
    "nbnlp-wikitext2": {"nbnlp_wikitext2": "log"},
    "hat": {"hat_latency": ""},
}
LEAST_COMMON = {"nb201": 33, "nb201_proxies": 29, "nb201_hw": 31, "nb201_robust": 34}


@pytest.fixture(scope="module")
def cache(mirror: Path, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SURROBENCH_MIRROR", str(mirror))
        patch.setenv("SURROBENCH_CACHE", str(folder))
        yield folder


def equal(ours: pd.Series, theirs: pd.Series) -> bool:
    """Exactly equal, with missing values in the same places."""
    if ours.dtype.kind in "fiu" and theirs.dtype.kind in "fiu":
        return np.array_equal(ours.to_numpy(float), theirs.to_numpy(float), equal_nan=True)
    if theirs.map(type).eq(np.ndarray).all():
        pairs = zip(ours, theirs, strict=True)
        return all(np.array_equal(a, b, equal_nan=b.dtype.kind == "f") for a, b in pairs)
    return bool((ours.astype(str).to_numpy() == theirs.astype(str).to_numpy()).all())


@pytest.mark.parametrize("name", CONVERSIONS)
def test_conversions_equal_the_independent_tables(cache, tables, name):
    ours = pd.read_parquet(prepare(name).path)
    for table, key in CONVERSIONS[name].items():
        theirs = pd.read_parquet(tables / f"{table}.parquet")
        if key:
            theirs = theirs.set_index(key)
            aligned = ours.set_index(key).loc[theirs.index]
        else:
            aligned = ours
        common = [column for column in theirs.columns if column in aligned.columns]
        assert len(common) >= LEAST_COMMON.get(table, len(theirs.columns)) - 1
        different = [c for c in common if not equal(aligned[c], theirs[c])]
        assert different == []


def test_counts_of_the_cells(cache, tables):
    ours = pd.read_parquet(prepare("nb201").path)
    assert ours["iso_class"].nunique() == 6466
    assert ours["network_class"].nunique() == 4930
    reached = ours["without_unreachable"]
    assert int(reached.sum()) == 9445
    assert (ours["cifar10_synflow"].notna() == reached).all()
    assert np.allclose(ours["params_m"][reached], ours["cifar10_params"][reached], atol=1e-9)
    agree = np.isclose(ours["params_m"], ours["params_m_cifar10"], atol=1e-9)
    assert int(agree.sum()) == 15_421
    published = pd.read_parquet(tables / "nb201.parquet").set_index("arch_str")
    cifar100 = published.loc[ours["arch_str"], "flops_m_cifar100"].to_numpy()
    gap = np.abs(ours["flops_m"] + 0.00576 - cifar100)
    assert (gap <= 0.00501).mean() > 0.99


def test_parameters_and_flops_of_trans_nas_bench_extend_the_published_ones(cache, mirror):
    for level in ("micro", "macro"):
        frame = pd.read_parquet(prepare(f"tnb101-{level}").path)
        for column in ("class_scene_params_m", "jigsaw_flops_m"):
            assert frame[column].notna().all()
            assert (frame[column] > 0).all()


@pytest.mark.parametrize(
    ("name", "optimum"),
    [
        ("nb201/cifar10-val", 91.607),
        ("nb201/cifar10-test", 94.373),
        ("nb201/cifar100-test", 73.513),
        ("nb201/in16-test", 47.311),
        ("tnb101-micro/class_scene", 54.9363),
        ("tnb101-macro/room_layout", -0.5822),
    ],
)
def test_known_optima(cache, name, optimum):
    task = load_task(name)
    assert task.optimum == pytest.approx(optimum, abs=5e-4)
    assert np.isfinite(task.measured["params"]).all()
    assert np.isfinite(task.measured["flops"]).all()


def test_a_table_with_everything(cache):
    path, _ = bundled()["nb201"]
    card = read_card(path)
    data = prepare("nb201").path
    table = load_table(card, data)
    assert (len(table), table.dropped) == (15_625, 0)
    assert len(table.columns) > 30
    assert sum(column.nbytes for column in table.columns.values()) < 50e6
    arch = tuple(table.archs[123].tolist())
    assert table.row(arch) == 123
    with pytest.raises(UserError, match="not an architecture"):
        table.row((9,) * 6)


def test_nb201_knows_its_cells_and_their_shorter_trainings(cache):
    prepare("nb201")
    task = load_task("nb201/cifar10-val")
    assert int(task.subsets["without-unreachable"].sum()) == 9445
    assert len(np.unique(task.groups)) == 4930
    arch = tuple(task.archs[0].tolist())
    cheap = task.evaluate(arch, epochs=12)
    assert cheap.cost is not None
    assert cheap.cost < task.evaluate(arch).cost


def test_every_published_task_loads(cache):
    for table in published_names():
        for name in expand_tasks(table):
            info = task_info(name)
            assert info.pool_size >= 200
            assert info.optimum > info.median > info.worst
            assert "one-hot" in info.encodings


def test_edge_tpu_results_are_missing_not_zero(cache):
    task = load_task("nb201-hw/cifar10-edgetpu-latency")
    assert (len(task), task.missing) == (10_926, 4_699)
    assert task.truth.max() < 0
    assert task.unit == "ms (negated)"


def test_learning_curves_of_nas_bench_nlp(cache):
    task = load_task("nbnlp-wikitext2/val-loss")
    assert task.missing == 4
    arch = tuple(task.archs[0].tolist())
    result = task.evaluate(arch, epochs=10)
    assert len(result.curve) == 10
    assert result.cost is not None
    assert 500 < result.cost < 5000


def test_tasks_that_rank_all_architectures_alike_say_so() -> None:
    card = read_card(bundled()["nb201-hw"][0])
    firsts: dict[str, str] = {}
    for name, task in card.tasks.items():
        first = firsts.setdefault(load_task(f"nb201-hw/{name}").ranking, name)
        assert task.ranks_as == (None if first == name else first)
    assert (len(card.tasks), len(firsts)) == (27, 19)
    assert task_info("nb201-hw/cifar100-fpga-energy").ranks_as == "nb201-hw/cifar10-fpga-latency"
