"""How time and memory grow with the observations and with the pool.

    python benchmarks/scaling.py results/speed

A Gaussian process (a categorical kernel per variable) with Log-EI on random cells of seven nodes:
25 to 2,000 observations of a pool of 15,625, and 500 observations of pools of 4,000 to 423,000.
Every point is measured in a process of its own on one thread and kept at once in ``scaling.csv``;
points that are there are not measured again (``--again`` does). Then come
``scaling-exponents.csv``, ``scaling.md`` and the figure ``scaling.pdf`` (and PNG).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
from machine import write_machine
from markdown_table import markdown
from scaling_figure import PARTS, draw, exponents

from surrobench.report.common.exhibit import save_figure

HERE = Path(__file__).parent
POOL, OBSERVATIONS = 15_625, (25, 50, 100, 200, 400, 700, 1000, 1400, 2000)
POOLS, N = (4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 256_000, 423_000), 500
LARGEST = (423_000, N)
MOST_SECONDS, MOST_MIB = 60.0, 4096.0


def measure(m: int, n: int) -> dict[str, float] | None:
    """One point in a process of its own; None if it failed."""
    command = [sys.executable, str(HERE / "scaling_point.py"), str(m), str(n)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    return json.loads(done.stdout) if done.returncode == 0 else None


def known_points(path: Path, again: bool) -> pd.DataFrame:
    """What was measured before."""
    if again or not path.is_file():
        return pd.DataFrame(columns=["pool", "n"])
    return pd.read_csv(path)


def measure_all(path: Path, again: bool) -> tuple[pd.DataFrame, int]:
    """Measure what is missing, keeping every point at once; all points and how many failed."""
    frame, failed = known_points(path, again), 0
    points = [(POOL, n) for n in OBSERVATIONS] + [(m, N) for m in POOLS]
    for m, n in points:
        if ((frame["pool"] == m) & (frame["n"] == n)).any():
            continue
        found = measure(m, n)
        if found is None:
            failed += 1
            print(f"pool {m:,}, n = {n:,}: failed", file=sys.stderr, flush=True)
            continue
        told = f"{found['whole']:.2f} s, {found['peak_mib']:,.0f} MiB"
        print(f"pool {m:,}, n = {n:,}: {told}", flush=True)
        rows = [*frame.to_dict("records"), found]
        frame = pd.DataFrame(rows).sort_values(["pool", "n"], ignore_index=True)
        frame.to_csv(path, index=False, float_format="%.6g")
    return frame, failed


def told_limits(frame: pd.DataFrame) -> str:
    """The row about the largest pool, in Markdown."""
    at = frame[(frame["pool"] == LARGEST[0]) & (frame["n"] == LARGEST[1])]
    if at.empty:
        return "The largest pool was not measured.\n"
    seconds, memory = float(at["whole"].iloc[0]), float(at["peak_mib"].iloc[0])
    rows = [
        ("fit, posterior and Log-EI, one thread", seconds, "s", MOST_SECONDS),
        ("peak memory of the process", memory, "MiB", MOST_MIB),
    ]
    lines = [
        {
            "what": what,
            "measured": f"{value:,.1f} {unit}",
            "required": f"≤ {most:,.0f} {unit}",
            "met": "yes" if value <= most else "no",
        }
        for what, value, unit, most in rows
    ]
    names = ("what", "measured", "required", "met")
    title = f"A pool of {LARGEST[0]:,} cells of seven nodes, {LARGEST[1]} observations:\n\n"
    return title + markdown(pd.DataFrame(lines), dict(zip(names, names, strict=True)))


def write(folder: Path, frame: pd.DataFrame) -> None:
    """Exponents, figure and tables."""
    grown = exponents(frame, (("n", POOL), ("pool", N)))
    grown.to_csv(folder / "scaling-exponents.csv", index=False, float_format="%.3f")
    headings = {"against": "against", "what": "what", "from": "fitted from", "exponent": "exponent"}
    points = {"pool": "pool", "n": "n", "whole": "all (s)"}
    points |= {part: f"{label} (s)" for part, label in PARTS.items()}
    points |= {"peak_mib": "peak (MiB)", "imports_mib": "of which imports (MiB)"}
    told = grown.assign(exponent=grown["exponent"].map("{:.2f}".format).replace("nan", "–"))
    text = told_limits(frame) + "\n" + markdown(told, headings) + "\n"
    frame = frame.astype({"pool": int, "n": int})
    (folder / "scaling.md").write_text(text + markdown(frame, points), encoding="utf-8")
    figure = draw(frame, grown, (("n", POOL), ("pool", N)))
    for suffix in ("pdf", "png"):
        save_figure(figure, folder / f"scaling.{suffix}")
    print(text)


def main() -> int:
    """Measure and draw; 1 if a point failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="where tables and figure go")
    parser.add_argument("--again", action="store_true", help="measure every point anew")
    parser.add_argument("--draw-only", action="store_true", help="measure nothing")
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    path, failed = asked.folder / "scaling.csv", 0
    if asked.draw_only:
        frame = pd.read_csv(path)
    else:
        write_machine(asked.folder, "scaling-environment.json")
        frame, failed = measure_all(path, asked.again)
    write(asked.folder, frame)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
