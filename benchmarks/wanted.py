"""What was wanted of the speed of this package beside what was reached, from the tables of speed.

    python benchmarks/wanted.py results/speed

Writes ``wanted.md``. Measures nothing: a row without a measurement says which command measures it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
from markdown_table import markdown

OTHER = "e23950e"
COMPARE = f"`compare.py {OTHER}`"


class Tables:
    """The tables of a folder, and single numbers of them as text."""

    def __init__(self, folder: Path) -> None:
        self.ratios = pd.read_csv(folder / "ratios.csv")
        self.trees = pd.read_csv(folder / "trees.csv")
        self.start = pd.read_csv(folder / "worker-start.csv")
        self.large = pd.read_csv(folder / "large-samples.csv")
        compared = folder / f"compare-{OTHER}.csv"
        self.compared = pd.read_csv(compared) if compared.is_file() else pd.DataFrame()

    def ratio(self, work: str, column: str = "ratio", baseline: str = "") -> str:
        """Of a row of ratios: baseline over ours, or another column; a dash if there is none."""
        rows = self.ratios[self.ratios["work"].str.startswith(work)]
        rows = rows[rows["baseline"].fillna("").str.startswith(baseline)]
        if rows.empty:
            return "–"
        return _number(float(rows[column].iloc[0]))

    def ceiling(self, work: str) -> str:
        """What the floor of a row would give."""
        row = self.ratios[self.ratios["work"].str.startswith(work)].iloc[0]
        return _number(float(row["baseline_s"] / row["floor_s"]))

    def tree(self, work: str) -> str:
        """An ensemble beside its library, at both sizes."""
        rows = self.trees[self.trees["work"].str.endswith(work)].sort_values("n")
        return " and ".join(_number(value) for value in rows["ratio"])

    def workers(self, start: str) -> str:
        """Interpreter over fork, processor seconds, the least and the most over cells."""
        rows = self.start[(self.start["start"] == start) & (self.start["cell"] != "gp-matern52")]
        wide = rows.pivot_table(index="cell", columns="way", values="cpu_s")
        return _span(wide["interpreter"] / wide["fork"])

    def large_samples(self) -> str:
        """The exact process beside GPyTorch's at 2,000 examples: whole, the fit and the pool."""
        rows = self.large[self.large["n"] == 2000].set_index("who")
        whole, fit, pool = (
            _number(values["GPyTorch"] / values["gp-matern52-ard"])
            for values in (rows["sum_s"], rows["fit_s"], rows["prediction_s"])
        )
        return f"{whole} × at 2,000: the fit {fit} ×, the pool {pool} ×"

    def largest_sample(self) -> str:
        """The sparse process at its most examples."""
        row = self.large[self.large["who"] == "gp-sparse"].sort_values("n").iloc[-1]
        return f"at {row['n']:,} sparse: {row['sum_s']:.0f} s, {row['peak_mib'] / 1024:.1f} GiB"

    def command(self, work: str, quantity: str) -> str:
        """Other commit over this one; ``at least`` where the other was stopped before its end."""
        if self.compared.empty:
            return "not measured"
        named = self.compared["work"].str.startswith(work)
        for measured, word in ((quantity, ""), (f"{quantity} at least", "over ")):
            rows = self.compared[named & (self.compared["quantity"] == measured)].dropna()
            if len(rows):
                return f"{word}{_number(float(rows['ratio'].iloc[0]))} ×"
        return "not measured"

    def page(self, work: str) -> str:
        """Size of the page that a command of this build makes."""
        if self.compared.empty:
            return "not measured"
        named = self.compared["work"].str.startswith(work)
        rows = self.compared[named & (self.compared["quantity"] == "page_mb")]
        return f"{_number(float(rows['here'].iloc[0]))} MB" if len(rows) else "not measured"


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.2g}"


def _span(values: pd.Series) -> str:
    return f"{_number(values.min())} to {_number(values.max())}"


