"""The verbs of ``surrobench`` and their options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from surrobench import __version__
from surrobench.cli import completing
from surrobench.cli.exit_codes import MEANINGS

app = typer.Typer(
    name="surrobench",
    help="Compare performance predictors for neural architecture search, with honest uncertainty.",
    epilog="Start with:  surrobench run quickstart\n\n"
    "Exit status: " + "; ".join(f"{status} {meaning}" for status, meaning in MEANINGS.items()),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        import platform

        typer.echo(f"surrobench {__version__} (Python {platform.python_version()})")
        raise typer.Exit()


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Options before the verb."""


@app.command()
def run(
    study: Annotated[
        str,
        typer.Argument(
            help="A study file (*.toml) or a bundled study.", autocompletion=completing.studies
        ),
    ],
    task: Annotated[
        list[str] | None,
        typer.Option(
            "--task",
            help="Run on this task instead (repeatable).",
            autocompletion=completing.tasks,
        ),
    ] = None,
    predictor: Annotated[
        list[str] | None,
        typer.Option(
            "--predictor",
            help="Run this one instead: a name or module:Attr (repeatable).",
            autocompletion=completing.predictors,
        ),
    ] = None,
    add_predictor: Annotated[
        list[str] | None,
        typer.Option(
            "--add-predictor",
            help="Run this one as well (repeatable).",
            autocompletion=completing.predictors,
        ),
    ] = None,
    strategy: Annotated[
        list[str] | None,
        typer.Option(
            "--strategy",
            help="Search with this one instead (repeatable).",
            autocompletion=completing.strategies,
        ),
    ] = None,
    add_strategy: Annotated[
        list[str] | None,
        typer.Option(
            "--add-strategy",
            help="Search with this one as well (repeatable).",
            autocompletion=completing.strategies,
        ),
    ] = None,
    seeds: Annotated[int | None, typer.Option("--seeds", help="Number of seeds.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Replace a key of the study (repeatable)."),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers",
            min=1,
            help="Worker processes (default: one per core); with Dask, the most cells at a time.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Run folder (default: runs/<study name>).")
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="Compute at most so many cells now.")
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(
            "--device", help="Where live tasks train: auto, cpu, cuda or mps (default: auto)."
        ),
    ] = None,
    devices: Annotated[
        str | None,
        typer.Option("--devices", metavar="0,1", help="CUDA GPUs to train on, a worker for each."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would run, and run nothing.")
    ] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Compute failed cells again.")
    ] = False,
    retry: Annotated[
        str | None,
        typer.Option(
            "--retry",
            metavar="died:2,timeout",
            help="Ways to end that get further tries, one or as many as behind the colon: died, "
            "timeout, oom, failed, invalid; also such of earlier runs.",
        ),
    ] = None,
    update: Annotated[
        bool, typer.Option("--update", help="Replace cells that were computed otherwise.")
    ] = False,
    allow_code: Annotated[
        bool, typer.Option("--allow-code", help="Let the study file name code (module:Attr).")
    ] = False,
    shard: Annotated[
        str | None,
        typer.Option("--shard", metavar="3/64", help="Only this share, balanced by expected cost."),
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(
            "--budget", metavar="10m", help="Begin no further cell after so long (s, m, h, d)."
        ),
    ] = None,
    engine: Annotated[
        str,
        typer.Option(
            "--engine",
            help="local: processes of this machine; dask: the workers of a Dask cluster "
            "(needs the extra cluster).",
        ),
    ] = "local",
    scheduler: Annotated[
        str | None,
        typer.Option(
            "--scheduler",
            metavar="tcp://HOST:8786",
            help="With --engine dask: address of the scheduler, or its scheduler file (*.json).",
        ),
    ] = None,
    report: Annotated[
        str | None,
        typer.Option(
            "--report",
            help="none: print the ranking alone; short: tables of means and the first figure; "
            "full: everything, as surrobench report does (default: short; of a shard none).",
        ),
    ] = None,
) -> None:
    """Run a study, or go on with it: finished cells are never computed twice."""
    from surrobench.cli.running import RunRequest, run_command

    request = RunRequest(
        study=study,
        tasks=task or [],
        predictors=predictor or [],
        added=add_predictor or [],
        strategies=strategy or [],
        added_strategies=add_strategy or [],
        seeds=seeds,
        settings=settings or [],
        workers=workers,
        out=out,
        limit=limit,
        dry_run=dry_run,
        retry_failed=retry_failed,
        retry=retry,
        update=update,
        allow_code=allow_code,
        device=device,
        devices=devices,
        shard=shard,
        budget=budget,
        report=report,
        engine=engine,
        scheduler=scheduler,
    )
    raise typer.Exit(run_command(request))


