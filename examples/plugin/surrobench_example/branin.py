"""Branin's function on a grid: writes ``branin.csv`` beside this file."""

from __future__ import annotations

import math
from pathlib import Path

STEPS = 16


def branin(x: float, y: float) -> float:
    """Branin's function; three minima of 0.397887 in [-5, 10] x [0, 15]."""
    bowl = y - 5.1 / (4 * math.pi**2) * x**2 + 5 / math.pi * x - 6
    return bowl**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10


def main() -> None:
    """Write the table."""
    lines = ["x,y,value"]
    for i in range(STEPS):
        for j in range(STEPS):
            x, y = float(i - 5), float(j)
            lines.append(f"{x:g},{y:g},{branin(x, y):.6f}")
    Path(__file__).with_name("branin.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
