"""The cells of two runs side by side: the same task, method, size and seed, and their bits."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from surrobench.report.common.measures import Measure
from surrobench.report.comparing.changes import CELL
from surrobench.report.pipeline.results import PipelineResults
from surrobench.report.results import Results
from surrobench.report.search.records import REGRET
from surrobench.report.search.results import SearchResults
from surrobench.report.search.summaries import scores_at
from surrobench.studies.kind import Kind

_MARK = "\x1f"
_NOT_NUMBERS = ("host", "version", "key", "ranking")
_PICKS = Measure("regret", "regret of the best pick", False, False, True, perfect=0.0)


@dataclass(frozen=True)
class Paired:
    """Two runs, paired.

    Attributes:
        measure: that the scores are of.
        cells: with a number in both: task, ``method``, ``at`` (size or budget), ``seed``,
            ``before``, ``after``, ``same_bits`` and ``same_key``.
        failed: cells of both without a number in one of them: the same names, and ``reason``.
        alone: cells of one run: the same names, and ``run`` (0 or 1).
    """

    measure: Measure
    cells: pd.DataFrame
    failed: pd.DataFrame
    alone: pd.DataFrame


def pair(frames: Sequence[pd.DataFrame], kind: Kind, measure: str | None = None) -> Paired:
    """Pair the cells of two results tables.

    Args:
        frames: of the first and the second run.
        kind: of the studies.
        measure: a column of scores (prediction studies).

    Raises:
        UserError: for results that cannot be read, and a measure that they do not have.
    """
    columns = [str(name) for name in frames[0] if name in frames[1]]
    digests = [_digests(frame, columns) for frame in frames]
    marked = [
        frame.assign(**{kind.subject: f"{side}{_MARK}" + frame[kind.subject].astype(str)})
        for side, frame in enumerate(frames)
    ]
    together = pd.concat(marked, ignore_index=True)
    if kind.name == "prediction":
        chosen, rows = _predictions(together, measure)
    else:
        chosen, rows = _searches(together) if kind.name == "search" else _pipelines(together)
    run, _, label = zip(*rows["label"].str.partition(_MARK).to_numpy(), strict=True)
    rows = rows.assign(run=np.array(run, dtype=int), label=label).reset_index(drop=True)
    rows["method"] = _names(rows)
    halves = [
        half.drop(columns="run").assign(bits=half["key"].map(digest)).drop_duplicates(list(CELL))
        for digest, (_, half) in zip(digests, rows.groupby("run"), strict=True)
    ]
    halves[0]["place"] = range(len(halves[0]))  # an outer join does not keep the order
    both = halves[0].merge(halves[1], on=list(CELL), how="outer", indicator=True)
    both = both.sort_values("place", kind="stable")
    common = both[both["_merge"] == "both"]
    lonely = both[both["_merge"] != "both"]
    cells = pd.DataFrame(
        {
            **{name: common[name] for name in CELL},
            "before": common["score_x"],
            "after": common["score_y"],
            "same_bits": common["bits_x"] == common["bits_y"],
            "same_key": common["key_x"] == common["key_y"],
        }
    )
    scored = cells["before"].notna() & cells["after"].notna()
    reasons = common["reason_x"].fillna("").where(cells["before"].isna(), common["reason_y"])
    return Paired(
        chosen,
        cells[scored].reset_index(drop=True),
        cells.loc[~scored, list(CELL)].assign(reason=reasons[~scored]).reset_index(drop=True),
        lonely[list(CELL)]
        .assign(run=(lonely["_merge"] == "right_only").astype(int))
        .reset_index(drop=True),
    )


def _names(rows: pd.DataFrame) -> pd.Series:
    """The label, and the parts by which a run tells methods of one label on one task apart."""
    name = rows["label"].copy()
    for part in ("predictor", "encoding", "acquisition"):
        if part in rows:
            here = rows.groupby(["run", "label", "task"])[part].transform("nunique")
            several = here.groupby(rows["label"]).transform("max") > 1
            name = name + (" · " + rows[part]).where(several & (rows[part] != ""), "")
    return name


def _digests(frame: pd.DataFrame, columns: Sequence[str]) -> dict[str, str]:
    """Of every cell, by its key: all that is in both tables, but for seconds and machines."""
    kept = [n for n in columns if "seconds" not in n and n not in _NOT_NUMBERS]
    plain = pd.DataFrame(
        {
            name: frame[name].astype(float)
            if pd.api.types.is_numeric_dtype(frame[name])
            else frame[name].astype(object).where(frame[name].notna(), "").astype(str)
            for name in kept
        }
    )
    hashes = pd.util.hash_pandas_object(plain, index=False)
    return {
        str(key): hashlib.sha256(values.to_numpy().tobytes()).hexdigest()
        for key, values in hashes.groupby(frame["key"].astype(str), sort=False)
    }


def _predictions(frame: pd.DataFrame, measure: str | None = None) -> tuple[Measure, pd.DataFrame]:
    results = Results.of(frame)
    chosen = results.primary(measure) or REGRET
    records = results.records
    plain = records["transform"].isin(["", "standardise"])
    score = records.get(chosen.column, np.nan)
    return chosen, pd.DataFrame(
        {
            "task": records["task"],
            "label": records["predictor"] + ("+" + records["transform"]).where(~plain, ""),
            "encoding": records["encoding"],
            "at": records["train_size"],
            "seed": records["seed"],
            "score": np.where(records["status"] == "ok", score, np.nan),
            "reason": records["reason"],
            "key": records["key"].astype(str),
        }
    )


def _searches(frame: pd.DataFrame) -> tuple[Measure, pd.DataFrame]:
    """Final scores; what a regret counts from is the same for both, for it is read together."""
    results = SearchResults.of(frame)
    parts = []
    for task, traces in results.traces.items():
        wide = scores_at(traces, max(1, int(traces.budget)))
        long = wide.melt(ignore_index=False, var_name="method", value_name="score")
        long = long.dropna(subset="score").reset_index()
        parts.append(long.assign(task=task, at=max(1, int(traces.budget))))
    rows = results.rows.drop_duplicates(["task", "method", "seed"])
    known = ["task", "method", "seed", "strategy", "predictor", "encoding", "acquisition", "key"]
    lost = results.failures.assign(at=0, score=np.nan)
    found = pd.concat([*parts, lost], ignore_index=True)
    found = found.merge(rows[known], on=["task", "method", "seed"], how="left")
    found = found.assign(label=found["strategy"].fillna(found["method"]))
    texts = ["predictor", "encoding", "acquisition", "key", "reason"]
    found = found.reindex(columns=[*found.columns, *(t for t in texts if t not in found)])
    found[texts] = found[texts].astype(object).fillna("")
    return results.measure, found


def _pipelines(frame: pd.DataFrame) -> tuple[Measure, pd.DataFrame]:
    results = PipelineResults.of(frame)
    names = ["task", "method", "seed"]
    rows = results.rows.drop_duplicates(names)
    known = [*names, "predictor", "encoding", "acquisition", "key", "train"]
    found = results.choices.merge(rows[known], on=names, how="left")
    found = found.rename(columns={"regret": "score", "predictor": "label", "train": "at"})
    lost = results.failures.rename(columns={"method": "label"}).assign(at=0)
    found = pd.concat([found.drop(columns="method"), lost], ignore_index=True)
    columns = ["task", "label", "encoding", "acquisition", "at", "seed", "score", "reason", "key"]
    found = found.reindex(columns=columns)
    texts = ["encoding", "acquisition", "reason", "key"]
    found[texts] = found[texts].astype(object).fillna("")
    return _PICKS, found