@app.command("list")
def list_names(
    what: Annotated[
        str,
        typer.Argument(
            help="studies, tasks, collections, predictors, encodings, strategies, one-shot, "
            "proxies, acquisitions, spaces, figures or all.",
            autocompletion=completing.lists,
        ),
    ] = "all",
    table: Annotated[
        str | None,
        typer.Argument(metavar="[TABLE]", help="With tasks: only those of this table or card."),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Every task, not one line for each table.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """List tasks, studies, spaces, and parts of every kind."""
    from surrobench.cli.listing import list_command

    list_command(what, table, every=every, as_json=as_json)


new = typer.Typer(help="Begin a predictor or a table of your own.", no_args_is_help=True)
app.add_typer(new, name="new")


@new.command("predictor")
def new_predictor_package(
    name: Annotated[str, typer.Argument(help="Of the package, such as my_idea.")],
    folder: Annotated[
        Path, typer.Option("--in", help="Where its folder is made (default: here).")
    ] = Path(),
) -> None:
    """Write a small package: a predictor that works, its test, a README and a pyproject.toml."""
    from surrobench.cli.new_predictor import new_predictor

    new_predictor(name, folder)


@new.command("table")
def new_table_card(
    data: Annotated[Path, typer.Argument(help="A CSV, Parquet, Feather or JSON file.")],
    target: Annotated[
        str | None, typer.Option("--target", help="The column to predict (default: the likeliest).")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="The card (default: DATA with .toml).")
    ] = None,
) -> None:
    """Look at the columns of a table, write a card for it, and say what was assumed."""
    from surrobench.cli.new_table import new_table

    new_table(data, target, out)


@app.command()
def check(
    part: Annotated[
        str,
        typer.Argument(
            metavar="PART", help="A name, module:Class, path/to/file.py:Class, a task or a card."
        ),
    ],
    kind: Annotated[
        str | None,
        typer.Option(
            "--kind",
            help="predictor, encoding, strategy, acquisition, space or task; by default what it "
            "looks like.",
        ),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="A smaller table, in a minute or two instead of five.")
    ] = False,
    no_table: Annotated[
        bool, typer.Option("--no-table", help="Do not put a predictor beside the built-in ones.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="The promises alone, for programs.")
    ] = False,
) -> None:
    """Try a part against its promises; of a predictor also what it costs and how it compares."""
    from surrobench.cli.checking import CheckRequest, check_command

    raise typer.Exit(check_command(CheckRequest(part, kind, quick, not no_table, as_json)))


@app.command()
def info(
    task: Annotated[
        str,
        typer.Argument(help="A task, or the path of a card.", autocompletion=completing.tasks),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Explain a task: units, noise, duplicates, licence, citation."""
    from surrobench.cli.explaining import info_command

    info_command(task, as_json=as_json)


@app.command()
def prepare(
    name: Annotated[
        str,
        typer.Argument(help="A table such as nb201, all, or a card of yours that names a source."),
    ],
) -> None:
    """Download, verify and convert a published table."""
    from surrobench.cli.preparing import prepare_command

    prepare_command(name)


@app.command()
def status(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Say how far a run is, and what failed."""
    from surrobench.cli.results import status_command

    status_command(run_folder, as_json=as_json)


@app.command()
def report(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN…", help="Run folders, or results.parquet.")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder of the report (default: RUN/report).")
    ] = None,
    method: Annotated[
        list[str] | None,
        typer.Option("--method", help="Only this predictor or strategy (repeatable)."),
    ] = None,
    all_methods: Annotated[
        bool, typer.Option("--all-methods", help="Also those that the study has no longer.")
    ] = False,
) -> None:
    """Make tables and figures of one run, or of several put together."""
    from surrobench.cli.results import report_command

    raise typer.Exit(report_command(runs, out, method or [], all_methods))


@app.command()
def leaderboard(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="A folder with run folders at any depth.")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", help="Where to write it (default: FOLDER itself).")
    ] = None,
    all_methods: Annotated[
        bool,
        typer.Option("--all-methods", help="Also those that the study of a run has no longer."),
    ] = False,
) -> None:
    """Rank predictors and strategies over all runs: a page, a CSV and a Markdown file."""
    from surrobench.cli.ranking import leaderboard_command

    leaderboard_command(folder, out, all_methods)


