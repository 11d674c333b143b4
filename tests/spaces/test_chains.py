from __future__ import annotations

import numpy as np
import pytest

from surrobench.errors import UserError
from surrobench.spaces.chains import Chains, ConvBlock, Layers

CHAIN = Chains()
TEXT = "conv3-16-max+conv5-64-avg+fc512+fc128"
ARCH = (0, 0, 0, 2, 3, 2, 0, 0, 0, 0, 0, 0, 2, 1)


def test_sizes_of_the_readings() -> None:
    assert len(CHAIN) == 271_440
    assert len(Chains(fc_layers=1)) == 67_860
    assert len(Chains(pool="global", fc_layers=1)) == 9_324


def test_variables_are_blocks_then_layers() -> None:
    names = [variable.name for variable in CHAIN.variables]
    assert names[:4] == ["conv1 kernel", "conv1 filters", "conv1 pool", "conv2 kernel"]
    assert names[12:] == ["fc1 width", "fc2 width"]
    assert CHAIN.cardinalities == (2, 3, 2, *(3, 4, 3) * 3, 3, 4)
    assert CHAIN.variables[4].choices == ("absent", "16", "32", "64")
    assert CHAIN.variables[4].values == (0.0, 4.0, 5.0, 6.0)


def test_hand_made_architecture() -> None:
    assert CHAIN.parse(TEXT) == ARCH
    assert CHAIN.to_string(ARCH) == TEXT
    assert CHAIN.layers(ARCH) == Layers(
        (ConvBlock(3, 16, "max"), ConvBlock(5, 64, "avg")), (512, 128)
    )


def test_order_and_completeness_of_the_index() -> None:
    assert CHAIN.at(0) == (0,) * 14
    depths = [len(CHAIN.layers(CHAIN.at(i)).conv) for i in (0, 143, 144, 1_871, 1_872, 271_439)]
    assert depths == [1, 1, 2, 2, 3, 4]
    narrow = Chains(pool="global", fc_layers=1)
    archs = list(narrow)
    assert len(set(archs)) == 9_324
    assert all(arch in narrow and arch in CHAIN for arch in archs)
    prefix = [CHAIN.at(i) for i in range(22_608 + 100)]
    assert len(set(prefix)) == len(prefix)


@pytest.mark.parametrize(
    "arch",
    [
        (0, 0, 0, 1, 1, 0, *(0,) * 8),  # half a block
        (0, 0, 0, 0, 0, 0, 1, 1, 1, *(0,) * 5),  # a gap before block 3
        (2, *(0,) * 13),  # block 1 has no third kernel
    ],
)
def test_broken_chains_are_refused(arch: tuple[int, ...]) -> None:
    assert arch not in CHAIN


def test_narrow_readings_restrict_membership() -> None:
    assert ARCH not in Chains(fc_layers=1)
    assert ARCH not in Chains(pool="global")


def test_poolings_that_never_happen_are_canonically_max() -> None:
    four = CHAIN.parse("+".join(["conv3-16-avg"] * 4 + ["fc128"]))
    assert CHAIN.active_pools(four) == (True, True, False, False)  # 8 -> 4 -> 2
    canonical = CHAIN.to_string(CHAIN.canonical(four))
    assert canonical == "conv3-16-avg+conv3-16-avg+conv3-16-max+conv3-16-max+fc128"
    assert Chains(side=32).canonical(four) == four
    assert Chains(side=3).canonical(four)[2] == 0


def test_number_of_distinct_networks_at_side_8() -> None:
    blocks = [12, 12 * 12, 12 * 12 * 6, 12 * 12 * 6 * 6]
    rng = np.random.default_rng(0)
    drawn = CHAIN.sample(3_000, rng)
    share = len({CHAIN.canonical(arch) for arch in drawn}) / 3_000
    assert sum(blocks) * 12 == 74_448
    assert share > 0.9
    deep = {CHAIN.canonical(arch) for arch in drawn if arch[9]}
    assert all(arch[8] == arch[11] == 1 for arch in deep)


def test_global_pooling_is_one_decision() -> None:
    narrow = Chains(pool="global", fc_layers=1)
    arch = narrow.parse("conv3-16-max+conv3-16-max+fc128")
    other = narrow.parse("conv3-16-avg+conv3-16-avg+fc128")
    assert other in narrow.neighbours(arch)
    assert narrow.canonical(other) == other


def test_neighbours_of_one_block() -> None:
    arch = CHAIN.parse("conv3-16-max+fc128")
    near = [CHAIN.to_string(other) for other in CHAIN.neighbours(arch)]
    changed = 1 + 2 + 1 + 2  # kernel, filters, pooling, width
    inserted = 2 * 12 - 1 + 2 * 3 - 1  # before or after, one result of the two coincides
    assert len(near) == changed + inserted
    assert near[0] == "conv5-16-max+fc128"
    assert "conv3-16-max+fc128+fc512" in near


def test_graph_is_the_chain_of_layers() -> None:
    graph = CHAIN.graph(ARCH)
    assert graph.nodes == ("input", "conv3-16-max", "conv5-64-avg", "fc512", "fc128", "output")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("conv7-16-max+fc128", "kernel 7 is not one of 3, 5"),
        ("conv3-16-min+fc128", "pooling min"),
        ("conv3-16-max+fc100", "fully-connected width 100"),
        ("fc128+conv3-16-max", "'conv3-16-max' is not expected there"),
        ("conv3-16-max", "1 convolution block and 0 fully-connected"),
        ("+".join(["conv3-16-max"] * 5 + ["fc128"]), "5 convolution blocks"),
    ],
)
def test_parse_says_what_is_wrong(text: str, complaint: str) -> None:
    with pytest.raises(UserError, match=complaint):
        CHAIN.parse(text)


@pytest.mark.parametrize("options", [{"pool": "both"}, {"fc_layers": 3}, {"side": 0}])
def test_unknown_options_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(UserError, match=next(iter(options))):
        Chains(**options)  # type: ignore[arg-type]
