from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from surrobench.tasks import expand_tasks, load_task
from surrobench.tasks.card_file import read_card

CARDS = Path(__file__).parents[2] / "examples" / "cards"
NAMES = sorted(path.name for path in CARDS.glob("*.toml"))


@pytest.mark.parametrize("name", NAMES)
def test_cards_are_valid_and_say_where_the_data_come_from(name):
    card = read_card(CARDS / name)
    assert card.licence != "not stated"
    assert card.citation
    assert card.url
    assert (CARDS / name).read_text().startswith("#")


@pytest.mark.parametrize("name", NAMES)
def test_every_task_of_the_cards_loads(tables, monkeypatch, name):
    monkeypatch.setenv("SURROBENCH_TABLES", str(tables))
    for spec in expand_tasks(str(CARDS / name)):
        task = load_task(spec)
        assert len(task) >= 90
        assert np.ptp(task.truth) > 0
        features = task.encode(task.default_encoding)
        assert features.shape[0] == len(task)
        assert np.isfinite(features).all()
