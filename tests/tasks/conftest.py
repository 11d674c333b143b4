"""A user's table and card in a temporary folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

CARD = """
name = "mine"
data = "mine.parquet"
decisions = ["kernel", "op"]
measured = ["params"]
{top}
[tasks.accuracy]
target = "acc"
direction = "maximize"
unit = "%"
{task}
"""


@pytest.fixture
def table() -> pd.DataFrame:
    """Six architectures of two decisions."""
    return pd.DataFrame(
        {
            "kernel": [3, 3, 5, 5, 7, 7],
            "op": ["conv", "pool"] * 3,
            "params": [1.0, 0.5, 2.0, 0.5, 4.0, 0.5],
            "acc": [90.0, 80.0, 91.0, 81.0, 92.0, 82.0],
        }
    )


Write = Callable[..., str]


@pytest.fixture
def write(tmp_path: Path, table: pd.DataFrame) -> Write:
    """Write a table and a card (with ``swap`` made in its text); returns the card's path."""

    def _write(
        frame: pd.DataFrame | None = None,
        *,
        card: str = CARD,
        top: str = "",
        task: str = "",
        data: str = "mine.parquet",
        swap: tuple[str, str] = ("", ""),
    ) -> str:
        rows = table if frame is None else frame
        if data.endswith(".csv"):
            rows.to_csv(tmp_path / data, index=False)
        else:
            rows.to_parquet(tmp_path / data, index=False)
        text = card.replace("{top}", top).replace("{task}", task).replace("mine.parquet", data)
        (tmp_path / "card.toml").write_text(text.replace(*swap) if swap[0] else text)
        return f"{tmp_path}/card.toml"

    return _write
