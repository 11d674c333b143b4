"""``surrobench run``."""

from __future__ import annotations

import shlex
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from surrobench.base.wording import counted
from surrobench.cli.console import complain, say, tell
from surrobench.cli.exit_codes import FAILED_CELLS, STOPPED, status_of
from surrobench.errors import UserError, did_you_mean
from surrobench.studies.kinds import AnyStudy, kind_of
from surrobench.studies.study_file import StudySource, load_study

if TYPE_CHECKING:
    from surrobench.studies.engine.run_settings import RunSettings
    from surrobench.studies.plan import Plan
    from surrobench.studies.run_folder.shards import Shard
    from surrobench.studies.runner import RunResult
    from surrobench.tasks.task import TableTask


@dataclass(frozen=True)
class RunRequest:
    """The options of ``surrobench run``, as typed."""

    study: str
    tasks: list[str]
    predictors: list[str]
    added: list[str]
    strategies: list[str]
    added_strategies: list[str]
    seeds: int | None
    settings: list[str]
    workers: int | None
    out: Path | None
    limit: int | None
    dry_run: bool
    retry_failed: bool
    retry: str | None
    update: bool
    allow_code: bool
    device: str | None
    devices: str | None
    shard: str | None = None
    budget: str | None = None
    report: str | None = None
    engine: str = "local"
    scheduler: str | None = None

    @property
    def detail(self) -> str:
        """How much is reported: of a shard alone nothing, unless that is asked for."""
        return self.report or ("none" if self.shard else "short")


def run_command(request: RunRequest) -> int:
    """Run the study and show what came out; returns the exit status."""
    from surrobench.reporting.details import DETAILS

    if request.detail not in DETAILS:
        raise UserError(f"--report {request.detail}: " + did_you_mean(request.detail, DETAILS))
    settings = _settings(request)
    study, origin = load_study(
        request.study,
        request.settings,
        replace=_replacements(request),
        live=_live(request),
        added_predictors=[_part(text) for text in request.added],
        added_strategies=[_part(text) for text in request.added_strategies],
        allow_code=request.allow_code,
    )
    from surrobench.cli.progress import make_progress
    from surrobench.studies.runner import run
    from surrobench.studies.stopping import RunStoppedError

    remarks = _remarks(study, origin.base)
    if request.dry_run:
        _show_plan(study, origin, settings)
        _tell_all(remarks)
        return 0
    _tell_all(remarks)
    progress = make_progress(kind_of(study).caption)
    try:
        result = run(study, origin.base, settings, progress)
    except RunStoppedError as error:
        progress.end()
        complain(str(error))
        return _stopped()
    except KeyboardInterrupt:
        return _stopped()
    if result.exhausted:
        return _stopped(f"The budget of {request.budget} is used up: {_still(result)}.")
    return _show(result, request.detail)


def _settings(request: RunRequest) -> RunSettings:
    from surrobench.studies.cluster.connection import check_engine
    from surrobench.studies.engine.durations import parse_budget
    from surrobench.studies.engine.retries import RetryRule
    from surrobench.studies.engine.run_settings import RunSettings
    from surrobench.studies.run_folder.shards import Shard

    check_engine(request.engine, request.scheduler)
    if request.engine != "local" and request.devices:
        raise UserError(
            f"--devices {request.devices}: these are GPUs of this machine. Dask workers use those "
            "that they were started with (--resources GPU=1); say --device cuda."
        )
    return RunSettings(
        request.out,
        request.workers,
        request.limit,
        request.retry_failed,
        None if request.retry is None else RetryRule.parse(request.retry),
        request.update,
        _numbers(request.devices),
        None if request.shard is None else Shard.parse(request.shard),
        None if request.budget is None else parse_budget(request.budget),
        request.engine,
        request.scheduler,
    )


def _tables(specs: Iterable[str], base: Path) -> Iterator[TableTask]:
    """The tasks of those that are tables."""
    from surrobench.tasks import expand_tasks, load_task
    from surrobench.tasks.catalogue import is_live

    for spec in specs:
        if not is_live(spec):
            for task in expand_tasks(spec, base):
                yield load_task(task, base)


def _remarks(study: AnyStudy, base: Path) -> list[str]:
    """On tables of the user's own; published ones are known."""
    from surrobench.tasks.catalogue import is_card_path
    from surrobench.tasks.tables.accounts import remarks

    own = filter(is_card_path, study.tasks)
    found = [remark for task in _tables(own, base) for remark in remarks(task)]
    return list(dict.fromkeys(found))


def _decisions(study: AnyStudy, base: Path) -> dict[str, list[tuple[str, str]]]:
    """How decisions were read: lines by task, or by card where its tasks have the same ones."""
    from surrobench.cli.explaining import decision_lines
    from surrobench.tasks.tables.accounts import decision_accounts

    groups: dict[tuple[str, tuple[tuple[str, str], ...]], list[str]] = {}
    for task in _tables(study.tasks, base):
        lines = tuple(decision_lines(decision_accounts(task)))
        card = task.name.partition("/")[0]
        groups.setdefault((card, lines), []).append(task.name)
    return {
        names[0] if len(set(names)) == 1 else f"{card} ({len(set(names))} tasks)": list(lines)
        for (card, lines), names in groups.items()
    }


