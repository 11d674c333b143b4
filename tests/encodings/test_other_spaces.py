"""What linear models of other spaces say of cells."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from surrobench import load_task
from surrobench.encodings import make_encoding
from surrobench.encodings.kinds_of_operations import cells_by_kind, kind_of
from surrobench.encodings.other_spaces import FILE, SHA256, published, read, tasks_elsewhere
from surrobench.errors import DamagedStoreError, UserError
from surrobench.spaces import SPACES
from surrobench.spaces.edge_cells import EdgeCells

NB201, MICRO = (SPACES.create(name) for name in ("nb201", "tnb101-micro"))
RNG = np.random.default_rng(3)


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("skip_connect", "skip"),
        ("nor_conv_1x1", "1x1"),
        ("conv3x3-bn-relu", "3x3"),
        ("maxpool3x3", "pool"),
        ("avg_pool_3x3", "pool"),
        ("sep_conv_5x5", "other"),
    ],
)
def test_operations_of_different_spaces_have_kinds(operation: str, kind: str) -> None:
    assert kind_of(operation) == kind


def test_a_cell_has_the_same_features_in_every_space_that_has_it() -> None:
    micro = MICRO.sample(50, RNG)
    # The same edges and, but for the missing pooling, the same operations in the same order.
    assert NB201.edges == MICRO.edges  # type: ignore[attr-defined]
    assert NB201.operations[:4] == MICRO.operations  # type: ignore[attr-defined]
    in_micro, in_nb201 = (cells_by_kind(micro, space).features() for space in (MICRO, NB201))
    assert in_micro.keys() == in_nb201.keys()
    for name, values in in_micro.items():
        np.testing.assert_array_equal(values, in_nb201[name])


def test_no_space_is_told_of_its_own_cells() -> None:
    def told(space: object) -> set[str]:
        cells = cells_by_kind(space.sample(1, RNG), space)  # type: ignore[attr-defined]
        return {task.name.partition("/")[0] for task in tasks_elsewhere(cells)}

    assert told(NB201) == {"nb101-sample", "tnb101-micro"}
    assert told(MICRO) == {"nb101-sample", "live-cells", "nb201-360"}
    renamed = EdgeCells(
        "mine",
        ("none", "identity", "conv_1x1", "conv_3x3", "max_pool_3x3"),
        NB201.edges,  # type: ignore[attr-defined]
        none="none",
        skip="identity",
    )
    assert told(renamed) == told(NB201)
    larger = EdgeCells(
        "larger",
        ("none", "identity", "conv_1x1", "conv_3x3"),
        [(source, target) for target in range(1, 5) for source in range(target)],
        none="none",
        skip="identity",
    )
    assert len(told(larger)) == 4


def test_more_convolutions_are_better_elsewhere_too() -> None:
    number = MICRO.operations.index  # type: ignore[attr-defined]
    best, worse = [number("nor_conv_3x3")] * 6, [number("skip_connect")] * 6
    archs = [tuple(best), tuple(worse), *MICRO.sample(200, RNG)]
    for column in make_encoding("other-spaces:mean")(archs, MICRO, {}).T:
        assert column[0] > 0.8
        assert column[0] > column[1]


def test_the_mean_is_one_column_and_nothing_else_may_follow_the_colon() -> None:
    assert make_encoding("other-spaces:mean").columns(NB201, {}) == ["as in other spaces"]
    assert make_encoding("other-spaces").columns(NB201, {})[1] == "as in tnb101-micro/autoencoder"
    with pytest.raises(UserError, match="write 'other-spaces', which has"):
        make_encoding("other-spaces:digits")


def test_networks_that_are_no_cells_are_refused() -> None:
    with pytest.raises(UserError, match=r"the space 'chain' has .*use 'one-hot' or 'graph'"):
        make_encoding("other-spaces").columns(SPACES.create("chain"), {})


def test_the_weights_of_the_package_are_those_that_their_command_makes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    import other_spaces

    assert {task.name for task in published()} == set(other_spaces.TASKS)
    name = "live-cells/digits"
    form, weights = other_spaces.fit(name)
    task = next(task for task in published() if task.name == name)
    assert form == task.form == cells_by_kind(load_task(name).archs[:1], NB201).form
    assert weights == pytest.approx(dict(task.weights), rel=1e-3, abs=1e-6)


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    assert read(FILE, SHA256) == read(FILE)
    damaged = tmp_path / "other_spaces.json"
    damaged.write_bytes(FILE.read_bytes().replace(b"0.1", b"0.2", 1))
    with pytest.raises(DamagedStoreError, match="install it again"):
        read(damaged, SHA256)
