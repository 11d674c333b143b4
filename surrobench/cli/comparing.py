"""``surrobench compare`` and ``board``: two runs side by side, and the methods of one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from surrobench.base.wording import counted
from surrobench.cli.console import output, say, tell
from surrobench.cli.exit_codes import DAMAGED, DONE
from surrobench.cli.formats import one_format, print_json, print_text
from surrobench.cli.results import show_damage
from surrobench.errors import UserError

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

    from surrobench.report.comparing.scores import Scores
    from surrobench.reporting.run_comparison import RunComparison

_MOST_ROWS = 40
_AT = {"prediction": "n", "search": "budget", "pipeline": "trained"}
_COLOURS = {"better": "green", "worse": "red"}


def compare_command(
    first: Path,
    second: Path,
    measure: str | None,
    *,
    as_json: bool = False,
    as_csv: bool = False,
    as_latex: bool = False,
) -> int:
    """Say what changed from one run to another; returns the exit status."""
    form = one_format(json=as_json, csv=as_csv, latex=as_latex)
    from surrobench.report.common.exhibit import to_csv
    from surrobench.report.comparing.change_tables import changes_tex
    from surrobench.reporting.run_comparison import compare_runs

    found = compare_runs(first, second, measure=measure)
    at = _AT[found.kind]
    if form == "json":
        print_json(found.to_dict())
    elif form == "csv":
        print_text(to_csv(found.changes.groups))
    elif form == "latex":
        caption = (
            f"{found.measure.label} before ({first.name}) and after ({second.name}): means over "
            "common seeds; p: sign flips over seeds, adjusted for all rows."
        )
        print_text(changes_tex(found.changes.groups, at, caption))
    else:
        _show(found, at)
    show_damage(found.damaged)
    return DAMAGED if found.damaged else DONE


def _show(found: RunComparison, at: str) -> None:
    say(found.verdict, style="bold")
    groups = found.changes.groups
    changed = groups[~groups["same_bits"]]
    if len(changed):
        ordered = changed.sort_values("p_adjusted", kind="stable")
        output.print()
        output.print(_table(ordered.head(_MOST_ROWS), at))
        if len(changed) > _MOST_ROWS:
            say(f"and {counted(len(changed) - _MOST_ROWS, 'more row')}; --csv prints all.")
        say(
            f"{found.measure.label}; change: positive is better, ± half of a 95 % interval where "
            "one holds; p: sign flips over common seeds, adjusted for all rows."
        )
        methods = found.changes.methods
        if groups["task"].nunique() > 1:
            _show_methods(methods[~methods["same_bits"]])
    for title, lines in (
        ("Not compared", found.not_compared()),
        ("Options", found.around.options),
        ("Settings", found.around.settings),
        ("Versions", found.around.versions),
    ):
        for line in lines:
            tell(f"{title}: {line}.", style="yellow" if title == "Not compared" else "")
    again = found.changes.cells
    silent = again["same_key"] & ~again["same_bits"]
    if silent.any():
        why = "the versions above" if found.around.versions else "something that no run records"
        tell(
            f"{counted(int(silent.sum()), 'changed cell has', 'changed cells have')} the same data "
            f"and options in both: {why} made the difference (surrobench verify says more).",
            style="yellow",
        )


def _table(groups: pd.DataFrame, at: str) -> Table:
    from rich.text import Text

    from surrobench.report.common.cells import PLAIN
    from surrobench.report.common.escaping import one_line
    from surrobench.report.comparing.change_tables import cells_of
    from surrobench.report.prediction.terminal import LONGEST_NAME, blank_table

    cells = cells_of(groups, PLAIN, at)
    table = blank_table("task", [str(name) for name in cells][1:])
    table.padding = (0, 1, 0, 0)
    for (_, row), (_, cell) in zip(groups.iterrows(), cells.iterrows(), strict=True):
        names = [Text(one_line(row[name], LONGEST_NAME)) for name in ("task", "method")]
        texts = [Text(str(text)) for text in cell.iloc[2:-1]]
        outcome = str(row["outcome"])
        table.add_row(*names, *texts, Text(outcome, style=_COLOURS.get(outcome, "")))
    return table


def _show_methods(methods: pd.DataFrame) -> None:
    for _, row in methods.iterrows():
        say(
            f"{row['method']}, {row['at']:,.6g}: better on {row['better']} and worse on "
            f"{row['worse']} of {counted(int(row['tasks']), 'task')} by the means; over tables: "
            f"{row['outcome']}"
        )


def board_command(
    runs: Sequence[Path],
    measure: str | None,
    train_size: int | None,
    methods: Sequence[str],
    *,
    as_json: bool = False,
    as_csv: bool = False,
    as_latex: bool = False,
) -> int:
    """Print the board of one or more runs; returns the exit status."""
    form = one_format(json=as_json, csv=as_csv, latex=as_latex)
    from surrobench.report.common.exhibit import to_csv
    from surrobench.report.comparing.boards import board_table

    damaged: list[Path] = []
    for scores in _scores(runs, measure, train_size, methods, damaged):
        board = scores.board
        if form == "json":
            print_json(
                {
                    "measure": scores.measure.column,
                    "where": scores.where,
                    "blocks": board.what,
                    "left_out": list(board.left_out),
                    "board": board.table.to_dict("records"),
                }
            )
        elif form == "csv":
            print_text(to_csv(board.table))
        elif form == "latex":
            print_text(str(board_table(scores).tex))
        else:
            _show_board(scores)
    show_damage(damaged)
    return DAMAGED if damaged else DONE


def _scores(
    runs: Sequence[Path],
    measure: str | None,
    train_size: int | None,
    methods: Sequence[str],
    damaged: list[Path],
) -> list[Scores]:
    """What the board is made of: one for each kind of score."""
    from surrobench.reporting.board_scores import board_scores

    found = board_scores(
        runs, measure=measure, train_size=train_size, methods=methods, damaged=damaged
    )
    if not found:
        raise UserError("a board needs two methods with results on the same tasks.")
    return found


def _show_board(scores: Scores) -> None:
    from rich.text import Text

    from surrobench.report.common.cells import PLAIN
    from surrobench.report.common.escaping import one_line
    from surrobench.report.comparing.boards import cells_of, notes_of
    from surrobench.report.prediction.terminal import LONGEST_NAME, blank_table

    board = scores.board
    cells = cells_of(board, PLAIN)
    say(f"{scores.measure.label} {scores.where}", style="bold")
    table = blank_table("method", [str(name) for name in cells])
    table.padding = (0, 1, 0, 0)
    for method, row in cells.iterrows():
        table.add_row(Text(one_line(method, LONGEST_NAME)), *map(Text, map(str, row)))
    output.print(table)
    say(notes_of(board), style="dim")
    if board.table["on_front"].any():
        say(
            f"seconds: {scores.seconds_of} (geometric mean over tasks); *: no other method is "
            "better in both Elo and seconds.",
            style="dim",
        )
