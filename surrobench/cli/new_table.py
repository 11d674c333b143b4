"""``surrobench new table``: a card for a table of one's own, and what was assumed in it."""

from __future__ import annotations

import re
from pathlib import Path

from surrobench.base.wording import counted
from surrobench.cli.console import say
from surrobench.errors import UserError


def new_table(data: Path, target: str | None, out: Path | None) -> None:
    """Write a card beside a table, and read the table by it.

    Args:
        data: the table.
        target: the column to predict; by default the likeliest.
        out: the card, in the folder of the table; by default its name with ``.toml``.

    Raises:
        UserError: if the table cannot be read, the card is there already, or the table is refused
            as the card describes it (the card is kept, to be mended).
    """
    from surrobench.base.atomic import write_atomically
    from surrobench.cli.explaining import decision_lines
    from surrobench.tasks import load_task
    from surrobench.tasks.tables.accounts import decision_accounts
    from surrobench.tasks.tables.card_draft import draft_card

    if not data.is_file():
        raise UserError(f"there is no file {data}.")
    stem = data.name.partition(".")[0]
    card = out or data.with_name(f"{stem}.toml")
    if card.suffix != ".toml" or card.resolve().parent != data.resolve().parent:
        raise UserError(
            f"{card}: a card is a .toml file beside its table, in {data.resolve().parent}."
        )
    if card.exists():
        raise UserError(f"{card} is there already, and nothing is overwritten; see --out.")
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", stem).strip("-.") or "table"
    draft = draft_card(data, name, target)
    write_atomically(card, draft.text.encode())
    say(str(card), style="cyan")
    say(draft.text.rstrip())
    say()
    say("Assumed, which is for you to look at:", style="bold")
    for sentence in draft.assumed:
        say(f"- {sentence}")
    try:
        task = load_task(str(card.resolve()))
    except UserError as error:
        raise UserError(
            f"{card} is written, but by it the table is refused; mend one of them. {error}"
        ) from error
    for _, text in decision_lines(decision_accounts(task)):
        say(f"- {text}")
    say()
    values = f"values from {task.truth.min():.6g} to {task.optimum:.6g}"
    say(f"{counted(len(task), 'architecture')}, {values}.")
    say(f"On with: surrobench info {card}")
    say(f"         surrobench run quickstart --task {card}")
