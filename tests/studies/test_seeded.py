"""The global generators while a cell is computed, and afterwards."""

from __future__ import annotations

import random

import numpy as np
import torch

from surrobench.studies.prediction.cell import seeded

KEY = "00c0ffee" + "0" * 56


def draws() -> tuple[float, float, float]:
    return random.random(), float(np.random.random()), float(torch.rand(()))  # noqa: NPY002


def test_draws_of_foreign_code_depend_on_the_cell_alone() -> None:
    seed = int(KEY[:8], 16)
    with seeded(KEY):
        first = draws()
    random.random(), np.random.random(), torch.rand(7)  # noqa: NPY002
    with seeded(KEY):
        assert draws() == first
    with seeded("1" * 64):
        assert all(a != b for a, b in zip(draws(), first, strict=True))
    generator = torch.Generator().manual_seed(seed)
    assert first[2] == float(torch.rand((), generator=generator))


def test_the_generators_go_on_as_if_nothing_had_happened() -> None:
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    expected = draws()
    random.setstate(states[0])
    np.random.set_state(states[1])  # noqa: NPY002
    torch.set_rng_state(states[2])
    with seeded(KEY):
        draws()
    assert draws() == expected
