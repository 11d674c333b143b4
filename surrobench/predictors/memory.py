"""Whether an array can be had at all, before the system ends the process that fills it."""

from __future__ import annotations

import os

from surrobench.errors import UserError


def check_memory(rows: int, columns: int, what: str) -> None:
    """Refuse a matrix of double precision that is larger than the memory of this machine.

    Args:
        rows: of the matrix.
        columns: of the matrix.
        what: it holds, for the message.

    Raises:
        UserError: with the size, and what to use in its place.
    """
    known = getattr(os, "sysconf_names", {})
    if "SC_PHYS_PAGES" not in known or "SC_PAGE_SIZE" not in known:
        return
    has, needs = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"), 8 * rows * columns
    if needs > has:
        raise UserError(
            f"an exact Gaussian process keeps {what}: {rows:,} x {columns:,} numbers, "
            f"{needs / 2**30:,.1f} GiB of memory where this machine has {has / 2**30:,.1f}. Use "
            "'gp-sparse' (or 'random-forest'), or fewer examples."
        )