@app.command()
def board(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN…", help="Run folders, or results.parquet.")
    ],
    measure: Annotated[
        str | None, typer.Option("--measure", help="Score of predictions (default: kendall_tau).")
    ] = None,
    train_size: Annotated[
        int | None, typer.Option("--train-size", help="Training examples (default: the most).")
    ] = None,
    method: Annotated[
        list[str] | None,
        typer.Option("--method", help="Only this predictor or strategy (repeatable)."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Comma-separated.")] = False,
    as_latex: Annotated[bool, typer.Option("--latex", help="A table for a paper.")] = False,
) -> None:
    """Rank methods as TabArena does: Elo, win rate, improvability, and seconds."""
    from surrobench.cli.comparing import board_command

    raise typer.Exit(
        board_command(
            runs,
            measure,
            train_size,
            method or [],
            as_json=as_json,
            as_csv=as_csv,
            as_latex=as_latex,
        )
    )


@app.command()
def compare(
    first: Annotated[
        Path, typer.Argument(metavar="RUN1", help="What was before: a run folder, or its results.")
    ],
    second: Annotated[Path, typer.Argument(metavar="RUN2", help="What is now.")],
    measure: Annotated[
        str | None, typer.Option("--measure", help="Score of predictions (default: kendall_tau).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Comma-separated.")] = False,
    as_latex: Annotated[bool, typer.Option("--latex", help="A table for a paper.")] = False,
) -> None:
    """Say what changed from one run to another, significant or not, and what cannot be compared."""
    from surrobench.cli.comparing import compare_command

    raise typer.Exit(
        compare_command(first, second, measure, as_json=as_json, as_csv=as_csv, as_latex=as_latex)
    )


@app.command()
def explain(
    task: Annotated[str, typer.Argument(help="A task, or CARD:TASK of a card of your own.")],
    predictor: Annotated[
        str, typer.Option("--predictor", help="Whose knowledge: a name, perhaps with +transform.")
    ] = "xgboost",
    encoding: Annotated[
        str | None, typer.Option("--encoding", help="Of the architectures (default: the task's).")
    ] = None,
    train_size: Annotated[
        int, typer.Option("--train-size", min=2, help="Architectures to learn from.")
    ] = 200,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Number of training sets.")] = 5,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder (default: explain/TASK).")
    ] = None,
) -> None:
    """Show what makes architectures good, and where a predictor goes wrong."""
    from surrobench.cli.understanding import explain_command

    explain_command(task, predictor, encoding, train_size, seeds, out)


@app.command("one-shot")
def one_shot(
    task: Annotated[str, typer.Argument(help="A live task of cells.")] = "live:cells",
    method: Annotated[
        list[str] | None,
        typer.Option("--method", help="Only this method (repeatable; default: all)."),
    ] = None,
    seeds: Annotated[int, typer.Option("--seeds", help="Searches by each method.")] = 3,
    epochs: Annotated[
        int | None, typer.Option("--epochs", help="Of the shared weights (default: the method's).")
    ] = None,
    cells: Annotated[int, typer.Option("--cells", help="Cells that are ranked.")] = 24,
    trainings: Annotated[
        int, typer.Option("--trainings", help="Stand-alone trainings of each cell.")
    ] = 3,
    device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda or mps.")] = "auto",
    out: Annotated[Path, typer.Option("--out", help="Folder of the results.")] = Path("one-shot"),
) -> None:
    """Search with shared weights, and judge the ranking and the choices by real trainings."""
    from surrobench.cli.one_shot import OneShotRequest, one_shot_command

    request = OneShotRequest(task, method or [], seeds, epochs, cells, trainings, device, out)
    one_shot_command(request)


