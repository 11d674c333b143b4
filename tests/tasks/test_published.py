"""Our conversions of the raw files against tables that were made independently of this code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kendalltau

from surrobench.errors import UserError
from surrobench.tasks import expand_tasks, load_task, prepare, published_names, task_info
from surrobench.tasks.catalogue import bundled
from surrobench.tasks.collections import SMALL, SMALL_TABLES
from surrobench.tasks.tables.card_file import read_card
from surrobench.tasks.tables.table import load_table

pytestmark = pytest.mark.slow

CONVERSIONS = {
    "nb201": {"nb201": "arch_str", "nb201_proxies": "arch_str"},
    "nb201-hw": {"nb201_hw": "arch_str"},
    "nb201-robust": {"nb201_robust": "arch_str"},
    "tnb101-micro": {"tnb101_micro": "arch"},
    "tnb101-macro": {"tnb101_macro": "arch"},
    "nbnlp-wikitext2": {"nbnlp_wikitext2": "log"},
    "hat": {"hat_latency": ""},
    "nbgraph": {"nbgraph": "key"},
    "nbmr": {"nbmr": ["task", "code"]},
    "vitbench-pit": {"vitbench": ["file", "i"]},
    "cvpr22-vit": {"cvpr22_vit": "id"},
    "lanas": {"lanas_nasnet": "order"},
    "fbnet": {"fbnet_latency": "arch_id"},
    "nbnlp": {"nbnlp": "log_name"},
    "nb101-sample": {"nb101_sample": "arch"},
    "nb301-surrogate": {"nb301_surrogate": "arch"},
    "suite-zero-nb201": {"suite_zero_extra": ["space", "dataset", "arch"]},
    "nb201-supernet": {"nb201": "arch_str"},
}
LEAST_COMMON = {
    "nb201": 33,
    "nb201_proxies": 29,
    "nb201_hw": 58,
    "nb201_robust": 34,
    "nb101_sample": 15,  # not the name of the file that a row comes from
    "nb301_surrogate": 13,
}
SUPERNET_COLUMNS = 12


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
    known = theirs.notna().to_numpy()
    same = ours.astype(str).to_numpy() == theirs.astype(str).to_numpy()
    return bool(same[known].all() and not ours.notna().to_numpy()[~known].any())


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
        least = LEAST_COMMON.get(table, len(theirs.columns))
        least = SUPERNET_COLUMNS if name == "nb201-supernet" else least
        assert len(common) >= least - 1
        if name == "nb201-supernet":
            common.remove("iso_class")  # the same classes, numbered otherwise
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


SHOWN = 3
"""Tasks of a table with many; hpob's smallest pools among them."""


