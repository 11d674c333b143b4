"""The stratified sample of the chain space."""

from __future__ import annotations

from collections import Counter

import pytest

from surrobench.errors import UserError
from surrobench.spaces.chains import Chains
from surrobench.training.sampling import sample_by_depth

SPACE = Chains(side=8)


def test_sample_has_equal_shares_of_distinct_networks() -> None:
    sample = sample_by_depth(SPACE, 1600, seed=0)
    assert len(set(sample)) == 1600
    assert all(SPACE.canonical(arch) == arch for arch in sample)
    depths = Counter(len(SPACE.layers(arch).conv) for arch in sample)
    assert depths == {1: 144, 2: 485, 3: 485, 4: 486}
    assert set(sample_by_depth(SPACE, 200, seed=0)) <= set(sample)
    assert set(sample_by_depth(SPACE, 200, seed=1)) != set(sample_by_depth(SPACE, 200, seed=0))


def test_more_architectures_than_there_are() -> None:
    small = Chains(pool="global", fc_layers=1)
    assert len(sample_by_depth(small, 9324, seed=0)) == 9324
    with pytest.raises(UserError, match="9,324 distinct networks"):
        sample_by_depth(small, 9325, seed=0)
