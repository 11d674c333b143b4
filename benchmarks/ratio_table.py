"""From the files of pytest-benchmark to one table of ratios, and one of regrets."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t as student
from speed_rows import INTEGRATED_BOTORCH, NO_OP_CELL, WHOLE_BOTORCH, Row

EQUAL = 1e-3
"""By how much log posteriors per example may differ where hyperparameters are equally good."""


@dataclass(frozen=True)
class Timing:
    """What one benchmark measured.

    Attributes:
        seconds: the median over rounds.
        rounds: how many.
        facts: what else it found: ``log_posterior`` per example, ``regrets``, a ``note``.
    """

    seconds: float
    rounds: int
    facts: Mapping[str, Any] = field(default_factory=dict)


Timings = dict[str, Timing]


def read_benchmarks(path: Path) -> Timings:
    """The timings in a file that ``--benchmark-json`` wrote; none if there is no such file."""
    if not path.is_file() or path.stat().st_size == 0:
        return {}
    content = json.loads(path.read_text(encoding="utf-8"))
    return {
        entry["name"]: Timing(
            entry["stats"]["median"], entry["stats"]["rounds"], entry["extra_info"]
        )
        for entry in content["benchmarks"]
    }


def load(path: Path) -> Timings:
    """Timings kept by :func:`save`; none if there is no such file."""
    if not path.is_file():
        return {}
    content = json.loads(path.read_text(encoding="utf-8"))
    return {name: Timing(**values) for name, values in content.items()}


def save(timings: Timings, path: Path) -> None:
    """Keep timings as JSON, by name."""
    content = {name: asdict(timings[name]) for name in sorted(timings)}
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def derived(timings: Timings, evaluations: int = 150, initial: int = 10) -> Timings:
    """Timings with those that follow from others.

    A search with BoTorch's loop is the sum over its steps, interpolated linearly between the sizes
    at which steps were timed, unless it was run to its end. A cell that does nothing is the slope
    between runs of few and of many cells.
    """
    more: Timings = {}
    steps = _parameters(timings, "test_step_botorch")
    if WHOLE_BOTORCH in timings:
        more[INTEGRATED_BOTORCH] = timings[WHOLE_BOTORCH]
    elif len(steps) > 1:
        sizes = sorted(steps)
        each = np.interp(
            range(initial, evaluations), sizes, [steps[size].seconds for size in sizes]
        )
        rounds = min(step.rounds for step in steps.values())
        note = "extrapolated from steps at n = " + ", ".join(map(str, sizes))
        more[INTEGRATED_BOTORCH] = Timing(float(each.sum()), rounds, {"note": note})
    cells = _parameters(timings, "test_no_op_cells")
    if len(cells) > 1:
        few, many = min(cells), max(cells)
        slope = (cells[many].seconds - cells[few].seconds) / (many - few)
        note = f"slope between {few} and {many} cells"
        more[NO_OP_CELL] = Timing(slope, cells[few].rounds, {"note": note})
    return {**timings, **more}


def _parameters(timings: Timings, name: str) -> dict[int, Timing]:
    prefix = f"{name}["
    return {
        int(known[len(prefix) : -1]): timing
        for known, timing in timings.items()
        if known.startswith(prefix)
    }


def ratio_table(timings: Timings, rows: Sequence[Row]) -> pd.DataFrame:
    """One line per row; NaN where something was not measured."""
    timings = derived(timings)
    return pd.DataFrame([_line(row, timings) for row in rows])


def _line(row: Row, timings: Timings) -> dict[str, Any]:
    ours, baseline, floor = (_sum(timings, names) for names in (row.ours, row.baseline, row.floor))
    return {
        "work": row.work,
        "baseline": row.peer,
        "ours_s": ours,
        "baseline_s": baseline,
        "floor_s": floor,
        "ratio": baseline / ours,
        "over_floor": ours / floor,
        "required": _required(row),
        "met": _met(row, ours, baseline, floor, timings),
        "rounds": "/".join(_rounds(timings, names) for names in (row.ours, row.baseline)),
        "notes": "; ".join(_notes(row, timings)),
    }


def _sum(timings: Timings, names: Sequence[str]) -> float:
    if not names or any(name not in timings for name in names):
        return math.nan
    return sum(timings[name].seconds for name in names)


def _rounds(timings: Timings, names: Sequence[str]) -> str:
    known = [timings[name].rounds for name in names if name in timings]
    return str(min(known)) if known else "–"


def _required(row: Row) -> str:
    if row.least_ratio is not None:
        return f"≥ {row.least_ratio:,g}×"
    if row.most_seconds is not None:
        return f"≤ {row.most_seconds:g} s"
    return f"≤ {row.most_floors:g} floors" if row.most_floors is not None else ""


def _met(row: Row, ours: float, baseline: float, floor: float, timings: Timings) -> str:
    """Yes or no; nothing where nothing is required or something was not measured."""
    if row.least_ratio is not None:
        margin = baseline / ours - row.least_ratio
    elif row.most_seconds is not None:
        margin = row.most_seconds - ours
    elif row.most_floors is not None:
        margin = row.most_floors - ours / floor
    else:
        return ""
    fair = _fair(row, timings)
    if math.isnan(margin) or fair is None:
        return "not measured"
    return "yes" if margin >= 0 and fair else "no"


def _fair(row: Row, timings: Timings) -> bool | None:
    """Whether ours answers as well as the peer, where that is asked; None if it is not known."""
    posteriors = _log_posteriors(row, timings)
    if posteriors is not None and posteriors[0] < posteriors[1] - EQUAL:
        return False
    if not row.no_worse:
        return True
    comparison = compare_regrets(timings, row.ours[0], row.no_worse[0])
    return None if comparison is None else comparison.no_worse


def _log_posteriors(row: Row, timings: Timings) -> tuple[float, float] | None:
    """Log posteriors per example that the hyperparameters of ours and of the peer reached."""
    if not row.baseline:
        return None
    facts = [
        timings[names[0]].facts if names[0] in timings else {} for names in (row.ours, row.baseline)
    ]
    if any("log_posterior" not in known for known in facts):
        return None
    return facts[0]["log_posterior"], facts[1]["log_posterior"]


def _notes(row: Row, timings: Timings) -> list[str]:
    notes = [
        str(timings[name].facts["note"])
        for name in (*row.ours, *row.baseline)
        if name in timings and "note" in timings[name].facts
    ]
    posteriors = _log_posteriors(row, timings)
    if posteriors is not None:
        ours, theirs = posteriors
        notes.append(f"log posterior per example {ours:.5f} against {theirs:.5f}")
    if row.no_worse:
        comparison = compare_regrets(timings, row.ours[0], row.no_worse[0])
        notes += [] if comparison is None else [comparison.told()]
    return list(dict.fromkeys(notes))


@dataclass(frozen=True)
class RegretComparison:
    """Regrets of two searches over the same seeds.

    Attributes:
        ours: mean regret of the first.
        theirs: of the second.
        low: lower end of the 95 % interval (Student) of the mean paired difference.
        high: upper end.
        seeds: that both have.
    """

    ours: float
    theirs: float
    low: float
    high: float
    seeds: int

    @property
    def no_worse(self) -> bool:
        """Whether the data do not say that the first has the higher regret."""
        return self.low <= 0.0

    def told(self) -> str:
        """In words."""
        return (
            f"mean regret {self.ours:.3f} against {self.theirs:.3f} over {self.seeds} seeds, "
            f"difference {self.low:+.3f} to {self.high:+.3f}"
        )


def compare_regrets(timings: Timings, ours: str, theirs: str) -> RegretComparison | None:
    """Two searches over the seeds that both have; None if one has not been run."""
    found = [timings[name].facts.get("regrets", []) for name in (ours, theirs) if name in timings]
    if len(found) < 2 or min(map(len, found)) < 2:
        return None
    a, b = (np.array(values[: min(map(len, found))]) for values in found)
    difference = a - b
    error = difference.std(ddof=1) / math.sqrt(len(difference))
    half = float(student.ppf(0.975, len(difference) - 1)) * error
    mean = float(difference.mean())
    return RegretComparison(a.mean(), b.mean(), mean - half, mean + half, len(difference))


def regret_table(timings: Timings) -> pd.DataFrame:
    """Regret of every search that was run over seeds, after its last evaluation and before."""
    lines = []
    for name, timing in timings.items():
        regrets = np.array(timing.facts.get("regrets", []))
        if len(regrets) == 0:
            continue
        error = regrets.std(ddof=1) / math.sqrt(len(regrets)) if len(regrets) > 1 else math.nan
        earlier = timing.facts.get("earlier", {})
        lines.append(
            {
                "search": name.removeprefix("test_"),
                "seeds": len(regrets),
                **{f"mean_after_{n}": float(np.mean(found)) for n, found in earlier.items()},
                "mean_regret": regrets.mean(),
                "standard_error": error,
                "found_optimum": int((regrets <= 1e-9).sum()),
                "median_seconds": timing.seconds,
            }
        )
    return pd.DataFrame(lines)
