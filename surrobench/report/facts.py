"""What the results themselves say for a reproducibility appendix: seeds, cells, cost, failures."""

from __future__ import annotations

import pandas as pd

from surrobench.report.pipeline.results import PipelineResults
from surrobench.report.pipeline.tables import judge_text
from surrobench.report.results import Results
from surrobench.report.search.judging import judge_sentences, lengths_sentence
from surrobench.report.search.results import SearchResults

Facts = list[tuple[str, str]]


def prediction_facts(results: Results) -> Facts:
    """Of a prediction study."""
    records = results.records
    protocols = sorted(set(records["protocol"]) - {""})
    facts = [
        ("Tasks", f"{len(results.tasks)}"),
        ("Methods", ", ".join(results.methods)),
        ("Training examples", ", ".join(f"{size:,}" for size in results.sizes)),
        ("Protocol", ", ".join(protocols)),
        ("Seeds", _seeds(records["seed"])),
        ("Cells", f"{len(records):,} planned, {len(results.failures):,} without a result"),
        ("Failures", _reasons(results.failures)),
        ("Fitting", _total(results.ok, "fit_seconds", "all cells")),
        ("Processor time", _total(results.ok, "cpu_seconds", "all cells, fitting and prediction")),
        ("Versions of the package", _versions(records)),
    ]
    return [(label, text) for label, text in facts if text]


def search_facts(results: SearchResults) -> Facts:
    """Of a search study."""
    rows = results.rows
    ends = rows.groupby(["task", "method", "seed"]).last()
    budgets = sorted({trace.budget for trace in results.traces.values()})
    facts = [
        ("Tasks", f"{len(results.tasks)}"),
        ("Methods", ", ".join(results.methods)),
        ("Budget", ", ".join(f"{budget:,.4g}" for budget in budgets) + " full trainings"),
        ("Lengths of training", lengths_sentence(rows)),
        ("Judge", " ".join(judge_sentences(results.judges))),
        ("Seeds", _seeds(pd.concat([rows["seed"], results.failures["seed"]]))),
        ("Runs", f"{len(ends):,} finished, {len(results.failures):,} broke off"),
        ("Failures", _reasons(results.failures)),
        ("Evaluations without a value", f"{results.failed_evaluations:,}"),
        ("Time of the strategies", _total(ends, "overhead_seconds", "all runs")),
        (
            "Training, stated or measured",
            _total(ends, "simulated_seconds", "all runs"),
        ),
        ("Versions of the package", _versions(rows)),
    ]
    return [(label, text) for label, text in facts if text]


def pipeline_facts(results: PipelineResults) -> Facts:
    """Of a pipeline study."""
    rows = results.rows
    cells = rows.drop_duplicates(["task", "method", "seed"])
    facts = [
        ("Tasks", f"{len(results.tasks)}"),
        ("Data", "; ".join(dict.fromkeys(rows["data"]))),
        ("Methods", ", ".join(results.methods)),
        ("Short trainings", _spans(cells["train"]) + " for each task and seed"),
        ("Candidates", _spans(cells["pool"])),
        ("Judge", judge_text(results)),
        ("Picks", _spans(cells["picks"]) + " by each method"),
        ("Seeds", _seeds(pd.Series(results.seeds))),
        ("Cells", f"{len(cells):,} finished, {len(results.failures):,} without a result"),
        ("Failures", _reasons(results.failures)),
        ("Fitting", _total(cells, "fit_seconds", "all cells")),
        ("Scoring", _total(cells, "score_seconds", "all cells")),
        ("Versions of the package", _versions(rows)),
    ]
    return [(label, text) for label, text in facts if text]


def _spans(numbers: pd.Series) -> str:
    return ", ".join(f"{number:,.0f}" for number in sorted(set(numbers.dropna())))


def _seeds(seeds: pd.Series) -> str:
    """Few seeds one by one, a range as a range."""
    values = sorted({int(seed) for seed in seeds})
    if len(values) > 2 and values == list(range(values[0], values[-1] + 1)):
        return f"{len(values)}: {values[0]} to {values[-1]}"
    return f"{len(values)}: {', '.join(map(str, values))}" if values else ""


def _total(frame: pd.DataFrame, column: str, over: str) -> str:
    if column not in frame or not frame[column].notna().any():
        return ""
    seconds = float(frame[column].sum())
    for unit, length in (("years", 31_557_600), ("days", 86_400), ("hours", 3_600)):
        if seconds >= 2 * length:
            return f"{seconds / length:,.1f} {unit} over {over}"
    return f"{seconds:,.1f} seconds over {over}"


def _reasons(failures: pd.DataFrame) -> str:
    """How often which reason occurred; the ten most frequent."""
    if failures.empty:
        return ""
    counts = failures[["method", "status", "reason"]].value_counts().head(10)
    told = [
        f"{count} × {method}: {status}" + (f" ({reason})" if reason else "")
        for method, status, reason, count in counts.reset_index().itertuples(index=False)
    ]
    return "; ".join(told)


def _versions(frame: pd.DataFrame) -> str:
    if "version" not in frame:
        return ""
    return ", ".join(sorted({str(value) for value in frame["version"].dropna()}))
