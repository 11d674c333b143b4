"""Run a study into a run folder: plan, compute what is missing, keep, and make the view."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from surrobench.base.page_facts import facts_html
from surrobench.base.process_state import restored, without_collection
from surrobench.base.wording import counted
from surrobench.errors import UserError
from surrobench.predictors.given import GivenPart
from surrobench.studies.cluster.connection import connected
from surrobench.studies.engine.bars import BarObserver
from surrobench.studies.engine.durations import parse_budget
from surrobench.studies.engine.executor import Limits, Outcome, execute
from surrobench.studies.engine.forks import Forks, may_fork
from surrobench.studies.engine.in_fork import computed_in_fork
from surrobench.studies.engine.outcomes import record_of
from surrobench.studies.engine.planning import forked_plan
from surrobench.studies.engine.retries import RetryRule, tried
from surrobench.studies.engine.run_settings import RunSettings
from surrobench.studies.engine.signals import StopSignals, stop_signals
from surrobench.studies.engine.worker import compute
from surrobench.studies.kind import Kind
from surrobench.studies.kinds import AnyStudy, kind_of
from surrobench.studies.observer import RunObserver, Silent
from surrobench.studies.plan import Plan, PlannedCell
from surrobench.studies.run_folder.plan_file import PLAN_FILE, PlannedCells, read_plan_file
from surrobench.studies.run_folder.record import Record, Status, is_failure
from surrobench.studies.run_folder.run_files import write_environment, write_study
from surrobench.studies.run_folder.shards import Shard, share_of
from surrobench.studies.run_folder.store import ResultStore
from surrobench.studies.stopping import RunStoppedError, stopping_when_unable
from surrobench.studies.study_file import load_study

if TYPE_CHECKING:
    import pandas as pd
    from distributed import Client


@dataclass(frozen=True)
class RunResult:
    """What a run left behind.

    Attributes:
        folder: the run folder.
        frame: the results table, one row per finished cell of the folder's plan.
        plan: the cells of this study, or of the shard of it.
        computed: number of cells computed now.
        missing: number of cells of the plan still without a record.
        interrupted: whether the run was asked to stop.
        exhausted: whether the budget ended before the cells did.
        failed: number of cells of the plan that ended without numbers, through the method's fault.
        results: path of ``results.parquet``.
    """

    folder: Path
    frame: pd.DataFrame
    plan: Plan
    computed: int
    missing: int
    interrupted: bool
    results: Path
    planned: PlannedCells = field(default_factory=PlannedCells)
    exhausted: bool = False
    failed: int = 0

    def _repr_html_(self) -> str:
        return facts_html(
            f"Run in {self.folder}",
            [
                ("cells", f"{len(self.plan.cells):,}, {self.computed:,} computed now"),
                ("missing", self.missing or ""),
                ("failed", self.failed or ""),
                ("results", self.results),
            ],
        )


def run_study(
    study: str | Path | Mapping[str, Any] | AnyStudy,
    *,
    out: str | Path | None = None,
    workers: int | None = None,
    limit: int | None = None,
    retry_failed: bool = False,
    retry: str | None = None,
    update: bool = False,
    add_predictors: Sequence[Any] = (),
    shard: str | Shard | None = None,
    budget: str | float | None = None,
    all_methods: bool = False,
    progress: bool | None = None,
    engine: str | Client = "local",
    scheduler: str | None = None,
    **overrides: Any,
) -> pd.DataFrame:
    """Run a study and return its results, one row per cell; finished cells are not run again.

    As in a report, rows of methods that the folder holds but the study no longer has are left out.

    Predictors of a prediction study may be classes and instances, also such that were defined in a
    notebook: ``run_study("quickstart", add_predictors=[Mine])``. A changed class gets new cells; a
    changed function that it calls is not noticed. What cannot be pickled runs in this process,
    where no limit of time or memory holds.

    Args:
        study: a bundled name, the path of a study file, or the content of one as a mapping.
        out: run folder, by default ``runs/<study name>``.
        workers: number of processes.
        limit: compute at most so many cells now.
        retry_failed: compute failed cells again.
        retry: ways to end that get further tries, ``"died:2,timeout"``: see
            :class:`~surrobench.studies.engine.retries.RetryRule`.
        update: replace cells that were computed with other settings.
        add_predictors: names, tables (``{"use": Mine, "label": "mine"}``), classes or instances
            beside the predictors of the study.
        shard: compute one share of the cells alone: ``"3/64"``.
        budget: begin no further cell after so long: ``"10m"``, or seconds.
        all_methods: return the rows of methods that left the study as well.
        progress: whether to show a bar; by default in a terminal or a notebook.
        engine: ``"local"``: worker processes of this machine; ``"dask"``, with ``scheduler``, or a
            ``distributed.Client``: the workers of that cluster.
        scheduler: address of a Dask scheduler, or the path of its file.
        overrides: keys of the study that replace its own (``seeds=3``).

    Raises:
        UserError: for any mistake in the study.
        RunStoppedError: if the run cannot go on, such as without a scheduler; what is finished is
            kept, and the same call goes on.

    Example:
        >>> import surrobench as sb, tempfile
        >>> frame = sb.run_study(
        ...     {
        ...         "tasks": ["live/digits-chain"],
        ...         "predictors": ["params", "flops"],
        ...         "train_sizes": [25],
        ...         "seeds": 2,
        ...     },
        ...     out=tempfile.mkdtemp(),
        ...     workers=1,
        ... )
        >>> frame[["predictor", "seed", "status"]].values.tolist()[:2]
        [['params', 0, 'ok'], ['flops', 0, 'ok']]
    """
    base = Path.cwd()
    if isinstance(study, str | Path):
        loaded, origin = load_study(str(study), replace=overrides, added_predictors=add_predictors)
        base = origin.base
    elif isinstance(study, Mapping):
        content = {"kind": "prediction", "name": "study", **study, **overrides}
        content = _with_added(content, add_predictors)
        loaded = kind_of(content).build(content, "", "study")
    else:
        loaded = study
        if overrides or add_predictors:
            kept = {name: getattr(study, name) for name in type(study).model_fields}
            content = {name: value for name, value in kept.items() if value is not None}
            content = _with_added({**content, **overrides}, add_predictors)
            loaded = kind_of(study).build(content, "", "study")
    settings = RunSettings(
        None if out is None else Path(out),
        workers,
        limit,
        retry_failed,
        None if retry is None else RetryRule.parse(retry),
        update,
        shard=Shard.parse(shard) if isinstance(shard, str) else shard,
        budget=parse_budget(budget) if isinstance(budget, str) else budget,
        engine=engine,
        scheduler=scheduler,
    )
    from surrobench.studies.run_folder.view import of_methods

    result = run(loaded, base, settings, BarObserver(kind_of(loaded).caption, progress))
    if all_methods or result.frame.empty:
        return result.frame
    return of_methods(result.frame, result.planned.methods)[0]


def _with_added(content: dict[str, Any], predictors: Sequence[Any]) -> dict[str, Any]:
    if not predictors:
        return content
    return {**content, "predictors": [*content.get("predictors", []), *predictors]}


def run(
    study: AnyStudy, base: Path, settings: RunSettings, observer: RunObserver | None = None
) -> RunResult:
    """Run a study; relative card paths start at ``base``.

    Raises:
        UserError: for mistakes in the study, a folder that cannot be written to or is in use, and
            cells that would silently replace others.
        RunStoppedError: if results can no longer be written or workers cannot start.
    """
    observer = observer or Silent()
    more = _within(settings.budget)
    kind, store = kind_of(study), ResultStore(settings.folder(study))
    with closing(Forks(kind.worker_target, may_fork(study, settings))) as forks:
        if not (store.folder / PLAN_FILE).exists():  # there will be something to do
            forks.begin()
        made = forked_plan(forks, kind, study, base)
        kernels = None
        if made is not None:
            plan, kernels = made
        else:
            with restored(), without_collection():  # parts of others are imported and built
                plan = kind.plan(study, base)
        share = plan if settings.shard is None else share_of(plan, settings.shard).plan
        store.prepare()
        with (
            connected(settings.engine, settings.scheduler) as client,
            stopping_when_unable(store.folder),
            store.lock(),
        ):
            store.sweep()
            with without_collection():
                planned = _take_in(plan, share, store, settings.update)
            write_study(study, base, store.folder)
            write_environment(store.folder, observer, kernels)
            on = None if client is None else _Cluster(client, base)
            result = _run_locked(study, share, planned, store, settings, observer, more, on, forks)
            kind.close(study, base, store.folder)
            if settings.shard is None:
                _keep_shown(kind, study, result, forks)
            return result


def _keep_shown(kind: Kind, study: AnyStudy, result: RunResult, forks: Forks) -> None:
    """Keep what a report of a whole study would compute again."""
    if not result.computed or result.missing or result.frame.empty:
        return
    from surrobench.studies.run_folder.view import of_methods

    limits = Limits(study.timeout_seconds, study.memory_gib)

    def compute(target: str, cell: PlannedCell) -> Any:
        return computed_in_fork(forks, kind.modules([cell]), target, cell, limits)

    frame, _ = of_methods(result.frame, result.planned.methods)
    cells = [cell for cell in result.plan.cells if not is_bound(cell)]
    kind.keep_shown(compute, frame, cells, result.folder)


def _within(budget: float | None) -> Callable[[], bool]:
    """Whether a budget of seconds that begins now still lasts."""
    if budget is None:
        return lambda: True
    end = time.monotonic() + budget
    return lambda: time.monotonic() < end


def _take_in(plan: Plan, share: Plan, store: ResultStore, update: bool) -> PlannedCells:
    """Merge the plan, or the share of it, with that of earlier runs into this folder."""
    planned = read_plan_file(store.folder)
    if planned.keys and planned.kind != plan.kind:
        raise UserError(
            f"{store.folder} holds a {planned.kind} study and this is a {plan.kind} study; choose "
            "another folder with --out FOLDER."
        )
    changed = planned.changed(plan)
    if changed and not update:
        finished = store.finished_keys()
        replaced = [name for name in changed if planned.keys[name] in finished]
        if replaced:
            why = planned.explain(plan) or ["the version of surrobench's numbers changed"]
            raise UserError(
                f"{store.folder} holds {counted(len(replaced), 'cell')} of this study computed "
                "otherwise:\n  " + "\n  ".join(why) + "\nRun with --update to compute them anew "
                "(the old files are kept), or choose another folder with --out FOLDER."
            )
    planned.add(plan, share)
    planned.save(store.folder)
    return planned


def _run_locked(
    study: AnyStudy,
    plan: Plan,
    planned: PlannedCells,
    store: ResultStore,
    settings: RunSettings,
    observer: RunObserver,
    more: Callable[[], bool],
    cluster: _Cluster | None,
    forks: Forks,
) -> RunResult:
    from surrobench.studies.run_folder.view import RESULTS_FILE, make_view

    kind, keys = kind_of(study), planned.keys.values()
    found = store.check(keys)
    statuses = found.statuses
    for path in store.set_aside(found.corrupt):
        observer.note(f"the damaged record {path.stem[:12]}… was set aside in {path.parent}")
    todo = _unfinished(plan, store, statuses, settings)
    workers = settings.processes if cluster is None else cluster.threads(settings.workers)
    here = sum(cell.key in statuses for cell in plan.cells)
    observer.begin(store.folder, len(todo), here, workers)
    limits = Limits(study.timeout_seconds, study.memory_gib)
    computed: set[str] = set()
    with stop_signals() as stop:
        here_only = [cell for cell in todo if is_bound(cell)]
        if here_only:
            observer.note(
                f"{', '.join(sorted({cell.method() for cell in here_only}))}: cannot be pickled, "
                "so it runs in this process, where no limit of time or memory holds"
            )

        def records(cells: Sequence[PlannedCell]) -> Iterator[Record]:
            bound = [cell for cell in cells if is_bound(cell)]
            free = [cell for cell in cells if not is_bound(cell)]
            if cluster is None:
                yield from _records(kind, free, settings, limits, store.folder, stop, more, forks)
            else:
                job = plan, free, store, limits, settings.workers
                yield from cluster.records(study, *job, observer, stop, more)
            yield from _records_here(kind, bound, stop, more)

        unable = None
        try:
            for record, is_last in tried(
                todo, records, settings.retry, observer.note, lambda: more() and not stop.requested
            ):
                store.write(record)
                statuses[record.key] = record.status
                computed.add(record.key)
                if is_last:
                    observer.cell(record)
        except RunStoppedError as error:
            unable = error
    observer.end()
    store.pack()
    if cluster is not None and len(computed) < len(todo):  # workers may have finished some untold
        statuses = store.contents(keys).statuses
    mine = [statuses.get(cell.key) for cell in plan.cells]
    missing = mine.count(None)
    result = RunResult(
        folder=store.folder,
        frame=make_view(store, planned, statuses),
        plan=plan,
        computed=len(computed),
        missing=missing,
        interrupted=stop.requested,
        results=store.folder / RESULTS_FILE,
        planned=planned,
        exhausted=len(computed) < len(todo) and not stop.requested and not more(),
        failed=sum(status is not None and is_failure(status) for status in mine),
    )
    if unable is not None:
        raise unable
    return result


@dataclass(frozen=True)
class _Cluster:
    """A Dask cluster, and the folder that relative paths of the study start from."""

    client: Client
    base: Path

    def threads(self, most: int | None) -> int:
        """Cells that it computes at a time, as it is now."""
        threads = sum(self.client.nthreads().values())
        return min(threads, most or threads)

    def records(
        self,
        study: AnyStudy,
        plan: Plan,
        todo: Sequence[PlannedCell],
        store: ResultStore,
        limits: Limits,
        most: int | None,
        observer: RunObserver,
        stop: StopSignals,
        more: Callable[[], bool],
    ) -> Iterator[Record]:
        """Compute cells there."""
        if not todo:
            return iter(())
        from surrobench.studies.cluster.driver import ClusterRun  # imports Dask

        return ClusterRun(
            self.client,
            study,
            self.base,
            plan,
            todo,
            store,
            limits=limits,
            most=most,
            observer=observer,
            stop=lambda: stop.requested,
            more=more,
        ).records()


def _unfinished(
    plan: Plan, store: ResultStore, statuses: Mapping[str, Status], settings: RunSettings
) -> list[PlannedCell]:
    again: set[str] = set()
    if settings.retry_failed:
        again = {key for key, status in statuses.items() if status != "ok"}
    elif settings.retry is not None:
        failed = [key for key, status in statuses.items() if is_failure(status)]
        again = {record.key for record in store.records(failed) if settings.retry.wants(record)}
    todo = [cell for cell in plan.cells if cell.key not in statuses or cell.key in again]
    return todo[: settings.limit]


def _records(
    kind: Kind,
    todo: Sequence[PlannedCell],
    settings: RunSettings,
    limits: Limits,
    folder: Path,
    stop: StopSignals,
    more: Callable[[], bool],
    forks: Forks,
) -> Iterator[Record]:
    if todo:
        scratch = (folder / "unfinished").resolve()
        outcomes = execute(
            kind.worker_target,
            [_with_scratch(cell, str(scratch)) for cell in todo],
            workers=settings.processes,
            limits=limits,
            logs=folder / "logs",
            stop=lambda: stop.requested,
            more=more,
            environments=settings.environments,
            template=forks.of(kind.modules(todo)),
        )
        for outcome in outcomes:
            yield record_of(kind, outcome)
        with suppress(OSError):  # something is unfinished, or nothing ever was
            scratch.rmdir()


def is_bound(cell: Any) -> bool:
    """Whether a cell needs an object that cannot leave this process."""
    use = getattr(cell, "use", "")
    return isinstance(use, GivenPart) and use.is_bound


def _records_here(
    kind: Kind, todo: Sequence[PlannedCell], stop: StopSignals, more: Callable[[], bool]
) -> Iterator[Record]:
    for place, cell in enumerate(todo):
        if stop.requested or (place and not more()):
            return
        yield from records_here(kind, [cell])


def records_here(kind: Kind, cells: Iterable[PlannedCell]) -> Iterator[Record]:
    """The records of cells that are computed in this process, with one thread as elsewhere."""
    from threadpoolctl import threadpool_limits

    _ = kind.run_cell  # imports the libraries whose threads are limited
    for cell in cells:
        started = time.monotonic()
        with threadpool_limits(1):
            ending, value = compute(kind.worker_target, cell)
        value = pickle.loads(value) if ending == "done" else value
        yield record_of(kind, Outcome(cell, ending, value, time.monotonic() - started))


def _with_scratch(cell: Any, scratch: str) -> Any:
    """A cell that may keep checkpoints learns where."""
    return replace(cell, scratch=scratch) if hasattr(cell, "scratch") else cell
