"""Where the command line prints: results on standard output, everything else on standard error."""

from __future__ import annotations

from rich.console import Console

output = Console(highlight=False)
messages = Console(stderr=True, highlight=False)


def complain(message: str) -> None:
    """One error message in red, as written (no markup is read in it)."""
    messages.print(f"Error: {message}", style="red", markup=False, soft_wrap=True)


def tell(message: str, style: str = "") -> None:
    """A remark on standard error."""
    messages.print(message, style=style or None, markup=False, soft_wrap=True)


def say(line: str = "", style: str = "") -> None:
    """A line of the result on standard output, not wrapped and without markup."""
    output.print(line, style=style or None, markup=False, soft_wrap=True)
