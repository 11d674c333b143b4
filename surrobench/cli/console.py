"""Where the command line prints: results on standard output, everything else on standard error."""

from __future__ import annotations

import codecs
import sys

from rich.console import Console

output = Console(highlight=False, emoji=False)  # what users name is shown as they wrote it
messages = Console(stderr=True, highlight=False, emoji=False)

_SPELT_OUT = {
    "τ": "tau",
    "ρ": "rho",
    "≈": "~",
    "≤": "<=",
    "≥": ">=",
    "±": "+-",
    "×": "x",
    "–": "-",
    "…": "...",
    "†": "+",
    "→": "->",
    "∞": "inf",
}


def print_anything() -> None:
    """Make both streams replace what their encoding does not hold.

    Redirected on Windows, or under the C locale, that is most of Greek and mathematics; nowhere
    does it hold half a surrogate pair, which a file name or an error message may.
    """
    codecs.register_error("surrobench.spelt-out", _spelt_out)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="surrobench.spelt-out")


def _spelt_out(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = "".join(_SPELT_OUT.get(one, "?") for one in error.object[error.start : error.end])
    try:
        text.encode(error.encoding)
    except UnicodeError:
        text = "?" * (error.end - error.start)
    return text, error.end


def complain(message: str) -> None:
    """One error message in red, as written (no markup is read in it)."""
    messages.print(f"Error: {message}", style="red", markup=False, soft_wrap=True)


def tell(message: str, style: str = "") -> None:
    """A remark on standard error."""
    messages.print(message, style=style or None, markup=False, soft_wrap=True)


def say(line: str = "", style: str = "") -> None:
    """A line of the result on standard output, not wrapped and without markup."""
    output.print(line, style=style or None, markup=False, soft_wrap=True)
