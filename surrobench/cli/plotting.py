"""``surrobench plot``: one figure of a run, of a task, or of a file of trainings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from surrobench.cli.console import say
from surrobench.cli.formats import print_json
from surrobench.errors import UserError, did_you_mean, near_path

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from surrobench.report.common.exhibit import Exhibit
    from surrobench.report.plots import AnyResults
    from surrobench.reporting.task_figures import Recomputed

FORMATS = ("pdf", "svg", "png")


@dataclass(frozen=True)
class PlotRequest:
    """What was asked for on the command line; an empty ``kind`` asks which there are."""

    runs: list[Path]
    kind: str
    format: str
    size: str
    columns: int
    out: Path | None
    tasks: list[str]
    methods: list[str]
    measure: str | None
    train_size: int | None
    seed: int | None
    top: int
    as_json: bool = False


def plot_command(request: PlotRequest) -> None:
    """Draw one figure of one or more runs and say where it is."""
    from surrobench.report.common.exhibit import save_figure

    _refuse_unknown(request.runs)
    if request.format not in FORMATS:
        raise UserError(
            f"unknown format {request.format!r}. " + did_you_mean(request.format, FORMATS)
        )
    width = _width(request.size, request.columns)
    if not request.kind:
        kinds = _kinds(request)
        if request.as_json:
            print_json(kinds)
            return
        for name in kinds:
            say(name)
        return
    if request.as_json:
        raise UserError("--json lists the kinds of figures; leave out --kind.")
    figure = _figure(request, width)
    path = request.out or Path(f"{request.kind.replace(':', '.')}.{request.format}")
    if path.suffix[1:] not in FORMATS:
        raise UserError(f"{path}: a figure is one of {', '.join(FORMATS)} by the end of its name.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_figure(figure, path)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error}.") from error
    say(str(path), style="cyan")


def _width(size: str, columns: int) -> float:
    from surrobench.report.common.style import WIDTHS

    if size not in WIDTHS:
        raise UserError(f"unknown size {size!r}. " + did_you_mean(size, WIDTHS))
    return WIDTHS[size][columns - 1]


def _figure(request: PlotRequest, width: float) -> Figure:
    if request.kind == "learning-curves" and (trainings := _trainings(request.runs)) is not None:
        from surrobench.report.figures import learning_curves

        return learning_curves(trainings, width=width)
    if _is_task_alone(request):
        return _of_task(request, width)
    return _of_runs(request, width)


def _is_task_alone(request: PlotRequest) -> bool:
    return len(request.runs) == 1 and not request.runs[0].exists() and _is_task(request.runs[0])


def _kinds(request: PlotRequest) -> list[str]:
    """The kinds of figures that can be drawn of what was given."""
    from surrobench.reporting.task_figures import TASK_PLOTS

    if _trainings(request.runs) is not None:
        return ["learning-curves"]
    if _is_task_alone(request):
        return list(TASK_PLOTS)
    from surrobench.studies.run_folder.view import kind_of_frame

    frame, results = _results(request)
    return _kinds_of(kind_of_frame(frame).name, results, request)


def _kinds_of(kind: str, results: AnyResults, request: PlotRequest) -> list[str]:
    from surrobench.report.own_figures import FIGURES
    from surrobench.report.plot_kinds import plot_kinds

    return [*plot_kinds(results, request.measure), *_recomputed(kind), *FIGURES.names()]


def _recomputed(kind: str) -> dict[str, Recomputed]:
    """What is drawn of the tasks of a run, or of a cell computed again."""
    from surrobench.reporting.task_figures import PREDICTION_RECOMPUTED, SEARCH_RECOMPUTED

    known = {"search": SEARCH_RECOMPUTED, "prediction": PREDICTION_RECOMPUTED}
    return dict(known.get(kind, {}))


def _trainings(paths: Sequence[Path]) -> pd.DataFrame | None:
    """Trainings in CSV or Parquet files; None if any of them is something else."""
    import pandas as pd

    frames = []
    for path in paths:
        if not path.is_file() or path.suffix not in (".csv", ".parquet"):
            return None
        try:
            csv = path.suffix == ".csv"
            frames.append(pd.read_csv(path) if csv else pd.read_parquet(path))
        except (OSError, ValueError) as error:
            raise UserError(f"{path} cannot be read as a table: {error}") from error
        if "strategy" in frames[-1] or "predictor" in frames[-1]:
            return None
    return pd.concat(frames, ignore_index=True)


def _refuse_unknown(runs: Sequence[Path]) -> None:
    """Suggest runs and tasks for a name that is neither."""
    from surrobench.tasks import task_names

    for place in runs:
        if not place.exists() and not _is_task(place):
            hint = near_path(place)
            if not hint and "/" in str(place):
                hint = did_you_mean(str(place), task_names())
            hint = f"{hint.strip()} " if hint.startswith("Did") else ""
            raise UserError(
                f"{place}: there is no such run, file or task. {hint}Run folders are made by: "
                "surrobench run STUDY --out FOLDER"
            )


def _is_task(place: Path) -> bool:
    from surrobench.tasks import expand_tasks

    try:
        return expand_tasks(str(place), Path.cwd()) == [str(place)]
    except UserError:
        return False


def _of_task(request: PlotRequest, width: float) -> Figure:
    import pandas as pd

    from surrobench.reporting.task_figures import TASK_PLOTS, Asked

    name = str(request.runs[0])
    if request.kind not in TASK_PLOTS:
        raise UserError(
            f"a task alone has no figure {request.kind!r}, only {', '.join(TASK_PLOTS)}."
        )
    asked = Asked(name, [], pd.DataFrame(), top=request.top, width=width)
    return _shown(TASK_PLOTS[request.kind](asked))


def _shown(exhibit: Exhibit) -> Figure:
    assert exhibit.figure is not None
    return exhibit.figure


def _of_runs(request: PlotRequest, width: float) -> Figure:
    from surrobench.report.own_figures import draw_own, is_own_figure
    from surrobench.report.plots import PlotOptions, draw
    from surrobench.reporting.task_figures import Asked
    from surrobench.studies.run_folder.view import kind_of_frame

    frame, results = _results(request)
    kind = kind_of_frame(frame).name
    recomputed = _recomputed(kind)
    if request.kind in recomputed:
        name = str(frame["task"].iloc[0])
        rows = frame[frame["task"] == name]
        asked = Asked(
            name, request.runs, rows, request.train_size, request.seed, request.top, width
        )
        return _shown(recomputed[request.kind](asked))
    if is_own_figure(request.kind):
        return draw_own(request.kind, frame, width)
    options = PlotOptions(request.measure, request.train_size, width, request.seed)
    try:
        return draw(request.kind, results, options)
    except UserError as error:
        known = _kinds_of(kind, results, request)
        if request.kind in known:  # something else of what was asked is at fault
            raise
        said = str(error).partition(" Valid names: ")[0]  # of which this run has some
        raise UserError(f"{said} This run has: {', '.join(known) or 'no figures'}.") from error


def _results(request: PlotRequest) -> tuple[pd.DataFrame, AnyResults]:
    """The rows that were asked for, and the same checked."""
    from surrobench.reporting.kinds import REPORTS
    from surrobench.studies.run_folder.fingerprints import refuse_other_data
    from surrobench.studies.run_folder.view import companions, kind_of_frame, load_methods

    refuse_other_data(request.runs)
    frame, _ = load_methods(request.runs, every=bool(request.methods))
    kind = kind_of_frame(frame)
    for column, chosen in (("task", request.tasks), (kind.subject, request.methods)):
        frame = _only(frame, column, chosen)
    return frame, REPORTS[kind.name].results(frame, **companions(kind, request.runs))


def _only(frame: pd.DataFrame, column: str, chosen: Sequence[str]) -> pd.DataFrame:
    known = [str(name) for name in frame[column].unique()]
    for name in chosen:
        if name not in known:
            raise UserError(f"the results hold no {column} {name!r}. " + did_you_mean(name, known))
    return frame[frame[column].isin(list(chosen))] if chosen else frame
