"""The whole report of one or more runs: tables, figures, their origin, and what is left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from surrobench.base.page_facts import facts_html
from surrobench.base.process_state import without_collection
from surrobench.errors import UserError, did_you_mean
from surrobench.reporting.details import DETAILS
from surrobench.reporting.kinds import REPORTS
from surrobench.reporting.lookup import folders_of
from surrobench.reporting.made_of import digest_of, files_of, note
from surrobench.reporting.origin import collect
from surrobench.studies.run_folder.fingerprints import refuse_other_data
from surrobench.studies.run_folder.view import companions, kind_of_frame, load_methods, ranked_alike

if TYPE_CHECKING:
    from surrobench.report.common.exhibit import Exhibit
    from surrobench.reporting.kinds import AnyRanking


@dataclass(frozen=True)
class Report:
    """What a report consists of.

    Attributes:
        folder: where it stands; ``report.html`` and ``report.md`` list everything.
        paths: its files: overview and summary first, then the figures, then everything else.
        ranking: the table of methods, which :func:`rich.print` shows in the terminal.
        notes: what a reader of the numbers must know of them, in sentences.
        left_out: methods whose rows are not shown since the study has them no longer.
        damaged: files that were left out because they are not what was written.
        kept: whether the report was made of the same results before and left as it is.
    """

    folder: Path
    paths: tuple[Path, ...]
    ranking: AnyRanking
    notes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    damaged: tuple[Path, ...] = ()
    kept: bool = False

    def _repr_html_(self) -> str:
        first = ", ".join(path.name for path in self.paths[:3])
        return facts_html(
            f"Report in {self.folder}",
            [
                ("files", f"{len(self.paths):,}" + (f", first {first}" if first else "")),
                ("open", self.folder / "report.html"),
                ("to know", " ".join(self.notes)),
                ("methods left out", ", ".join(self.left_out)),
                ("damaged", ", ".join(map(str, self.damaged))),
            ],
        )


def report(
    runs: str | Path | Sequence[str | Path],
    out: str | Path | None = None,
    *,
    methods: Sequence[str] = (),
    every: bool = False,
    detail: str = "full",
    show: Callable[[AnyRanking], None] = lambda ranking: None,
) -> Report:
    """Make tables and figures of a run, or of several put together.

    The same as the command ``surrobench report``, with everything that this makes: beside what
    the results say of themselves also figures of the tasks, where their data are at hand, and
    what to cite.

    Args:
        runs: run folders, or their ``results.parquet``; one or several of one kind of study.
        out: folder of the report, by default ``report`` in the (first) run folder.
        methods: only these predictors or strategies.
        every: also those that the latest study of a folder no longer has.
        detail: ``"full"``; ``"short"`` for the essentials, which are tables of means and the figure
            that one looks at first; or ``"none"`` for the ranking alone.
        show: is called with the ranking before any file is made.

    Raises:
        UserError: if there are no results, they do not belong together, a method is unknown, or
            the folder cannot be written to.

    Example:
        >>> import pandas as pd, pathlib, surrobench, tempfile
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> names = ["task", "predictor", "transform", "encoding", "train_size", "seed", "status"]
        >>> rows = [
        ...     ["mine", predictor, "none", "one-hot", 25, seed, "ok", tau, f"{predictor}{seed}"]
        ...     for seed in range(3)
        ...     for predictor, tau in (("knn", 0.5), ("gp-rbf", 0.6 + seed / 100))
        ... ]
        >>> table = pd.DataFrame(rows, columns=[*names, "kendall_tau", "key"])
        >>> table.assign(reason="").to_parquet(folder / "results.parquet")
        >>> made = surrobench.report(folder, detail="short")
        >>> made.paths[0].name, (made.folder / "tables/summary.csv").is_file()
        ('report.html', True)
    """
    places = [Path(run) for run in ([runs] if isinstance(runs, str | Path) else runs)]
    if not places:
        raise UserError("a report needs at least one run folder.")
    refuse_other_data(places)
    damaged: list[Path] = []
    frame, left_out = load_methods(places, methods, every, damaged)
    folder = folders_of(places)[0] / "report" if out is None else Path(out)
    return report_of(
        frame,
        folder,
        places,
        detail,
        left_out=tuple(left_out),
        damaged=tuple(damaged),
        show=show,
    )


def report_of(
    frame: pd.DataFrame,
    folder: Path,
    runs: Sequence[Path],
    detail: str = "full",
    *,
    keep: bool = False,
    left_out: tuple[str, ...] = (),
    damaged: tuple[Path, ...] = (),
    show: Callable[[AnyRanking], None] = lambda ranking: None,
) -> Report:
    """Make the report of results that are at hand.

    Args:
        frame: results of one kind of study.
        folder: of the report.
        runs: where the results came from; what lies beside them may belong to the report.
        detail: one of :data:`surrobench.reporting.details.DETAILS`.
        keep: leave a report as it is that was made of the same results.
        left_out: methods whose rows are not in ``frame``.
        damaged: files that were not read.
        show: is called with the ranking before any file is made.

    Raises:
        UserError: for an unknown detail, and results that cannot be read.
    """
    if detail not in DETAILS:
        raise UserError(f"unknown detail {detail!r}. " + did_you_mean(detail, DETAILS))
    kind = kind_of_frame(frame)
    shown = REPORTS[kind.name]
    results = shown.results(frame, **companions(kind, runs))
    ranking = shown.ranking(results)
    show(ranking)
    digest = digest_of(frame, detail)
    paths = files_of(folder, digest) if keep else []
    if keep and detail == "short":  # everything is more than was asked for
        paths = paths or files_of(folder, digest_of(frame, "full"))
    kept = bool(paths)
    notes: tuple[str, ...] = ()
    if detail != "none" and not kept:
        notes = _alike(results, frame)
        with without_collection():
            paths = _write(frame, results, folder, runs, notes, detail == "full")
        note(folder, digest, paths)
    ordered = tuple(sorted(paths, key=_interest))
    return Report(folder, ordered, ranking, notes, left_out, damaged, kept)


def _write(
    frame: pd.DataFrame,
    results: Any,
    folder: Path,
    runs: Sequence[Path],
    notes: Sequence[str],
    full: bool,
) -> list[Path]:
    """Write the files of a report."""
    kind = kind_of_frame(frame).name
    extras: tuple[Exhibit, ...] = ()
    omitted: tuple[str, ...] = ()
    if full:  # imported late: whoever waits for the ranking alone waits for no figures
        from surrobench.reporting.exhibits import task_extras

        found = task_extras(frame, runs, kind)
        extras, omitted = found.exhibits, found.omitted
    paths: list[Path] = REPORTS[kind].write(
        results,
        folder,
        provenance=collect(frame, runs),
        extras=extras,
        omitted=(*omitted, *notes),
        complete=full,
    )
    return paths


def _alike(results: Any, frame: pd.DataFrame) -> tuple[str, ...]:
    """What is said of tasks that ask one question under several names."""
    counted = getattr(results, "alike", None)
    groups: dict[str, list[str]] = ranked_alike(frame) if counted is None else counted
    then = (
        "they are one question, asked more than once."
        if counted is None
        else "statements over tasks count the first alone."
    )
    return tuple(
        f"{task} and {', '.join(others)} rank all architectures alike: {then}"
        for task, others in groups.items()
    )


def _interest(path: Path) -> int:
    """How soon a file is named."""
    wanted = (
        path.name == "report.html",
        path.name == "report.md",
        path.name == "summary.csv",
        path.suffix == ".pdf",
    )
    return wanted.index(True) if any(wanted) else len(wanted)