@pytest.mark.parametrize("table", published_names())
def test_tasks_of_every_published_table_load(cache, table):
    prepare(table)
    names = sorted(expand_tasks(table), key=lambda name: (table == "hpob") * ("5889" not in name))
    for name in names if len(names) <= 2 * SHOWN else names[:: len(names) // SHOWN][:SHOWN]:
        if table == "hpob" and "5889" not in name:
            continue
        info = task_info(name)
        assert info.pool_size >= 90
        if table in SMALL_TABLES:
            assert info.pool_size <= SMALL
        assert info.optimum > info.median > info.worst
        assert "one-hot" in info.encodings
        assert info.unit
        assert info.licence != "not stated"
        assert info.bibtex.startswith("@")


def test_a_damaged_raw_file_is_refused_by_name(mirror, monkeypatch, tmp_path):
    card = read_card(bundled()["cvpr22-vit"][0])
    source = card.sources["ranks"]
    content = (mirror / source.relative).read_bytes()
    file = tmp_path / "mirror" / source.relative
    file.parent.mkdir(parents=True)
    monkeypatch.setenv("SURROBENCH_MIRROR", str(tmp_path / "mirror"))
    monkeypatch.setenv("SURROBENCH_CACHE", str(tmp_path / "cache"))
    for wrong in (content[:-100], content.replace(b"9", b"8", 1)):
        file.write_bytes(wrong)
        with pytest.raises(UserError) as caught:
            prepare("cvpr22-vit")
        assert str(file) in str(caught.value)
        assert source.sha256 in str(caught.value)
    file.write_bytes(content)
    assert prepare("cvpr22-vit").rows == 500


def test_sub_networks_of_hwgpt(cache, tables):
    """Networks with a perplexity, in the order of the independent table; counts of all scales."""
    ours = pd.read_parquet(prepare("hwgpt").path)
    theirs = pd.read_parquet(tables / "hwgpt.parquet")
    theirs = theirs[theirs["perplexity"].notna()]
    theirs = theirs.set_index("scale").loc[["s", "m", "l"]].reset_index()
    assert ours.groupby("scale").size().to_dict() == {"s": 10_000, "m": 5_245, "l": 429}
    columns = ["scale", "embed_dim", "n_layer", "n_head", "mlp_ratio", "bias", "perplexity"]
    columns += ["next_token_acc", "flops", "macs", "params"]
    assert [c for c in columns if not equal(ours[c], theirs[c])] == []
    small = ours["scale"] == "s"
    for column in ("latency_ms", "energy_kwh", "energy_codecarbon_kwh"):
        name = f"a100_gpu_{column}"
        assert equal(ours[name][small], theirs[name][small])
        assert ours[name][~small].isna().all()


def test_cells_on_other_tasks_are_numbered_as_those_of_nb201(cache, tables):
    ours = pd.read_parquet(prepare("nb201-360").path).set_index("arch_str")
    theirs = pd.read_parquet(tables / "nb201.parquet").set_index("arch_str").loc[ours.index]
    assert (ours["arch_index"] == theirs["arch_index"]).all()
    gap = (ours["cifar100_acc"] - theirs["cifar100_test_acc"]).abs()
    same = gap < 1e-4
    assert int(same.sum()) == 13_139
    runs = theirs["cifar100_test_runs_seen"][~same]
    single = [
        bool((np.abs(seen - value) < 1e-4).any())
        for seen, value in zip(runs, ours["cifar100_acc"][~same], strict=True)
    ]
    assert 0.88 < np.mean(single) < 0.9
    classes = ours.groupby("iso_class")["representative"].nunique()
    assert (len(classes), classes.max()) == (6466, 1)
    least = {
        device: int((ours[f"{device}_litert_darcy_latency_ms"] < 0.01).sum())
        for device in ("pi5", "pixel")
    }
    assert least == {"pi5": 225, "pixel": 225}
    assert ours["darcy_score"].min() < 0  # so it is no error
    assert ours["darcy_score"].corr(ours["params_m"], method="kendall") > 0.4


def test_devices_of_oncenas_that_measured_nothing(cache):
    prepare("darts-oncenas")
    real = load_task("darts-oncenas/gpu-latency")
    assert (len(real), len(np.unique(real.groups))) == (545, 526)
    flops = pd.Series(real.measured["flops"])
    assert flops.corr(pd.Series(-real.truth), method="kendall") > 0.89
    assert real.noise < 0.01 * real.truth.std()
    for device in ("rasp", "fpga", "mcu"):
        task = load_task(f"darts-oncenas/{device}-latency")
        assert abs(flops.corr(pd.Series(task.truth), method="kendall")) < 0.04
        assert task.noise > 0.8 * task.truth.std()
    trained = load_task("darts-oncenas/accuracy-50")
    assert trained.fidelities == (10, 50)
    result = trained.evaluate(tuple(trained.archs[0].tolist()))
    assert result.cost == pytest.approx(1 * 3600 + 44 * 60 + 56)


def test_learning_rates_of_step_law_are_those_of_its_grid(cache):
    prepare("steplaw")
    task = load_task("steplaw/dense")
    rates = next(v for v in task.space.variables if v.name == "learning_rate")
    assert rates.scale == "log"
    steps = np.diff(np.log2(np.array(rates.values)))
    assert np.allclose(steps, 0.5)
    assert len(rates.choices) == 14
    assert [len(load_task(f"steplaw/{name}")) for name in ("dense", "moe")] == [1911, 708]
    assert len(load_task("steplaw/dense-1074m").space.variables) == 3


def test_pools_of_lcbench_and_hpob(cache):
    frame = pd.read_parquet(prepare("lcbench").path)
    assert frame.shape == (2000, 42)
    fashion = load_task("lcbench/Fashion_MNIST")
    assert fashion.optimum == pytest.approx(89.39786, abs=1e-5)
    assert fashion.truth.min() == pytest.approx(18.27756, abs=1e-5)
    scales = {v.name: v.scale for v in fashion.space.variables}
    logarithmic = {name for name, scale in scales.items() if scale == "log"}
    assert logarithmic == {"batch_size", "learning_rate", "max_units"}
    prepared = prepare("hpob")
    assert prepared.rows == 1_888_555
    assert len(expand_tasks("hpob")) == 92
    task = load_task("hpob/5891-3492")
    columns = {v.name: task.archs[:, i] for i, v in enumerate(task.space.variables)}
    kernel = next(v for v in task.space.variables if v.name == "kernel")
    assert set(kernel.choices) == {"linear", "polynomial", "radial"}
    words = np.array(kernel.choices)[columns["kernel"]]
    assert ((columns["gamma"] > 0) == (words == "radial")).all()  # 0 is "absent"
    stated = columns["degree"] > 0
    assert not stated[words != "polynomial"].any()
    # The default degree, 3, is not written out: a quarter, as of each of 2, 4 and 5.
    assert ((~stated) & (words == "polynomial")).sum() == 270
    assert stated.sum() == 831


def test_a_pool_is_read_without_the_others(cache):
    from surrobench.tasks.tables.row_groups import row_groups_with

    path = prepare("hpob").path
    part = row_groups_with(path, {"pool": "7607-9946"})
    assert part is not None
    assert len(part.numbers) == 1
    whole = pd.read_parquet(path, columns=["pool"])["pool"]
    assert (whole.to_numpy()[part.positions] == "7607-9946").sum() == 722
    assert row_groups_with(path, {"pool": "no such"}) is None
    assert row_groups_with(path, {}) is None


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


@pytest.mark.parametrize(
    ("name", "tau"),
    [("nb201/cifar10-test", 0.626), ("nb201/cifar100-test", 0.646), ("nb201/in16-test", 0.623)],
)
def test_the_number_of_trained_layers_ranks_cells_as_published(cache, name, tau):
    task = load_task(name)
    chosen = task.subsets["without-unreachable"]
    layers = task.encode("layers")[chosen, 0]
    assert kendalltau(layers, task.truth[chosen]).statistic == pytest.approx(tau, abs=0.002)


def test_tasks_that_rank_all_architectures_alike_say_so() -> None:
    card = read_card(bundled()["nb201-hw"][0])
    names = [name for name in card.tasks if not name.startswith("help-")]
    firsts: dict[str, str] = {}
    for name in names:
        first = firsts.setdefault(load_task(f"nb201-hw/{name}").ranking, name)
        assert card.tasks[name].ranks_as == (None if first == name else first)
    assert (len(names), len(firsts), len(card.tasks)) == (27, 19, 50)
    assert task_info("nb201-hw/cifar100-fpga-energy").ranks_as == "nb201-hw/cifar10-fpga-latency"


def test_cells_on_further_data_sets_are_those_of_the_whole_table(cache):
    for name in ("suite-zero-tnb101-micro", "tnb101-micro"):
        prepare(name)
    few, whole = load_task("suite-zero-tnb101-micro/svhn"), load_task("tnb101-micro/class_object")
    sizes = dict(zip(map(tuple, whole.archs), whole.columns["params"], strict=True))
    same = [sizes[tuple(arch)] for arch in few.archs]
    assert kendalltau(same, few.columns["params"])[0] > 0.99