def rows(tables: Tables) -> list[tuple[str, str, str, str, str]]:
    """Work, against what, wanted, reached, and the floor or what measures the row."""
    binned, boosted = ": random-forest-hist", "xgboost-hist"
    search, pool = "search of 150 evaluations", "qLog-EI (128 samples) over the pool"
    gp, mlp = (
        "gp-matern52: fit and prediction of the pool, n = 100",
        "MLP ensemble of 5: fit and",
    )
    return [
        ("`run quickstart`, until the table", OTHER, "2 ×",
         tables.command("run quickstart, one seed", "until_table_s"), COMPARE),
        ("`run quickstart`, whole, processor", OTHER, "2.5 ×",
         tables.command("run quickstart, one seed", "cpu_s"), COMPARE),
        ("`report` of quickstart, processor", OTHER, "4 ×",
         tables.command("report of quickstart", "cpu_s"), f"imports and drawing; {COMPARE}"),
        ("`report` of nb201-predictors, processor", OTHER, "4 ×",
         tables.command("report of nb201-predictors", "cpu_s"), f'{COMPARE} --only "report of nb"'),
        ("`report` of all-tables, processor", OTHER, "6 ×",
         tables.command("report of all-tables", "cpu_s"), f'{COMPARE} --only "report of all"'),
        ("page of all-tables", "–", "5 MB", tables.page("report of all-tables"),
         f'{COMPARE} --only "report of all"'),
        ("first worker for a tree, ridge or constant cell", "interpreter", "2 ×",
         f"{tables.workers('first')} ×", "torch and SciPy, which every cell needs"),
        ("second worker", "interpreter", "2 ×", f"{tables.workers('second')} ×", "a fork"),
        ("worker in the place of a lost one", "interpreter", "2 ×",
         f"{tables.workers('replacement')} ×", "a fork"),
        ("forest, n = 200 and 800", "scikit-learn", "5 ×",
         f"{tables.tree(': random-forest')} × (bins: {tables.tree(binned)} ×)",
         "scikit-learn's own fit; see Trees"),
        ("boosted ensemble, n = 200 and 800", "XGBoost", "3 ×",
         f"{tables.tree(': xgboost')} × (bins: {tables.tree(boosted)} ×)", "prediction; see Trees"),
        ("MLP ensemble", "scikit-learn", "9 ×", f"{tables.ratio(mlp)} ×",
         f"{tables.ceiling(mlp)} ×: its matrix products"),
        ("GP with one lengthscale, n = 100", "GPyTorch", "20 ×", f"{tables.ratio(gp)} ×",
         f"{tables.ceiling(gp)} ×: one likelihood and one posterior"),
        (search, "bare algebra", "3 floors", f"{tables.ratio(search, 'over_floor')} floors",
         "1, over 5 with its refits; see below"),
        ("qLog-EI over the pool", "BoTorch, caches warm", "25 ×", f"{tables.ratio(pool)} ×", "–"),
        ("qLogNEHVI over the pool", "BoTorch, caches warm", "25 ×",
         f"{tables.ratio('qLog-NEHVI')} ×", "–"),
        ("`nb201-predictors`, 2 workers", "libraries directly", "30 ×",
         f"{tables.ratio('study nb201-predictors')} ×", "half of it is tree fits; see below"),
        ("GP, n = 2,000 and 10,000, pool of 300,000", "GPyTorch, Cholesky", "5 ×",
         tables.large_samples(), tables.largest_sample()),
        ("live training of cells", OTHER, "1.5 ×", tables.command("live training", "cpu_s"),
         f'convolutions and norms; {COMPARE} --only "live training"'),
        ("the whole test suite, 2 cores, wall", OTHER, "0.4 ×", "see below", "–"),
    ]  # fmt: skip


def main() -> int:
    """Write the table and print it."""
    folder = Path(sys.argv[1])
    names = ["work", "against", "wanted", "reached", "floor"]
    headings = {name: name for name in names} | {"floor": "floor, or what measures it"}
    text = markdown(pd.DataFrame(rows(Tables(folder)), columns=names), headings)
    (folder / "wanted.md").write_text(text, encoding="utf-8")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