@app.command()
def plot(
    runs: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN…",
            help="Run folders, or results.parquet; or the name of a task; or a CSV or Parquet file "
            "of trainings (arch, seed, epoch, train_loss, validation_accuracy, …).",
        ),
    ],
    kind: Annotated[
        str | None,
        typer.Option(
            "--kind",
            help="What to draw; without it the kinds that RUN has are listed. Predictions: curves, "
            "ranking, heat-map, three-axes, calibration, reliability, board, pareto, "
            "critical-difference, outcomes, aggregates, profile, predictions. Searches: curves, "
            "iqm-curves, quantiles, success, by-time, targets, fronts, board, pareto, "
            "critical-difference, outcomes. Pipelines: picks, "
            "predicted. Tasks, alone or of a run: proxies, architectures, learning-curves. "
            "Trainings: learning-curves. Or module:function, or a name of a package's own.",
            autocompletion=completing.figures,
        ),
    ] = None,
    file_format: Annotated[str, typer.Option("--format", help="pdf, svg or png.")] = "pdf",
    size: Annotated[
        str, typer.Option("--size", help="neurips, iclr, icml, ieee or slides.")
    ] = "icml",
    columns: Annotated[
        int, typer.Option("--columns", min=1, max=2, help="Width in columns of the page.")
    ] = 2,
    out: Annotated[Path | None, typer.Option("--out", help="File (default: KIND.FORMAT).")] = None,
    task: Annotated[
        list[str] | None, typer.Option("--task", help="Only this task (repeatable).")
    ] = None,
    method: Annotated[
        list[str] | None,
        typer.Option("--method", help="Only this predictor or strategy (repeatable)."),
    ] = None,
    measure: Annotated[
        str | None, typer.Option("--measure", help="Score of predictions (default: kendall_tau).")
    ] = None,
    train_size: Annotated[
        int | None, typer.Option("--train-size", help="Training examples (default: the most).")
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option("--seed", help="Seed of the cell of predictions (default: the median)."),
    ] = None,
    top: Annotated[
        int, typer.Option("--top", min=1, help="How many of the best to mark or draw.")
    ] = 8,
    as_json: Annotated[
        bool, typer.Option("--json", help="The kinds that RUN has, for programs.")
    ] = False,
) -> None:
    """Draw one figure of one run or of several put together, of a task, or of trainings."""
    from surrobench.cli.plotting import PlotRequest, plot_command

    plot_command(
        PlotRequest(
            runs=runs,
            kind=kind or "",
            format=out.suffix[1:] if out and out.suffix else file_format,
            size=size,
            columns=columns,
            out=out,
            tasks=task or [],
            methods=method or [],
            measure=measure,
            train_size=train_size,
            seed=seed,
            top=top,
            as_json=as_json,
        )
    )


@app.command()
def cite(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN…", help="Run folders, or results.parquet.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Print BibTeX for every table, predictor and strategy that a run used."""
    from surrobench.cli.citing import cite_command

    cite_command(runs, as_json=as_json)


@app.command()
def verify(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    other: Annotated[
        Path | None,
        typer.Argument(metavar="[OTHER]", help="A run that should hold the same numbers."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Check every record against its checksum, and say how and why another run differs."""
    from surrobench.cli.results import verify_command

    raise typer.Exit(verify_command(run_folder, other, as_json=as_json))


@app.command()
def merge(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The run folder to put together.")],
    parts: Annotated[
        list[Path],
        typer.Argument(metavar="PART…", help="Folders of shards, or of other runs of the study."),
    ],
) -> None:
    """Put shards, or partial runs of one study, together; repeat it as often as you like."""
    from surrobench.cli.merging import merge_command

    raise typer.Exit(merge_command(out, parts))


@app.command("hash")
def hash_of(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Print one hash of a run's numbers: the same for any workers, order, shards and machine."""
    from surrobench.cli.hashing import hash_command

    raise typer.Exit(hash_command(run_folder, as_json=as_json))


@app.command()
def tabulate(
    table: Annotated[str, typer.Argument(help="digits-cells, digits-chain or motifs-transformer.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="File to write (default: TABLE.parquet).")
    ] = None,
    archs: Annotated[
        int | None,
        typer.Option("--archs", help="Number of architectures (default: as in the package)."),
    ] = None,
    seeds: Annotated[int, typer.Option("--seeds", help="Trainings of each architecture.")] = 3,
    repeated: Annotated[
        int | None,
        typer.Option(
            "--repeated",
            help="Train only so many with all seeds, the others once (default: as embedded).",
        ),
    ] = None,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Worker processes.")] = 1,
    resume: Annotated[
        Path | None, typer.Option("--resume", help="Folder of partial results, which is kept.")
    ] = None,
) -> None:
    """Train a search space, or a sample, into a table (this is how the embedded ones were made)."""
    from surrobench.cli.tabulating import tabulate_command
    from surrobench.tasks.live.live_tables import Request

    tabulate_command(table, out, Request(archs, seeds, repeated, workers, resume))