def _tell_all(remarks: list[str]) -> None:
    for remark in remarks:
        tell(f"Note: {remark}", style="yellow")


def _replacements(request: RunRequest) -> dict[str, Any]:
    chosen = {
        "tasks": request.tasks,
        "predictors": [_part(text) for text in request.predictors],
        "strategies": [_part(text) for text in request.strategies],
    }
    replace: dict[str, Any] = {name: values for name, values in chosen.items() if values}
    if request.seeds is not None:
        replace["seeds"] = request.seeds
    return replace


def _part(text: str) -> Any:
    """A name, or an inline table as in a study file: ``{use = "knn", encoding = "ordinal"}``."""
    if not text.lstrip().startswith("{"):
        return text
    from surrobench.base.strict_toml import parse_toml

    return parse_toml(f"part = {text}", "the command line")["part"]


def _live(request: RunRequest) -> dict[str, str]:
    """Options of live tasks: where they train."""
    device = request.device or ("cuda" if request.devices else None)
    return {} if device is None else {"device": device}


def _numbers(devices: str | None) -> tuple[int, ...]:
    """The GPUs in ``"0,1"``."""
    texts = [] if devices is None else [text.strip() for text in devices.split(",")]
    if not all(text.isdecimal() for text in texts) or len(set(texts)) < len(texts):
        raise UserError(f"--devices {devices}: give numbers of different GPUs, such as 0,1.")
    return tuple(map(int, texts))


def _stopped(why: str = "Stopped.") -> int:
    tell(f"{why} Finished cells are kept; go on with:\n  {_this_command()}")
    return STOPPED


def _still(result: RunResult) -> str:
    return f"{counted(result.missing, 'cell is', 'cells are')} still to do"


def _this_command() -> str:
    return shlex.join(["surrobench", *sys.argv[1:]])


def _show_plan(study: AnyStudy, origin: StudySource, settings: RunSettings) -> None:
    """What ``--dry-run`` prints."""
    from surrobench.studies.run_folder.plan_file import summarise_skipped
    from surrobench.studies.run_folder.store import ResultStore

    kind = kind_of(study)
    plan = kind.plan(study, origin.base)
    shard = ""
    if settings.shard is not None:
        shard, plan = _shard(settings.shard, plan)
    finished = ResultStore(settings.folder(study)).finished_keys()
    done = sum(cell.key in finished for cell in plan.cells)
    say(f"study        {study.name} ({kind.name})")
    for label, text in study.outline():
        say(f"{label:<12} {text}")
    _say_counts("task", Counter(cell.task for cell in plan.cells))
    for names, lines in _decisions(study, origin.base).items():
        for label, text in lines:
            say(f"{label:<12} {names}: {text}")
    _say_counts(kind.subject, Counter(cell.method() for cell in plan.cells))
    say(f"seeds        {', '.join(map(str, study.seeds))}")
    if shard:
        say(f"shard        {shard}")
    say(f"cells        {len(plan.cells)}, of which {done} are finished")
    for line in summarise_skipped(plan.skipped):
        say(f"skipped      {line}")
    say(f"folder       {settings.folder(study)}")


def _shard(shard: Shard, plan: Plan) -> tuple[str, Plan]:
    """A shard in words, and its cells."""
    from surrobench.studies.run_folder.shards import share_of

    share = share_of(plan, shard)
    part = share.seconds / share.total if share.total else 0.0
    return (
        f"{shard}: {len(share.plan.cells)} of {counted(len(plan.cells), 'cell')}, "
        f"{part:.2%} of the expected cost"
    ), share.plan


def _say_counts(what: str, counts: Counter[str]) -> None:
    for name, count in counts.items():
        say(f"{what:<12} {name}: {counted(count, 'cell')}")


def _show(result: RunResult, detail: str) -> int:
    """The end of a run: table, failures, files, and how to go on."""
    from surrobench.cli.results import make_report, show_paths, tell_left_out
    from surrobench.studies.run_folder.plan_file import summarise_skipped
    from surrobench.studies.run_folder.view import kind_of_frame, of_methods

    if result.interrupted:
        return _stopped()
    if result.frame.empty:
        tell(f"{result.folder}: no cells fall to this shard.")
        return status_of(missing=result.missing)
    frame, left_out = of_methods(result.frame, result.planned.methods)
    tell_left_out(left_out, "surrobench report RUN --all-methods")
    kept = result.computed == 0
    paths = make_report(frame, result.folder / "report", [result.folder], detail, kept)
    for line in summarise_skipped(result.plan.skipped):
        tell(f"Skipped {line}", style="yellow")
    show_paths([result.results, *paths])
    if detail == "short" and paths:
        tell(f"All figures and comparisons: surrobench report {shlex.quote(str(result.folder))}")
    if result.missing:
        tell(f"{_still(result)}; go on with:\n  {_this_command()}")
    status = status_of(failed=result.failed, missing=result.missing)
    if not (kind_of_frame(frame).cells(frame)["status"] == "ok").any():
        complain("no cell succeeded; see the reasons above.")
        return status or FAILED_CELLS
    return status
