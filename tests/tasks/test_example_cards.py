"""Studies may still name the cards that stood in ``examples/cards``."""

from __future__ import annotations

from pathlib import Path

import pytest

from surrobench.errors import UserError
from surrobench.tasks import display_name, expand_tasks

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_the_example_study_names_bundled_tables():
    text = (EXAMPLES / "transforms.toml").read_text()
    assert "hpob" not in text
    for table in ("lanas", "vitbench-pit", "suite-zero-nb301"):
        assert f'"{table}"' in text
        assert expand_tasks(table)


def test_cards_that_are_built_in_now_are_found_under_their_old_paths():
    assert expand_tasks("cards/nbgraph.toml", EXAMPLES) == [
        f"cards/nbgraph.toml:{name.partition('/')[2]}" for name in expand_tasks("nbgraph")
    ]
    assert display_name("examples/cards/lanas.toml") == "lanas/cifar10"
    with pytest.raises(UserError, match=r"no card .*elsewhere/nbgraph.toml"):
        expand_tasks("elsewhere/nbgraph.toml")
