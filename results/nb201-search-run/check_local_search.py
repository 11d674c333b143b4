"""Local search written a second time, to tell a lucky sample from a mistake.

    python results/nb201-search-run/check_local_search.py

Hill climbing over all single changes of a cell on ``nb201/cifar10-val-run``: 10 random cells, then
the neighbours of the best in random order, moving at the first improvement. Three ways to go on at
a local optimum. It shares no code with ``surrobench.strategies``; the table alone is the same.
"""

from __future__ import annotations

import numpy as np

from surrobench import load_task

TASK = load_task("nb201/cifar10-val-run")
CELLS, TRUTH = np.array(TASK.archs), TASK.truth
OPERATIONS, EDGES, SEEDS, BUDGET = 5, 6, 300, 150
ROW = np.empty(OPERATIONS**EDGES, dtype=int)
PLACES = OPERATIONS ** np.arange(EDGES)
ROW[CELLS @ PLACES] = np.arange(len(CELLS))


def neighbours(row: int) -> list[int]:
    """Rows of the 24 cells that differ in one edge."""
    found = []
    for edge in range(EDGES):
        for operation in set(range(OPERATIONS)) - {int(CELLS[row, edge])}:
            cell = CELLS[row].copy()
            cell[edge] = operation
            found.append(int(ROW[cell @ PLACES]))
    return sorted(found)


def perturbed(row: int, rng: np.random.Generator) -> int:
    """A cell that differs in two edges (iterated local search)."""
    cell = CELLS[row].copy()
    for edge in rng.choice(EDGES, 2, replace=False):
        cell[edge] = (cell[edge] + rng.integers(1, OPERATIONS)) % OPERATIONS
    return int(ROW[cell @ PLACES])


def next_start(way: str, known: list[int], rng: np.random.Generator) -> int:
    """Where to go on from a local optimum."""
    if way == "next best":
        by_value = sorted(known, key=lambda row: -TRUTH[row])
        return next(row for row in by_value if set(neighbours(row)) - set(known))
    best = max(known, key=lambda row: TRUTH[row])
    while True:
        row = perturbed(best, rng) if way == "perturb the best" else int(rng.integers(len(CELLS)))
        if row not in known:
            return row


def search(way: str, seed: int) -> np.ndarray:
    """Values in the order of evaluation."""
    rng = np.random.default_rng(seed)
    known = rng.choice(len(CELLS), 10, replace=False).tolist()
    centre = max(known, key=lambda row: TRUTH[row])
    while len(known) < BUDGET:
        near = neighbours(centre)
        for row in rng.permutation(near).tolist():
            if row in known:
                continue
            known.append(row)
            if TRUTH[row] > TRUTH[centre]:
                centre = row
                break
        else:
            centre = next_start(way, known, rng)
            if centre not in known:
                known.append(centre)
    return TRUTH[known[:BUDGET]]


def main() -> None:
    """Print mean simple regret after 50, 100 and 150 evaluations, ± standard errors."""
    for way in ("random restart", "next best", "perturb the best"):
        values = np.stack([search(way, seed) for seed in range(SEEDS)])
        regret = TRUTH.max() - np.maximum.accumulate(values, axis=1)
        at = regret[:, [49, 99, 149]]
        mean, error = at.mean(0), at.std(0, ddof=1) / np.sqrt(SEEDS)
        tens = at.reshape(-1, 10, 3).mean(1)
        print(
            f"{way:18}",
            " ".join(f"{m:.2f} ± {e:.2f}" for m, e in zip(mean, error, strict=True)),
            f"  means of ten at 100: {tens[:, 1].min():.2f} to {tens[:, 1].max():.2f}",
            f"  at 150: {tens[:, 2].min():.2f} to {tens[:, 2].max():.2f}",
        )


if __name__ == "__main__":
    main()
