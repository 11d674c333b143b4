"""Proxies that come with the package for cells of NAS-Bench-201."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from surrobench import load_task
from surrobench.encodings import make_encoding, shipped_proxies
from surrobench.encodings.measured import pool_ranks
from surrobench.encodings.shipped_proxies import NAMES, network_numbers, published, shipped
from surrobench.errors import DamagedStoreError, UserError
from surrobench.metrics.ranking import kendall_tau
from surrobench.spaces import SPACES

NB201 = SPACES.create("nb201")
ARCHS = NB201.sample(300, np.random.default_rng(4))


def test_every_network_has_one_value_and_equal_cells_have_the_same() -> None:
    numbers = network_numbers(list(NB201))
    assert len(np.unique(numbers)) == 4930
    assert {len(values) for values in published().values()} == {4930}
    skip, conv, pool, none = 1, 3, 4, 0
    # The convolution leads nowhere: without it the network is the same.
    dead = [(conv, skip, none, pool, none, none), (none, none, none, pool, none, none)]
    for name in NAMES:
        first, second = shipped(name, dead)
        assert first == second


def test_the_values_are_those_that_their_command_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    import zero_cost_all

    arch = (3, 1, 0, 1, 2, 1)
    again = [*zero_cost_all.scores(arch, "az-nas"), *zero_cost_all.scores(arch, "intrain")]
    assert again == pytest.approx([shipped(name, [arch])[0] for name in NAMES], rel=1e-3)


def test_named_columns_need_nothing_measured_and_measured_alone_is_what_it_was() -> None:
    named = make_encoding("measured:" + ",".join(NAMES))
    X = named(ARCHS, NB201, {})
    assert named.columns(NB201, {}) == list(NAMES)
    for column, name in zip(X.T, NAMES, strict=True):
        np.testing.assert_array_equal(column, pool_ranks(shipped(name, ARCHS)))
    assert make_encoding("measured").columns(NB201, {"params": np.arange(300.0)}) == ["params"]
    with pytest.raises(UserError, match="no measured columns"):
        make_encoding("measured")(ARCHS, NB201, {})


def test_what_a_task_has_measured_itself_comes_first() -> None:
    own = np.arange(300.0)[::-1]
    X = make_encoding("measured:expressivity")(ARCHS, NB201, {"expressivity": own})
    np.testing.assert_array_equal(X[:, 0], pool_ranks(own))


def test_other_spaces_have_none() -> None:
    micro = SPACES.create("tnb101-micro")
    archs = micro.sample(5, np.random.default_rng(0))
    with pytest.raises(UserError, match="this task has no column 'expressivity'"):
        make_encoding("measured:expressivity")(archs, micro, {"params": np.arange(5.0)})
    with pytest.raises(UserError, match="this task has no column 'vkdnw'"):
        make_encoding("measured:vkdnw")(ARCHS, NB201, {"params": np.arange(300.0)})


def test_the_rank_sum_of_az_nas_ranks_the_published_table() -> None:
    task = load_task("nb201/cifar10-val")
    cells = np.flatnonzero(~np.isnan(task.measured["jacov"]))
    ranked = np.asarray(task.encode("az-nas"))[cells, 0]
    # 0.741 as published (Lee & Ham, CVPR 2024), 0.712 as Týbl & Neumann (CVPR 2025) had it.
    assert 0.65 < kendall_tau(task.truth[cells], ranked) < 0.75


def test_a_damaged_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    damaged = tmp_path / "proxies.npz"
    damaged.write_bytes(shipped_proxies.FILE.read_bytes()[:-1] + b"!")
    monkeypatch.setattr(shipped_proxies, "FILE", damaged)
    published.cache_clear()
    try:
        with pytest.raises(DamagedStoreError, match="install it again"):
            published()
    finally:
        published.cache_clear()
