"""A predictor, an encoding, a table and a figure for surrobench."""

from pathlib import Path

BRANIN = Path(__file__).parent / "branin.toml"
"""The card of the table ``branin``."""
